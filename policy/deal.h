#pragma once
/*
 * deal - a budget of bytes a second dealt to those that move memory at the same time. Pure: no I/O, clock,
 * logging or globals.
 */
#include <stddef.h>
#include <stdint.h>

#define HN_DEAL_LEAST (UINT64_C(64) << 10) /* a share below is not worth a start: it waits */

struct hn_deal_hand {
	uint64_t most; /* bytes a second it may have by its own limits; 0: no limit */
	uint64_t held; /* that it has, or may still have: the most of what it was told last and what it has
			  said is in force; 0: it does not move */
	uint64_t rate; /* out: that it should have in the end; 0: no limit */
};

/*
 * Fills in rates whose sum is at most total (0: no limit): equal shares, and what some may not use goes to
 * the others.
 */
void hn_deal(uint64_t total, struct hn_deal_hand *hands, size_t count);

/*
 * What a hand may be told now: its rate, or less while others still hold what they are to give up, so that
 * the sum of what is held never exceeds total. Becomes its held. 0: it has to wait (where total is not 0).
 */
uint64_t hn_deal_grant(uint64_t total, struct hn_deal_hand *hands, size_t count, size_t hand);
