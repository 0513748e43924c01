#pragma once
/*
 * candidates - the places one cell could get: single nodes, or sets of neighbours for a cell wider than any
 * node. Pure. Private to policy/.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "policy/problem.h"

/* The part of a cell that one node would take. */
struct hn_share {
	size_t node;       /* index */
	uint64_t bytes;    /* of the cell, to live there */
	uint64_t taking;   /* of the node's room: all of them, unless they cannot move */
	uint64_t arriving; /* of these, elsewhere now */
	uint64_t bandwidth_mib;
	unsigned vcpus;
};

struct hn_candidate {
	size_t share_count;
	struct hn_share *shares;
	uint64_t inner_distance; /* above local, between its own nodes; 0 for one node */
	uint64_t migrate_mib;    /* of the cell, elsewhere now */
};

struct hn_candidates {
	size_t count;
	struct hn_candidate *items; /* least to migrate first */
	bool wide;
};

/* What a search takes for granted. */
struct hn_search_rules {
	unsigned cpu_multiple; /* shared vCPUs of the guest a CPU may be given, >= 1 */
	bool any_memory;       /* leave memory out of account */
	bool strays_count;     /* set room aside for the last of a cell's pages as well */
};

/* Places for a cell of the problem, by index: 0 and at least one candidate, -ENOSPC with which node comes
 * nearest, or -ENOMEM. */
int hn_candidates_find(const struct hn_problem *problem, size_t cell, const struct hn_search_rules *rules,
		       struct hn_candidates *ret, struct hn_error *err);
void hn_candidates_done(struct hn_candidates *candidates);

/* Appends the place that a home, of the guest's cells, is for this one, which may break the rules, and
 * returns it; NULL when out of memory. The list has then no order. */
struct hn_candidate *hn_candidates_add_home(const struct hn_problem *problem, size_t cell,
					    const struct hn_search_rules *rules,
					    const struct hn_placement *home,
					    struct hn_candidates *candidates);
