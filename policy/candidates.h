#pragma once
/*
 * candidates - the places one cell could get: single nodes, or sets of neighbours for a cell wider than any
 * node. Pure. Private to policy/.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/snapshot.h"
#include "policy/capacity.h"

/* The part of a cell that one node would take. */
struct hn_share {
	size_t node;       /* index */
	uint64_t bytes;    /* of the cell, to live there */
	uint64_t taking;   /* of the node's room: all of them, unless they cannot move */
	uint64_t arriving; /* of these, elsewhere now */
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

/* 0 and at least one candidate, -ENOSPC with which node comes nearest, or -ENOMEM. */
int hn_candidates_find(const struct hn_snapshot *snapshot, size_t guest, size_t cell,
		       const struct hn_capacity *capacity, unsigned cpu_multiple, struct hn_candidates *ret,
		       struct hn_error *err);
void hn_candidates_done(struct hn_candidates *candidates);
