#pragma once
/*
 * home-node - the policy that gives each cell a home and keeps to it.
 * Pure. See policy/policies.h.
 */
#include "policy/policies.h"

/* The home the guest has already, while that is still possible; otherwise what the solver finds. */
int hn_home_node_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_placement **ret, struct hn_error *err);
