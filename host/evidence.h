#pragma once
/*
 * evidence - one reading of all that the kernel and the hardware tell of a host's, or a guest's, trouble.
 */
#include "host/process.h"
#include "model/evidence.h"

/* Pressure, and counters: of the kernel, then of each of the nodes with these ids; counters has room for 1 +
 * node_count. */
void hn_host_evidence_read(const char *root, const int32_t *nodes, size_t node_count,
			   struct hn_stall stalls[HN_RESOURCE_COUNT], struct hn_counters *counters);

#define HN_GUEST_COUNTERS 2

/*
 * Pressure of the guest's control group, and counters: KVM's, then bandwidth. threads are the guest's, as
 * hn_guest_threads_read() gave them, and are marked by hn_bandwidth_read(), unless with_bandwidth is false:
 * then bandwidth is unknown, and no CPU is interrupted.
 */
void hn_guest_evidence_read(const char *root, const struct hn_process *process,
			    struct hn_thread_reading *threads, size_t thread_count, bool with_bandwidth,
			    struct hn_stall stalls[HN_RESOURCE_COUNT],
			    struct hn_counters counters[HN_GUEST_COUNTERS]);
