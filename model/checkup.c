#include "model/checkup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/names.h"

static const char *const verdict_names[HN_FINDING_VERDICT_COUNT] = {"ok", "note", "warning", "fail",
								    "cannot-tell"};

static const struct {
	const char *name, *subject, *why;
} checks[HN_CHECK_COUNT] = {
	[HN_CHECK_NODES] =
		{"nodes", "nodes with both CPUs and memory",
		 "A guest can only be brought nearer to its memory where there is more than one place "
		 "for it."},
	[HN_CHECK_MEMORY_ONLY] =
		{"memory-only-nodes", "nodes that lack CPUs or memory",
		 "Memory without CPUs is remote for every guest, and CPUs without memory are "
		 "remote from all of it."},
	[HN_CHECK_KERNEL] = {"kernel", "the release of Linux",
			     "Older kernels hide pages that kernel NUMA balancing has marked, and forget "
			     "affinities when a cpuset changes."},
	[HN_CHECK_NUMA] = {"numa-support", "CONFIG_NUMA and numa=off",
			   "Without NUMA the kernel neither tells where pages are nor moves them."},
	[HN_CHECK_PRESSURE] = {"pressure", "/proc/pressure (CONFIG_PSI)",
			       "Pressure tells memory that is short from memory that is merely full."},
	[HN_CHECK_BALANCING] =
		{"kernel-balancing", "kernel.numa_balancing",
		 "Kernel NUMA balancing moves pages that homenode has placed, and makes guests "
		 "fault to find out where they run."},
	[HN_CHECK_ZONE_RECLAIM] =
		{"zone-reclaim", "vm.zone_reclaim_mode",
		 "With it the kernel drops caches of a full node, and stalls, rather than use "
		 "another node's free memory."},
	[HN_CHECK_THP] = {"transparent-huge-pages", "/sys/kernel/mm/transparent_hugepage/enabled",
			  "Huge pages are moved in fewer steps and make a guest's page tables short."},
	[HN_CHECK_KSM] =
		{"same-page-merging", "/sys/kernel/mm/ksm: run, merge_across_nodes",
		 "A page merged across nodes is remote for all guests but those of one node, and cannot "
		 "be moved for one of them."},
	[HN_CHECK_HUGE_PAGES] =
		{"huge-pages", "pools of huge pages, node by node",
		 "A guest of huge pages can only live where its node's pool has room, whatever "
		 "memory is free."},
	[HN_CHECK_SWAP] =
		{"swap", "/proc/swaps",
		 "Swapped pages are on no node, and come back on that of whoever touches them first."},
	[HN_CHECK_ISOLATED_CPUS] =
		{"isolated-cpus", "isolcpus= and nohz_full= against reserved_cpus",
		 "Isolated CPUs are kept for realtime guests, while what is reserved is for "
		 "the host's own threads, which the scheduler does not put there."},
	[HN_CHECK_MOVES] =
		{"moves", "threads of a realtime class, and movers that one holds up",
		 "A call that moves pages waits for every CPU: a realtime thread that never leaves its own "
		 "holds it up for as long."},
	[HN_CHECK_IRQBALANCE] =
		{"irqbalance", "irqbalance, and the CPUs it keeps off",
		 "Interrupts on an isolated CPU interrupt a realtime guest, and without a balancer "
		 "they stay where drivers put them."},
	[HN_CHECK_RIGHTS] = {"rights",
			     "CAP_SYS_NICE, CAP_SYS_PTRACE and CAP_SYS_ADMIN of homenode-host, and its nodes",
			     "It moves and binds what belongs to other users, and reads where the kernel put "
			     "pages."},
	[HN_CHECK_CGROUPS] =
		{"cgroups", "the cpuset controller",
		 "A guest's cpuset limits its nodes: where homenode cannot widen it, pages cannot "
		 "move to another node."},
	[HN_CHECK_HOOK] =
		{"libvirt-hook", "homenode-hook in /etc/libvirt/hooks/qemu.d",
		 "libvirt asks the hook before a guest starts; without it a guest is placed only after "
		 "its memory has been allocated."},
	[HN_CHECK_NUMAD] =
		{"libvirt-numad", "/usr/bin/numad, which libvirt asks for placement='auto'",
		 "Debian's numad keeps no reservations: guests that start together get the same nodes."},
	[HN_CHECK_NUMAD_RUNNING] =
		{"numad-running", "a numad that runs as a daemon",
		 "Two services that bind and move the same guests undo each other's work."},
	[HN_CHECK_QEMU_VERSION] = {"qemu-version", "the QEMUs behind the guests' monitors",
				   "Before 5.2 QEMU does not tell all that placement needs to know."},
	[HN_CHECK_STRANGERS] =
		{"strangers", "QEMUs on this host that homenode does not manage",
		 "They take CPUs and memory that homenode does not plan with, and stay where they "
		 "are."},
	[HN_CHECK_VCPU_CORES] =
		{"vcpu-cores", "the CPU of each vCPU, and who may run on its core",
		 "What shares a core with a vCPU takes its time, and as an SMT sibling a part of "
		 "its speed."},
	[HN_CHECK_VCPU_ISOLATION] =
		{"vcpu-isolation", "whether the vCPUs' CPUs are isolated (isolcpus=)",
		 "On other CPUs the scheduler puts whatever else wants to run beside a realtime vCPU."},
	[HN_CHECK_VCPU_SCHEDULER] =
		{"vcpu-scheduler", "the scheduling policy of the vCPUs' threads",
		 "Without SCHED_FIFO or SCHED_RR any kernel thread of the CPU may take turns "
		 "with the vCPU."},
	[HN_CHECK_EMULATOR_CPUS] = {"emulator-cpus", "the CPUs of emulator, I/O threads and vhost workers",
				    "On a vCPU's CPU they wait for it, or it waits for them; on another node "
				    "every request of the "
				    "guest's crosses nodes."},
	[HN_CHECK_GUEST_NODES] = {"guest-nodes", "where each cell's vCPUs run and its memory lies",
				  "Memory on another node is slower, and slower by a varying amount."},
	[HN_CHECK_DEVICES_NEAR] = {"devices-near", "the nodes of the host's devices that the guest uses",
				   "DMA and interrupts of a device on another node cross nodes."},
	[HN_CHECK_MEMORY_PAGES] = {"memory-pages", "the size of the pages behind the guest's memory",
				   "A miss in the TLB walks two page tables; huge pages make both short, and "
				   "those of a pool stay huge."},
	[HN_CHECK_MEMORY_THERE] =
		{"memory-there", "memory that was never touched",
		 "The first touch of a page faults into the host and waits for a page to be "
		 "found and cleared."},
	[HN_CHECK_MEMORY_LOCKED] =
		{"memory-locked", "locked memory (VmLck), or pages of a pool",
		 "What is not locked can be swapped, split and reclaimed while the guest runs."},
	[HN_CHECK_MEMORY_MOVES] =
		{"memory-moves", "what pins or encrypts the guest's memory",
		 "Memory that cannot be moved decides where its vCPUs must run; docs/memory.md "
		 "tells of each kind."},
	[HN_CHECK_MEMORY_MERGING] =
		{"memory-merging", "same-page merging (KSM) of the guest's pages",
		 "A write to a merged page faults, and where the one copy lies is chance."},
	[HN_CHECK_MEMORY_BALANCING] = {"memory-balancing",
				       "whether kernel NUMA balancing looks at the guest's memory",
				       "It takes the guest's pages away to see who comes for them, and each "
				       "costs the vCPU a fault."},
	[HN_CHECK_MEMORY_SWAPPED] = {"memory-swapped",
				     "the guest's pages in swap (VmSwap, memory.swap.current)",
				     "A vCPU that touches one waits for a disk."},
	[HN_CHECK_CPU_TICK] =
		{"cpu-tick", "nohz_full= of the vCPUs' CPUs",
		 "Without it the scheduler's tick interrupts the guest up to a thousand times a "
		 "second."},
	[HN_CHECK_CPU_CALLBACKS] = {"cpu-callbacks", "rcu_nocbs= of the vCPUs' CPUs",
				    "Without it the kernel's deferred work (RCU) runs on the guest's CPUs."},
	[HN_CHECK_CPU_INTERRUPTS] =
		{"cpu-interrupts", "devices' interrupts on the vCPUs' CPUs",
		 "Each leaves the guest, and those of other guests' devices are not even its "
		 "own."},
	[HN_CHECK_CPU_TIMERS] =
		{"cpu-timers", "the clock source, and the watchdogs on the vCPUs' CPUs",
		 "Without a usable TSC each reading of the clock is slow, and a watchdog wakes "
		 "its CPU now and then."},
	[HN_CHECK_CPU_IDLE] = {"cpu-idle-states", "idle states of the vCPUs' CPUs that take long to leave",
			       "A vCPU that has slept wakes only when its CPU has."},
	[HN_CHECK_CPU_FREQUENCY] = {"cpu-frequency", "the frequency governor of the vCPUs' CPUs",
				    "A governor that saves power lets the CPU start slowly after each rest."},
	[HN_CHECK_CPU_THROTTLING] =
		{"realtime-throttling", "kernel.sched_rt_runtime_us, or fair servers (Linux 6.12)",
		 "A realtime thread that never sleeps is stopped for the rest of each second."},
};

