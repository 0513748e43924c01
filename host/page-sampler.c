/*
 * page-sampler - uniform draws over a cell's memory, and counts of where they fall.
 *
 * The pages of a cell are laid end to end and cut into as many equal pieces as there are samples; one page is
 * drawn at random in each piece. Every page is equally likely, so shares are estimated without bias; the
 * draws come out in order of address, which is kind to the page-table walk; and a cell whose halves lie on
 * different nodes is measured better than by as many independent draws, never worse (Cochran, Sampling
 * Techniques, 3rd ed., section 5.6), so that an interval meant for independent draws holds.
 *
 * Most guests lie on one node: a share near 0 or 1 is known from far fewer draws than one of a half. So an
 * eighth is drawn first, and more only as long as the widest interval is wider than it may be. Which shares
 * stop early hardly overlaps with which go on, so little of the intervals' confidence is lost; the tests
 * count it.
 */
#include "host/page-sampler.h"

#include <errno.h>
#include <stdlib.h>

#include "base/pages.h"
#include "base/random.h"
#include "host/page-query.h"
#include "host/page-table.h"
#include "model/interval.h"

#define BATCH_PAGES 4096

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t) * (void *const *)a, y = (uintptr_t) * (void *const *)b;

	return (x > y) - (x < y);
}

void hn_range_draw(const struct hn_range *range, struct hn_random *random, void **ret, size_t count)
{
	uint64_t pages = range->bytes / hn_base_page_bytes();

	for (size_t i = 0; i < count; i++)
		ret[i] = (void *)(range->start + hn_random_below(random, pages) * hn_base_page_bytes());
	qsort(ret, count, sizeof(*ret), by_address);
}

/* Addresses collected for the next question, and the counts its answers go to. */
struct tally {
	struct hn_page_query *query;
	struct hn_page_counts *counts;
	size_t count;
	void *pages[BATCH_PAGES];
	int status[BATCH_PAGES];
};

static int tally_flush(struct tally *tally, struct hn_error *err)
{
	int r = hn_page_query_run(tally->query, tally->pages, tally->count, tally->status, err);

	if (r)
		return r;
	for (size_t i = 0; i < tally->count; i++) {
		int status = tally->status[i];

		if (status >= 0 && status < HN_NODE_IDS)
			tally->counts->on_node[status]++;
		else if (status == HN_PAGE_ABSENT)
			tally->counts->absent++;
		else
			tally->counts->unknown++;
	}
	tally->counts->sampled += tally->count;
	tally->count = 0;
	return 0;
}

static int tally_add(struct tally *tally, uint64_t address, struct hn_error *err)
{
	tally->pages[tally->count++] = (void *)address;
	return tally->count == BATCH_PAGES ? tally_flush(tally, err) : 0;
}

/* Every page of a range. */
static int range_count_pages(struct tally *tally, const struct hn_range *range, struct hn_error *err)
{
	uint64_t step = hn_base_page_bytes();
	int r = 0;

	for (uint64_t offset = 0; offset < range->bytes && !r; offset += step)
		r = tally_add(tally, range->start + offset, err);
	return r;
}

/* One page out of each of draws equal pieces; positions are 32.32 fixed point, so pieces need not be whole
 * pages. */
static int range_draw(struct tally *tally, const struct hn_range *range, uint64_t draws,
		      struct hn_random *random, struct hn_error *err)
{
	uint64_t step = hn_base_page_bytes();
	uint64_t pages = range->bytes / step;
	int r = 0;

	for (uint64_t i = 0; i < draws && !r; i++) {
		unsigned __int128 at = (unsigned __int128)(i << 32 | hn_random_next(random) >> 32) * pages;

		r = tally_add(tally, range->start + (uint64_t)(at / draws >> 32) * step, err);
	}
	return r;
}

/*
 * Deals the samples out to the ranges of the cell by size. What does not divide evenly is rounded up or down
 * by one random offset for all, which leaves each range within one sample of its share and every page equally
 * likely.
 */
