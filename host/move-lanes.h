#pragma once
/*
 * move-lanes - how many threads copy at the same time. Pure.
 *
 * One thread in move_pages(2) copies base pages at a fraction of what the link between two nodes carries, and
 * two are nearly twice as fast: each takes mmap_lock for reading and locks page tables block by block. That
 * holds where a CPU is free for the second. Where it has to take turns with a guest's threads, or with the
 * first, pages wait half moved for nothing, and one goes on alone for a while.
 *
 * Part of the mover; see mover.h for the terms.
 */
#include <stddef.h>

#include "host/mover.h"

/* Lanes that had less than this share of their time on a CPU had none to themselves. */
#define HN_LANE_SHARE_PERMILLE 800
#define HN_LANE_JUDGED_NS HN_NS_PER_MS /* who ran for less tells nothing */
/* Calls made alone until two lanes are tried again: twice as many after each attempt that fails. */
#define HN_LANES_REST_FIRST 8
#define HN_LANES_REST_MOST 256

struct hn_move_lanes {
	unsigned most;    /* lanes that there are CPUs for */
	unsigned resting; /* pieces still to be moved by one lane */
	unsigned rest;    /* how many they were */
};

void hn_move_lanes_init(struct hn_move_lanes *lanes, unsigned most);

/* How many lanes shall move the next piece: 1 to most. */
unsigned hn_move_lanes_next(struct hn_move_lanes *lanes);

/* What became of a call that so many lanes have made. */
void hn_move_lanes_learn(struct hn_move_lanes *lanes, const struct hn_move_span *spans, size_t count);
