#include "model/activity.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define MOST_PER_SECOND 1e14 /* 100 TB/s: above what memory of any machine can carry, or CPUs count */
#define LEAST_SPAN_NS (10 * HN_NS_PER_MS)

struct hn_activity *hn_activity_new(size_t rates_count)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = calloc(1, sizeof(*activity));

	if (!activity)
		return NULL;
	activity->rates = calloc(rates_count + 1, sizeof(*activity->rates));
	if (!activity->rates)
		return NULL;
	activity->rates_count = rates_count;
	return hn_steal(activity);
}

void hn_activity_free(struct hn_activity *activity)
{
	if (!activity)
		return;
	free(activity->rates);
	free(activity);
}

/* "numa_hit of node 1", "exits" */
static void __attribute__((format(printf, 4, 5)))
refuse(struct hn_activity *activity, const struct hn_rates *rates, size_t counter, const char *format, ...)
{
	char node[32] = "";
	va_list arguments;
	int used;

	if (activity->refused[0])
		return;
	if (rates->node >= 0)
		snprintf(node, sizeof(node), " of node %d", rates->node);
	used = snprintf(activity->refused, sizeof(activity->refused), "%s%s ",
			hn_counter_name(rates->family, counter), node);
	va_start(arguments, format);
	vsnprintf(activity->refused + used, sizeof(activity->refused) - (size_t)used, format, arguments);
	va_end(arguments);
}

static void add_rate(struct hn_activity *activity, struct hn_rates *rates, size_t counter, uint64_t before,
		     uint64_t now)
{
	double seconds = (double)activity->over_ns / (double)HN_NS_PER_S, rate;

	if (now < before) {
		refuse(activity, rates, counter, "went backwards, from %" PRIu64 " to %" PRIu64, before, now);
		return;
	}
	rate = (double)(now - before) / seconds;
	if (rate > MOST_PER_SECOND) {
		refuse(activity, rates, counter, "grew by %" PRIu64 " in %.3g s, which no machine can",
		       now - before, seconds);
		return;
	}
	rates->values[counter] = rate;
	rates->known |= UINT64_C(1) << counter;
}

static void compare(struct hn_activity *activity, struct hn_rates *rates, const struct hn_counters *before,
		    const struct hn_counters *now)
{
	for (size_t i = 0; i < hn_counter_count(rates->family); i++) {
		if (!hn_counter_known(now, i))
			continue;
		if (hn_counter_is_level(rates->family, i)) {
			rates->values[i] = (double)now->values[i];
			rates->known |= UINT64_C(1) << i;
			continue;
		}
		if (!before || activity->over_ns == 0 || !hn_counter_known(before, i))
			continue;
		if (before->source != now->source)
			refuse(activity, rates, i, "is counted by another than before");
		else
			add_rate(activity, rates, i, before->values[i], now->values[i]);
	}
}

/* One of the two was not read at the same moment as the other: a little more local than in all is none. */
static void check_bandwidth(struct hn_activity *activity, struct hn_rates *rates)
{
	double total = rates->values[HN_BANDWIDTH_TOTAL], local = rates->values[HN_BANDWIDTH_LOCAL];

	if (!hn_rate_known(rates, HN_BANDWIDTH_TOTAL) || !hn_rate_known(rates, HN_BANDWIDTH_LOCAL) ||
	    local <= 1.05 * total + HN_TRAFFIC_LEAST)
		return;
	refuse(activity, rates, HN_BANDWIDTH_LOCAL, "grew by more than mbm_total_bytes");
	rates->known = 0;
}

struct hn_activity *hn_activity_between(const struct hn_evidence *before, const struct hn_evidence *now)
{
	struct hn_activity *activity = hn_activity_new(now->counters_count);

	if (!activity)
		return NULL;
	memcpy(activity->stalls, now->stalls, sizeof(activity->stalls));
	if (before && now->taken_ns >= before->taken_ns + LEAST_SPAN_NS)
		activity->over_ns = now->taken_ns - before->taken_ns;
	for (size_t i = 0; i < now->counters_count; i++) {
		const struct hn_counters *counters = &now->counters[i];
		struct hn_rates *rates = &activity->rates[i];

		rates->family = (enum hn_counter_family)counters->family;
		rates->node = counters->node;
		compare(activity, rates, hn_evidence_find(before, rates->family, rates->node), counters);
		if (rates->family == HN_COUNTERS_BANDWIDTH)
			check_bandwidth(activity, rates);
	}
	return activity;
}

const struct hn_rates *hn_activity_find(const struct hn_activity *activity, enum hn_counter_family family,
					int node)
{
	for (size_t i = 0; activity && i < activity->rates_count; i++)
		if (activity->rates[i].family == family && activity->rates[i].node == node)
			return &activity->rates[i];
	return NULL;
}

bool hn_activity_remote_traffic(const struct hn_activity *activity, double *ret)
{
	const struct hn_rates *rates = hn_activity_find(activity, HN_COUNTERS_BANDWIDTH, -1);
	double total, local;

	if (!hn_rate_known(rates, HN_BANDWIDTH_TOTAL) || !hn_rate_known(rates, HN_BANDWIDTH_LOCAL))
		return false;
	total = rates->values[HN_BANDWIDTH_TOTAL];
	local = rates->values[HN_BANDWIDTH_LOCAL];
	if (total < HN_TRAFFIC_LEAST)
		return false;
	*ret = local >= total ? 0 : 1 - local / total;
	return true;
}
