#pragma once
/*
 * rehome - homes for guests that have to leave where they are, so that all of them find room.
 * Pure: no I/O, clock, logging or globals. Private to policy/.
 */
#include <stdbool.h>

#include "base/error.h"
#include "model/placement.h"
#include "model/snapshot.h"
#include "policy/solver.h"

struct hn_rehomed {
	size_t guest;      /* index in the snapshot */
	bool open;         /* it is to get a home */
	bool stays_mostly; /* most of its memory is where it may be */
	struct hn_placement *home;
	char why[HN_REASON_MAX]; /* there is none for it */
};

struct hn_rehoming {
	/* Homes that are found are written into it, borrowed, as of guests on their way there: its array of
	 * guests is the caller's copy. */
	struct hn_snapshot *snapshot;
	const struct hn_solver_limits *limits;
	size_t count;
	struct hn_rehomed *items;
};
void hn_rehoming_done(struct hn_rehoming *rehoming);

/*
 * A home for each that is open: the one it has, or where most of it is, while that is possible; else what its
 * policy finds, where the rules allow that; those that are solved for together while they are few, else one
 * after the other, the largest first. -EINVAL for an unknown policy, -ENOMEM.
 */
int hn_rehome(struct hn_rehoming *rehoming, struct hn_error *err);
