#pragma once
/*
 * parcel - a process of its own whose memory lies on one node, in pages of one kind, to be moved about;
 * threads of it may keep touching that memory and tell how they fare. Troubles end the program.
 */
#include <stdint.h>

#include "host/page-sampler.h"
#include "host/process.h"

enum bench_pages { BENCH_PAGES_4K, BENCH_PAGES_THP, BENCH_PAGES_HUGETLB_2M };

struct bench_touches {
	uint64_t count;          /* of pages */
	uint64_t longest_gap_ns; /* between two of one thread, since it was last set to 0 */
};

struct bench_parcel {
	struct hn_process process;
	struct hn_range range;
	struct bench_touches *touches;
};

/* Returns when all of it lies there. */
void bench_parcel_start(uint64_t bytes, enum bench_pages pages, int node, unsigned threads,
			struct bench_parcel *ret);
void bench_parcel_stop(struct bench_parcel *parcel);

/* Bytes of it on a node. */
uint64_t bench_parcel_on(const struct bench_parcel *parcel, int node);
