#include "host/move-probe.h"

#include <stdlib.h>

#include "base/pages.h"
#include "base/random.h"

#define TRIES 512 /* addresses asked for, to find a page that is there */

/* The page that an address lies in: of a pool's pages the kernel moves none that is named by its middle. */
static struct hn_range page_around(const struct hn_range *range, void *address)
{
	uint64_t bytes = range->page_bytes ? range->page_bytes : hn_base_page_bytes();
	uint64_t inside = ((uint64_t)address - range->start) % bytes;

	return (struct hn_range){(uint64_t)address - inside, bytes, range->cell, range->page_bytes};
}

/* A page that is there, and its node; one of no bytes when none is found. */
static int find_page(const struct hn_move_kernel *kernel, const struct hn_process *process,
		     const struct hn_range *range, uint64_t seed, struct hn_range *ret_page, int *ret_node,
		     struct hn_error *err)
{
	struct hn_random random = {seed};
	void *pages[TRIES];
	int status[TRIES];
	long r;

	*ret_page = (struct hn_range){0};
	if (range->bytes < hn_base_page_bytes())
		return 0;
	hn_range_draw(range, &random, pages, TRIES);
	for (size_t i = 0; i < TRIES; i++)
		pages[i] = (void *)page_around(range, pages[i]).start;
	r = kernel->ask(kernel->context, process->pid, pages, TRIES, status);
	if (r < 0)
		return hn_fail_errno(err, (int)r, "cannot ask where memory of process %d is",
				     (int)process->pid);
	for (size_t i = 0; i < TRIES && !ret_page->bytes; i++) {
		if (status[i] < 0)
			continue;
		*ret_page = page_around(range, pages[i]);
		*ret_node = status[i];
	}
	return 0;
}

static bool go_on(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	return true;
}

static int take_to(const struct hn_move_kernel *kernel, const struct hn_process *process,
		   const struct hn_range *page, int node, enum hn_probe *ret, struct hn_error *err)
{
	const struct hn_move_order order = {
		.process = *process, .ranges = page, .range_count = 1, .to_node = node, .shared = true};
	struct hn_move_progress progress = {0};
	int r = hn_move_with(kernel, &order, go_on, NULL, &progress, err);

	if (progress.moved_bytes)
		*ret = HN_PROBE_MOVED;
	else if (progress.stayed_bytes[HN_STAY_NO_MEMORY] || progress.stayed_bytes[HN_STAY_CPUSET])
		*ret = HN_PROBE_NOWHERE; /* that is said of the node, not of the page */
	else
		*ret = HN_PROBE_STAYED;
	return r;
}

int hn_move_probe_with(const struct hn_move_kernel *kernel, const struct hn_process *process,
		       const struct hn_range *range, const struct hn_set *nodes, uint64_t seed,
		       enum hn_probe *ret, struct hn_error *err)
{
	enum hn_probe back;
	struct hn_range page;
	int home = -1, r;

	*ret = HN_PROBE_NOTHING;
	if ((r = find_page(kernel, process, range, seed, &page, &home, err)) < 0 || !page.bytes)
		return r;
	*ret = HN_PROBE_NOWHERE;
	HN_SET_FOREACH (node, nodes) {
		if (node == home)
			continue;
		if ((r = take_to(kernel, process, &page, node, ret, err)) < 0 || *ret == HN_PROBE_STAYED)
			return r;
		if (*ret == HN_PROBE_MOVED)
			return take_to(kernel, process, &page, home, &back, err);
	}
	return 0;
}

int hn_move_probe(const struct hn_process *process, const struct hn_range *range, const struct hn_set *nodes,
		  uint64_t seed, enum hn_probe *ret, struct hn_error *err)
{
	struct hn_move_kernel kernel;
	int r = hn_move_kernel_open(process, &kernel, err);

	if (r < 0)
		return r;
	r = hn_move_probe_with(&kernel, process, range, nodes, seed, ret, err);
	hn_move_kernel_close(&kernel);
	return r;
}
