#pragma once
/*
 * interval - a share measured on a sample, with how far it may be off.
 */
#include <stdint.h>

/* Shares between 0 and 1; low <= value <= high. */
struct hn_interval {
	double low, value, high;
};

/*
 * The 95 % Wilson score interval of hits among trials (Wilson, JASA 22, 1927): well-behaved at 0 and 1,
 * unlike value +- 1.96 sigma. 0 trials: 0, 0, 1 - nothing is known.
 */
struct hn_interval hn_interval_wilson(uint64_t hits, uint64_t trials);
