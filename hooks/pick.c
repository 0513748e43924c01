#include "hooks/pick.h"

#include <stdlib.h>

#define PERMILLE 1000

/* Nodes by their place in the host, and what they have together. */
struct choice {
	size_t count;
	uint16_t nodes[NUMA_NODES_MAX];
	uint64_t room_kib, total_kib, cpus, promised, remote;
};

struct search {
	const struct numa_host *host;
	uint64_t kib, vcpus, cpus_needed;
	bool found;
	struct choice best;
	uint64_t best_load;
};

static void choice_add(const struct numa_host *host, struct choice *choice, size_t index)
{
	const struct numa_node *node = &host->nodes[index];

	for (size_t i = 0; i < choice->count; i++)
		choice->remote += host->distance[choice->nodes[i]][index] +
				  (uint64_t)host->distance[index][choice->nodes[i]];
	choice->nodes[choice->count++] = (uint16_t)index;
	choice->room_kib += node->room_kib;
	choice->total_kib += node->total_kib;
	choice->cpus += node->cpus;
	choice->promised += node->promised_vcpus;
}

static bool holds(const struct search *search, const struct choice *choice)
{
	return choice->room_kib >= search->kib && choice->cpus >= search->cpus_needed;
}

/* Permille of memory, or vCPUs promised per CPU, once the guest is there. */
static uint64_t load_of(const struct search *search, const struct choice *choice)
{
	uint64_t used = choice->total_kib - choice->room_kib + search->kib;
	uint64_t memory = used * PERMILLE / choice->total_kib;
	uint64_t cpu = (choice->promised + search->vcpus) * PERMILLE / choice->cpus;

	return memory > cpu ? memory : cpu;
}

static void consider(struct search *search, const struct choice *choice)
{
	const struct choice *best = &search->best;
	uint64_t load;

	if (!holds(search, choice))
		return;
	load = load_of(search, choice);
	if (search->found && choice->count >= best->count &&
	    (choice->count > best->count || choice->remote > best->remote ||
	     (choice->remote == best->remote && load >= search->best_load)))
		return;
	search->found = true;
	search->best = *choice;
	search->best_load = load;
}

/* All sets of this many nodes that begin with choice. */
static void try_all(struct search *search, const struct choice *choice, size_t from, size_t missing)
{
	if (missing == 0) {
		consider(search, choice);
		return;
	}
	for (size_t i = from; i + missing <= search->host->count; i++) {
		struct choice longer = *choice;

		choice_add(search->host, &longer, i);
		try_all(search, &longer, i + 1, missing - 1);
	}
}

static uint64_t sets_of(size_t all, size_t size)
{
	uint64_t sets = 1;

	for (size_t i = 0; i < size && sets <= PICK_SETS_MAX; i++)
		sets = sets * (all - i) / (i + 1);
	return sets;
}

/* The node nearest to those chosen, of several the roomiest. remote: what each node would add, by place. */
static size_t nearest(const struct numa_host *host, const bool *chosen, const uint32_t *remote)
{
	size_t best = host->count;

	for (size_t i = 0; i < host->count; i++) {
		if (chosen[i])
			continue;
		if (best == host->count || remote[i] < remote[best] ||
		    (remote[i] == remote[best] && host->nodes[i].room_kib > host->nodes[best].room_kib))
			best = i;
	}
	return best;
}

static void grow_from(struct search *search, size_t seed)
{
	const struct numa_host *host = search->host;
	uint32_t remote[NUMA_NODES_MAX] = {0};
	bool chosen[NUMA_NODES_MAX] = {false};
	struct choice choice = {0};

	for (size_t next = seed; next < host->count; next = nearest(host, chosen, remote)) {
		choice_add(host, &choice, next);
		chosen[next] = true;
		if (holds(search, &choice))
			break;
		for (size_t i = 0; i < host->count; i++)
			remote[i] += host->distance[next][i] + (uint32_t)host->distance[i][next];
	}
	consider(search, &choice);
}

static int larger_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

/* How many nodes it takes at least; more than there are when all together do not hold it. */
static size_t least_size(const struct search *search)
{
	uint64_t rooms[NUMA_NODES_MAX], cpus[NUMA_NODES_MAX], room = 0, all_cpus = 0;
	size_t count = search->host->count, size;

	for (size_t i = 0; i < count; i++) {
		rooms[i] = search->host->nodes[i].room_kib;
		cpus[i] = search->host->nodes[i].cpus;
	}
	qsort(rooms, count, sizeof(*rooms), larger_first);
	qsort(cpus, count, sizeof(*cpus), larger_first);
	for (size = 0; size < count && (size == 0 || room < search->kib || all_cpus < search->cpus_needed);
	     size++) {
		room += rooms[size];
		all_cpus += cpus[size];
	}
	return room >= search->kib && all_cpus >= search->cpus_needed ? size : count + 1;
}

static void look_for(struct search *search)
{
	static const struct choice nothing;
	size_t count = search->host->count, size = least_size(search);

	if (count == 0) /* nothing is known of this host */
		return;
	for (; size <= count && sets_of(count, size) <= PICK_SETS_MAX && !search->found; size++)
		try_all(search, &nothing, 0, size);
	if (search->found || size > count)
		return;
	for (size_t seed = 0; seed < count; seed++)
		grow_from(search, seed);
}

static uint64_t cpus_of(const struct numa_host *host)
{
	uint64_t cpus = 0;

	for (size_t i = 0; i < host->count; i++)
		cpus += host->nodes[i].cpus;
	return cpus;
}

struct node_set pick_nodes(const struct numa_host *host, unsigned vcpus, uint64_t mib)
{
	uint64_t cpus = cpus_of(host);
	struct search search = {.host = host, .vcpus = vcpus, .cpus_needed = vcpus < cpus ? vcpus : cpus};
	struct node_set nodes = {0};

	search.kib = mib < UINT64_MAX / 1024 / PERMILLE / 2 ? mib * 1024 : UINT64_MAX;
	look_for(&search);
	for (size_t i = 0; i < search.best.count; i++)
		node_set_add(&nodes, search.host->nodes[search.best.nodes[i]].id);
	return search.found ? nodes : numa_host_all(host);
}
