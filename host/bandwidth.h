#pragma once
/*
 * bandwidth - a guest's memory traffic, as the hardware counts it (Intel RDT's and AMD's MBM) and resctrl
 * shows it (Documentation/filesystems/resctrl.rst).
 *
 * Counted are groups of tasks, which an operator or libvirt (<cputune><cachetune><monitor>) makes; homenode
 * makes none. A group counts for the guest when all of its tasks are the guest's.
 */
#include "host/process.h"
#include "model/counters.h"

/*
 * Sums mbm_total_bytes and mbm_local_bytes of the groups that the threads are in, over all L3 caches, and
 * marks those threads as monitored. Unknown when there is no resctrl, when no group is the guest's alone, and
 * each of the two that is "Unavailable", "Error" or "Unassigned" anywhere. The kernel widens the hardware's
 * 24 bits and more to 64: what is read does not wrap.
 *
 * Reading makes a CPU behind each L3 cache answer an interrupt: not beside a realtime guest.
 */
void hn_bandwidth_read(const char *root, const struct hn_process *process, struct hn_thread_reading *threads,
		       size_t thread_count, struct hn_counters *ret);
