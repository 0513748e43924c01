#pragma once
/*
 * target - a process of its own with memory of which a known, random part is there: something to sample, as a
 * guest is to the daemon. Troubles end the program.
 */
#include <stdbool.h>
#include <stdint.h>

#include "host/page-sampler.h"
#include "host/process.h"

struct bench_target {
	struct hn_process process;
	struct hn_range range;  /* cell 0 */
	uint64_t pages;         /* of the range, in base pages */
	uint64_t present_pages; /* those that were written to: the truth */
	double huge_share;      /* of the present ones, how many the kernel did put into huge pages */
};

/*
 * huge: huge pages, present or absent as a whole; else base pages. Each is present with the given
 * probability, and the same seed chooses the same ones. Returns when all of them are written.
 */
void bench_target_start(uint64_t bytes, bool huge, double probability, uint64_t seed,
			struct bench_target *ret);

/* Kills it and waits until its memory is free again. */
void bench_target_stop(const struct bench_target *target);