const char *hn_check_name(enum hn_check check)
{
	return (size_t)check < HN_CHECK_COUNT ? checks[check].name : "?";
}

int hn_check_parse(const char *text, enum hn_check *ret, struct hn_error *err)
{
	for (size_t i = 0; i < HN_CHECK_COUNT; i++) {
		if (strcmp(checks[i].name, text) == 0) {
			*ret = (enum hn_check)i;
			return 0;
		}
	}
	return hn_fail(err, -EINVAL, "unknown check '%.40s': homenode check --list tells which there are",
		       text);
}

const char *hn_check_subject(enum hn_check check)
{
	return checks[check].subject;
}

const char *hn_check_why(enum hn_check check)
{
	return checks[check].why;
}

const char *hn_finding_verdict_name(enum hn_finding_verdict verdict)
{
	return hn_name_of(verdict_names, HN_COUNT(verdict_names), (size_t)verdict);
}

int hn_finding_verdict_parse(const char *text, enum hn_finding_verdict *ret, struct hn_error *err)
{
	int r = hn_name_parse(verdict_names, HN_COUNT(verdict_names), "verdict", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_finding_verdict)r;
	return 0;
}

struct hn_finding *hn_checkup_put(struct hn_checkup *checkup, enum hn_check check,
				  enum hn_finding_verdict verdict, const char *format, ...)
{
	struct hn_finding *finding;
	size_t at = 0;
	va_list arguments;

	while (at < checkup->count && checkup->findings[at].check < check)
		at++;
	finding = &checkup->findings[at];
	if (at == checkup->count || finding->check != check) {
		memmove(finding + 1, finding, (checkup->count - at) * sizeof(*finding));
		checkup->count++;
	}
	memset(finding, 0, sizeof(*finding));
	finding->check = check;
	finding->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(finding->found, sizeof(finding->found), format, arguments);
	va_end(arguments);
	return finding;
}

void hn_finding_mend(struct hn_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->remedy, sizeof(finding->remedy), format, arguments);
	va_end(arguments);
}

const struct hn_finding *hn_checkup_find(const struct hn_checkup *checkup, enum hn_check check)
{
	for (size_t i = 0; i < checkup->count; i++)
		if (checkup->findings[i].check == check)
			return &checkup->findings[i];
	return NULL;
}
