#pragma once
/*
 * simulation - plays a trace to a world and keeps the score.
 * Pure: no I/O, clock, logging or globals. Same trace, host and options, same score.
 */
#include "sim/trace.h"
#include "sim/world.h"

#define HN_COURSE 24 /* parts of equal length that the course of locality is told in */

struct hn_score {
	uint64_t ticks;
	struct hn_world_counts counts;
	size_t most_guests; /* at a time */
	double locality;    /* mean over the ticks with guests, -1: there were none */
	double kept; /* share of busy time lost neither to remote memory nor to moves, -1: nobody was busy */
	double course[HN_COURSE];
	double filled; /* mean share of the memory that guests had */
};

/* Called now and then with how far it is; may be NULL. */
typedef void (*hn_progress)(uint64_t tick, uint64_t ticks, void *context);

/* trace must be sorted; its tick takes the place of the options'. As hn_world_new() and hn_world_apply(). */
int hn_simulate(const struct hn_trace *trace, const struct hn_host *host,
		const struct hn_world_options *options, hn_progress progress, void *context,
		struct hn_score *ret, struct hn_error *err);
