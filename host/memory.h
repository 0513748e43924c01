#pragma once
/*
 * memory - what each node has free right now, by page size, and whether the kernel balances by itself.
 */
#include "base/error.h"
#include "model/host.h"

/*
 * Fills memory_bytes, free_bytes and pools of each node from
 * ROOT/sys/devices/system/node/nodeN/{meminfo,hugepages}, or from ROOT/proc/meminfo on a machine without
 * NUMA, and kernel_balancing from ROOT/proc/sys/kernel/numa_balancing (absent: off). free_bytes counts
 * MemFree plus clean page cache that a migration may reclaim: (FilePages - Dirty - Shmem) / 2, the half
 * because reclaiming more hurts others; watermark_bytes are those of host/watermarks.h. A node that went
 * offline meanwhile gets 0 free bytes; that is no error. root as in hn_topology_load(), but NULL or "" or a
 * folder only.
 */
int hn_host_memory_refresh(const char *root, struct hn_host *host, struct hn_error *err);
