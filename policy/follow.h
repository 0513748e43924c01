#pragma once
/*
 * follow - the policies that bring one side of a guest to where the other is: vCPUs to memory, memory to
 * vCPUs, or neither. Pure. See policy/policies.h.
 */
#include "policy/policies.h"

/* Each cell is at home where most of its memory is, as long as its vCPUs may use CPUs there: -ENOSPC; what
 * has none yet goes where the solver says. */
int hn_follow_memory(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err);

/*
 * Each cell is at home where its vCPUs have run, as long as its memory fits there: -ENOSPC. It keeps the home
 * it has, or stays where most of its memory is, until they have run twice as much elsewhere
 * (hn_whereabouts_led()).
 */
int hn_follow_cpus(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err);
/* The same, but always where they have run most, be it by a hair. */
int hn_follow_cpus_at_once(const struct hn_snapshot *snapshot, size_t guest,
			   const struct hn_solver_limits *limits, struct hn_placement **ret,
			   struct hn_error *err);
