#pragma once
/*
 * solver - where should this guest live? Assigns its cells to host nodes.
 * Pure: no I/O, clock, logging or globals. Same snapshot and limits, same answer.
 *
 * Hard rules: the memory of the cells homed on a node fits into its room (policy/capacity.h), though what is
 * there may stay whatever has become of the rest; the guest's own vCPUs there are no more than its CPUs (for
 * a guest that has too many for that whatever the memory: than the least multiple of the CPUs that takes
 * them); memory that cannot move stays where most of it is; memory-only nodes are nobody's home. Among what
 * the rules leave, the least cost in the lexical order of enum hn_cost_part wins, by branch and bound over
 * cells, largest first, beginning with where the pages are. A cell wider than every node gets the tightest
 * set of neighbouring nodes that holds it.
 */
#include <stdint.h>

#include "base/error.h"
#include "model/placement.h"
#include "model/snapshot.h"

struct hn_solver_limits {
	uint64_t keep_free_bytes; /* never planned with, on any node */
	uint64_t steps; /* of a search; then the best so far is returned, not proven. At most two searches'
			   worth */
};

/*
 * Places snapshot->guests[guest]; the caller frees *ret. -ENOSPC when it does not fit: the sentence names
 * what is scarce and where. -EINVAL for a guest without cells. -ENOMEM.
 */
int hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	     struct hn_placement **ret, struct hn_error *err);
