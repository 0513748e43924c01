/*
 * doctor-cpus - what interrupts the CPUs of a realtime guest's vCPUs.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cpu-list.h"
#include "host/doctor.h"
#include "host/proc-file.h"

#define IDLE_STATES_MAX 16
#define IDLE_LATENCY_US 10 /* to leave a state: above that a wake-up is seen in the guest */
#define INTERRUPTS_SHOWN 5

static const char *list(const struct hn_set *set, char text[80])
{
	return hn_set_format(set, text, 80);
}

/* CPUs of the set that are not among the others. */
static struct hn_set without(const struct hn_set *set, const struct hn_set *others)
{
	struct hn_set left = *set;

	hn_set_subtract(&left, others);
	return left;
}

static void check_tick(const struct hn_set *cpus, const struct hn_set *tickless, struct hn_checkup *ret)
{
	struct hn_set left = without(cpus, tickless);
	char text[80];

	if (hn_set_empty(&left))
		hn_checkup_put(ret, HN_CHECK_CPU_TICK, HN_FINDING_OK, "all are nohz_full");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_TICK, HN_FINDING_FAIL,
					       "CPUs %s are not nohz_full", list(&left, text)),
				"add them to nohz_full= on the kernel's command line");
}

/* "rcu_nocbs=1-3", or "rcu_nocbs" alone or with "all" for every CPU; nohz_full= offloads its CPUs too (Linux,
 * kernel-parameters.txt). Lists that only the kernel reads, such as "1-N" or "0-7:1/2", tell nothing. */
static int callbacks_read(const char *root, struct hn_set *ret, bool *ret_all, struct hn_error *err)
{
	char text[8192], *at = text, *word;

	*ret_all = false;
	hn_set_clear(ret);
	if (hn_proc_read(text, sizeof(text), root, "proc/cmdline") < 0)
		return hn_fail(err, -EIO, "/proc/cmdline cannot be read");
	while ((word = strsep(&at, " \n"))) {
		if (strcmp(word, "rcu_nocbs") == 0 || strcmp(word, "rcu_nocbs=all") == 0)
			*ret_all = true;
		else if (strncmp(word, "rcu_nocbs=", 10) == 0 && hn_set_parse(word + 10, ret, NULL) < 0)
			return hn_fail(err, -EINVAL, "%.80s is not understood", word);
	}
	return 0;
}

static void check_callbacks(const char *root, const struct hn_set *cpus, const struct hn_set *tickless,
			    struct hn_checkup *ret)
{
	struct hn_set offloaded, left;
	struct hn_error err;
	char text[80];
	bool all;

	if (callbacks_read(root, &offloaded, &all, &err) < 0) {
		hn_checkup_put(ret, HN_CHECK_CPU_CALLBACKS, HN_FINDING_UNKNOWN, "%s", err.message);
		return;
	}
	left = without(cpus, &offloaded);
	hn_set_subtract(&left, tickless);
	if (all || hn_set_empty(&left))
		hn_checkup_put(ret, HN_CHECK_CPU_CALLBACKS, HN_FINDING_OK, "all are taken care of elsewhere");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_CALLBACKS, HN_FINDING_FAIL,
					       "CPUs %s run the kernel's callbacks themselves",
					       list(&left, text)),
				"add them to rcu_nocbs= on the kernel's command line");
}

/* An interrupt that a driver has asked for has a folder of that driver's name. */
static bool interrupt_name(int folder, char *ret, size_t size)
{
	HN_AUTO(directory) DIR *entries = hn_proc_folder_at(folder, ".");
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(ret, size, "%.24s", entry->d_name);
		return true;
	}
	return false;
}

/* Where it goes, else where it may go. */
static bool interrupt_hits(int folder, const struct hn_set *cpus)
{
	char text[4096];
	struct hn_set where = {0};

	if (hn_proc_read_at(folder, "effective_affinity_list", text, sizeof(text)) <= 1 &&
	    hn_proc_read_at(folder, "smp_affinity_list", text, sizeof(text)) <= 1)
		return false;
	if (hn_set_parse(text, &where, NULL) < 0)
		return false;
	hn_set_and(&where, cpus);
	return !hn_set_empty(&where);
}

