#include "policy/follow.h"

#include <errno.h>

#include "policy/home-node.h"
#include "policy/whereabouts.h"

int hn_follow_memory(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err)
{
	int r = 1;

	/* before it has memory, vCPUs that happen to be somewhere are no reason to stay there */
	for (size_t cell = 0; r > 0 && cell < snapshot->guests[guest].guest->cell_count; cell++)
		r = hn_whereabouts_of_memory(snapshot, guest, cell) >= 0 ||
		    snapshot->guests[guest].guest->cells[cell].memory_bytes == 0;
	if (r > 0)
		r = hn_placement_of_memory(snapshot, guest, ret);
	if (r < 0)
		return hn_oom(err);
	return r > 0 ? 0 : hn_home_node_find(snapshot, guest, limits, ret, err);
}

int hn_follow_cpus(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r = hn_placement_of_cpus(snapshot, guest, &home);

	if (r < 0)
		return hn_oom(err);
	if (r == 0)
		return hn_home_node_find(snapshot, guest, limits, ret, err);
	r = hn_solver_cost(snapshot, guest, limits, home, &home->cost, err);
	if (r == 0)
		*ret = hn_steal(home);
	return r;
}
