#pragma once
/*
 * tally - what homenoded has done since it started: numbers that only grow, for metrics.
 */
#include <stdint.h>

#include "model/calls.h"
#include "model/report.h"

struct hn_tally {
	uint64_t looks, look_failures, look_ns;      /* ns of the hands' CPU time */
	uint64_t operations[HN_OPERATION_COUNT];     /* ended, by outcome */
	uint64_t moved_bytes, stayed_bytes, move_ns; /* by operations that have ended; ns of CPU time */
	uint64_t calls[HN_CALL_KIND_COUNT];          /* made to guests, by kind */
};

/* An operation has ended with this record. */
static inline void hn_tally_operation(struct hn_tally *tally, const struct hn_operation *record)
{
	tally->operations[record->state]++;
	tally->moved_bytes += record->moved_bytes;
	tally->stayed_bytes += record->stayed_bytes;
	tally->move_ns += record->cpu_ns;
}
