#pragma once
/*
 * request - seeded guests of eight cells to be placed on a host full of others, of which it is known without
 * a solver whether they fit.
 */
#include <stdbool.h>

#include "base/random.h"
#include "bench/resident.h"

/*
 * A host of 4, 8, 16, 24 or 64 nodes where as many residents are at home, of sizes as in public clouds (1 to
 * 16 vCPUs, 2 to 8 GiB each), sharing CPUs, on about three quarters of the memory. NULL when out of memory or
 * for another count of nodes.
 */
struct hn_snapshot *bench_crowd_new(size_t nodes, unsigned residents, struct hn_random *random);

/*
 * Draws the sizes of a guest that fits, or that does not though each of its cells fits somewhere. Half have
 * equal cells, of which counting tells; the others four large and four small ones: they fit when placing the
 * largest first finds a place for all, and do not when all memory together is too little or too few nodes
 * hold a large one.
 */
void bench_request_draw(const struct hn_host *host, bool feasible, struct hn_random *random,
			struct bench_size *ret);
