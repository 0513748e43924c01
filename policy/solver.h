#pragma once
/*
 * solver - where should this guest live? Assigns its cells to host nodes.
 * Pure: no I/O, clock, logging or globals. Same snapshot and limits, same answer.
 *
 * Hard rules: the memory of the cells homed on a node fits into its room for their page size
 * (policy/capacity.h), though what is there may stay whatever has become of the rest; a dedicated or realtime
 * vCPU has a core of its own; the shared vCPUs of one guest on a node are no more than its CPUs (for a guest
 * that has too many for that whatever the memory: than the least multiple of the CPUs that takes them, or
 * one that surely does where the steps do not tell);
 * memory that cannot move stays where most of it is; memory-only nodes are nobody's home; nodes that the
 * guest is not allowed are none of its own; guests to be kept apart share no node. Among what the rules
 * leave, the least cost in the lexical order of enum hn_cost_part wins, by branch and bound over cells,
 * beginning with where the pages are. A cell wider than every node gets the tightest set of neighbouring
 * nodes that holds it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/placement.h"
#include "model/snapshot.h"

struct hn_solver_limits {
	uint64_t keep_free_bytes; /* never planned with, on any node */
	uint64_t steps; /* of a search, a tenth of a microsecond each; then the best so far is returned, not
			   proven */
	unsigned cpu_multiple; /* for hn_solver_cost(), as hn_solver_multiple() has found it; 0: it is looked
				  for */
	bool strays_count;     /* the last of a cell's pages need room as well where most are already, see
				  HN_STRAY_FRACTION: for placements that others' depend on */
};

/*
 * Places snapshot->guests[guest]; the caller frees *ret. -ENOSPC when it does not fit: the sentence names
 * what is scarce and where; policy/nearest.h finds what would fit instead. -EINVAL for a guest without cells.
 * -ENOMEM.
 */
int hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	     struct hn_placement **ret, struct hn_error *err);

/*
 * Places several guests at once, so that the sum of their costs is least; each may be one that is there
 * already and has to make room. ret has count entries, in the order of guests; each placement carries the
 * cost of all. As hn_solve() otherwise.
 */
int hn_solve_together(const struct hn_snapshot *snapshot, const size_t *guests, size_t count,
		      const struct hn_solver_limits *limits, struct hn_placement **ret, struct hn_error *err);

/*
 * What the guest's placement would cost if it were this one; home may be anything that a solver, an operator
 * or an earlier day came up with. -ENOSPC with the hard rule it breaks and where, -EINVAL when it is not one
 * of this guest on this host, -ENOMEM.
 */
int hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   const struct hn_placement *home, struct hn_cost *ret, struct hn_error *err);

/*
 * The multiple of the CPUs that the guest's shared vCPUs may be given in a home, whichever it is: for who
 * asks for the cost of many of them, since it may take a search. 0, or as hn_solver_cost().
 */
int hn_solver_multiple(const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_solver_limits *limits, unsigned *ret, struct hn_error *err);

/* Whether that home breaks none of the hard rules when memory is left out of account: 1, 0, -ENOMEM. */
int hn_solver_allows(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     const struct hn_placement *home);
