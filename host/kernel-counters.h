#pragma once
/*
 * kernel-counters - what the kernel counts of the whole host and of its nodes.
 */
#include "model/counters.h"

/*
 * ROOT/proc/vmstat, the counters of HN_COUNTERS_KERNEL. Those of kernel NUMA balancing are missing without
 * CONFIG_NUMA_BALANCING, those of huge pages without CONFIG_TRANSPARENT_HUGEPAGE: unknown.
 */
void hn_kernel_counters_read(const char *root, struct hn_counters *ret);

/* ROOT/sys/devices/system/node/nodeN/numastat, the counters of HN_COUNTERS_NODE; all unknown for a node that
 * is gone. */
void hn_node_counters_read(const char *root, int node, struct hn_counters *ret);
