#pragma once
/*
 * page-sampler - on which nodes a guest's memory lies, estimated from uniformly drawn addresses.
 *
 * Asks move_pages(2) without target nodes, which reads and moves nothing; cost grows with the number of
 * samples and not with the guest. What move_pages calls absent is looked up in pagemap, since kernel NUMA
 * balancing hides present pages from it (Linux 6.1: -ENOENT for 4 KiB pages, -EFAULT for THP).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "host/process.h"
#include "host/topology.h"

/* A piece of guest memory in the process's address space. */
struct hn_range {
	uint64_t start;      /* multiple of the base page size */
	uint64_t bytes;      /* likewise, > 0 */
	int cell;            /* cell id, for the sampler's grouping */
	uint64_t page_bytes; /* for the mover: of hugetlb pages, of which it is made; 0: base pages, and THP
				as it is found */
};

struct hn_random;

/* Draws count pages of the range, each as likely as any other and any as often as it likes: their addresses
 * in order. The range is not empty. */
void hn_range_draw(const struct hn_range *range, struct hn_random *random, void **ret, size_t count);

struct hn_page_counts {
	int cell;
	uint64_t sampled; /* = sum of on_node + absent + unknown */
	uint64_t absent;
	uint64_t unknown;
	uint64_t on_node[HN_NODE_IDS]; /* by node id */
};

/*
 * Draws up to samples_per_cell addresses in each cell, an eighth, a quarter, a half or all: as many as tell
 * each share (of a node, absent, unknown) as well as samples_per_cell would tell one of a half (a cell's
 * ranges weighted by size: stratified, so that every range gets its share to within one address in each part
 * drawn) and counts nodes. A cell with fewer pages than that is counted whole, each page once. ret has
 * cell_count entries, set up by the caller with cell ids and zeroed otherwise; ranges of cells not among them
 * are ignored. -ESRCH when the process is gone, -EPERM without the right, -ENOMEM. The same seed and ranges
 * draw the same addresses.
 */
int hn_pages_sample(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		    size_t range_count, uint32_t samples_per_cell, uint64_t seed, struct hn_page_counts *ret,
		    size_t cell_count, struct hn_error *err);

/* Counts every page of the ranges: exact, and as dear as the guest is large. */
int hn_pages_count(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		   size_t range_count, struct hn_page_counts *ret, size_t cell_count, struct hn_error *err);
