#pragma once
/*
 * problem - what the solver solves: the cells of one guest or of several, and what every node could give
 * them, as flat tables. Pure. Private to policy/.
 *
 * Two cells attract each other when they are of one guest, or of guests of one affinity group: such cells
 * form a clique, and every pair of a clique costs the distance between their places. What does not move with
 * the solution - devices, and guests of the group that are not being placed - pulls with a fixed cost per
 * node.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/snapshot.h"
#include "policy/capacity.h"

#define HN_PAGE_KINDS_MAX (1 + HN_POOLS_MAX)

struct hn_problem_cell {
	size_t guest; /* among those of the problem */
	size_t cell;  /* of that guest */
	int id;
	enum hn_class class;
	uint64_t bytes;
	size_t page_kind;
	unsigned vcpus;
	uint64_t bandwidth_mib;
	size_t clique;
	int tie;              /* node it cannot leave, -1 none */
	const uint64_t *here; /* bytes now, by node */
	uint32_t *pull;       /* by node: distance above local to what it is drawn to besides its clique */
	bool *barred;         /* by node: not allowed, or a guest to be kept apart from lives there */
};

struct hn_problem_node {
	bool home; /* has CPUs and memory that is not a device's */
	uint64_t room[HN_PAGE_KINDS_MAX], short_bytes[HN_PAGE_KINDS_MAX];
	unsigned seats[HN_CLASS_COUNT], core_cpus, others_vcpus;
	uint64_t bandwidth_mib, others_bandwidth_mib; /* bandwidth_mib 0: unknown */
	uint64_t free_bytes;                          /* of all page sizes together */
};

struct hn_problem {
	const struct hn_snapshot *snapshot;
	const struct hn_host *host;
	const size_t *guests; /* indices in the snapshot; the caller's */
	size_t guest_count;
	struct hn_capacity *capacity;
	size_t page_kind_count;
	uint64_t page_bytes[HN_PAGE_KINDS_MAX]; /* by kind; 0: base pages */
	size_t node_count, cell_count, clique_count;
	struct hn_problem_node *nodes;
	struct hn_problem_cell *cells;
	uint32_t *pulls; /* memory behind the cells' tables */
	bool *bars;
	uint16_t *distances;   /* above local; the longer where a pair has two */
	bool keeps_apart;      /* two of its guests must not share a node */
	bool counts_fragments; /* none of its memory is anywhere yet */
	unsigned most_cpus;    /* of the largest node */
	uint64_t most_bytes;
};

/* -EINVAL for a guest without cells, or with more page sizes than a node can have; -ENOMEM. */
int hn_problem_new(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
		   uint64_t keep_free_bytes, struct hn_problem **ret, struct hn_error *err);
void hn_problem_free(struct hn_problem *problem);
HN_CLEANUP_DEFINE(hn_problem, struct hn_problem *, hn_problem_free);

/* Distance above local, the same both ways. */
static inline unsigned hn_problem_distance(const struct hn_problem *problem, size_t a, size_t b)
{
	return problem->distances[a * problem->node_count + b];
}

/* Whether the node can be the cell's at all, by indices, room aside: it is not barred, it is where what is
 * tied is, or it has CPUs of the cell's class left, which a cell needs that has no vCPUs as well. */
bool hn_problem_allows(const struct hn_problem *problem, size_t cell, size_t node);

/* Whether two guests of the problem, by their place in it, must not share a node. */
bool hn_problem_apart(const struct hn_problem *problem, size_t guest, size_t other);

/*
 * What a node that has so many CPUs and bytes left is worth to guests that may come: the square of the size,
 * in 1024ths of the host's largest node, of the guest that would fill it as far as the scarcer of the two
 * allows. Squares, since one large place serves more guests than two of half the size; the scarcer, since
 * what is left of the other alone serves nobody. HN_COST_FRAGMENT is the loss of worth over all nodes. So the
 * best fit costs least, and least of all where the resource that is stranded already is used.
 */
struct hn_room_size {
	unsigned by_cpus, by_bytes; /* 1024ths of the largest node */
};
struct hn_room_size hn_problem_size(const struct hn_problem *problem, unsigned free_cpus,
				    uint64_t free_bytes);

static inline uint64_t hn_room_worth(const struct hn_room_size *size)
{
	uint64_t scarcer = size->by_cpus < size->by_bytes ? size->by_cpus : size->by_bytes;

	return scarcer * scarcer;
}
