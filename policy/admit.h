#pragma once
/*
 * admit - make room for a newcomer by moving guests that are there already.
 * Pure: no I/O, clock, logging or globals.
 */
#include "policy/solver.h"

struct hn_admitted {
	size_t guest; /* index in the snapshot */
	struct hn_placement *placement;
};

struct hn_admission {
	size_t count; /* the newcomer first, then who has to move for it; 0 after a failure */
	struct hn_admitted *guests;
	uint64_t move_bytes; /* of the others */
};
void hn_admission_done(struct hn_admission *admission);

/*
 * Places the guest as hn_solve() does; when it does not fit, or only with a cell split over nodes, tries to
 * move up to movers_max (0..4) others of mode enforce for it, and takes the way that moves the fewest bytes
 * among those it finds. -ENOSPC as hn_solve() says it, when there is no way. -EINVAL,
 * -ENOMEM.
 */
int hn_admit(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	     unsigned movers_max, struct hn_admission *ret, struct hn_error *err);
