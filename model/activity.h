#pragma once
/*
 * activity - what two readings of evidence tell together: pressure now, and counts a second. Pure.
 *
 * Counters are doubted. One that went backwards (it was reset, or wrapped), grew faster than any machine
 * could, or is counted by another than before has no rate, and the reason is kept.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/evidence.h"
#include "model/plan.h"

/* The counters of one hn_counters: a second, or, of levels, what there is now. */
struct hn_rates {
	enum hn_counter_family family;
	int node;       /* id, -1: of none */
	uint64_t known; /* bit by member */
	double values[HN_COUNTERS_MAX];
};

static inline bool hn_rate_known(const struct hn_rates *rates, size_t counter)
{
	return rates && (rates->known >> counter & 1);
}

struct hn_activity {
	uint64_t age_ns;                           /* of the later reading */
	uint64_t over_ns;                          /* between the two; 0: there is only one, and no rate */
	struct hn_stall stalls[HN_RESOURCE_COUNT]; /* of the later reading */
	size_t rates_count;
	struct hn_rates *rates;
	char refused[HN_REASON_MAX]; /* why some rate is not believed, the first reason; "" none */
};

void hn_activity_free(struct hn_activity *activity); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_activity, struct hn_activity *, hn_activity_free);

/* Nothing known, room for so many rates. NULL when out of memory. */
struct hn_activity *hn_activity_new(size_t rates_count);

/* What has happened from one reading (NULL: there is none) to the next. NULL when out of memory. */
struct hn_activity *hn_activity_between(const struct hn_evidence *before, const struct hn_evidence *now);

/* The rates of that family and node (-1: of none), or NULL. */
const struct hn_rates *hn_activity_find(const struct hn_activity *activity, enum hn_counter_family family,
					int node);

/*
 * Share of a guest's memory traffic that went to nodes other than its CPUs', as the hardware counted it,
 * 0..1. False while it is not known, or while nearly nothing was moved (HN_TRAFFIC_LEAST bytes a second), of
 * which no share can be told.
 */
#define HN_TRAFFIC_LEAST 1e6
bool hn_activity_remote_traffic(const struct hn_activity *activity, double *ret);
