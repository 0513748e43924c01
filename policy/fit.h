#pragma once
/*
 * fit - where a guest that is to come would go, why, and how many more of it; or what keeps it out.
 * Pure: no I/O, clock, logging or globals.
 */
#include "model/fit-answer.h"
#include "policy/solver.h"

/*
 * For snapshot->guests[guest], under its own policy: it gets the home that is found, and its copies are
 * appended to the snapshot while one more is found to fit, more_max at most. All copies together get some
 * five times the steps of limits, the later the fewer: on a host that is nearly full there may be room for
 * more than are counted. The caller frees *ret. -EINVAL for a guest without cells or of an unknown policy,
 * -ENOMEM; one that does not fit is no error.
 */
int hn_fit(struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	   unsigned more_max, struct hn_fit_answer **ret, struct hn_error *err);
