#pragma once
/*
 * oracle - the exact optimum of placing one guest, to measure the solver against.
 *
 * Written from the definition of the cost (model/placement.h, policy/problem.h) and of the rules
 * (policy/solver.h), and sharing no code with policy/. It knows guests of mode enforce and class shared, at
 * most eight cells each of which some node could hold whole, without devices, groups, hugetlb pages or known
 * bandwidths.
 *
 * The search goes over partitions of the cells into groups that share a node and over distinct nodes for the
 * groups, so that all parts of the cost but the distances belong to one group and one node. It is bounded by
 * the exact least distance of every subset of cells alone, found beforehand from the smallest up (Russian
 * doll search: Verfaillie, Lemaitre, Schiex, AAAI 1996), and by the least of every other part over all
 * partitions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

#define ORACLE_CELLS 8
#define ORACLE_NODES 64

/* The problem as numbers; nodes and cells by index. */
struct oracle_problem {
	size_t nodes, cells;
	unsigned cpus[ORACLE_NODES], load[ORACLE_NODES]; /* load: vCPUs of others */
	uint64_t room[ORACLE_NODES];                     /* bytes the guest may have there */
	unsigned distance[ORACLE_NODES][ORACLE_NODES];
	unsigned vcpus[ORACLE_CELLS];
	uint64_t bytes[ORACLE_CELLS];
	uint64_t migrate_mib[ORACLE_CELLS][ORACLE_NODES]; /* of the cell, to bring it to the node */
	unsigned cpus_most;                               /* of the largest node */
	uint64_t bytes_most;
	bool newcomer; /* nowhere yet: what it takes from those that may come counts */
};

struct oracle_answer {
	bool feasible;
	bool remote_proven; /* the least distance, or that nothing fits */
	bool proven;        /* the least cost in all its parts */
	struct hn_cost cost;
	size_t node_of[ORACLE_CELLS];
};

/* False for what it does not know, see above; room is what keep_free_bytes leaves. */
bool oracle_state(const struct hn_snapshot *snapshot, size_t guest, uint64_t keep_free_bytes,
		  struct oracle_problem *ret);

bool oracle_allows(const struct oracle_problem *problem, const size_t *node_of);
struct hn_cost oracle_cost(const struct oracle_problem *problem, const size_t *node_of);

/* An assignment within the CPUs exists, memory aside. */
bool oracle_has_cpus(const struct oracle_problem *problem);

/*
 * The optimum, in at most so many steps for the distances and as many again for the other parts. known, or
 * NULL, is an assignment to begin with: all that is better is still looked for.
 */
void oracle_solve(const struct oracle_problem *problem, const size_t *known, uint64_t steps,
		  struct oracle_answer *ret);
