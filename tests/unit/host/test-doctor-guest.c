/* Each condition of a guest's process and CPUs, on files made up for it. CPUs 4 and 5 are its vCPUs'. */
#include "host/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tree.h"

#define NO_FILE NULL
#define KSM "sys/kernel/mm/ksm/run"
#define CPU5 "sys/devices/system/cpu/cpu5/"
#define FAIR "sys/kernel/debug/sched/fair_server/"
#define CLOCK "sys/devices/system/clocksource/clocksource0/current_clocksource"

/* libvirt's control group of it */
#define OWN "/machine.slice/machine-qemu1.scope"
#define MOUNT "proc/self/mountinfo", "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n"
#define GROUP "proc/100/cgroup", "0::" OWN "/libvirt\n"
#define SWAP "cg" OWN "/memory.swap.current"

struct file {
	const char *path, *text;
};

/* What some files, or their absence, make of one check. */
struct knob {
	enum hn_check check;
	struct file files[4];
	enum hn_finding_verdict verdict;
	const char *found, *remedy; /* parts of them */
};

static const struct knob knobs[] = {
	{HN_CHECK_MEMORY_MERGING, {{NO_FILE}}, HN_FINDING_OK, "nothing", ""},
	{HN_CHECK_MEMORY_MERGING, {{KSM, "0\n"}}, HN_FINDING_OK, "nothing", ""},
	{HN_CHECK_MEMORY_MERGING, {{KSM, "1\n"}}, HN_FINDING_FAIL, "does not tell", "nosharepages"},
	{HN_CHECK_MEMORY_MERGING,
	 {{KSM, "1\n"}, {"proc/100/ksm_stat", "ksm_merging_pages 0\nksm_mergeable: no\n"}},
	 HN_FINDING_OK,
	 "not to be merged",
	 ""},
	{HN_CHECK_MEMORY_MERGING,
	 {{KSM, "1\n"}, {"proc/100/ksm_stat", "ksm_merging_pages 0\nksm_mergeable: yes\n"}},
	 HN_FINDING_FAIL,
	 "may be merged",
	 "mem-merge=off"},
	{HN_CHECK_MEMORY_MERGING,
	 {{KSM, "0\n"}, {"proc/100/ksm_merging_pages", "77\n"}},
	 HN_FINDING_FAIL,
	 "77 of its pages",
	 "echo 2"},
	{HN_CHECK_MEMORY_BALANCING, {{"proc/sys/kernel/numa_balancing", "0\n"}}, HN_FINDING_OK, "off", ""},
	{HN_CHECK_MEMORY_BALANCING,
	 {{"proc/sys/kernel/numa_balancing", "1\n"}},
	 HN_FINDING_FAIL,
	 "on",
	 "kernel.numa_balancing=0"},
	{HN_CHECK_MEMORY_SWAPPED,
	 {{"proc/100/status", "Name:\tq\nVmSwap:\t0 kB\n"}},
	 HN_FINDING_OK,
	 "no private memory is in swap",
	 ""},
	{HN_CHECK_MEMORY_SWAPPED,
	 {{"proc/100/status", "Name:\tq\nVmSwap:\t3072 kB\n"}},
	 HN_FINDING_FAIL,
	 "3 MiB",
	 "<locked/>"},
	{HN_CHECK_MEMORY_SWAPPED, /* VmSwap leaves shared memory out (Linux, proc.rst) */
	 {{"proc/100/status", "Name:\tq\nVmSwap:\t0 kB\n"}, {MOUNT}, {GROUP}, {SWAP, "3145728\n"}},
	 HN_FINDING_FAIL,
	 "3 MiB",
	 "<locked/>"},
	{HN_CHECK_MEMORY_SWAPPED, /* what was swapped before it came into the group */
	 {{"proc/100/status", "Name:\tq\nVmSwap:\t4096 kB\n"}, {MOUNT}, {GROUP}, {SWAP, "3145728\n"}},
	 HN_FINDING_FAIL,
	 "4 MiB",
	 "<locked/>"},
	{HN_CHECK_MEMORY_SWAPPED,
	 {{"proc/100/status", "Name:\tq\nVmSwap:\t0 kB\n"}, {MOUNT}, {GROUP}, {SWAP, "0\n"}},
	 HN_FINDING_OK,
	 "nothing is in swap",
	 ""},
	{HN_CHECK_MEMORY_SWAPPED, {{NO_FILE}}, HN_FINDING_UNKNOWN, "VmSwap", ""},
	{HN_CHECK_CPU_TICK, {{"sys/devices/system/cpu/nohz_full", "4-7\n"}}, HN_FINDING_OK, "", ""},
	{HN_CHECK_CPU_TICK,
	 {{"sys/devices/system/cpu/nohz_full", "5-7\n"}},
	 HN_FINDING_FAIL,
	 "CPUs 4 are not",
	 "nohz_full="},
	{HN_CHECK_CPU_TICK,
	 {{"sys/devices/system/cpu/nohz_full", " (null)\n"}},
	 HN_FINDING_FAIL,
	 "CPUs 4-5",
	 ""},
	{HN_CHECK_CPU_CALLBACKS, {{"proc/cmdline", "quiet rcu_nocbs=4-5\n"}}, HN_FINDING_OK, "", ""},
	{HN_CHECK_CPU_CALLBACKS, {{"proc/cmdline", "rcu_nocbs quiet\n"}}, HN_FINDING_OK, "", ""},
	{HN_CHECK_CPU_CALLBACKS,
	 {{"proc/cmdline", "quiet rcu_nocbs=4\n"}},
	 HN_FINDING_FAIL,
	 "CPUs 5 run",
	 "rcu_nocbs="},
	{HN_CHECK_CPU_CALLBACKS, /* what is nohz_full needs no word of its own */
	 {{"proc/cmdline", "quiet\n"}, {"sys/devices/system/cpu/nohz_full", "4-5\n"}},
	 HN_FINDING_OK,
	 "",
	 ""},
	{HN_CHECK_CPU_CALLBACKS, /* what is not understood is not taken for none */
	 {{"proc/cmdline", "quiet rcu_nocbs=2-N\n"}},
	 HN_FINDING_UNKNOWN,
	 "rcu_nocbs=2-N",
	 ""},
	{HN_CHECK_CPU_CALLBACKS, {{NO_FILE}}, HN_FINDING_UNKNOWN, "cmdline", ""},
	{HN_CHECK_CPU_INTERRUPTS, {{NO_FILE}}, HN_FINDING_UNKNOWN, "/proc/irq", ""},
	{HN_CHECK_CPU_INTERRUPTS,
	 {{"proc/irq/24/smp_affinity_list", "0-7\n"}, /* nobody's */
	  {"proc/irq/25/smp_affinity_list", "0-3\n"},
	  {"proc/irq/25/eth0/x", ""}},
	 HN_FINDING_OK,
	 "none",
	 ""},
	{HN_CHECK_CPU_INTERRUPTS,
	 {{"proc/irq/25/smp_affinity_list", "0-7\n"}, {"proc/irq/25/eth0/x", ""}},
	 HN_FINDING_FAIL,
	 "1 interrupts go to its CPUs: 25 eth0",
	 "IRQBALANCE_BANNED_CPULIST"},
	{HN_CHECK_CPU_INTERRUPTS, /* where it goes counts, not where it may */
	 {{"proc/irq/25/smp_affinity_list", "0-7\n"},
	  {"proc/irq/25/effective_affinity_list", "2\n"},
	  {"proc/irq/25/eth0/x", ""}},
	 HN_FINDING_OK,
	 "none",
	 ""},
	{HN_CHECK_CPU_TIMERS, {{CLOCK, "tsc\n"}}, HN_FINDING_OK, "tsc", ""},
	{HN_CHECK_CPU_TIMERS, {{CLOCK, "hpet\n"}}, HN_FINDING_FAIL, "hpet", "tsc=reliable"},
	{HN_CHECK_CPU_TIMERS,
	 {{CLOCK, "tsc\n"},
	  {"proc/sys/kernel/watchdog", "1\n"},
	  {"proc/sys/kernel/watchdog_cpumask", "0-4\n"}},
	 HN_FINDING_FAIL,
	 "the watchdog wakes CPUs 4",
	 "kernel.watchdog=0"},
	{HN_CHECK_CPU_TIMERS,
	 {{CLOCK, "tsc\n"},
	  {"proc/sys/kernel/watchdog", "0\n"},
	  {"proc/sys/kernel/watchdog_cpumask", "0-7\n"}},
	 HN_FINDING_OK,
	 "",
	 ""},
	{HN_CHECK_CPU_IDLE, {{NO_FILE}}, HN_FINDING_OK, "", ""},
	{HN_CHECK_CPU_IDLE,
	 {{CPU5 "cpuidle/state0/latency", "2\n"},
	  {CPU5 "cpuidle/state1/latency", "133\n"},
	  {CPU5 "cpuidle/state1/name", "C6\n"}},
	 HN_FINDING_FAIL,
	 "CPUs 5 may sleep in states as deep as C6, which takes 133 us",
	 "cpupower -c 5 idle-set"},
	{HN_CHECK_CPU_IDLE,
	 {{CPU5 "cpuidle/state0/latency", "2\n"},
	  {CPU5 "cpuidle/state1/latency", "133\n"},
	  {CPU5 "cpuidle/state1/disable", "1\n"}},
	 HN_FINDING_OK,
	 "",
	 ""},
	{HN_CHECK_CPU_FREQUENCY, {{NO_FILE}}, HN_FINDING_OK, "", ""},
	{HN_CHECK_CPU_FREQUENCY,
	 {{CPU5 "cpufreq/scaling_governor", "schedutil\n"}},
	 HN_FINDING_FAIL,
	 "schedutil for CPUs 5",
	 "-g performance"},
	{HN_CHECK_CPU_FREQUENCY,
	 {{CPU5 "cpufreq/scaling_governor", "performance\n"}},
	 HN_FINDING_OK,
	 "performance",
	 ""},
	{HN_CHECK_CPU_THROTTLING,
	 {{"proc/sys/kernel/sched_rt_runtime_us", "950000\n"}},
	 HN_FINDING_FAIL,
	 "after 950000 of 1000000 us",
	 "sched_rt_runtime_us=-1"},
	{HN_CHECK_CPU_THROTTLING, {{"proc/sys/kernel/sched_rt_runtime_us", "-1\n"}}, HN_FINDING_OK, "", ""},
	{HN_CHECK_CPU_THROTTLING,
	 {{"proc/sys/kernel/sched_rt_runtime_us", "950000\n"},
	  {"proc/sys/kernel/sched_rt_period_us", "950000\n"}},
	 HN_FINDING_OK,
	 "",
	 ""},
	{HN_CHECK_CPU_THROTTLING, /* since 6.12 each CPU's fair server stops them, whatever that says */
	 {{"proc/sys/kernel/sched_rt_runtime_us", "-1\n"},
	  {FAIR "cpu4/runtime", "0\n"},
	  {FAIR "cpu5/runtime", "50000000\n"}},
	 HN_FINDING_FAIL,
	 "fair servers of CPUs 5",
	 "fair_server/cpuN/runtime"},
	{HN_CHECK_CPU_THROTTLING,
	 {{"proc/sys/kernel/sched_rt_runtime_us", "950000\n"},
	  {FAIR "cpu4/runtime", "0\n"},
	  {FAIR "cpu5/runtime", "0\n"},
	  {FAIR "cpu6/runtime", "50000000\n"}},
	 HN_FINDING_OK,
	 "not stopped",
	 ""},
	{HN_CHECK_CPU_THROTTLING,
	 {{"proc/sys/kernel/sched_rt_runtime_us", "-1\n"}, {"proc/sys/kernel/osrelease", "6.12.0\n"}},
	 HN_FINDING_UNKNOWN,
	 "fair servers",
	 ""},
	{HN_CHECK_CPU_THROTTLING,
	 {{"proc/sys/kernel/sched_rt_runtime_us", "-1\n"}, {"proc/sys/kernel/osrelease", "6.11.9\n"}},
	 HN_FINDING_OK,
	 "",
	 ""},
};

