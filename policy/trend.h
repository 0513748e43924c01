#pragma once
/*
 * trend - which way the locality of a guest, or of a cell, goes over its last looks. Pure: no I/O, clock,
 * logging or globals.
 */
#include <stddef.h>

#include "model/trend.h"

#define HN_TREND_LOOKS 12
#define HN_TREND_LEAST 0.03 /* less between the halves is within what a sample may be off */

/* The last looks, the oldest first. Plain data, zeroed to begin with. */
struct hn_trend_looks {
	size_t count;
	double values[HN_TREND_LOOKS];
};

/* Appends a value; the oldest of HN_TREND_LOOKS goes. */
void hn_trend_add(struct hn_trend_looks *looks, double value);

/*
 * Rising or falling when Mann's test (Econometrica 13, 1945; ties as in Kendall's Rank Correlation Methods)
 * says so at 98 %, and when the looks of the later half differ from those of the earlier by HN_TREND_LEAST
 * at least, median against median. Unknown with fewer than six looks: they could not show anything.
 */
enum hn_trend hn_trend_of(const struct hn_trend_looks *looks);
