#include "bench/trace.h"

#include <math.h>
#include <stdlib.h>

/* In hundredths: how many guests have that many vCPUs, and GiB for each vCPU. */
static const struct weight {
	unsigned hundredths, value;
} vcpu_weights[] = {{20, 1}, {34, 2}, {24, 4}, {13, 8}, {6, 16}, {3, 32}},
  gib_weights[] = {{30, 2}, {45, 4}, {25, 8}};

static unsigned draw(struct hn_random *random, const struct weight *weights)
{
	uint64_t left = hn_random_below(random, 100);

	while (left >= weights->hundredths)
		left -= weights++->hundredths;
	return weights->value;
}

/* Exponentially distributed, of mean 1. */
static double draw_time(struct hn_random *random)
{
	return -log(((double)hn_random_below(random, 1U << 30) + 1) / (1U << 30));
}

static void draw_size(struct hn_random *random, struct bench_size *ret)
{
	unsigned vcpus = draw(random, vcpu_weights), gib = draw(random, gib_weights);

	ret->cells = vcpus >= 16 ? 2 : 1;
	for (size_t i = 0; i < ret->cells; i++) {
		ret->vcpus[i] = vcpus / (unsigned)ret->cells;
		ret->mib[i] = (uint64_t)ret->vcpus[i] * gib * 1024;
	}
}

struct bench_arrival *bench_trace_new(size_t count, double per_lifetime, struct hn_random *random)
{
	struct bench_arrival *trace = calloc(count, sizeof(*trace));
	double now = 0;

	for (size_t i = 0; trace && i < count; i++) {
		/* nine in ten live for a third of the mean, one for seven times it */
		double life = hn_random_below(random, 10) ? 1.0 / 3 : 7;

		draw_size(random, &trace[i].size);
		now += draw_time(random) / per_lifetime;
		trace[i].at = now;
		trace[i].until = now + life * draw_time(random);
	}
	return trace;
}
