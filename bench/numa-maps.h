#pragma once
/*
 * numa-maps - the peer of the page sampler: /proc/PID/numa_maps, read and understood whole, as numastat and
 * numad do it. Exact, and the kernel visits every page of the process for it.
 */
#include <stdint.h>
#include <sys/types.h>

#include "host/topology.h"

/* ret_pages: by node id, in base pages, of the whole process. Returns those of the mapping that begins at
 * start. Troubles end the program. */
uint64_t bench_numa_maps_walk(pid_t pid, uint64_t start, uint64_t ret_pages[HN_NODE_IDS]);
