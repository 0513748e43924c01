#include "policy/spread.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "policy/capacity.h"
#include "policy/home-node.h"
#include "policy/whereabouts.h"

/* What is left of each node's room and CPUs while cells are put there one by one. */
struct filling {
	const struct hn_snapshot *snapshot;
	size_t guest;
	struct hn_capacity *capacity;
	uint64_t *
		room; /* by node, beyond what is set apart: what the guest has there already counts as room */
	unsigned *cpus; /* by node, not yet taken by this guest's vCPUs */
};

static void filling_done(struct filling *filling)
{
	hn_capacity_free(filling->capacity);
	free(filling->room);
	free(filling->cpus);
}

static int filling_init(struct filling *filling, const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits)
{
	size_t nodes = snapshot->host->node_count;

	*filling = (struct filling){.snapshot = snapshot,
				    .guest = guest,
				    .capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes),
				    .room = calloc(nodes + 1, sizeof(uint64_t)),
				    .cpus = calloc(nodes + 1, sizeof(unsigned))};
	if (!filling->capacity || !filling->room || !filling->cpus)
		return -ENOMEM;
	for (size_t node = 0; node < nodes; node++) {
		filling->room[node] = filling->capacity->nodes[node].room_bytes;
		filling->cpus[node] = filling->capacity->nodes[node].cpus;
	}
	return 0;
}

static bool put(struct filling *filling, size_t cell, size_t node)
{
	const struct hn_cell *model = &filling->snapshot->guests[filling->guest].guest->cells[cell];
	unsigned vcpus = (unsigned)hn_set_count(&model->vcpus);

	if (!hn_node_allowed(filling->snapshot, filling->guest, cell, node) ||
	    model->memory_bytes > filling->room[node] || vcpus > filling->cpus[node])
		return false;
	filling->room[node] -= model->memory_bytes;
	filling->cpus[node] -= vcpus;
	return true;
}

/* In which order nodes are tried for a cell: the n-th of them. */
typedef size_t (*order_function)(const struct filling *filling, size_t cell, size_t n);

static int fill(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		order_function order, struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	HN_AUTO(memory) int *nodes = calloc(model->cell_count + 1, sizeof(*nodes));
	struct filling filling;
	int r = filling_init(&filling, snapshot, guest, limits);

	r = r == 0 && nodes ? 0 : hn_oom(err);
	for (size_t cell = 0; cell < model->cell_count && r == 0; cell++) {
		char bytes[HN_UNITS_TEXT_MAX];

		nodes[cell] = -1;
		for (size_t n = 0; n < snapshot->host->node_count && nodes[cell] < 0; n++) {
			size_t node = order(&filling, cell, n);

			nodes[cell] = put(&filling, cell, node) ? (int)node : -1;
		}
		if (nodes[cell] < 0)
			r = hn_fail(err, -ENOSPC,
				    "memory or CPUs: no node has %s and %d CPUs left for cell %d",
				    hn_bytes_format(model->cells[cell].memory_bytes, bytes, sizeof(bytes)),
				    hn_set_count(&model->cells[cell].vcpus), model->cells[cell].id);
	}
	filling_done(&filling);
	if (r == 0 && !(*ret = hn_placement_whole(snapshot, guest, nodes)))
		r = hn_oom(err);
	return r;
}

/* 1 and a copy of the home it has, while that is possible; 0; -ENOMEM. */
static int keep_home(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_placement *home = snapshot->guests[guest].home;
	int r = hn_home_node_possible(snapshot, guest, home, limits, err);

	if (r > 0 && !(*ret = hn_placement_copy(home)))
		r = hn_oom(err);
	return r;
}

/* Spreads guests' beginnings over the nodes without anything to remember (FNV-1a). */
static uint64_t number_of(const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return hash;
}

static size_t round_robin_order(const struct filling *filling, size_t cell, size_t n)
{
	const char *name = filling->snapshot->guests[filling->guest].guest->name;
	size_t nodes = filling->snapshot->host->node_count;

	return (size_t)((number_of(name) % nodes + cell + n) % nodes);
}

