#pragma once
/*
 * search - the best assignment of a problem's cells to their candidates, by branch and bound.
 * Pure. Private to policy/.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/assignment.h"
#include "policy/memo.h"

struct hn_child;

/* What the cells from some depth on want. */
struct hn_rest {
	uint64_t least_taking[HN_PAGE_KINDS_MAX];
	unsigned least_vcpus;                     /* of any one of them */
	unsigned shared_vcpus, most_shared_vcpus; /* of all, of any one of them */
	uint64_t byte_size, cpu_size;             /* of all, in 1024ths of the largest node */
	uint64_t remote; /* a lower bound of their distances to each other, see policy/span.h */
};

/* What some cells take. */
struct hn_crowd {
	uint64_t bytes;
	unsigned vcpus;
};

/* Nodes by their distance to the cells that have been put, as far as they have been asked for. */
struct hn_ranking {
	size_t count;
	uint64_t *keys; /* distance and node */
};

struct hn_search {
	const struct hn_problem *problem;
	struct hn_search_rules rules;
	bool any;         /* the first assignment found will do */
	bool no_overload; /* leave out what costs in HN_COST_CPU */
	uint64_t steps_left;
	struct hn_assignment *assignment;
	struct hn_memo *memo;
	size_t *order;                    /* cells, in the order in which they are assigned */
	bool *twins;                      /* by depth: the cell is just like the one before */
	struct hn_candidates *candidates; /* by cell */
	size_t *places;                   /* nodes that some cell could go to */
	size_t place_count;
	const size_t *open; /* of these the ones that are looked at, all but in hn_search_run_on() */
	size_t open_count;
	uint64_t round;            /* of hn_search_run_on(): what one was through says nothing of another */
	size_t *alike;             /* by node: the first node it can be exchanged with, or itself */
	struct hn_rest *rest;      /* by depth */
	unsigned *most_seats;      /* by node */
	unsigned *sizes;           /* workspace */
	bool uniform;              /* crowds are known */
	struct hn_crowd *crowds;   /* by depth and number of cells */
	struct hn_ranking ranking; /* workspace */
	uint32_t *singles;         /* by cell and node: its candidate there, counted from 1; 0 none */
	struct hn_child *children; /* workspace: child_count of every depth */
	size_t child_count;
	bool wide; /* a cell has candidates of several nodes: nothing is proven */
	bool found;
	const struct hn_candidate **best; /* by cell */
	struct hn_cost best_cost;
};

/* Finds candidates and bounds. 0; -ENOSPC when a cell has no place, with the sentence; -ENOMEM. search is to
 * be given to hn_search_done() whatever comes back. */
int hn_search_init(struct hn_search *search, const struct hn_problem *problem,
		   const struct hn_search_rules *rules, uint64_t steps, struct hn_error *err);
void hn_search_done(struct hn_search *search);

/* Goes through all assignments that could be better than the best so far, or until the steps are used up. */
void hn_search_run(struct hn_search *search);

/* The same on these nodes only, in so many steps at most; nothing is proven then. Not for wide searches. */
void hn_search_run_on(struct hn_search *search, const size_t *nodes, size_t count, uint64_t steps);

/* For the other files of the search: */

struct hn_child {
	struct hn_cost cost; /* of the assignment with it */
	const struct hn_candidate *candidate;
};

/* The candidate of the cell that is this node alone, or NULL. */
const struct hn_candidate *hn_search_single_at(const struct hn_search *search, size_t cell, size_t node);

/* Work that is none of hn_search_children(), in steps. */
static inline void hn_search_spend(struct hn_search *search, uint64_t steps)
{
	search->steps_left -= steps < search->steps_left ? steps : search->steps_left;
}

/* A cost, of the whole or of a part, that is not below the best so far. */
static inline bool hn_search_is_no_better(const struct hn_search *search, const struct hn_cost *cost)
{
	return search->found && hn_cost_compare(cost, &search->best_cost) >= 0;
}

/* An unused node that an unused one before it could stand for. */
bool hn_search_is_repetition(const struct hn_search *search, const struct hn_candidate *candidate);

/* Empties the assignment, whatever has been put. */
void hn_search_clear(struct hn_search *search);

/* The assignment, which is whole, is the best so far. */
void hn_search_keep(struct hn_search *search);

/*
 * Fills search->children from depth * child_count on with the places of the cell, from that node on, that are
 * admitted and may be better than the best so far, least cost first, those of equal cost in the candidates'
 * order; returns how many.
 */
size_t hn_search_children(struct hn_search *search, size_t depth, size_t cell, size_t first_node);
