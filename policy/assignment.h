#pragma once
/*
 * assignment - cells of a problem put on nodes, one after the other, with what each step takes and costs.
 * Pure. Private to policy/.
 *
 * The cost of an assignment does not depend on the order in which its cells were put there, and no part of it
 * ever gets less by putting another.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "policy/candidates.h"

/* What the assignment has taken of a node. */
struct hn_node_use {
	uint64_t taking[HN_PAGE_KINDS_MAX], arriving[HN_PAGE_KINDS_MAX];
	uint64_t taken; /* of all kinds */
	unsigned vcpus[HN_CLASS_COUNT];
	uint64_t bandwidth_mib;
	unsigned cells;           /* that have a share here */
	unsigned spare;           /* CPUs left for shared vCPUs */
	struct hn_room_size size; /* what is left, where fragments count */
};

struct hn_assignment {
	const struct hn_problem *problem;
	const struct hn_search_rules *rules;
	struct hn_node_use *nodes;
	const struct hn_candidate **chosen; /* by cell; NULL: not yet */
	/* By clique and node: distance above local to the clique's cells that have been put; to the nearer
	 * whole number below for cells on several nodes. */
	uint32_t *reach;
	unsigned spare;      /* of all homes */
	unsigned wide_count; /* cells on several nodes; then reach is but a lower bound */
	struct hn_cost cost;
};

/* Empty; NULL when out of memory. */
struct hn_assignment *hn_assignment_new(const struct hn_problem *problem,
					const struct hn_search_rules *rules);
void hn_assignment_free(struct hn_assignment *assignment);
HN_CLEANUP_DEFINE(hn_assignment, struct hn_assignment *, hn_assignment_free);

/* Whether the cell may go there on top of what is there. */
bool hn_assignment_admits(const struct hn_assignment *assignment, size_t cell,
			  const struct hn_candidate *candidate);

/* What the assignment would cost with the cell there. */
struct hn_cost hn_assignment_cost_with(const struct hn_assignment *assignment, size_t cell,
				       const struct hn_candidate *candidate);

/* A lower bound of what the cell's being there adds to HN_COST_REMOTE, now or later; exact while no cell has
 * several nodes. */
uint64_t hn_assignment_remote(const struct hn_assignment *assignment, size_t cell,
			      const struct hn_candidate *candidate);

/* cost_with is what hn_assignment_cost_with() gave. */
void hn_assignment_put(struct hn_assignment *assignment, size_t cell, const struct hn_candidate *candidate,
		       const struct hn_cost *cost_with);
/* Undoes the put; cost_without is what it cost before. */
void hn_assignment_take_back(struct hn_assignment *assignment, size_t cell,
			     const struct hn_cost *cost_without);
