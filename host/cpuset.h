#pragma once
/*
 * cpuset - the memory nodes that a guest's cgroups allow, v1 and v2.
 *
 * libvirt gives each group of a guest's threads (emulator, vcpuN, iothreadN) a cpuset of its own, and all
 * share one address space: pages can only go to a node that each of them allows. Widen, move, narrow:
 * widened, pages can be moved at any rate; narrowed to the new home, the policies of the mappings follow and
 * nothing is left to be moved by the kernel, which would do it at full speed.
 *
 * A policy keeps its place in the set, through both steps: what was bound to the n-th node allowed before is
 * bound to the n-th of the new home. Cells can therefore only follow when their new nodes are in the same
 * order as the old ones, and as many. While widened to lower nodes, pages faulted in go by place in the wide
 * set.
 */
#include <stddef.h>

#include "base/error.h"
#include "base/set.h"
#include "host/process.h"

/* Nodes that all threads of the process may take memory from. -ESRCH, -ENOENT without cpusets. */
int hn_cpuset_nodes(const char *root, const struct hn_process *process, struct hn_set *ret,
		    struct hn_error *err);

/*
 * Adds nodes to (widen), or sets (narrow) the memory nodes of the cpusets that hold the process's threads,
 * groups of that guest alone: a group that also holds processes of others (but a guest's helpers:
 * virtiofsd, swtpm), the root, and groups above the guest's own are never written; when its parents do not
 * allow the nodes, or such a group would have to be, or the groups differ, nothing is changed: -EPERM with
 * which and why. memory_migrate of v1 is switched off for the time of each write, so that none moves a page;
 * v2 has no such switch and moves what lies outside of the new nodes. narrow also puts things back: call it
 * with the nodes from before to undo. All groups or none; nothing is written when they have these nodes
 * already. -EPERM, -ESRCH, -EROFS, -ENOENT, -EINVAL for nodes without memory.
 */
int hn_cpuset_widen(const char *root, const struct hn_process *process, const struct hn_set *nodes,
		    struct hn_error *err);
int hn_cpuset_narrow(const char *root, const struct hn_process *process, const struct hn_set *nodes,
		     struct hn_error *err);
