#include "fleet/group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/names.h"
#include "policy/capacity.h"

/* Every page size that any of its nodes has a pool of. */
static void list_kinds(struct hn_fleet_group *group)
{
	const struct hn_host *host = group->topology->host;

	group->kinds = 1;
	for (size_t i = 0; i < host->node_count; i++)
		for (size_t pool = 0; pool < host->nodes[i].pool_count; pool++) {
			uint64_t bytes = host->nodes[i].pools[pool].page_bytes;
			size_t kind = 1;

			while (kind < group->kinds && group->page_bytes[kind] != bytes)
				kind++;
			if (kind == group->kinds && kind < HN_PAGE_KINDS)
				group->page_bytes[group->kinds++] = bytes;
		}
}

static void count_siblings(struct hn_fleet_group *group)
{
	const struct hn_host *host = group->topology->host;
	struct hn_cpu_nodes nodes;

	hn_cpu_nodes_fill(host, &nodes);
	for (size_t i = 0; i < host->cpu_count; i++) {
		int node = nodes.node[host->cpus[i].id];
		unsigned siblings = 0;

		for (size_t j = 0; j < host->cpu_count && node >= 0; j++)
			siblings += host->cpus[j].core == host->cpus[i].core;
		if (node >= 0 && siblings > group->core_cpus[node])
			group->core_cpus[node] = siblings;
	}
}

/* As policy/problem.c and policy/capacity.c see the nodes. */
static void measure(struct hn_fleet_group *group)
{
	const struct hn_host *host = group->topology->host;
	float most_bytes = 1, most_cpus = 1;

	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_node *node = &host->nodes[i];
		float cpus = (float)hn_set_count(&node->cpus);

		most_bytes = (float)node->memory_bytes > most_bytes ? (float)node->memory_bytes : most_bytes;
		most_cpus = cpus > most_cpus ? cpus : most_cpus;
		if (cpus > 0 && node->memory_bytes && node->memory_kind != HN_MEMORY_GPU)
			group->homes |= UINT64_C(1) << i;
	}
	group->per_byte = 1024 / most_bytes;
	group->per_cpu = 1024 / most_cpus;
	count_siblings(group);
}

/* Distances and sizes as policy/problem.c has them. */
static int tabulate(struct hn_fleet_group *group)
{
	const struct hn_host *host = group->topology->host;
	size_t nodes = group->nodes, most = 1;

	for (size_t i = 0; i < nodes; i++)
		if ((size_t)hn_set_count(&host->nodes[i].cpus) > most)
			most = (size_t)hn_set_count(&host->nodes[i].cpus);
	group->distances = calloc(nodes * nodes + 1, sizeof(*group->distances));
	group->cpu_sizes = calloc(most + 1, sizeof(*group->cpu_sizes));
	if (!group->distances || !group->cpu_sizes)
		return -ENOMEM;
	for (size_t cpus = 0; cpus <= most; cpus++)
		group->cpu_sizes[cpus] = (uint16_t)(1024 * cpus / most);
	group->nearest = UINT16_MAX;
	for (size_t i = 0; i < nodes * nodes; i++) {
		size_t a = i / nodes, b = i % nodes;
		unsigned there = hn_host_distance(host, a, b), back = hn_host_distance(host, b, a);
		unsigned longer = there > back ? there : back;

		group->distances[i] = (uint16_t)(longer > HN_DISTANCE_LOCAL ? longer - HN_DISTANCE_LOCAL : 0);
		if (a != b && (group->homes >> a & group->homes >> b & 1) &&
		    group->distances[i] < group->nearest)
			group->nearest = group->distances[i];
	}
	return 0;
}

struct hn_fleet_group *hn_fleet_group_new(struct hn_topology *topology)
{
	struct hn_fleet_group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->topology = hn_topology_share(topology);
	group->scene = hn_fleet_scene_new(topology);
	group->nodes = topology->host->node_count;
	if (!group->scene) {
		hn_fleet_group_free(group);
		return NULL;
	}
	list_kinds(group);
	measure(group);
	if (tabulate(group) < 0) {
		hn_fleet_group_free(group);
		return NULL;
	}
	return group;
}

void hn_fleet_group_free(struct hn_fleet_group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->count; i++)
		hn_fleet_record_free(group->records[i]);
	free(group->records);
	free(group->stamps);
	free(group->marks);
	free(group->order);
	for (size_t i = 0; i < HN_PAGE_KINDS; i++)
		free(group->rooms[i]);
	for (size_t i = 0; i < HN_CLASS_COUNT; i++)
		free(group->seats[i]);
	free(group->others);
	free(group->frees);
	free(group->worths);
	free(group->most_bytes);
	free(group->distances);
	free(group->cpu_sizes);
	hn_fleet_scene_free(group->scene);
	hn_topology_free(group->topology);
	free(group);
}

int hn_fleet_group_check(const struct hn_fleet_group *group, const struct hn_fleet_record *record,
			 struct hn_error *err)
{
	const struct hn_host *host = group->topology->host;

