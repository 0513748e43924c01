#pragma once
/*
 * follow - the policies that bring one side of a guest to where the other is: vCPUs to memory, memory to
 * vCPUs, or neither. Pure. See policy/policies.h.
 */
#include "policy/policies.h"

/* Each cell is at home where most of its memory is; what has none yet goes where the solver says. */
int hn_follow_memory(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err);

/* Each cell is at home where its vCPUs have run most, as long as its memory fits there: -ENOSPC. */
int hn_follow_cpus(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err);
