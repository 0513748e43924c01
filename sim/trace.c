#include "sim/trace.h"

#include <errno.h>
#include <stdlib.h>

void hn_trace_free(struct hn_trace *trace)
{
	if (!trace)
		return;
	free(trace->events);
	free(trace);
}

struct hn_trace *hn_trace_new(uint64_t ticks, uint64_t tick_ns)
{
	struct hn_trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return NULL;
	trace->ticks = ticks;
	trace->tick_ns = tick_ns;
	return trace;
}

int hn_trace_add(struct hn_trace *trace, const struct hn_event *event)
{
	if (trace->count == trace->room) {
		size_t room = trace->room ? 2 * trace->room : 64;
		struct hn_event *grown = reallocarray(trace->events, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		trace->events = grown;
		trace->room = room;
	}
	trace->events[trace->count++] = *event;
	return 0;
}

int hn_trace_add_guest(struct hn_trace *trace, uint64_t arrives, uint64_t departs,
		       const struct hn_request *request, double load)
{
	struct hn_event event = {.tick = arrives,
				 .kind = HN_EVENT_ARRIVE,
				 .guest = trace->guest_count,
				 .request = *request,
				 .load = load};

	if (hn_trace_add(trace, &event) < 0)
		return -ENOMEM;
	trace->guest_count++;
	if (departs >= trace->ticks)
		return 0;
	event = (struct hn_event){.tick = departs > arrives ? departs : arrives + 1,
				  .kind = HN_EVENT_DEPART,
				  .guest = event.guest};
	return hn_trace_add(trace, &event);
}

static int by_time(const void *left, const void *right)
{
	const struct hn_event *a = left, *b = right;

	if (a->tick != b->tick)
		return a->tick < b->tick ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->guest != b->guest)
		return a->guest < b->guest ? -1 : 1;
	return a->cell < b->cell ? -1 : a->cell > b->cell;
}

void hn_trace_sort(struct hn_trace *trace)
{
	if (trace->count > 0)
		qsort(trace->events, trace->count, sizeof(*trace->events), by_time);
}
