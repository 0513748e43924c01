#include "fake-kernel.h"

#include <errno.h>
#include <numaif.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "host/page-table.h"

#define QUEUE_MAX 32768

/* Pages isolated for one group, by their heads. */
struct group {
	uint64_t first, count; /* places in the caller's list */
	size_t queued;
	uint32_t heads[QUEUE_MAX];
};

static uint64_t page_of(const struct fake_kernel *fake, const void *address)
{
	uint64_t page = ((uint64_t)address - FAKE_BASE) / fake->page_bytes;

	assert_true((uint64_t)address >= FAKE_BASE && page < fake->count);
	assert_int_equal(((uint64_t)address - FAKE_BASE) % fake->page_bytes, 0);
	return page;
}

static bool group_has(const struct group *group, uint32_t head)
{
	for (size_t i = 0; i < group->queued; i++)
		if (group->heads[i] == head)
			return true;
	return false;
}

static void pages_place(struct fake_kernel *fake, uint64_t first, uint64_t count, int node)
{
	fake->free_pages[fake->pages[first].node] += count;
	fake->free_pages[node] -= count;
	for (uint64_t i = first; i < first + count; i++)
		fake->pages[i].node = node;
	fake->now_ns += count * fake->copy_ns;
	fake->events[fake->event_count].bytes += count * fake->page_bytes;
}

/* 1 when it could not be moved, -ENOMEM when the node is full. */
static int huge_move(struct fake_kernel *fake, uint32_t head, int node)
{
	struct fake_page *page = &fake->pages[head];
	uint32_t order = page->order;

	if (page->pinned || (page->busy && page->busy--))
		return 1;
	if (fake->free_pages[node] >= order && !(fake->no_huge_room && order > 1)) {
		pages_place(fake, head, order, node);
		return 0;
	}
	if (order == 1 || !fake->splits)
		return -ENOMEM;
	for (uint32_t i = head; i < head + order; i++) {
		fake->pages[i].head = i;
		fake->pages[i].order = 1;
	}
	for (uint32_t i = head; i < head + order; i++) {
		if (fake->free_pages[node] == 0)
			return -ENOMEM;
		pages_place(fake, i, 1, node);
	}
	return 0;
}

/* As move_pages_and_store_status(). */
static long group_flush(struct fake_kernel *fake, struct group *group, int node, int *status, uint64_t end,
			uint64_t total)
{
	long failed = 0;

	for (size_t i = 0; i < group->queued; i++) {
		int r = huge_move(fake, group->heads[i], node);

		if (r == -ENOMEM)
			return -ENOMEM;
		failed += r;
	}
	if (failed)
		return failed + (long)(total - end);
	for (uint64_t i = group->first; group->queued && i < end; i++)
		status[i] = node;
	group->queued = 0;
	return 0;
}

/* As add_page_for_migration(): 1 queued, 0 there already, or -errno. */
static int page_queue(struct fake_kernel *fake, struct group *group, uint64_t number, int node, int flags)
{
	const struct fake_page *page = &fake->pages[number];

	if (page->node < 0 || page->hidden)
		return -ENOENT;
	if (page->node == node)
		return 0;
	if (page->shared && !(flags & MPOL_MF_MOVE_ALL))
		return -EACCES;
	if (page->lost || group_has(group, page->head))
		return -EBUSY;
	assert_true(group->queued < QUEUE_MAX);
	group->heads[group->queued++] = page->head;
	return 1;
}

static long fake_move(struct fake_kernel *fake, unsigned long count, void **addresses, const int *nodes,
		      int *status, int flags)
{
	static struct group group;
	int node = nodes[0];
	long r;

	fake->events = realloc(fake->events, (fake->event_count + 1) * sizeof(*fake->events));
	fake->events[fake->event_count] = (struct fake_event){.at_ns = fake->now_ns};
	if (count > fake->longest_list)
		fake->longest_list = count;
	if ((flags & MPOL_MF_MOVE_ALL) && !fake->all_allowed)
		return -EPERM;
	if (!fake->has_memory[node])
		return -ENODEV;
	if (!fake->cpuset_allows[node])
		return -EACCES;
	group = (struct group){0};
	for (uint64_t i = 0; i < count; i++) {
		int queued;

		assert_int_equal(nodes[i], node);
		if (group.queued == 0)
			group.first = i;
		queued = page_queue(fake, &group, page_of(fake, addresses[i]), node, flags);
		if (queued > 0)
			continue;
		status[i] = queued ? queued : node;
		r = group_flush(fake, &group, node, status, i, count);
		if (r)
			return r > 0 ? r - 1 : r;
	}
	return group_flush(fake, &group, node, status, count, count);
}

/* What comes before any call: 0 to go on. */
static long call_begin(struct fake_kernel *fake, size_t count)
{
	if (fake->interrupts && fake->interrupts--)
		return -EINTR;
	if (fake->calls_until_gone >= 0 && fake->calls_until_gone-- == 0) {
		fake->calls_until_gone = 0;
		return -ESRCH;
	}
	assert_true(count > 0);
	return 0;
}

