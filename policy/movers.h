#pragma once
/*
 * movers - who of those that are there would make room for a newcomer by moving: counted only, so that the
 * solver need not be asked about all sets of them. Pure: no I/O, clock, logging or globals. Private to
 * policy/.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/solver.h"

#define HN_MOVERS_MAX 4

struct hn_movers {
	size_t count;
	size_t guests[HN_MOVERS_MAX]; /* indices in the snapshot */
	uint64_t bytes;               /* of all memory they have */
};

/*
 * Sets of up to so many guests of mode enforce, not realtime, all of whose memory can move, without which the
 * newcomer and they themselves find room cell by cell, as far as counting whole cores and base pages tells.
 * The fewest bytes first, at most ret_most of them; ret is the caller's. Guests and hosts too many to be
 * counted through are counted in part. -ENOMEM.
 */
int hn_movers_find(const struct hn_snapshot *snapshot, size_t newcomer, const struct hn_solver_limits *limits,
		   unsigned movers_max, struct hn_movers *ret, size_t ret_most, size_t *ret_count);
