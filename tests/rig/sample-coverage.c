/*
 * sample-coverage - does the interval of a sample hold the truth? Spreads its own memory over the host's
 * nodes in shares it knows, samples itself a hundred times with a hundred seeds, and counts for each node how
 * often the true share lay inside the 98 % interval. At least 93 of 100 must, for every node.
 */
#include <numa.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "host/page-sampler.h"
#include "model/interval.h"

#define PIECE_PAGES 16 /* placed together: small against a sample's distance between two addresses */
#define PIECES 1024
#define PAGE_BYTES 4096
#define SAMPLES 2816
#define TRIALS 100
#define ENOUGH 93
#define NODES 4

/* One page in ten on node 0, two, three and four in ten on the others. */
static int node_of_piece(struct hn_random *random)
{
	uint64_t tenth = hn_random_below(random, 10);

	return tenth < 1 ? 0 : tenth < 3 ? 1 : tenth < 6 ? 2 : 3;
}

/* Fills memory piece by piece; ret_pages: how many pages went to each node. */
static char *spread_memory(uint64_t ret_pages[NODES])
{
	struct hn_random random = {20240229};
	size_t bytes = (size_t)PIECES * PIECE_PAGES * PAGE_BYTES;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE) < 0)
		return NULL;
	numa_set_strict(1);
	numa_set_bind_policy(1);
	for (size_t piece = 0; piece < PIECES; piece++) {
		struct bitmask *mask = numa_allocate_nodemask();
		int node = node_of_piece(&random);

		numa_bitmask_setbit(mask, (unsigned)node);
		numa_set_membind(mask);
		numa_bitmask_free(mask);
		for (size_t page = 0; page < PIECE_PAGES; page++)
			memory[(piece * PIECE_PAGES + page) * PAGE_BYTES] = 1;
		ret_pages[node] += PIECE_PAGES;
	}
	numa_set_membind(numa_all_nodes_ptr);
	return memory;
}

static int count_trials(const char *memory, const uint64_t truth[NODES], unsigned inside[NODES])
{
	const struct hn_range range = {(uintptr_t)memory, (uint64_t)PIECES * PIECE_PAGES * PAGE_BYTES, 0};
	struct hn_process self;
	struct hn_error err;

	if (hn_process_of_thread(NULL, getpid(), &self, NULL, &err) < 0)
		return fprintf(stderr, "%s\n", err.message), -1;
	for (uint64_t seed = 1; seed <= TRIALS; seed++) {
		struct hn_page_counts counts = {0};

		if (hn_pages_sample(NULL, &self, &range, 1, SAMPLES, seed, &counts, 1, &err) < 0)
			return fprintf(stderr, "%s\n", err.message), -1;
		for (int node = 0; node < NODES; node++) {
			struct hn_interval share = hn_interval_wilson(counts.on_node[node], counts.sampled);
			double true_share = (double)truth[node] / ((double)PIECES * PIECE_PAGES);

			inside[node] += share.low <= true_share && true_share <= share.high;
		}
	}
	return 0;
}

int main(void)
{
	uint64_t truth[NODES] = {0};
	unsigned inside[NODES] = {0};
	char *memory;
	int failed = 0;

	if (numa_available() < 0 || numa_max_node() + 1 < NODES) {
		fprintf(stderr, "a host of %d nodes is needed: this runs on the rig\n", NODES);
		return 77;
	}
	memory = spread_memory(truth);
	if (!memory || count_trials(memory, truth, inside) < 0)
		return 1;
	for (int node = 0; node < NODES; node++) {
		printf("node %d: %.1f %% of the pages; inside the interval in %u of %d trials\n", node,
		       100.0 * (double)truth[node] / ((double)PIECES * PIECE_PAGES), inside[node], TRIALS);
		failed |= inside[node] < ENOUGH;
	}
	return failed;
}