static void check_interrupts(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	HN_AUTO(fd) int all = hn_proc_open(root, O_DIRECTORY, "proc/irq");
	HN_AUTO(directory) DIR *folder = all < 0 ? NULL : hn_proc_folder_at(all, ".");
	char found[200] = "", name[32], text[80];
	struct dirent *entry;
	unsigned count = 0;

	if (!folder) {
		hn_checkup_put(ret, HN_CHECK_CPU_INTERRUPTS, HN_FINDING_UNKNOWN, "/proc/irq cannot be read");
		return;
	}
	while ((entry = readdir(folder))) {
		size_t used = strlen(found);
		HN_AUTO(fd) int one = -1;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		one = openat(all, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (one < 0 || !interrupt_name(one, name, sizeof(name)) || !interrupt_hits(one, cpus))
			continue;
		if (count++ < INTERRUPTS_SHOWN)
			snprintf(found + used, sizeof(found) - used, "%s%.10s %s", used ? ", " : "",
				 entry->d_name, name);
	}
	if (count == 0)
		hn_checkup_put(ret, HN_CHECK_CPU_INTERRUPTS, HN_FINDING_OK, "none go there");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_INTERRUPTS, HN_FINDING_FAIL,
					       "%u interrupts go to its CPUs: %s%s", count, found,
					       count > INTERRUPTS_SHOWN ? ", ..." : ""),
				"write other CPUs into /proc/irq/N/smp_affinity_list, and %s into "
				"IRQBALANCE_BANNED_CPULIST of /etc/default/irqbalance",
				list(cpus, text));
}

/* CPUs of the set that the watchdog of lockups wakes. */
static struct hn_set watched_cpus(const char *root, const struct hn_set *cpus)
{
	struct hn_set watched = {0};
	uint64_t on = 0;
	char text[4096];

	if (hn_proc_read_u64(&on, root, "proc/sys/kernel/watchdog") < 0 || on == 0 ||
	    hn_proc_read(text, sizeof(text), root, "proc/sys/kernel/watchdog_cpumask") < 0 ||
	    hn_set_parse(text, &watched, NULL) < 0)
		hn_set_clear(&watched);
	hn_set_and(&watched, cpus);
	return watched;
}

static void check_timers(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	static const char *const usable[] = {"tsc", "kvm-clock", "arch_sys_counter"};
	struct hn_set watched = watched_cpus(root, cpus);
	char clock[64], text[80];
	bool good = false;

	if (hn_proc_read(clock, sizeof(clock), root,
			 "sys/devices/system/clocksource/clocksource0/current_clocksource") < 0) {
		hn_checkup_put(ret, HN_CHECK_CPU_TIMERS, HN_FINDING_UNKNOWN,
			       "the clock source cannot be read");
		return;
	}
	clock[strcspn(clock, "\n")] = '\0';
	for (size_t i = 0; i < HN_COUNT(usable); i++)
		good = good || strcmp(clock, usable[i]) == 0;
	if (!good)
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_TIMERS, HN_FINDING_FAIL,
					       "the clock source is %s", clock),
				"see dmesg for why the TSC is not used; tsc=reliable on the kernel's command "
				"line where it is known to be");
	else if (!hn_set_empty(&watched))
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_TIMERS, HN_FINDING_FAIL,
					       "the watchdog wakes CPUs %s", list(&watched, text)),
				"sysctl -w kernel.watchdog=0, or take them out of kernel.watchdog_cpumask");
	else
		hn_checkup_put(ret, HN_CHECK_CPU_TIMERS, HN_FINDING_OK,
			       "the clock source is %s, and no watchdog wakes its CPUs", clock);
}

/* The longest time to leave an idle state that the CPU may use, in us. */
static uint64_t idle_latency(const char *root, int cpu, char *ret_name, size_t size)
{
	uint64_t worst = 0;

	for (int i = 0; i < IDLE_STATES_MAX; i++) {
		uint64_t latency = 0, disabled = 0;

		if (hn_proc_read_u64(&latency, root, "sys/devices/system/cpu/cpu%d/cpuidle/state%d/latency",
				     cpu, i) < 0)
			break;
		(void)hn_proc_read_u64(&disabled, root,
				       "sys/devices/system/cpu/cpu%d/cpuidle/state%d/disable", cpu, i);
		if (disabled || latency <= worst)
			continue;
		worst = latency;
		if (hn_proc_read(ret_name, size, root, "sys/devices/system/cpu/cpu%d/cpuidle/state%d/name",
				 cpu, i) < 0)
			snprintf(ret_name, size, "state%d", i);
		ret_name[strcspn(ret_name, "\n")] = '\0';
	}
	return worst;
}

static void check_idle(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	char name[32] = "", worst_name[32] = "", text[80];
	struct hn_set slow = {0};
	uint64_t worst = 0;

	HN_SET_FOREACH (cpu, cpus) {
		uint64_t latency = idle_latency(root, cpu, name, sizeof(name));

		if (latency > IDLE_LATENCY_US)
			hn_set_add(&slow, cpu);
		if (latency <= worst)
			continue;
		worst = latency;
		memcpy(worst_name, name, sizeof(worst_name));
	}
	if (hn_set_empty(&slow))
		hn_checkup_put(ret, HN_CHECK_CPU_IDLE, HN_FINDING_OK,
			       "no state takes longer than %d us to leave", IDLE_LATENCY_US);
	else
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_CPU_IDLE, HN_FINDING_FAIL,
				       "CPUs %s may sleep in states as deep as %s, which takes %" PRIu64
				       " us to leave",
				       list(&slow, text), worst_name, worst),
			"cpupower -c %s idle-set -D %d", list(&slow, text), IDLE_LATENCY_US);
}

