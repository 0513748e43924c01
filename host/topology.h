#pragma once
/*
 * topology - the machine's nodes, CPUs, caches and distances, read through hwloc into a model host.
 */
#include "base/error.h"
#include "model/host.h"

/* Node ids at or above this are refused: per-node counters are arrays of this size on their way between
 * processes. */
#define HN_NODE_IDS 256

/*
 * root NULL or "": this machine. A folder: a tree with sys/ and proc/ inside (what HWLOC_FSROOT takes). A
 * file ending in .xml: a topology exported by hwloc. Offline CPUs and nodes are left out, node ids may have
 * gaps, memory-only nodes (GPUs' too) are kept with no CPUs. A machine without NUMA is one node 0.
 * memory_bytes, kinds of memory, bandwidths and latencies where HMAT tells them, and PCI devices are filled;
 * free memory and pools are hn_host_memory_refresh()'s. Distances are as the machine tells them, even
 * asymmetric: see hn_host_mend(). The environment is changed for the time of the call: no other thread may
 * read or change it meanwhile. The caller frees *ret. -ENOENT, -EINVAL, -ERANGE (too many CPUs or node ids),
 * -E2BIG (too many devices), -ENOMEM.
 */
int hn_topology_load(const char *root, struct hn_host **ret, struct hn_error *err);
