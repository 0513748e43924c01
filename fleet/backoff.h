#pragma once
/*
 * backoff - how long to wait before something that failed is tried again: doubling, within bounds, by chance.
 */
#include "base/random.h"

struct hn_backoff {
	unsigned failures; /* in a row */
};

/* ms: half to the whole of least x 2^failures, most at most; counts one failure more. */
static inline unsigned hn_backoff_next(struct hn_backoff *backoff, struct hn_random *random, unsigned least,
				       unsigned most)
{
	unsigned wait = least;

	for (unsigned i = 0; i < backoff->failures && wait < most; i++)
		wait *= 2;
	wait = wait < most ? wait : most;
	backoff->failures++;
	return wait / 2 + (unsigned)hn_random_below(random, wait / 2 + 1);
}
