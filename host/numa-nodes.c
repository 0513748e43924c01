/*
 * numa-nodes - which CPUs are a node's own, and how far nodes are apart.
 *
 * hwloc gives a memory-only node the CPUs of whatever it is attached to, so several nodes can claim the same
 * ones. The kernel's word is nodeN/cpulist, taken where there is a tree to read it from. An exported topology
 * has no such word: among nodes that claim a CPU it goes to plain memory before high-bandwidth, persistent or
 * GPU memory, then to the lowest number, which is how firmware lists them.
 */
#include "host/numa-nodes.h"

#include <errno.h>
#include <string.h>

#include "host/proc-file.h"
#include "host/topology.h"

#define LIST_MAX 8192

static struct hn_set claimed_cpus(hwloc_obj_t object)
{
	struct hn_set cpus;
	int id;

	hn_set_clear(&cpus);
	hwloc_bitmap_foreach_begin(id, object->cpuset)
	{
		hn_set_add(&cpus, id);
	}
	hwloc_bitmap_foreach_end();
	return cpus;
}

static bool is_plain_memory(hwloc_obj_t object)
{
	return !object->subtype || strcmp(object->subtype, "DRAM") == 0;
}

/* Nodes in order of id; hwloc has them in order of place. */
static void nodes_list(hwloc_topology_t topology, struct hn_host *host, hwloc_obj_t *ret_objects)
{
	hwloc_const_nodeset_t ids = hwloc_topology_get_topology_nodeset(topology);
	size_t at = 0;
	int id;

	hwloc_bitmap_foreach_begin(id, ids)
	{
		hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(topology, (unsigned)id);

		if (object && at < host->node_count) {
			host->nodes[at].id = id;
			host->nodes[at].memory_bytes = object->attr->numanode.local_memory;
			ret_objects[at++] = object;
		}
	}
	hwloc_bitmap_foreach_end();
	host->node_count = at;
}

/* 1 when the kernel's list was there and read. */
static int cpulist_read(const char *root, int node, struct hn_set *ret, struct hn_error *err)
{
	char text[LIST_MAX];
	ssize_t length =
		hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/node%d/cpulist", node);
	int r;

	if (length == -ENOENT)
		return 0;
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read the CPUs of node %d", node);
	r = hn_set_parse(text, ret, err);
	return r ? hn_error_prefix(err, "node %d: cpulist", node) : 1;
}

static void cpus_share_out(struct hn_host *host, hwloc_obj_t *objects, bool plain, struct hn_set *free_cpus)
{
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set cpus;

		if (is_plain_memory(objects[i]) != plain)
			continue;
		cpus = claimed_cpus(objects[i]);
		hn_set_and(&cpus, free_cpus);
		hn_set_subtract(free_cpus, &cpus);
		host->nodes[i].cpus = cpus;
	}
}

static int cpus_find(const char *root, struct hn_host *host, hwloc_obj_t *objects, struct hn_error *err)
{
	struct hn_set online;
	int listed = 1;

	hn_set_clear(&online);
	for (size_t i = 0; i < host->cpu_count; i++)
		hn_set_add(&online, host->cpus[i].id);
	for (size_t i = 0; root && i < host->node_count && listed > 0; i++) {
		listed = cpulist_read(root, host->nodes[i].id, &host->nodes[i].cpus, err);
		if (listed < 0)
			return listed;
		hn_set_and(&host->nodes[i].cpus, &online); /* old kernels list offline CPUs too */
	}
	if (root && listed)
		return 0;
	cpus_share_out(host, objects, true, &online);
	cpus_share_out(host, objects, false, &online);
	return 0;
}

/*
 * hwloc passes over a file of distances that it cannot read. One that is there and holds anything but the
 * kernel's numbers (a byte each, 10 and more) is a broken tree, and said.
 */
static int distance_file_check(const char *root, int node, struct hn_error *err)
{
	char text[LIST_MAX], *at = text, *end;
	ssize_t length =
		hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/node%d/distance", node);

	if (length == -ENOENT)
		return 0;
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read the distances of node %d", node);
	for (at += strspn(at, " \t\n"); *at; at += strspn(at, " \t\n")) {
		long distance = strtol(at, &end, 10);

		if (end == at || !strchr(" \t\n", *end) || distance < HN_DISTANCE_LOCAL ||
		    distance > UINT8_MAX)
			return hn_fail(err, -EINVAL, "node %d: '%.*s' in distance is no number from %d to %d",
				       node, (int)strcspn(at, " \t\n") > 20 ? 20 : (int)strcspn(at, " \t\n"),
				       at, HN_DISTANCE_LOCAL, UINT8_MAX);
		at = end;
	}
	return 0;
}

static uint16_t distance_clamp(uint64_t distance)
{
	return distance > UINT16_MAX ? UINT16_MAX : (uint16_t)distance;
}

/* The index of the node in that place of the matrix, or -1. */
static int matrix_node(const struct hwloc_distances_s *matrix, unsigned place, const struct hn_host *host)
{
	return matrix->objs[place] ? hn_host_node_index(host, (int)matrix->objs[place]->os_index) : -1;
}

/* Takes a matrix that covers every node. */
static bool distances_take(const struct hwloc_distances_s *matrix, struct hn_host *host)
{
	for (size_t i = 0; i < host->node_count; i++) {
		unsigned found = 0;

		for (unsigned k = 0; k < matrix->nbobjs; k++)
			found += matrix_node(matrix, k, host) == (int)i;
		if (found != 1)
			return false;
	}
	for (unsigned from = 0; from < matrix->nbobjs; from++) {
		for (unsigned to = 0; to < matrix->nbobjs; to++) {
			int row = matrix_node(matrix, from, host), column = matrix_node(matrix, to, host);

			if (row >= 0 && column >= 0)
				host->distances[(size_t)row * host->node_count + (size_t)column] =
					distance_clamp(matrix->values[from * matrix->nbobjs + to]);
		}
	}
	return true;
}

static void distances_find(hwloc_topology_t topology, struct hn_host *host)
{
	struct hwloc_distances_s *matrices[8];
	unsigned count = HN_COUNT(matrices);

	for (size_t i = 0; i < host->node_count * host->node_count; i++)
		host->distances[i] = i % (host->node_count + 1) == 0 ? HN_DISTANCE_LOCAL : HN_DISTANCE_REMOTE;
	host->distances_known = false;
	if (hwloc_distances_get_by_type(topology, HWLOC_OBJ_NUMANODE, &count, matrices,
					HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0))
		return;
	if (count > HN_COUNT(matrices))
		count = HN_COUNT(matrices);
	for (unsigned i = 0; i < count; i++) {
		if (!host->distances_known)
			host->distances_known = distances_take(matrices[i], host);
		hwloc_distances_release(topology, matrices[i]);
	}
}

int hn_numa_nodes_fill(hwloc_topology_t topology, const char *sysfs_root, struct hn_host *host,
		       struct hn_error *err)
{
	hwloc_obj_t objects[HN_NODE_IDS];
	int last = hwloc_bitmap_last(hwloc_topology_get_topology_nodeset(topology));
	int r;

	if (last >= HN_NODE_IDS)
		return hn_fail(err, -ERANGE, "node %d is beyond the %d this build can hold", last,
			       HN_NODE_IDS);
	nodes_list(topology, host, objects);
	r = cpus_find(sysfs_root, host, objects, err);
	for (size_t i = 0; sysfs_root && i < host->node_count && !r; i++)
		r = distance_file_check(sysfs_root, host->nodes[i].id, err);
	if (!r)
		distances_find(topology, host);
	return r;
}
