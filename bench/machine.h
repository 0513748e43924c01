#pragma once
/*
 * machine - made-up NUMA hosts with distances as real ones report them, for benchmarks of placement.
 */
#include "base/random.h"
#include "model/host.h"

/* How nodes lie to each other; the figures are those of ACPI SLIT tables. */
enum bench_shape {
	BENCH_FLAT,      /* 10, 20: every other node is as far as the next */
	BENCH_RING,      /* 10, 16, 22 at most: one hop, two or more */
	BENCH_PACKAGES,  /* 10, 11, 21, 31: halves of a package, packages of a board, boards */
	BENCH_HYPERCUBE, /* 10 and 6 for each hop */
	BENCH_BLADES, /* 10, 13 in a blade of two, 40 in a chassis of eight, then 8 more a chassis further */
	BENCH_UNEVEN, /* 11 to 40, drawn for each pair */
	BENCH_SHAPES,
};

/*
 * A host of that many nodes with cpus and mib (MiB) each, all of it free, CPUs numbered on, no SMT. chance is
 * drawn from for BENCH_UNEVEN only. NULL when out of memory, or with more than HN_SET_MAX CPUs.
 */
struct hn_host *bench_machine_new(enum bench_shape shape, size_t nodes, unsigned cpus, uint64_t mib,
				  struct hn_random *chance);

/* Gives the node, by index, so many CPUs less than it has, the highest first. */
void bench_machine_shrink(struct hn_host *host, size_t node, unsigned cpus);
