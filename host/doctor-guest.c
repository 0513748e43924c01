/*
 * doctor-guest - what the kernel may do to one guest's memory while it runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "host/cgroups.h"
#include "host/doctor.h"
#include "host/proc-file.h"

static enum hn_finding_verdict bad(const struct hn_doctor_guest *guest)
{
	return guest->realtime ? HN_FINDING_FAIL : HN_FINDING_WARNING;
}

/*
 * How many pages of it are merged, and whether more may be: 1, 0, or -1 when the kernel does not tell.
 * ksm_stat tells both since Linux 6.15, of the pages since 6.1; ksm_merging_pages since 5.18.
 */
static int merging_read(const char *root, pid_t pid, uint64_t *ret_pages)
{
	char text[1024], *at;

	*ret_pages = 0;
	if (hn_proc_read(text, sizeof(text), root, "proc/%d/ksm_stat", (int)pid) > 0) {
		at = strstr(text, "ksm_merging_pages ");
		if (at)
			*ret_pages = strtoull(at + strlen("ksm_merging_pages "), NULL, 10);
		at = strstr(text, "ksm_mergeable: ");
		if (at)
			return strncmp(at + strlen("ksm_mergeable: "), "yes", 3) == 0;
	}
	if (*ret_pages == 0)
		(void)hn_proc_read_u64(ret_pages, root, "proc/%d/ksm_merging_pages", (int)pid);
	return -1;
}

static void check_merging(const char *root, const struct hn_doctor_guest *guest, struct hn_checkup *ret)
{
	static const char remedy[] =
		"<memoryBacking><nosharepages/></memoryBacking> in the domain, or -machine "
		"mem-merge=off; for all guests: echo 2 > /sys/kernel/mm/ksm/run";
	struct hn_finding *finding = NULL;
	uint64_t run = 0, pages;
	int may = merging_read(root, guest->process.pid, &pages);
	int r = hn_proc_read_u64(&run, root, "sys/kernel/mm/ksm/run");

	if (r < 0 && r != -ENOENT)
		hn_checkup_put(ret, HN_CHECK_MEMORY_MERGING, HN_FINDING_UNKNOWN,
			       "/sys/kernel/mm/ksm/run cannot be read: %s", strerror(-r));
	else if (pages > 0)
		finding = hn_checkup_put(ret, HN_CHECK_MEMORY_MERGING, bad(guest),
					 "%" PRIu64 " of its pages are merged with others", pages);
	else if (run != 1)
		hn_checkup_put(ret, HN_CHECK_MEMORY_MERGING, HN_FINDING_OK, "nothing is being merged");
	else if (may == 0)
		hn_checkup_put(ret, HN_CHECK_MEMORY_MERGING, HN_FINDING_OK, "its memory is not to be merged");
	else
		finding = hn_checkup_put(
			ret, HN_CHECK_MEMORY_MERGING, bad(guest),
			may > 0 ? "KSM runs, and its memory may be merged"
				: "KSM runs, and the kernel does not tell whether its memory may "
				  "be merged");
	if (finding)
		hn_finding_mend(finding, "%s", remedy);
}

static void check_balancing(const char *root, const struct hn_doctor_guest *guest, struct hn_checkup *ret)
{
	uint64_t on = 0;
	int r = hn_proc_read_u64(&on, root, "proc/sys/kernel/numa_balancing");

	if (r < 0 && r != -ENOENT)
		hn_checkup_put(ret, HN_CHECK_MEMORY_BALANCING, HN_FINDING_UNKNOWN,
			       "/proc/sys/kernel/numa_balancing cannot be read: %s", strerror(-r));
	else if (on == 0)
		hn_checkup_put(ret, HN_CHECK_MEMORY_BALANCING, HN_FINDING_OK, "kernel balancing is off");
	else if (guest->bound)
		hn_checkup_put(ret, HN_CHECK_MEMORY_BALANCING, HN_FINDING_OK,
			       "on, and passes by memory that is bound or of huge pages, as all of it is");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_MEMORY_BALANCING, bad(guest),
					       "kernel balancing is on, and its memory is not bound"),
				"sysctl -w kernel.numa_balancing=0, or <numatune> with mode='strict' in the "
				"domain");
}

/* What the guest's control group has in swap, its helpers and shared memory included, which VmSwap leaves out
 * (Linux, proc.rst). */
static bool group_swap_read(const char *root, const struct hn_process *process, uint64_t *ret)
{
	struct hn_cgroups cgroups;
	char group[HN_CGROUP_MAX];

	return hn_cgroup_of_guest(root, process, &cgroups, group) &&
	       hn_proc_read_u64(ret, root, "%s%s/memory.swap.current", cgroups.mount + 1, group) == 0;
}

static void check_swapped(const char *root, const struct hn_doctor_guest *guest, struct hn_checkup *ret)
{
	char status[16384], size[HN_UNITS_TEXT_MAX], *at;
	ssize_t length =
		hn_proc_read(status, sizeof(status), root, "proc/%d/status", (int)guest->process.pid);
	uint64_t bytes, group_bytes = 0;
	bool whole = group_swap_read(root, &guest->process, &group_bytes);

	at = length < 0 ? NULL : strstr(status, "\nVmSwap:");
	if (!at) {
		hn_checkup_put(ret, HN_CHECK_MEMORY_SWAPPED, HN_FINDING_UNKNOWN, "VmSwap cannot be read: %s",
			       strerror(length < 0 ? (int)-length : EPROTO));
		return;
	}
	bytes = strtoull(at + strlen("\nVmSwap:"), NULL, 10) * HN_KIB;
	if (bytes < group_bytes)
		bytes = group_bytes;
	if (bytes == 0)
		hn_checkup_put(ret, HN_CHECK_MEMORY_SWAPPED, HN_FINDING_OK, "%s is in swap",
			       whole ? "nothing" : "no private memory");
	else
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_MEMORY_SWAPPED, bad(guest), "%s are in swap",
				       hn_bytes_format(bytes, size, sizeof(size))),
			"swapoff -a, when there is memory for what is in it; <memoryBacking><locked/> in "
			"the domain keeps it out");
}

void hn_doctor_examine_guest(const char *root, const struct hn_doctor_guest *guest, struct hn_checkup *ret)
{
	check_merging(root, guest, ret);
	check_balancing(root, guest, ret);
	check_swapped(root, guest, ret);
	if (guest->realtime)
		hn_doctor_examine_cpus(root, &guest->cpus, ret);
}
