#include "host/move-probe.h"

#include <stdlib.h>

#include "base/pages.h"
#include "base/random.h"

#define TRIES 512 /* addresses asked for, to find a page that is there */

/* A page that is there, and its node; NULL when none is found. */
static int find_page(const struct hn_move_kernel *kernel, const struct hn_process *process,
		     const struct hn_range *range, uint64_t seed, void **ret_page, int *ret_node,
		     struct hn_error *err)
{
	struct hn_random random = {seed};
	void *pages[TRIES];
	int status[TRIES];
	long r;

	*ret_page = NULL;
	if (range->bytes < hn_base_page_bytes())
		return 0;
	hn_range_draw(range, &random, pages, TRIES);
	r = kernel->ask(kernel->context, process->pid, pages, TRIES, status);
	if (r < 0)
		return hn_fail_errno(err, (int)r, "cannot ask where memory of process %d is",
				     (int)process->pid);
	for (size_t i = 0; i < TRIES && !*ret_page; i++) {
		if (status[i] < 0)
			continue;
		*ret_page = pages[i];
		*ret_node = status[i];
	}
	return 0;
}

static bool go_on(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	return true;
}

static int take_to(const struct hn_move_kernel *kernel, const struct hn_process *process, void *page,
		   int node, bool *ret_moved, struct hn_error *err)
{
	const struct hn_range range = {(uint64_t)page, hn_base_page_bytes(), 0};
	const struct hn_move_order order = {
		.process = *process, .ranges = &range, .range_count = 1, .to_node = node, .shared = true};
	struct hn_move_progress progress = {0};
	int r = hn_move_with(kernel, &order, go_on, NULL, &progress, err);

	*ret_moved = progress.moved_bytes > 0;
	return r;
}

int hn_move_probe_with(const struct hn_move_kernel *kernel, const struct hn_process *process,
		       const struct hn_range *range, const struct hn_set *nodes, uint64_t seed,
		       enum hn_probe *ret, struct hn_error *err)
{
	struct hn_set others = *nodes;
	int node = -1, r;
	void *page;
	bool moved;

	*ret = HN_PROBE_NOTHING;
	if ((r = find_page(kernel, process, range, seed, &page, &node, err)) < 0 || !page)
		return r;
	hn_set_remove(&others, node);
	*ret = HN_PROBE_NOWHERE;
	if (hn_set_empty(&others))
		return 0;
	if ((r = take_to(kernel, process, page, hn_set_next(&others, 0), &moved, err)) < 0)
		return r;
	*ret = moved ? HN_PROBE_MOVED : HN_PROBE_STAYED;
	return moved ? take_to(kernel, process, page, node, &moved, err) : 0;
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
