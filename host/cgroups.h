#pragma once
/*
 * cgroups - where a thread's control group is, v1, v2 and both at once, and what is in it.
 */
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/set.h"
#include "host/process.h"

/* A hierarchy that is mounted. */
struct hn_cgroups {
	char mount[256];  /* its folder, seen from the root path */
	char inside[256]; /* what of the hierarchy is mounted there: "/", or a group's path */
	bool v1;
};

#define HN_CGROUP_MAX 512 /* longest path of a group below its mount, with its NUL */

/*
 * The hierarchy that controls the controller ("cpuset"), from ROOT/proc/self/mountinfo: of its own in v1,
 * else v2's; controller NULL: v2's whatever it controls. -ENOENT when there is none.
 */
int hn_cgroups_find(const char *root, const char *controller, struct hn_cgroups *ret, struct hn_error *err);

/*
 * The group, below the mount and without a slash at its end ("" the mount's own), that the file "cgroup" of
 * an open /proc/PID names in that hierarchy; path names the file from there ("cgroup", "task/7/cgroup").
 * -ENOENT when it names none or one that is not below the mount, -errno of reading.
 */
int hn_cgroup_of(const struct hn_cgroups *cgroups, const char *controller, int directory, const char *path,
		 char ret[HN_CGROUP_MAX]);

/* Cuts the last part off; false when there is nothing to cut. */
bool hn_cgroup_parent(char group[HN_CGROUP_MAX]);

/*
 * Processes with a thread in the group, in no order, each once. In groups of v2 that hold threads
 * ("threaded") the kernel tells threads only, which are looked up. The caller frees *ret. -ENOENT, -E2BIG
 * above most.
 */
int hn_cgroup_processes(const char *root, const struct hn_cgroups *cgroups, const char *group, size_t most,
			pid_t **ret, size_t *ret_count, struct hn_error *err);

/*
 * The CPUs ("cpus") or memory nodes ("mems") that the group may use: its own or, where it has no such
 * control, of the nearest group above that has. -ENOENT.
 */
int hn_cgroup_allowed(const char *root, const struct hn_cgroups *cgroups, const char *group, const char *what,
		      struct hn_set *ret);

/*
 * Cuts a group down to the one that libvirt made for its guest:
 * machine.slice/machine-qemu\x2d1\x2dNAME.scope, or machine/qemu-1-NAME.libvirt-qemu. False, and nothing
 * done, when it is not inside of one such.
 */
bool hn_cgroup_cut_to_guest(char group[HN_CGROUP_MAX]);

/*
 * The group of v2 that counts for the guest: the one that libvirt made for it; without libvirt, the one that
 * the process is in, if no other process is. False when there is none.
 */
bool hn_cgroup_of_guest(const char *root, const struct hn_process *process, struct hn_cgroups *ret_cgroups,
			char ret[HN_CGROUP_MAX]);