	if (record->node_count != group->nodes)
		return hn_fail(err, -EINVAL, "host %s tells of %zu nodes, and its topology of %zu",
			       record->host, record->node_count, group->nodes);
	for (size_t i = 0; i < group->nodes; i++) {
		const struct hn_fleet_node *node = &record->nodes[i];
		unsigned cpus = (unsigned)hn_set_count(&host->nodes[i].cpus);

		for (int class = 0; class < HN_CLASS_COUNT; class ++)
			if (node->seats[class] > cpus)
				return hn_fail(err, -EINVAL,
					       "host %s tells of %u seats on node %d with %u CPUs",
					       record->host, node->seats[class], host->nodes[i].id, cpus);
		/* what was rounded away, and a little */
		if (node->room_bytes > host->nodes[i].memory_bytes + host->nodes[i].memory_bytes / 8)
			return hn_fail(err, -EINVAL,
				       "host %s tells of more room on node %d than it has memory",
				       record->host, host->nodes[i].id);
	}
	return 0;
}

static bool grow(void *slot, size_t count, size_t size)
{
	void *grown = reallocarray(*(void **)slot, count, size);

	if (grown)
		*(void **)slot = grown;
	return grown != NULL;
}

int hn_fleet_group_reserve(struct hn_fleet_group *group)
{
	/* by a quarter: the arrays are most of a host's bytes */
	size_t room = group->room + group->room / 4 + 16, nodes = group->nodes;
	bool grown;

	if (group->count < group->room)
		return 0;
	grown = grow(&group->records, room, sizeof(*group->records)) &&
		grow(&group->stamps, room, sizeof(uint64_t)) && grow(&group->marks, room, sizeof(uint64_t)) &&
		grow(&group->order, room, sizeof(uint64_t)) &&
		grow(&group->others, room * nodes, sizeof(uint16_t)) &&
		grow(&group->frees, room * nodes, sizeof(uint64_t)) &&
		grow(&group->worths, room * nodes, sizeof(uint32_t)) &&
		grow(&group->most_bytes, room, sizeof(double));
	for (size_t i = 0; i < group->kinds && grown; i++)
		grown = grow(&group->rooms[i], room * nodes, sizeof(uint64_t));
	for (size_t i = 0; i < HN_CLASS_COUNT && grown; i++)
		grown = grow(&group->seats[i], room * nodes, sizeof(uint16_t));
	if (!grown)
		return -ENOMEM;
	group->room = room;
	return 0;
}

static uint64_t pool_room(const struct hn_fleet_group *group, const struct hn_fleet_node *node, size_t at,
			  size_t kind)
{
	const struct hn_node *made = &group->topology->host->nodes[at];

	for (size_t pool = 0; pool < made->pool_count; pool++)
		if (made->pools[pool].page_bytes == group->page_bytes[kind])
			return node->pool_room[pool] - node->pool_room[pool] % group->page_bytes[kind];
	return 0;
}

/* As fleet/scene.c sets the host up: a node has at least the memory that is free there. */
static void appraise(struct hn_fleet_group *group, size_t host)
{
	const struct hn_host *made = group->topology->host;
	uint64_t most = 1;

	for (size_t i = 0; i < group->nodes; i++) {
		uint64_t room = group->rooms[0][host * group->nodes + i];
		uint64_t bytes = made->nodes[i].memory_bytes > room ? made->nodes[i].memory_bytes : room;

		most = bytes > most ? bytes : most;
	}
	group->most_bytes[host] = (double)most;
	for (size_t i = 0; i < group->nodes; i++) {
		size_t at = host * group->nodes + i;
		unsigned seats = group->seats[HN_CLASS_SHARED][at], others = group->others[at];
		uint64_t bytes = 0;

		for (size_t kind = 0; kind < group->kinds; kind++)
			bytes += group->rooms[kind][at];
		group->frees[at] = bytes;
		group->worths[at] =
			hn_fleet_group_worth(group, host, seats > others ? seats - others : 0, bytes);
	}
}

static void fill(struct hn_fleet_group *group, size_t host, struct hn_fleet_record *record, uint64_t mark)
{
	group->records[host] = record;
	group->stamps[host] = ++group->changes;
	group->marks[host] = mark;
	group->order[host] = hn_fleet_name_hash(record->host);
	for (size_t i = 0; i < group->nodes; i++) {
		const struct hn_fleet_node *node = &record->nodes[i];
		size_t at = host * group->nodes + i;

		group->rooms[0][at] = node->room_bytes;
		for (size_t kind = 1; kind < group->kinds; kind++)
			group->rooms[kind][at] = pool_room(group, node, i, kind);
		for (size_t class = 0; class < HN_CLASS_COUNT; class ++)
			group->seats[class][at] = node->seats[class];
		group->others[at] = node->others_vcpus;
	}
	appraise(group, host);
}

void hn_fleet_group_append(struct hn_fleet_group *group, struct hn_fleet_record *record, uint64_t mark)
{
	fill(group, group->count++, record, mark);
}

void hn_fleet_group_replace(struct hn_fleet_group *group, size_t host, struct hn_fleet_record *record,
			    uint64_t mark)
{
	hn_fleet_record_free(group->records[host]);
	fill(group, host, record, mark);
}

void hn_fleet_group_remove(struct hn_fleet_group *group, size_t host)
{
	size_t last = --group->count;

	hn_fleet_record_free(group->records[host]);
	if (host != last)
		fill(group, host, group->records[last], group->marks[last]);
}

const uint64_t *hn_fleet_group_rooms(const struct hn_fleet_group *group, size_t host, uint64_t page_bytes)
{
	for (size_t kind = 0; kind < group->kinds; kind++)
		if (group->page_bytes[kind] == page_bytes)
			return &group->rooms[kind][host * group->nodes];
	return NULL;
}
