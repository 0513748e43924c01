#pragma once
/*
 * trace - seeded arrivals and departures of guests, sized and lived as published traces of public clouds have
 * it (Cortez and others, Resource Central, SOSP 2017: most guests are small, most live shortly, few stay for
 * long).
 */
#include <stddef.h>

#include "base/random.h"
#include "bench/resident.h"

struct bench_arrival {
	struct bench_size size; /* 1 to 32 vCPUs, 2 to 8 GiB for each; from 16 vCPUs on two equal cells */
	double at, until;       /* in lifetimes of the mean guest */
};

/* count arrivals in order of time, so many in the mean lifetime of a guest. NULL when out of memory. */
struct bench_arrival *bench_trace_new(size_t count, double per_lifetime, struct hn_random *random);
