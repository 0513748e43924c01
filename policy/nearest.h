#pragma once
/*
 * nearest - what of a guest that does not fit would fit.
 * Pure: no I/O, clock, logging or globals.
 */
#include <stdbool.h>

#include "policy/solver.h"

struct hn_nearest {
	bool with_memory; /* it would fit with that much memory in all, its vCPUs as asked */
	uint64_t memory_bytes;
	bool with_vcpus; /* or with so many vCPUs in all, its memory as asked */
	unsigned vcpus;
	bool with_cells; /* or divided evenly into so many cells */
	unsigned cells;
	char sentence[HN_REASON_MAX]; /* all of that, for people; says so when nothing would fit */
};

/* For a guest that hn_solve() refuses with -ENOSPC. 0, or -ENOMEM. */
int hn_nearest_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		    struct hn_nearest *ret, struct hn_error *err);
