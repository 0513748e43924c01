#pragma once
/*
 * trace - what happens to the guests of a modelled host, tick by tick.
 * Pure: no I/O, clock, logging or globals.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/request.h"

/* In the order in which those of one tick happen: who leaves makes room for who comes. */
enum hn_event_kind {
	HN_EVENT_DEPART,
	HN_EVENT_ARRIVE,
	HN_EVENT_LOAD,   /* its vCPUs are busy otherwise than before */
	HN_EVENT_MEMORY, /* a share of a cell's memory is freed and allocated again on another node */
	HN_EVENT_VCPUS,  /* a cell's vCPUs may run everywhere and do run on that node */
	HN_EVENT_KIND_COUNT,
};

struct hn_event {
	uint64_t tick;
	enum hn_event_kind kind;
	uint32_t guest;            /* its number in the trace, from 0 */
	struct hn_request request; /* HN_EVENT_ARRIVE */
	double load;               /* HN_EVENT_ARRIVE, HN_EVENT_LOAD: of each vCPU, 0..1 */
	uint32_t cell, node;       /* HN_EVENT_MEMORY, HN_EVENT_VCPUS: indices, taken modulo what there is */
	double share;              /* HN_EVENT_MEMORY: 0..1 */
};

struct hn_trace {
	uint64_t ticks;   /* how long it lasts */
	uint64_t tick_ns; /* what a tick stands for */
	uint32_t guest_count;
	size_t count, room;
	struct hn_event *events;
};

void hn_trace_free(struct hn_trace *trace); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_trace, struct hn_trace *, hn_trace_free);
/* Without events; NULL when out of memory. */
struct hn_trace *hn_trace_new(uint64_t ticks, uint64_t tick_ns);

/* Appends a copy. -ENOMEM. */
int hn_trace_add(struct hn_trace *trace, const struct hn_event *event);

/*
 * Adds a guest with a number of its own that comes at one tick and leaves at another (beyond the trace's end:
 * never). -ENOMEM.
 */
int hn_trace_add_guest(struct hn_trace *trace, uint64_t arrives, uint64_t departs,
		       const struct hn_request *request, double load);

/* Brings the events into the order in which they happen. */
void hn_trace_sort(struct hn_trace *trace);