static void check_frequency(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	char governor[32], other[32] = "", text[80];
	struct hn_set saving = {0};

	HN_SET_FOREACH (cpu, cpus) {
		if (hn_proc_read(governor, sizeof(governor), root,
				 "sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu) < 0 ||
		    strncmp(governor, "performance", 11) == 0)
			continue;
		hn_set_add(&saving, cpu);
		snprintf(other, sizeof(other), "%.*s", (int)strcspn(governor, "\n"), governor);
	}
	if (hn_set_empty(&saving))
		hn_checkup_put(ret, HN_CHECK_CPU_FREQUENCY, HN_FINDING_OK,
			       "performance, or not the kernel's to choose");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_FREQUENCY, HN_FINDING_FAIL, "%s for CPUs %s",
					       other, list(&saving, text)),
				"cpupower -c %s frequency-set -g performance", list(&saving, text));
}

/*
 * Since Linux 6.12 it is not sched_rt_runtime_us that keeps a part of each second from realtime threads, but
 * a CPU's fair server, as long as ordinary ones wait there (Documentation/scheduler/sched-rt-group.rst).
 */
static bool has_fair_servers(const char *root)
{
	char text[128];
	unsigned major, minor;

	return hn_proc_read(text, sizeof(text), root, "proc/sys/kernel/osrelease") > 0 &&
	       sscanf(text, "%u.%u", &major, &minor) == 2 && major * 1000 + minor >= 6012;
}

/* Those CPUs of the set whose fair server has a share of them; false when none is told of. */
static bool fair_servers_read(const char *root, const struct hn_set *cpus, struct hn_set *ret)
{
	bool told = false;

	hn_set_clear(ret);
	HN_SET_FOREACH (cpu, cpus) {
		uint64_t runtime;

		if (hn_proc_read_u64(&runtime, root, "sys/kernel/debug/sched/fair_server/cpu%d/runtime",
				     cpu) < 0)
			continue;
		told = true;
		if (runtime > 0)
			hn_set_add(ret, cpu);
	}
	return told;
}

/* True when it is the fair servers that tell. */
static bool check_fair_servers(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	struct hn_set stopped;
	char text[80];

	if (!fair_servers_read(root, cpus, &stopped)) {
		if (!has_fair_servers(root))
			return false;
		hn_checkup_put(ret, HN_CHECK_CPU_THROTTLING, HN_FINDING_UNKNOWN,
			       "fair servers cannot be read in /sys/kernel/debug/sched");
	} else if (hn_set_empty(&stopped)) {
		hn_checkup_put(ret, HN_CHECK_CPU_THROTTLING, HN_FINDING_OK,
			       "realtime threads are not stopped");
	} else {
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_CPU_THROTTLING, HN_FINDING_FAIL,
				       "fair servers of CPUs %s stop realtime threads for others",
				       list(&stopped, text)),
			"echo 0 > /sys/kernel/debug/sched/fair_server/cpuN/runtime, for each of them");
	}
	return true;
}

static void check_throttling(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	char runtime_text[32], period_text[32];
	long runtime, period = 1000000;

	if (check_fair_servers(root, cpus, ret))
		return;
	if (hn_proc_read(runtime_text, sizeof(runtime_text), root, "proc/sys/kernel/sched_rt_runtime_us") <
	    0) {
		hn_checkup_put(ret, HN_CHECK_CPU_THROTTLING, HN_FINDING_UNKNOWN,
			       "sched_rt_runtime_us cannot be read");
		return;
	}
	if (hn_proc_read(period_text, sizeof(period_text), root, "proc/sys/kernel/sched_rt_period_us") > 0)
		period = strtol(period_text, NULL, 10);
	runtime = strtol(runtime_text, NULL, 10);
	if (runtime < 0 || runtime >= period)
		hn_checkup_put(ret, HN_CHECK_CPU_THROTTLING, HN_FINDING_OK,
			       "realtime threads are not stopped");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_CPU_THROTTLING, HN_FINDING_FAIL,
					       "realtime threads are stopped after %ld of %ld us", runtime,
					       period),
				"sysctl -w kernel.sched_rt_runtime_us=-1");
}

void hn_doctor_examine_cpus(const char *root, const struct hn_set *cpus, struct hn_checkup *ret)
{
	struct hn_set tickless = hn_cpu_list_read(root, "nohz_full");

	check_tick(cpus, &tickless, ret);
	check_callbacks(root, cpus, &tickless, ret);
	check_interrupts(root, cpus, ret);
	check_timers(root, cpus, ret);
	check_idle(root, cpus, ret);
	check_frequency(root, cpus, ret);
	check_throttling(root, cpus, ret);
}