int hn_round_robin_find(const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits, struct hn_placement **ret,
			struct hn_error *err)
{
	int r = keep_home(snapshot, guest, limits, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return fill(snapshot, guest, limits, round_robin_order, ret, err);
}

static size_t first_allowed(const struct filling *filling, size_t cell)
{
	for (size_t node = 0; node < filling->snapshot->host->node_count; node++)
		if (hn_node_allowed(filling->snapshot, filling->guest, cell, node))
			return node;
	return 0;
}

/* By distance from the preferred node: the n-th is the one that n others come before. */
static size_t prefer_order(const struct filling *filling, size_t cell, size_t n)
{
	const struct hn_host *host = filling->snapshot->host;
	size_t first = first_allowed(filling, cell);

	for (size_t node = 0; node < host->node_count; node++) {
		unsigned distance = hn_host_distance(host, first, node);
		size_t before = 0;

		for (size_t other = 0; other < host->node_count; other++) {
			unsigned others = hn_host_distance(host, first, other);

			if (node != first && other != node)
				before += other == first || others < distance ||
					  (others == distance && other < node);
		}
		if (before == n)
			return node;
	}
	return first;
}

int hn_prefer_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err)
{
	int r = keep_home(snapshot, guest, limits, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return fill(snapshot, guest, limits, prefer_order, ret, err);
}

/* What a node counts in the division: MiB/s of its memory to its own CPUs where known of all, else 1. */
static uint64_t weight_of(const struct hn_snapshot *snapshot, size_t guest, size_t cell, size_t node)
{
	const struct hn_host *host = snapshot->host;
	bool known = host->bandwidths != NULL;

	if (!hn_node_allowed(snapshot, guest, cell, node))
		return 0;
	for (size_t i = 0; i < host->node_count && known; i++)
		known = !hn_node_allowed(snapshot, guest, cell, i) ||
			host->bandwidths[i * host->node_count + i] > 0;
	return known ? host->bandwidths[node * host->node_count + node] : 1;
}

/* Stride after stride goes to the node that has the least for its weight, worked out at once: whole strides
 * by weight, rounded at running totals so that they add up; the odd bytes to the last. */
static void divide(const struct hn_snapshot *snapshot, size_t guest, size_t index, struct hn_cell_home *home)
{
	const struct hn_cell *cell = &snapshot->guests[guest].guest->cells[index];
	uint64_t stride = cell->page_bytes > HN_INTERLEAVE_STRIDE ? cell->page_bytes : HN_INTERLEAVE_STRIDE;
	uint64_t strides = cell->memory_bytes / stride, weights = 0, before = 0, given = 0;
	size_t last = 0;

	for (size_t node = 0; node < snapshot->host->node_count; node++)
		weights += weight_of(snapshot, guest, index, node);
	for (size_t node = 0; node < snapshot->host->node_count; node++) {
		uint64_t weight = weight_of(snapshot, guest, index, node), until;

		if (weight == 0)
			continue;
		before += weight;
		until = (uint64_t)((unsigned __int128)strides * before / weights);
		home->bytes[node] = (until - given) * stride;
		given = until;
		hn_set_add(&home->nodes, snapshot->host->nodes[node].id);
		last = node;
	}
	home->bytes[last] += cell->memory_bytes - strides * stride;
}

int hn_interleave_find(const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_solver_limits *limits, struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	HN_AUTO(hn_placement)
	struct hn_placement *home = hn_placement_new(snapshot->host->node_count, model->cell_count);
	int r;

	if (!home)
		return hn_oom(err);
	for (size_t cell = 0; cell < model->cell_count; cell++) {
		bool any = false;

		for (size_t node = 0; node < snapshot->host->node_count; node++)
			any = any || hn_node_allowed(snapshot, guest, cell, node);
		if (!any)
			return hn_fail(err, -ENOSPC,
				       "no node that cell %d is allowed has both CPUs and memory",
				       model->cells[cell].id);
		home->cells[cell].cell = model->cells[cell].id;
		divide(snapshot, guest, cell, &home->cells[cell]);
	}
	r = hn_home_node_possible(snapshot, guest, home, limits, err);
	if (r < 0)
		return r;
	if (r == 0)
		return hn_fail(err, -ENOSPC, "memory: a node has no room for its part of the guest");
	*ret = hn_steal(home);
	return 0;
}
