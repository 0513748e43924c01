/* Stands in until the solver brings its own hn_solver_cost(). */
#include <errno.h>

#include "policy/home-node.h"
#include "policy/solver.h"

int hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   const struct hn_placement *home, struct hn_cost *ret, struct hn_error *err)
{
	int r = hn_home_node_possible(snapshot, guest, home, limits, err);

	*ret = (struct hn_cost){{UINT64_MAX}}; /* never preferred */
	if (r < 0)
		return r;
	return r ? 0 : hn_fail(err, -ENOSPC, "memory: no room in that home");
}
