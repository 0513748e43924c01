#pragma once
/*
 * enliven - gives the guests of a trace a life: load that changes, memory and vCPUs that stray. Traces of
 * clouds tell when guests come and go and how large they are, not what they do meanwhile.
 * Pure: no I/O, clock, logging or globals.
 */
#include "sim/trace.h"

/*
 * Adds events between each guest's arrival and departure, drawn from the seed: a new load every 10 minutes in
 * the mean (three in five below 20 % a vCPU, one in ten above 60 %), and every stray_ns (0: never)
 * either a part of a cell's memory or a cell's vCPUs on another node. The numbers are round ones of ours.
 * Sorts the trace. -ENOMEM.
 */
int hn_trace_enliven(struct hn_trace *trace, uint64_t seed, uint64_t stray_ns);
#define HN_STRAY_NS (UINT64_C(1800) * 1000000000) /* half an hour */

/* A load as above, 0..1. */
struct hn_random;
double hn_draw_load(struct hn_random *random);
/* Exponentially distributed with that mean; > 0. */
double hn_draw_exponential(struct hn_random *random, double mean);
