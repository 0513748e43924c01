#pragma once
/*
 * home-node - the policy that gives each cell a home and keeps to it.
 * Pure. See policy/policies.h.
 */
#include "policy/policies.h"

/* 1 when home can be the guest's: its nodes exist and are allowed, the cells are the same, what it wants
 * there fits, and nobody whom it is to be kept apart from lives there; 0 when not, and for NULL; -ENOMEM. */
int hn_home_node_possible(const struct hn_snapshot *snapshot, size_t guest, const struct hn_placement *home,
			  const struct hn_solver_limits *limits, struct hn_error *err);

/* Whether no cell that could go elsewhere has a home there with a guest that it is to be kept apart from. */
bool hn_home_node_is_apart(const struct hn_snapshot *snapshot, size_t guest, const struct hn_placement *home);

/* The home's cells have as much memory there as the guest's have now, on the same nodes in the same parts. */
void hn_home_node_resize(const struct hn_guest *guest, struct hn_placement *home);

/* 1 and a copy of the home the guest has, with as much memory as its cells have now, while that is possible;
 * 0, -ENOMEM. */
int hn_home_node_keep(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_placement **ret, struct hn_error *err);

/* The home the guest has already, while that is still possible; otherwise what the solver finds; of
 * homes that cost the same, the one where its vCPUs have run. A home that only lacks being apart from others'
 * is kept where the solver finds none. */
int hn_home_node_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_placement **ret, struct hn_error *err);
