/*
 * node-memory - HMAT and memory kinds as hwloc tells them.
 *
 * Linux shows of the firmware's HMAT what a node's nearest initiators get of it, so most pairs stay unknown:
 * 0. Where reads and writes differ the read figure counts, as guests' misses are mostly loads; an export that
 * has only the mean gives the mean.
 *
 * hwloc 2.9 names a kind in the node's subtype: DRAM, HBM (MCDRAM on Xeon Phi), NVM, SPM (specific purpose:
 * HBM or CXL), GPUMemory, in later versions CXL-DRAM and CXL-NVM. A node that has no CPUs, and of which
 * nothing is told, is taken for slower memory, as the kernel's memory tiers do, unless its bandwidth is known
 * and higher than that of the nearest node with CPUs.
 */
#include "host/node-memory.h"

#include <errno.h>
#include <string.h>

static hwloc_obj_t object_of(hwloc_topology_t topology, const struct hn_host *host, size_t node)
{
	return hwloc_get_numanode_obj_by_os_index(topology, (unsigned)host->nodes[node].id);
}

static uint32_t clamp(hwloc_uint64_t value)
{
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* The first of two attributes that has a value for those CPUs, 0 when neither has. */
static uint32_t attribute(hwloc_topology_t topology, hwloc_memattr_id_t first, hwloc_memattr_id_t second,
			  hwloc_obj_t target, hwloc_cpuset_t cpus)
{
	struct hwloc_location from = {.type = HWLOC_LOCATION_TYPE_CPUSET, .location.cpuset = cpus};
	hwloc_uint64_t value;

	if (hwloc_memattr_get_value(topology, first, target, &from, 0, &value) == 0 ||
	    hwloc_memattr_get_value(topology, second, target, &from, 0, &value) == 0)
		return clamp(value);
	return 0;
}

/* 1 when the pair's bandwidth or latency is known. */
static int pair_fill(hwloc_topology_t topology, struct hn_host *host, size_t from, size_t to,
		     hwloc_cpuset_t cpus)
{
	hwloc_obj_t target = object_of(topology, host, to);
	uint32_t bandwidth, latency;

	if (!target)
		return 0;
	bandwidth = attribute(topology, HWLOC_MEMATTR_ID_READ_BANDWIDTH, HWLOC_MEMATTR_ID_BANDWIDTH, target,
			      cpus);
	latency = attribute(topology, HWLOC_MEMATTR_ID_READ_LATENCY, HWLOC_MEMATTR_ID_LATENCY, target, cpus);
	if (bandwidth == 0 && latency == 0)
		return 0;
	if (hn_host_add_performance(host))
		return -ENOMEM;
	host->bandwidths[from * host->node_count + to] = bandwidth;
	host->latencies[from * host->node_count + to] = latency;
	return 1;
}

static int performance_fill(hwloc_topology_t topology, struct hn_host *host)
{
	hwloc_cpuset_t cpus = hwloc_bitmap_alloc();
	int r = cpus ? 0 : -ENOMEM;

	for (size_t from = 0; r >= 0 && from < host->node_count; from++) {
		hwloc_bitmap_zero(cpus);
		HN_SET_FOREACH (cpu, &host->nodes[from].cpus) {
			hwloc_bitmap_set(cpus, (unsigned)cpu);
		}
		if (hwloc_bitmap_iszero(cpus))
			continue;
		for (size_t to = 0; r >= 0 && to < host->node_count; to++)
			r = pair_fill(topology, host, from, to, cpus);
	}
	hwloc_bitmap_free(cpus);
	return r < 0 ? r : 0;
}

/* The node with CPUs that is nearest to the one without, or -1. */
static int nearest_with_cpus(const struct hn_host *host, size_t node)
{
	int nearest = -1;

	for (size_t i = 0; i < host->node_count; i++)
		if (!hn_set_empty(&host->nodes[i].cpus) &&
		    (nearest < 0 ||
		     hn_host_distance(host, i, node) < hn_host_distance(host, (size_t)nearest, node)))
			nearest = (int)i;
	return nearest;
}

static uint32_t best_bandwidth(const struct hn_host *host, size_t node)
{
	uint32_t best = 0;

	for (size_t from = 0; host->bandwidths && from < host->node_count; from++)
		if (host->bandwidths[from * host->node_count + node] > best)
			best = host->bandwidths[from * host->node_count + node];
	return best;
}

static enum hn_memory_kind kind_by_speed(const struct hn_host *host, size_t node)
{
	int nearest = nearest_with_cpus(host, node);
	uint32_t near = nearest < 0 ? 0 : best_bandwidth(host, (size_t)nearest);

	return near > 0 && best_bandwidth(host, node) > near ? HN_MEMORY_HBM : HN_MEMORY_CXL;
}

static enum hn_memory_kind kind_of(const struct hn_host *host, size_t node, const char *subtype)
{
	bool told = subtype != NULL;

	if (told && strcmp(subtype, "GPUMemory") == 0)
		return HN_MEMORY_GPU;
	if (told && (strcmp(subtype, "HBM") == 0 || strcmp(subtype, "MCDRAM") == 0))
		return HN_MEMORY_HBM;
	if (told && strcmp(subtype, "NVM") == 0)
		return HN_MEMORY_NVM;
	if (told && strncmp(subtype, "CXL", 3) == 0)
		return HN_MEMORY_CXL;
	if (told && strcmp(subtype, "DRAM") == 0)
		return HN_MEMORY_DRAM;
	return hn_set_empty(&host->nodes[node].cpus) ? kind_by_speed(host, node) : HN_MEMORY_DRAM;
}

int hn_node_memory_fill(hwloc_topology_t topology, struct hn_host *host)
{
	int r = performance_fill(topology, host);

	for (size_t i = 0; i < host->node_count; i++) {
		hwloc_obj_t object = object_of(topology, host, i);

		host->nodes[i].memory_kind = kind_of(host, i, object ? object->subtype : NULL);
	}
	return r;
}
