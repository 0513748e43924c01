#pragma once
/*
 * node-memory - what each node's memory is made of and how fast it is from where. For topology.c alone.
 */
#include <hwloc.h>

#include "model/host.h"

/*
 * Fills memory_kind of the nodes, and bandwidths (MiB/s) and latencies (ns) where the machine's HMAT tells
 * any; nodes, their CPUs and distances must be there. -ENOMEM.
 */
int hn_node_memory_fill(hwloc_topology_t topology, struct hn_host *host);
