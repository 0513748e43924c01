#pragma once
/*
 * numa-nodes - the NUMA nodes of an hwloc topology: ids, memory, CPUs and distances. For topology.c alone.
 */
#include <hwloc.h>

#include "base/error.h"
#include "model/host.h"

/*
 * Fills host's nodes and distances; host->cpus must be there. sysfs_root: the tree the topology was read from
 * ("": this machine), or NULL where it came from a file. -ERANGE for a node id too large.
 */
int hn_numa_nodes_fill(hwloc_topology_t topology, const char *sysfs_root, struct hn_host *host,
		       struct hn_error *err);