static struct hn_doctor_guest realtime_guest(void)
{
	struct hn_doctor_guest guest = {.process = {.pid = 100, .start_ticks = 1}, .realtime = 1};

	hn_set_add(&guest.cpus, 4);
	hn_set_add(&guest.cpus, 5);
	return guest;
}

static void each_knob_has_its_verdict(void **state)
{
	const struct hn_doctor_guest guest = realtime_guest();

	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		const struct knob *knob = &knobs[i];
		struct hn_checkup checkup = {0};
		const struct hn_finding *finding;
		struct tree tree;

		tree_init(&tree);
		tree_write_process(&tree, 100, 1);
		for (size_t j = 0; j < HN_COUNT(knob->files) && knob->files[j].path; j++)
			tree_write(&tree, knob->files[j].path, "%s", knob->files[j].text);
		hn_doctor_examine_guest(tree.root, &guest, &checkup);
		finding = hn_checkup_find(&checkup, knob->check);
		assert_non_null(finding);
		if (finding->verdict != knob->verdict || !strstr(finding->found, knob->found) ||
		    !strstr(finding->remedy, knob->remedy) ||
		    (!*knob->remedy && !*knob->found && finding->remedy[0]))
			fail_msg("%zu %s: %s, '%s', '%s'", i, hn_check_name(finding->check),
				 hn_finding_verdict_name(finding->verdict), finding->found, finding->remedy);
		tree_done(&tree);
	}
}

/* Of others a warning is the worst, and nobody looks at their CPUs. */
static void other_guests_are_asked_for_less(void **state)
{
	struct hn_doctor_guest guest = realtime_guest();
	struct hn_checkup checkup = {0};
	struct tree tree;

	guest.realtime = 0;
	tree_init(&tree);
	tree_write(&tree, "proc/sys/kernel/numa_balancing", "1\n");
	tree_write(&tree, "proc/100/status", "VmSwap:\t0 kB\n");
	hn_doctor_examine_guest(tree.root, &guest, &checkup);
	assert_int_equal(checkup.count, 3);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_MEMORY_BALANCING)->verdict, HN_FINDING_WARNING);
	guest.bound = 1;
	hn_doctor_examine_guest(tree.root, &guest, &checkup);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_MEMORY_BALANCING)->verdict, HN_FINDING_OK);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_knob_has_its_verdict),
		cmocka_unit_test(other_guests_are_asked_for_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
