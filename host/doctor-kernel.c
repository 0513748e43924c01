/*
 * doctor-kernel - the kernel's release, what it was built with, and its settings.
 *
 * What a setting's absence means is each file's own: a kernel without CONFIG_KSM has no ksm folder, and
 * merges nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/doctor.h"
#include "host/proc-file.h"

#define THP_PATH "sys/kernel/mm/transparent_hugepage/enabled"

static void put_unreadable(struct hn_checkup *ret, enum hn_check check, const char *path, int error)
{
	hn_checkup_put(ret, check, HN_FINDING_UNKNOWN, "/%s cannot be read: %s", path, strerror(-error));
}

/* Releases are compared as 1000 * major + minor. See docs/host.md for what changed when. */
static void check_kernel(const char *root, struct hn_checkup *ret)
{
	static const char path[] = "proc/sys/kernel/osrelease";
	struct hn_finding *finding = NULL;
	unsigned major, minor;
	char text[128];
	ssize_t length = hn_proc_read(text, sizeof(text), root, path);

	if (length < 0 || sscanf(text, "%u.%u", &major, &minor) != 2) {
		put_unreadable(ret, HN_CHECK_KERNEL, path, length < 0 ? (int)length : -EPROTO);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	if (major * 1000 + minor < 5006)
		finding = hn_checkup_put(ret, HN_CHECK_KERNEL, HN_FINDING_WARNING,
					 "Linux %.60s is older than 5.6: guests in containers are not found",
					 text);
	else if (major * 1000 + minor < 6002)
		finding =
			hn_checkup_put(ret, HN_CHECK_KERNEL, HN_FINDING_NOTE,
				       "Linux %.60s loses affinities when a cpuset changes (before 6.2), and "
				       "hides pages marked by kernel balancing (before 6.12)",
				       text);
	else if (major * 1000 + minor < 6012)
		finding = hn_checkup_put(ret, HN_CHECK_KERNEL, HN_FINDING_NOTE,
					 "Linux %.60s hides pages marked by kernel balancing (before 6.12)",
					 text);
	else
		hn_checkup_put(ret, HN_CHECK_KERNEL, HN_FINDING_OK, "Linux %.60s", text);
	if (finding)
		hn_finding_mend(finding, "apt install -t bookworm-backports linux-image-amd64");
}

/* Whether the kernel was started with that word. */
static bool is_told(const char *root, const char *word)
{
	char text[8192], *at = text, *said;

	if (hn_proc_read(text, sizeof(text), root, "proc/cmdline") < 0)
		return false;
	while ((said = strsep(&at, " \n")))
		if (strcmp(said, word) == 0)
			return true;
	return false;
}

/* With numa=off there is a node, which spans all memory (Linux, boot-options.rst). */
static void check_numa(const char *root, struct hn_checkup *ret)
{
	char text[1024];
	ssize_t length = hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/online");

	if (length >= 0 && is_told(root, "numa=off"))
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_NUMA, HN_FINDING_FAIL,
				       "the kernel was started with numa=off: all memory is one node's"),
			"take numa=off from the kernel's command line");
	else if (length >= 0)
		hn_checkup_put(ret, HN_CHECK_NUMA, HN_FINDING_OK, "the kernel knows of nodes");
	else if (length == -ENOENT)
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_NUMA, HN_FINDING_FAIL,
					       "the kernel was built without CONFIG_NUMA"),
				"use a kernel built with NUMA");
	else
		put_unreadable(ret, HN_CHECK_NUMA, "sys/devices/system/node/online", (int)length);
}

static void check_pressure(const char *root, struct hn_checkup *ret)
{
	char text[1024];
	ssize_t length = hn_proc_read(text, sizeof(text), root, "proc/pressure/memory");

	if (length >= 0)
		hn_checkup_put(ret, HN_CHECK_PRESSURE, HN_FINDING_OK, "the kernel tells of pressure");
	else if (length == -ENOENT || length == -EOPNOTSUPP)
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_PRESSURE, HN_FINDING_NOTE,
					       "the kernel does not tell of pressure"),
				"add psi=1 to the kernel's command line");
	else
		put_unreadable(ret, HN_CHECK_PRESSURE, "proc/pressure/memory", (int)length);
}

static void check_balancing(const char *root, struct hn_checkup *ret)
{
	uint64_t value = 0;
	int r = hn_proc_read_u64(&value, root, "proc/sys/kernel/numa_balancing");

	if (r < 0 && r != -ENOENT)
		put_unreadable(ret, HN_CHECK_BALANCING, "proc/sys/kernel/numa_balancing", r);
	else if (r == -ENOENT)
		hn_checkup_put(ret, HN_CHECK_BALANCING, HN_FINDING_OK, "the kernel has none");
	else if (value == 0)
		hn_checkup_put(ret, HN_CHECK_BALANCING, HN_FINDING_OK, "off");
	else
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_BALANCING, HN_FINDING_WARNING,
				       "on (%" PRIu64 "): it moves what is placed here", value),
			"sysctl -w kernel.numa_balancing=0, or kernel_balancing = off-while-enforcing "
			"in homenode.conf");
}

