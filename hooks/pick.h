#pragma once
/*
 * pick - which nodes to give a guest when there is nobody to ask. Pure.
 */
#include "hooks/numa-host.h"

/*
 * The fewest nodes that together have room for mib and as many CPUs as vcpus (or all there are); of those
 * sets the nearest to one another; of these the one that would be least used, by memory or by vCPUs
 * promised, whichever is more; then the first. All nodes when it fits nowhere: never empty. How busy CPUs
 * are is not known here, and free memory is the only sign of it: hence the least used and not the tightest.
 * Exact while there are not too many sets to look at (PICK_SETS_MAX of a size), else by growing sets from
 * each node.
 */
#define PICK_SETS_MAX 20000
struct node_set pick_nodes(const struct numa_host *host, unsigned vcpus, uint64_t mib);
