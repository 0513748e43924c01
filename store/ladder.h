#pragma once
/*
 * ladder - how samples are thinned out by age: each rung keeps one row for a longer span of time. Pure.
 *
 * Times are those of the store's own clock (store/database.h), in ns since 1970.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct hn_rung {
	uint64_t step_ns; /* looks within such a span, counted from 1970, are one row; 0: each is its own */
	uint64_t keep_ns; /* older rows go down to the next rung; from the last they are forgotten */
};

/* A step is a whole number of the step above, so that a row falls into one span of the next rung. */
#define HN_RUNG_COUNT 4
extern const struct hn_rung hn_ladder[HN_RUNG_COUNT];

/* Decisions and moves are kept that long. */
#define HN_EVENTS_KEEP_NS (2 * 365 * 86400 * HN_NS_PER_S)

/* Rows of the rung from before that time are due to leave it: always whole spans of the next rung. */
uint64_t hn_ladder_due(size_t rung, uint64_t now_ns);

/* Where the rung's span ends that time_ns lies in; the rung has a step. */
uint64_t hn_ladder_span_end(size_t rung, uint64_t time_ns);