static void span_move(struct fake_kernel *fake, struct hn_move_span *span, int flags)
{
	uint64_t began_ns = fake->now_ns;

	if (fake->calls_until_refused >= 0 && fake->moves == fake->calls_until_refused)
		fake->cpuset_allows[span->nodes[0]] = false;
	fake->moves++;
	span->answer = call_begin(fake, span->count);
	if (span->answer)
		return;
	span->answer = fake_move(fake, span->count, span->pages, span->nodes, span->status, flags);
	fake->event_count++;
	span->wall_ns = span->cpu_ns = fake->now_ns - began_ns;
}

/* All begin at once, and each has a CPU; on a single one, all end when they have had it in turn. */
static void on_move(void *context, pid_t pid, struct hn_move_span *spans, size_t count, int flags)
{
	struct fake_kernel *fake = context;
	uint64_t began_ns = fake->now_ns, ended_ns = fake->now_ns;

	assert_in_range(count, 1, HN_LANES);
	for (size_t i = 0; i < count; i++) {
		fake->now_ns = fake->one_cpu ? fake->now_ns : began_ns;
		span_move(fake, &spans[i], flags);
		ended_ns = fake->now_ns > ended_ns ? fake->now_ns : ended_ns;
	}
	fake->now_ns = ended_ns;
	for (size_t i = 0; i < count && fake->one_cpu; i++)
		spans[i].wall_ns = ended_ns - began_ns;
	fake->most_lanes = count > fake->most_lanes ? count : fake->most_lanes;
	fake->rounds++;
	fake->shared_rounds += count > 1;
}

static long on_ask(void *context, pid_t pid, void **addresses, size_t count, int *status)
{
	struct fake_kernel *fake = context;
	long r = call_begin(fake, count);

	if (r)
		return r;
	fake->asks++;
	for (size_t i = 0; i < count; i++) {
		int node = fake->pages[page_of(fake, addresses[i])].node;

		status[i] = node >= 0 ? node : i % 2 ? -ENOENT : -EFAULT;
	}
	return 0;
}

/* The page table tells all but of every seventh page, or nothing to the blind. */
static void on_look(void *context, void *const *addresses, size_t count, int *ret_status, bool *ret_tail)
{
	const struct fake_kernel *fake = context;

	for (size_t i = 0; i < count; i++) {
		uint64_t page = page_of(fake, addresses[i]);
		int node = fake->pages[page].node;

		ret_status[i] = fake->blind || page % 7 == 3 ? HN_PAGE_UNKNOWN
				: node < 0                   ? HN_PAGE_ABSENT
							     : node;
		ret_tail[i] = !fake->blind && i > 0 && page_of(fake, addresses[i - 1]) + 1 == page &&
			      fake->pages[page].head == fake->pages[page - 1].head;
	}
}

static uint64_t on_now(void *context)
{
	struct fake_kernel *fake = context;

	return fake->now_ns;
}

static void on_sleep(void *context, uint64_t ns)
{
	struct fake_kernel *fake = context;

	assert_true(ns <= 50 * HN_NS_PER_MS);
	fake->now_ns += ns + fake->oversleep_ns;
}

void fake_kernel_init(struct fake_kernel *fake, uint64_t count)
{
	*fake = (struct fake_kernel){
		.kernel = {.ask = on_ask,
			   .move = on_move,
			   .look = on_look,
			   .now_ns = on_now,
			   .sleep_ns = on_sleep,
			   .lanes = HN_LANES,
			   .context = fake},
		.count = count,
		.pages = calloc(count, sizeof(struct fake_page)),
		.page_bytes = hn_base_page_bytes(),
		.all_allowed = true,
		.now_ns = HN_NS_PER_S,
		.copy_ns = 1000,
		.calls_until_gone = -1,
		.calls_until_refused = -1,
	};
	assert_non_null(fake->pages);
	for (uint64_t i = 0; i < count; i++)
		fake->pages[i] = (struct fake_page){.head = (uint32_t)i, .order = 1};
	for (int i = 0; i < FAKE_NODES; i++) {
		fake->free_pages[i] = 2 * count;
		fake->cpuset_allows[i] = true;
		fake->has_memory[i] = true;
	}
}

void fake_kernel_done(struct fake_kernel *fake)
{
	free(fake->pages);
	free(fake->events);
}

void fake_kernel_huge(struct fake_kernel *fake, uint64_t first, int node)
{
	for (uint64_t i = first; i < first + FAKE_HUGE; i++)
		fake->pages[i] = (struct fake_page){
			.node = node, .head = (uint32_t)first, .order = (uint32_t)FAKE_HUGE};
}

struct hn_range fake_kernel_range(const struct fake_kernel *fake)
{
	return (struct hn_range){.start = FAKE_BASE,
				 .bytes = fake->count * fake->page_bytes,
				 .page_bytes =
					 fake->page_bytes == hn_base_page_bytes() ? 0 : fake->page_bytes};
}

uint64_t fake_kernel_on(const struct fake_kernel *fake, int node)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < fake->count; i++)
		count += fake->pages[i].node == node;
	return count;
}