static int cell_draw(struct tally *tally, const struct hn_range *ranges, size_t range_count,
		     uint64_t cell_pages, uint64_t samples, struct hn_random *random, struct hn_error *err)
{
	uint64_t offset = hn_random_next(random) >> 32, dealt = 0, passed = 0;
	int r = 0;

	for (size_t i = 0; i < range_count && !r; i++) {
		uint64_t upto;

		if (ranges[i].cell != tally->counts->cell)
			continue;
		passed += ranges[i].bytes / hn_base_page_bytes();
		upto = (uint64_t)((((unsigned __int128)passed * samples << 32) / cell_pages + offset) >> 32);
		r = range_draw(tally, &ranges[i], upto - dealt, random, err);
		dealt = upto;
	}
	return r ? r : tally_flush(tally, err);
}

static double half_width(uint64_t hits, uint64_t draws)
{
	struct hn_interval interval = hn_interval_wilson(hits, draws);

	return (interval.high - interval.low) / 2;
}

/* Whether every share is known as well as a half would be from all the samples. */
static bool is_known(const struct hn_page_counts *counts, uint64_t samples)
{
	double enough = half_width(samples / 2, samples);

	for (int i = 0; i < HN_NODE_IDS; i++)
		if (counts->on_node[i] && half_width(counts->on_node[i], counts->sampled) > enough)
			return false;
	return half_width(counts->absent, counts->sampled) <= enough &&
	       half_width(counts->unknown, counts->sampled) <= enough;
}

/* An eighth of the samples, another, a quarter, then the other half, as long as any share needs it. */
static int cell_sample(struct tally *tally, const struct hn_range *ranges, size_t range_count,
		       uint64_t cell_pages, uint64_t samples, uint64_t seed, struct hn_error *err)
{
	struct hn_random random = {.state = seed +
					    (uint64_t)tally->counts->cell * UINT64_C(0xd1342543de82ef95)};
	uint64_t eighth = samples / 8, parts[] = {eighth, eighth, 2 * eighth, samples - 4 * eighth};
	int r = 0;

	for (size_t i = 0; i < HN_COUNT(parts) && !r; i++) {
		r = cell_draw(tally, ranges, range_count, cell_pages, parts[i], &random, err);
		if (!r && is_known(tally->counts, samples))
			break;
	}
	return r;
}

static int cell_count_pages(struct tally *tally, const struct hn_range *ranges, size_t range_count,
			    struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < range_count && !r; i++)
		if (ranges[i].cell == tally->counts->cell)
			r = range_count_pages(tally, &ranges[i], err);
	return r;
}

static uint64_t cell_pages(const struct hn_range *ranges, size_t range_count, int cell)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < range_count; i++)
		if (ranges[i].cell == cell)
			bytes += ranges[i].bytes;
	return bytes / hn_base_page_bytes();
}

/* samples 0: every page. */
static int pages_look(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		      size_t range_count, uint64_t samples, uint64_t seed, struct hn_page_counts *ret,
		      size_t cell_count, struct hn_error *err)
{
	HN_AUTO(hn_page_query) struct hn_page_query *query = NULL;
	HN_AUTO(memory) struct tally *tally = NULL;
	int r = hn_page_query_new(root, process, &query, err);

	if (r)
		return r;
	tally = malloc(sizeof(*tally));
	if (!tally)
		return hn_oom(err);
	for (size_t i = 0; i < cell_count; i++) {
		uint64_t pages = cell_pages(ranges, range_count, ret[i].cell);

		tally->query = query;
		tally->counts = &ret[i];
		tally->count = 0;
		if (samples == 0 || pages <= samples)
			r = cell_count_pages(tally, ranges, range_count, err);
		else
			r = cell_sample(tally, ranges, range_count, pages, samples, seed, err);
		if (!r)
			r = tally_flush(tally, err);
		if (r)
			return r;
	}
	return 0;
}

int hn_pages_sample(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		    size_t range_count, uint32_t samples_per_cell, uint64_t seed, struct hn_page_counts *ret,
		    size_t cell_count, struct hn_error *err)
{
	if (samples_per_cell == 0)
		return hn_fail(err, -EINVAL, "a sample of no pages tells nothing");
	return pages_look(root, process, ranges, range_count, samples_per_cell, seed, ret, cell_count, err);
}

int hn_pages_count(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		   size_t range_count, struct hn_page_counts *ret, size_t cell_count, struct hn_error *err)
{
	return pages_look(root, process, ranges, range_count, 0, 0, ret, cell_count, err);
}
