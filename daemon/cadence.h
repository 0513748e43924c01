#pragma once
/*
 * cadence - how often guests are looked at, so that looks cost no more CPU time than they may.
 *
 * Each guest has a turn. It is looked at once a tick, while that is within the budget; else all ticks are
 * stretched by one factor, and a guest's that alone would cost more than guest_budget by one of its own.
 * What looks will cost is learnt from what they did, so a bucket of CPU time holds back what turns out
 * dearer: turns wait in order of their coming, and go while the bucket has what they are expected to cost.
 *
 * Over any span of time looks cost at most budget x (span + tick), and what HN_CADENCE_AT_ONCE looks may
 * cost more than was expected. No look waits for ever: each that waits goes before those that came later.
 * Looks that hang cost no CPU time but everybody's: the hands do one thing at a time. Who is the cause of one
 * rests for a hundred times as long as it took, and twice as long each time it does so again.
 *
 * What else is done for guests is made up for by fewer looks, up to a tick's worth: whoever does it sees to
 * it that it is little.
 *
 * No clock and no I/O: time comes in as an argument, from a clock that does not go back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define HN_CADENCE_AT_ONCE 2 /* looks under way */

/* A guest's. Zeroed to begin with; where it is must not change. */
struct hn_turn {
	TAILQ_ENTRY(hn_turn) entry;
	bool waiting, going;
	uint64_t expected_ns; /* CPU time of its next look, 0: not known yet */
	uint64_t charged_ns;  /* for the look under way */
	uint64_t demand_ns;   /* of each tick: its part of the cadence's */
	uint64_t besides_ns;  /* billed since its last look for something else */
	uint64_t billed_ns;   /* for all its looks so far, and what else was done */
	uint64_t started_ns;  /* of the look under way, or the last */
	uint64_t rest_ns;     /* how long it rests after what hung, 0: the last look has not */
	uint64_t rested_ns;   /* when it has rested */
};

TAILQ_HEAD(hn_turn_list, hn_turn);

struct hn_cadence {
	uint64_t tick_ns;
	double budget, guest_budget; /* of one CPU, 0..1; 0: no limit */
	double level_ns; /* CPU time that may be spent at filled_ns; below 0: spent before its time */
	uint64_t filled_ns;
	unsigned going;
	uint64_t demand_ns; /* CPU time that all looks would cost each tick */
	struct hn_turn_list waiting;
};

void hn_cadence_init(struct hn_cadence *cadence, uint64_t tick_ns, double budget, double guest_budget,
		     uint64_t now_ns);

/* It is time to look at it: its turn waits, if it does not already. Not while its look is under way, and not
 * while it rests. */
void hn_cadence_join(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t now_ns);

/*
 * The turn whose look is to be started now, NULL for none: *ret_wait_ns is how long then, UINT64_MAX when
 * only a join or the end of a look changes it.
 */
struct hn_turn *hn_cadence_next(struct hn_cadence *cadence, uint64_t now_ns, uint64_t *ret_wait_ns);

/* The look it was given by hn_cadence_next() has ended and cost that; of a look that failed what is known. */
void hn_cadence_done(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t cost_ns);
/* Something else for the guest's sake (an inspection) has cost that much: it counts as part of its next look.
 */
void hn_cadence_bill(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t cost_ns);
/* A look, or what else was done for it, has hung and held up all others for held_ns: how long it rests now.
 * Of a look the end is told besides. */
uint64_t hn_cadence_hung(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t now_ns, uint64_t held_ns);
/* As hn_cadence_done() for a look that did not take place, or of which nobody will tell. */
void hn_cadence_drop(struct hn_cadence *cadence, struct hn_turn *turn);

/* What was learnt of its looks does not hold any more. */
void hn_cadence_forget(struct hn_cadence *cadence, struct hn_turn *turn);
/* Its guest goes: it does not wait any more, and its look under way, if any, ends here. */
void hn_cadence_leave(struct hn_cadence *cadence, struct hn_turn *turn);

/* The tick in force for guests at large: tick_ns, or longer. */
uint64_t hn_cadence_tick(const struct hn_cadence *cadence);
/* The same for that guest. */
uint64_t hn_cadence_interval(const struct hn_cadence *cadence, const struct hn_turn *turn);
