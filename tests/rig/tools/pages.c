/*
 * pages - where the pages of another process really are, without asking move_pages.
 *
 *     pages PID START_HEX LENGTH_BYTES [START_HEX LENGTH_BYTES ...]
 *
 * Reads page frame numbers from /proc/PID/pagemap and finds their nodes from the zones in /proc/zoneinfo.
 * Prints a line for each range: "START LENGTH n0 n1 ... absent", counted in 4 KiB pages, one column for each
 * node up to the highest. Pages the kernel has marked PROT_NONE for NUMA balancing are present here; the
 * shared page of zeroes, small or huge, that stands for memory only read so far is absent. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define HUGE_BYTES (2u << 20)
#define MAX_ZONES 1024
#define MAX_NODES 256
#define BATCH_PAGES 65536
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_PFN (((UINT64_C(1)) << 55) - 1)

struct zone {
	uint64_t first_pfn, end_pfn;
	int node;
};

static struct zone zones[MAX_ZONES];
static size_t n_zones;
static int highest_node;
static uint64_t zero_pfn, huge_zero_pfn;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "pages: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void read_zones(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	uint64_t spanned = 0, first;
	char line[256], name[64];
	int node = -1;

	if (!f)
		fail("/proc/zoneinfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %d, zone %63s", &node, name) == 2) {
			spanned = 0;
			if (node > highest_node && node < MAX_NODES)
				highest_node = node;
		} else if (sscanf(line, " spanned %" SCNu64, &spanned) == 1) {
			continue;
		} else if (sscanf(line, " start_pfn: %" SCNu64, &first) == 1 && spanned &&
			   n_zones < MAX_ZONES && node < MAX_NODES) {
			zones[n_zones++] = (struct zone){first, first + spanned, node};
		}
	}
	fclose(f);
}

static uint64_t pfn_of_own(const void *address)
{
	uint64_t entry = 0;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pagemap < 0 || pread(pagemap, &entry, sizeof(entry),
				 (off_t)((uintptr_t)address / PAGE_BYTES * sizeof(entry))) < 0)
		fail("/proc/self/pagemap");
	close(pagemap);
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

/* Finds the page frames of zeroes by reading memory of our own that was never written to. */
static void find_zero_pages(void)
{
	char *own = mmap(NULL, 2 * HUGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *aligned;

	if (own == MAP_FAILED)
		fail("mmap");
	aligned = (char *)(((uintptr_t)own + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1));
	madvise(aligned, HUGE_BYTES, MADV_HUGEPAGE); /* fails where there are no huge pages */
	(void)*(volatile char *)aligned;
	huge_zero_pfn = pfn_of_own(aligned);
	munmap(own, 2 * HUGE_BYTES);
	own = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		fail("mmap");
	(void)*(volatile char *)own;
	zero_pfn = pfn_of_own(own);
	munmap(own, PAGE_BYTES);
}

static int is_zero_page(uint64_t pfn)
{
	return pfn == zero_pfn || (pfn >= huge_zero_pfn && pfn < huge_zero_pfn + HUGE_BYTES / PAGE_BYTES);
}

static int node_of(uint64_t pfn)
{
	static size_t last;

	if (is_zero_page(pfn))
		return -1;
	if (last < n_zones && pfn >= zones[last].first_pfn && pfn < zones[last].end_pfn)
		return zones[last].node;
	for (last = 0; last < n_zones; last++)
		if (pfn >= zones[last].first_pfn && pfn < zones[last].end_pfn)
			return zones[last].node;
	return -1;
}

static void count_range(int pagemap, uint64_t start, uint64_t length, uint64_t counts[MAX_NODES],
			uint64_t *absent)
{
	static uint64_t entries[BATCH_PAGES];
	uint64_t page = start / PAGE_BYTES, end = (start + length) / PAGE_BYTES;

	while (page < end) {
		size_t want = end - page < BATCH_PAGES ? (size_t)(end - page) : BATCH_PAGES;
		ssize_t got =
			pread(pagemap, entries, want * sizeof(*entries), (off_t)(page * sizeof(*entries)));

		if (got < 0)
			fail("reading pagemap");
		if (got < (ssize_t)sizeof(*entries)) {
			*absent += end - page;
			return;
		}
		for (size_t i = 0; i < (size_t)got / sizeof(*entries); i++) {
			int node = entries[i] & PAGEMAP_PRESENT ? node_of(entries[i] & PAGEMAP_PFN) : -1;

			if (node < 0)
				(*absent)++;
			else
				counts[node]++;
		}
		page += (uint64_t)got / sizeof(*entries);
	}
}

int main(int argc, char **argv)
{
	char path[64];
	int pagemap;

	if (argc < 4 || argc % 2 != 0) {
		fprintf(stderr, "usage: pages PID START_HEX LENGTH_BYTES [START_HEX LENGTH_BYTES ...]\n");
		return 2;
	}
	snprintf(path, sizeof(path), "/proc/%ld/pagemap", strtol(argv[1], NULL, 10));
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (pagemap < 0)
		fail(path);
	read_zones();
	find_zero_pages();
	for (int i = 2; i < argc; i += 2) {
		uint64_t start = strtoull(argv[i], NULL, 16), length = strtoull(argv[i + 1], NULL, 10);
		uint64_t counts[MAX_NODES] = {0}, absent = 0;

		count_range(pagemap, start, length, counts, &absent);
		printf("%" PRIx64 " %" PRIu64, start, length);
		for (int node = 0; node <= highest_node; node++)
			printf(" %" PRIu64, counts[node]);
		printf(" %" PRIu64 "\n", absent);
	}
	close(pagemap);
	return 0;
}
