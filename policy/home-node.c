#include "policy/home-node.h"

#include "policy/capacity.h"

/* A home is kept while its nodes exist with CPUs, the cells are the same, and what it wants fits. */
static bool still_possible(const struct hn_guest_state *state, const struct hn_capacity *capacity)
{
	const struct hn_placement *home = state->home;

	if (!home || home->cell_count != state->guest->cell_count || home->node_count != capacity->node_count)
		return false;
	for (size_t cell = 0; cell < home->cell_count; cell++) {
		uint64_t wanted = 0;

		if (home->cells[cell].cell != state->guest->cells[cell].id)
			return false;
		for (size_t node = 0; node < home->node_count; node++)
			wanted += home->cells[cell].bytes[node];
		if (wanted < state->guest->cells[cell].memory_bytes) /* the cell has grown */
			return false;
	}
	for (size_t node = 0; node < home->node_count; node++) {
		uint64_t wanted = 0;

		for (size_t cell = 0; cell < home->cell_count; cell++)
			wanted += home->cells[cell].bytes[node];
		if (wanted > 0 && (capacity->nodes[node].cpus == 0 || wanted > capacity->nodes[node].room_bytes))
			return false;
	}
	return true;
}

int hn_home_node_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;

	capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes);
	if (!capacity)
		return hn_oom(err);
	if (!still_possible(state, capacity))
		return hn_solve(snapshot, guest, limits, ret, err);
	*ret = hn_placement_copy(state->home);
	return *ret ? 0 : hn_oom(err);
}
