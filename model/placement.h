#pragma once
/*
 * placement - which host nodes a guest's cells should live on, and what that costs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/set.h"

#define HN_REASON_MAX 240 /* longest sentence kept, with its NUL */

/* Parts of a placement's cost, most important first: a placement is better when the first part that differs
 * is less. */
enum hn_cost_part {
	HN_COST_REMOTE,    /* distance above local: between the guest's cells, between the nodes of a split
			      cell, from cells to devices, and between guests of one affinity group */
	HN_COST_CPU,       /* vCPUs beyond the CPUs of their nodes, other guests' included */
	HN_COST_BANDWIDTH, /* MiB/s beyond what the nodes' memory gives, where that is known */
	HN_COST_FRAGMENT,  /* what it takes from the largest guests that could still come, see
			      policy/problem.h */
	HN_COST_MIGRATE,   /* MiB that are elsewhere now */
	HN_COST_PARTS,
};
const char *hn_cost_part_name(enum hn_cost_part part);

struct hn_cost {
	uint64_t parts[HN_COST_PARTS];
};
/* <0, 0, >0 as a is better than, equal to, worse than b. */
int hn_cost_compare(const struct hn_cost *a, const struct hn_cost *b);

struct hn_cell_home {
	int cell;            /* cell id */
	struct hn_set nodes; /* node ids; one, unless the cell is wider than any node */
	uint64_t *bytes;     /* by host node index: how much of its memory belongs there */
	/* By host node index: how many of its vCPUs belong there, when it has several nodes. All 0, or not as
	 * many as it has vCPUs: nobody has said, and they go as its memory does. */
	uint64_t *vcpus;
};

/* The CPUs a vCPU is to run on: one for a dedicated or realtime guest, its node's for a shared one. */
struct hn_vcpu_home {
	int vcpu;
	struct hn_set cpus;
};

struct hn_placement {
	size_t node_count;
	size_t cell_count;
	struct hn_cell_home *cells; /* in the guest's order */
	size_t vcpu_count;          /* 0: CPUs have not been chosen, any of the nodes' will do */
	struct hn_vcpu_home *vcpus; /* in order of vCPU */
	struct hn_set other_cpus;   /* for the emulator and iothreads; empty with vcpu_count 0 */
	struct hn_cost cost;
	struct hn_cost bound; /* no placement costs less than this; equal to cost when proven */
	bool proven;          /* no better placement exists under this cost */
	unsigned owners;      /* besides the first: see hn_placement_share() */
};

void hn_placement_free(struct hn_placement *placement); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_placement, struct hn_placement *, hn_placement_free);
struct hn_placement *hn_placement_new(size_t node_count, size_t cell_count);
struct hn_placement *hn_placement_copy(const struct hn_placement *placement);
/* One more owner of the same, in the same thread; from now on nobody may change it. Each frees it; the last
 * is the end of it. */
struct hn_placement *hn_placement_share(struct hn_placement *placement);
/* Makes room for so many vCPUs, zeroed, in place of what there was. -ENOMEM. */
int hn_placement_set_vcpus(struct hn_placement *placement, size_t vcpu_count);
/*
 * How far the cost may be above the least possible: of the first part in which cost and bound differ, (cost -
 * bound) / bound, against at least one unit; 0 when they are equal.
 */
double hn_placement_gap(const struct hn_placement *placement);
/* Same cells on the same nodes with the same bytes; vCPUs are left out of account. */
bool hn_placement_equal(const struct hn_placement *a, const struct hn_placement *b);
/* Whether a cell of so many vCPUs has several nodes, and it is said how many of them belong on each. */
bool hn_placement_seats_known(const struct hn_placement *placement, size_t cell, unsigned vcpus);
/* Every node any cell lives on. */
struct hn_set hn_placement_nodes(const struct hn_placement *placement);