static void check_zone_reclaim(const char *root, struct hn_checkup *ret)
{
	uint64_t value = 0;
	int r = hn_proc_read_u64(&value, root, "proc/sys/vm/zone_reclaim_mode");

	if (r < 0 && r != -ENOENT)
		put_unreadable(ret, HN_CHECK_ZONE_RECLAIM, "proc/sys/vm/zone_reclaim_mode", r);
	else if (value == 0)
		hn_checkup_put(ret, HN_CHECK_ZONE_RECLAIM, HN_FINDING_OK, "off");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_ZONE_RECLAIM, HN_FINDING_WARNING,
					       "on (%" PRIu64 ")", value),
				"sysctl -w vm.zone_reclaim_mode=0");
}

/* "always [madvise] never": QEMU asks for huge pages with madvise by itself. */
static void check_thp(const char *root, struct hn_checkup *ret)
{
	char text[256], *open, *close;
	ssize_t length = hn_proc_read(text, sizeof(text), root, THP_PATH);

	if (length == -ENOENT) {
		hn_checkup_put(ret, HN_CHECK_THP, HN_FINDING_NOTE, "the kernel has none");
		return;
	}
	open = length < 0 ? NULL : strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close) {
		put_unreadable(ret, HN_CHECK_THP, THP_PATH, length < 0 ? (int)length : -EPROTO);
		return;
	}
	*close = '\0';
	if (strcmp(open + 1, "never") == 0)
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_THP, HN_FINDING_WARNING, "never"),
				"echo madvise > /" THP_PATH);
	else
		hn_checkup_put(ret, HN_CHECK_THP, HN_FINDING_OK, "%.40s", open + 1);
}

/* merge_across_nodes can be changed only while nothing is merged: run = 2 unmerges first. */
static void check_ksm(const char *root, struct hn_checkup *ret)
{
	uint64_t run = 0, across = 0;
	int r = hn_proc_read_u64(&run, root, "sys/kernel/mm/ksm/run"), s;

	s = hn_proc_read_u64(&across, root, "sys/kernel/mm/ksm/merge_across_nodes");
	if (r < 0 && r != -ENOENT)
		put_unreadable(ret, HN_CHECK_KSM, "sys/kernel/mm/ksm/run", r);
	else if (run != 1)
		hn_checkup_put(ret, HN_CHECK_KSM, HN_FINDING_OK, "nothing is being merged");
	else if (s < 0 && s != -ENOENT)
		put_unreadable(ret, HN_CHECK_KSM, "sys/kernel/mm/ksm/merge_across_nodes", s);
	else if (across == 0)
		hn_checkup_put(ret, HN_CHECK_KSM, HN_FINDING_OK, "pages are merged within a node only");
	else
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_KSM, HN_FINDING_WARNING,
				       "pages of different nodes are merged"),
			"cd /sys/kernel/mm/ksm && echo 2 > run && echo 0 > merge_across_nodes && echo 1 > "
			"run");
}

/* Lines behind the first: file, type, size, used, priority. */
static void check_swap(const char *root, struct hn_checkup *ret)
{
	unsigned long long used_kib = 0, areas = 0, used;
	char text[16384], *line, *rest = text;
	ssize_t length = hn_proc_read(text, sizeof(text), root, "proc/swaps");

	if (length < 0 && length != -ENOENT) {
		put_unreadable(ret, HN_CHECK_SWAP, "proc/swaps", (int)length);
		return;
	}
	if (length < 0)
		text[0] = '\0';
	for (strsep(&rest, "\n"); (line = strsep(&rest, "\n")) && *line; areas++)
		if (sscanf(line, "%*s %*s %*u %llu", &used) == 1)
			used_kib += used;
	if (areas == 0)
		hn_checkup_put(ret, HN_CHECK_SWAP, HN_FINDING_OK, "none");
	else if (used_kib == 0)
		hn_checkup_put(ret, HN_CHECK_SWAP, HN_FINDING_NOTE, "on, and nothing is in it");
	else
		hn_finding_mend(hn_checkup_put(ret, HN_CHECK_SWAP, HN_FINDING_WARNING, "%llu MiB are in it",
					       used_kib / 1024),
				"swapoff -a, when there is memory for what is in it");
}

void hn_doctor_examine_kernel(const char *root, struct hn_checkup *ret)
{
	check_kernel(root, ret);
	check_numa(root, ret);
	check_pressure(root, ret);
	check_balancing(root, ret);
	check_zone_reclaim(root, ret);
	check_thp(root, ret);
	check_ksm(root, ret);
	check_swap(root, ret);
}
