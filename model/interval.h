#pragma once
/*
 * interval - a share measured on a sample, with how far it may be off.
 */
#include <stdint.h>

/* Shares between 0 and 1; low <= value <= high. */
struct hn_interval {
	double low, value, high;
};

/* Two-sided quantiles of the normal distribution. */
#define HN_Z95 1.959963984540054
#define HN_Z98 2.326347874040841

/*
 * The 98 % Wilson score interval of hits among trials (Wilson, JASA 22, 1927): well-behaved at 0 and 1,
 * unlike value +- 2.33 sigma. 98 % and not the usual 95, so that of a hundred looks practically always more
 * than 93 hold the truth, and not seven times in eight. 0 trials: 0, 0, 1 - nothing is known.
 */
struct hn_interval hn_interval_wilson(uint64_t hits, uint64_t trials);

/* The same with another quantile, > 0. */
struct hn_interval hn_interval_wilson_at(uint64_t hits, uint64_t trials, double z);
