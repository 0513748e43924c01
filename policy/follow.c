#include "policy/follow.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/capacity.h"
#include "policy/home-node.h"
#include "policy/whereabouts.h"

/* Each cell with vCPUs has a node with CPUs that are not all some other guest's own. 0, -ENOSPC. */
static int require_seats(const struct hn_snapshot *snapshot, size_t guest, const struct hn_placement *home,
			 struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	const struct hn_set owned = hn_owned_cpus(snapshot, &guest, 1);

	for (size_t cell = 0; cell < home->cell_count; cell++) {
		int node = hn_set_next(&home->cells[cell].nodes, 0);
		struct hn_set cpus = hn_usable_cpus(
			snapshot->host, (size_t)hn_host_node_index(snapshot->host, node), model->class);

		hn_set_subtract(&cpus, &owned);
		if (hn_set_empty(&cpus) && !hn_set_empty(&model->cells[cell].vcpus))
			return hn_fail(
				err, -ENOSPC,
				"CPUs: all of node %d, where the memory of cell %d is, are other guests' own",
				node, model->cells[cell].id);
	}
	return 0;
}

int hn_follow_memory(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r = 1;

	/* before it has memory, vCPUs that happen to be somewhere are no reason to stay there */
	for (size_t cell = 0; r > 0 && cell < snapshot->guests[guest].guest->cell_count; cell++)
		r = hn_whereabouts_of_memory(snapshot, guest, cell) >= 0 ||
		    snapshot->guests[guest].guest->cells[cell].memory_bytes == 0;
	if (r > 0)
		r = hn_placement_of_memory(snapshot, guest, &home);
	if (r < 0)
		return hn_oom(err);
	if (r == 0)
		return hn_home_node_find(snapshot, guest, limits, ret, err);
	r = require_seats(snapshot, guest, home, err);
	if (r == 0)
		*ret = hn_steal(home);
	return r;
}

/* A home is given at the first look that wants it: memory that has not come there yet is not kept there. */
static bool has_come(const struct hn_guest_state *state, size_t cell, size_t node)
{
	const struct hn_cell_sample *pages = &state->sample->cells[cell];

	return pages->on_node[node] >= (hn_cell_sample_present(pages, state->sample->node_count) + 1) / 2;
}

/* The node, by index, that memory of the cell is brought away from only with reason: its home, when it has
 * been brought there, else where most of it is. */
static int node_to_leave(const struct hn_snapshot *snapshot, size_t guest, size_t cell, bool keeps_home)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	const struct hn_set *nodes = keeps_home ? &state->home->cells[cell].nodes : NULL;
	int home = nodes && hn_set_count(nodes) == 1
			   ? hn_host_node_index(snapshot->host, hn_set_next(nodes, 0))
			   : -1;

	return home >= 0 && state->sample && has_come(state, cell, (size_t)home)
		       ? home
		       : hn_whereabouts_of_memory(snapshot, guest, cell);
}

/* 1 and where the vCPUs lead each cell's memory; 0 while that is not known of every cell; -ENOMEM. */
static int led_by_cpus(const struct hn_snapshot *snapshot, size_t guest, bool keeps_home,
		       struct hn_placement **ret)
{
	size_t cells = snapshot->guests[guest].guest->cell_count;
	HN_AUTO(memory) int *nodes = calloc(cells + 1, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	for (size_t cell = 0; cell < cells; cell++) {
		nodes[cell] = hn_whereabouts_led(snapshot, guest, cell,
						 node_to_leave(snapshot, guest, cell, keeps_home));
		if (nodes[cell] < 0)
			nodes[cell] = hn_whereabouts_of_memory(snapshot, guest, cell);
		if (nodes[cell] < 0)
			return 0;
	}
	*ret = hn_placement_whole(snapshot, guest, nodes);
	return *ret ? 1 : -ENOMEM;
}

/* What was found, as the guest's home: r says whether anything was. */
static int settle(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		  int r, struct hn_placement *found, struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *home = found;

	if (r < 0)
		return hn_oom(err);
	if (r == 0)
		return hn_home_node_find(snapshot, guest, limits, ret, err);
	r = hn_solver_cost(snapshot, guest, limits, home, &home->cost, err);
	if (r == 0)
		*ret = hn_steal(home);
	return r;
}

int hn_follow_cpus(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err)
{
	struct hn_placement *found = NULL;
	int r = hn_home_node_possible(snapshot, guest, snapshot->guests[guest].home, limits, err);

	if (r >= 0)
		r = led_by_cpus(snapshot, guest, r > 0, &found);
	return settle(snapshot, guest, limits, r, found, ret, err);
}

int hn_follow_cpus_at_once(const struct hn_snapshot *snapshot, size_t guest,
			   const struct hn_solver_limits *limits, struct hn_placement **ret,
			   struct hn_error *err)
{
	struct hn_placement *found = NULL;
	int r = hn_placement_of_cpus(snapshot, guest, &found);

	return settle(snapshot, guest, limits, r, found, ret, err);
}
