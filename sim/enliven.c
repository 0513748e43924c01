#include "sim/enliven.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/units.h"

#define LOAD_SECONDS 600

static double draw_unit(struct hn_random *random)
{
	return (double)(hn_random_next(random) >> 11) / (double)(UINT64_C(1) << 53);
}

double hn_draw_exponential(struct hn_random *random, double mean)
{
	return -mean * log1p(-draw_unit(random));
}

double hn_draw_load(struct hn_random *random)
{
	double kind = draw_unit(random), within = draw_unit(random);

	if (kind < 0.6)
		return 0.02 + 0.18 * within;
	if (kind < 0.9)
		return 0.2 + 0.4 * within;
	return 0.6 + 0.4 * within;
}

static uint64_t ticks_of(const struct hn_trace *trace, double seconds)
{
	double ticks = seconds * (double)HN_NS_PER_S / (double)trace->tick_ns;

	return ticks < 1 ? 1 : ticks > 1e15 ? (uint64_t)1e15 : (uint64_t)ticks;
}

static int add_loads(struct hn_trace *trace, struct hn_random *random, uint32_t guest, uint64_t from,
		     uint64_t to)
{
	for (;;) {
		struct hn_event event = {.kind = HN_EVENT_LOAD, .guest = guest};

		from += ticks_of(trace, hn_draw_exponential(random, LOAD_SECONDS));
		if (from >= to)
			return 0;
		event.tick = from;
		event.load = hn_draw_load(random);
		if (hn_trace_add(trace, &event) < 0)
			return -ENOMEM;
	}
}

static int add_phases(struct hn_trace *trace, struct hn_random *random, uint32_t guest, uint64_t from,
		      uint64_t to, uint64_t stray_ns)
{
	while (stray_ns > 0) {
		struct hn_event event = {.guest = guest};

		from += ticks_of(trace, hn_draw_exponential(random, (double)stray_ns / (double)HN_NS_PER_S));
		if (from >= to)
			return 0;
		event.tick = from;
		event.kind = hn_random_below(random, 2) ? HN_EVENT_MEMORY : HN_EVENT_VCPUS;
		event.cell = (uint32_t)hn_random_below(random, 1 << 16);
		event.node = (uint32_t)hn_random_below(random, 1 << 16);
		event.share = 0.2 + 0.6 * draw_unit(random);
		if (hn_trace_add(trace, &event) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Each guest has a stream of chance of its own: another guest's life does not change its. */
static int enliven_guest(struct hn_trace *trace, uint64_t seed, uint32_t guest, uint64_t from, uint64_t to,
			 uint64_t stray_ns)
{
	struct hn_random random = {seed ^ ((uint64_t)guest + 1) * UINT64_C(0x9e3779b97f4a7c15)};

	return add_loads(trace, &random, guest, from, to) ||
			       add_phases(trace, &random, guest, from, to, stray_ns)
		       ? -ENOMEM
		       : 0;
}

int hn_trace_enliven(struct hn_trace *trace, uint64_t seed, uint64_t stray_ns)
{
	uint64_t *from = calloc((size_t)trace->guest_count + 1, sizeof(*from));
	uint64_t *to = calloc((size_t)trace->guest_count + 1, sizeof(*to));
	int r = from && to ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < trace->guest_count; i++)
		to[i] = trace->ticks;
	for (size_t i = 0; r == 0 && i < trace->count; i++) {
		if (trace->events[i].kind == HN_EVENT_ARRIVE)
			from[trace->events[i].guest] = trace->events[i].tick;
		else if (trace->events[i].kind == HN_EVENT_DEPART)
			to[trace->events[i].guest] = trace->events[i].tick;
	}
	for (uint32_t i = 0; r == 0 && i < trace->guest_count; i++)
		r = enliven_guest(trace, seed, i, from[i], to[i], stray_ns);
	free(from);
	free(to);
	if (r == 0)
		hn_trace_sort(trace);
	return r;
}
