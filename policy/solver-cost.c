#include "policy/solver.h"

#include <errno.h>

#include "base/units.h"
#include "policy/capacity.h"

/* The parts of the cost that this solver knows: remote, CPU and migrate. */

static uint64_t above_local(const struct hn_host *host, const struct hn_set *a, const struct hn_set *b)
{
	uint64_t sum = 0, pairs = 0;

	for (size_t i = 0; i < host->node_count; i++)
		for (size_t j = 0; j < host->node_count; j++)
			if (hn_set_has(a, host->nodes[i].id) && hn_set_has(b, host->nodes[j].id)) {
				sum += hn_host_distance(host, i, j) - HN_DISTANCE_LOCAL;
				pairs++;
			}
	return pairs ? (sum + pairs - 1) / pairs : 0;
}

static int node_cost(const struct hn_snapshot *snapshot, const struct hn_guest *guest,
		     const struct hn_capacity *capacity, const struct hn_placement *home, size_t node,
		     struct hn_cost *ret, struct hn_error *err)
{
	const struct hn_node *where = &snapshot->host->nodes[node];
	const struct hn_node_capacity *room = &capacity->nodes[node];
	uint64_t wanted = 0;
	unsigned vcpus = 0, before = room->others_vcpus;
	char have[HN_UNITS_TEXT_MAX], need[HN_UNITS_TEXT_MAX];

	for (size_t cell = 0; cell < home->cell_count; cell++) {
		uint64_t here = capacity->cell_bytes[cell * capacity->node_count + node];

		wanted += home->cells[cell].bytes[node];
		if (home->cells[cell].bytes[node] > here)
			ret->parts[HN_COST_MIGRATE] += (home->cells[cell].bytes[node] - here) / HN_MIB;
		if (hn_set_has(&home->cells[cell].nodes, where->id))
			vcpus += (unsigned)(hn_set_count(&guest->cells[cell].vcpus) /
					    hn_set_count(&home->cells[cell].nodes));
	}
	if (wanted == 0 && vcpus == 0)
		return 0;
	if (room->cpus == 0)
		return hn_fail(err, -ENOSPC, "node %d has no CPUs", where->id);
	if (wanted > room->room_bytes)
		return hn_fail(err, -ENOSPC, "node %d: %s free of %s needed", where->id,
			       hn_bytes_format(room->room_bytes, have, sizeof(have)),
			       hn_bytes_format(wanted, need, sizeof(need)));
	if (vcpus > room->cpus)
		return hn_fail(err, -ENOSPC, "node %d: %u CPUs, %u vCPUs", where->id, room->cpus, vcpus);
	before = before > room->cpus ? before - room->cpus : 0;
	vcpus += room->others_vcpus;
	ret->parts[HN_COST_CPU] += (vcpus > room->cpus ? vcpus - room->cpus : 0) - before;
	return 0;
}

int hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   const struct hn_placement *home, struct hn_cost *ret, struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes);
	int r = 0;

	if (!capacity)
		return hn_oom(err);
	*ret = (struct hn_cost){{0}};
	for (size_t i = 0; i < home->cell_count; i++)
		for (size_t j = 0; j < i; j++)
			ret->parts[HN_COST_REMOTE] +=
				above_local(snapshot->host, &home->cells[i].nodes, &home->cells[j].nodes);
	for (size_t node = 0; node < capacity->node_count && r == 0; node++)
		r = node_cost(snapshot, model, capacity, home, node, ret, err);
	return r;
}
