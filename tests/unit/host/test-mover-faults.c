/*
 * What can go wrong in the middle of a move: the target fills up, is taken out of the cpuset or goes offline,
 * pages come to be pinned, the guest gives memory back or ends. What has moved is told, and what has not by
 * its reason; and when the trouble is over a second order brings the rest, and nothing twice.
 */
#include "host/mover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "move-harness.h"

#define PAGES UINT64_C(60000)
#define HALF (PAGES / 2)
#define QUARTER (PAGES / 4)
#define ALL UINT64_MAX

/* In pieces small enough that there is a middle. */
static const struct hn_move_order PACED = {.pace = {.bytes_per_second = 400 * HN_MIB}};

static void target_fills_up(struct fake_kernel *fake)
{
	fake->free_pages[TARGET] = 100;
}

static void target_has_room(struct fake_kernel *fake)
{
	fake->free_pages[TARGET] = PAGES;
}

static void cpuset_is_narrowed(struct fake_kernel *fake)
{
	fake->cpuset_allows[TARGET] = false;
}

static void cpuset_is_widened(struct fake_kernel *fake)
{
	fake->cpuset_allows[TARGET] = true;
}

static void node_goes_offline(struct fake_kernel *fake)
{
	fake->has_memory[TARGET] = false;
}

static void node_comes_back(struct fake_kernel *fake)
{
	fake->has_memory[TARGET] = true;
}

/* A device is given to the guest: its last quarter is under a long-term pin. */
static void pages_are_pinned(struct fake_kernel *fake)
{
	for (uint64_t i = PAGES - QUARTER; i < PAGES; i++)
		fake->pages[i].pinned = true;
}

static void pages_are_let_go(struct fake_kernel *fake)
{
	for (uint64_t i = 0; i < PAGES; i++)
		fake->pages[i].pinned = false;
}

/* The guest gives its last quarter back. */
static void guest_balloons(struct fake_kernel *fake)
{
	for (uint64_t i = PAGES - QUARTER; i < PAGES; i++)
		fake->pages[i].node = -1;
}

/* And touches it again: its vCPUs are on the target by now. */
static void balloon_deflates(struct fake_kernel *fake)
{
	for (uint64_t i = PAGES - QUARTER; i < PAGES; i++)
		fake->pages[i].node = TARGET;
}

static void guest_ends(struct fake_kernel *fake)
{
	fake->calls_until_gone = 0;
}

static void another_runs(struct fake_kernel *fake)
{
	fake->calls_until_gone = -1;
}

static const struct fault {
	void (*strike)(struct fake_kernel *fake), (*mend)(struct fake_kernel *fake);
	int result;
	int reason;            /* an enum hn_stay; -1: nothing stays */
	uint64_t stayed_pages; /* ALL: all that had not moved */
	uint64_t later_pages;  /* that never need to be moved */
} faults[] = {
	{target_fills_up, target_has_room, 0, HN_STAY_NO_MEMORY, ALL, 0},
	{cpuset_is_narrowed, cpuset_is_widened, 0, HN_STAY_CPUSET, ALL, 0},
	{node_goes_offline, node_comes_back, -ENODEV, -1, 0, 0},
	{pages_are_pinned, pages_are_let_go, 0, HN_STAY_BUSY, QUARTER, 0},
	{guest_balloons, balloon_deflates, 0, -1, 0, QUARTER},
	{guest_ends, another_runs, -ESRCH, -1, 0, 0},
};

static uint64_t bytes_moved_by(const struct fake_kernel *fake)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < fake->event_count; i++)
		sum += fake->events[i].bytes;
	return sum;
}

static uint64_t stayed(const struct hn_move_progress *progress)
{
	uint64_t sum = 0;

	for (int i = 0; i < HN_STAY_COUNT; i++)
		sum += progress->stayed_bytes[i];
	return sum;
}

static void strikes(const struct fault *fault)
{
	struct watcher watcher = {.strike = fault->strike, .strike_at_bytes = PAGES / 3 * PAGE};
	struct hn_move_progress first, second;
	struct fake_kernel fake;

	fake_kernel_init(&fake, PAGES);
	fake.copy_ns = 2000;
	fake.free_pages[TARGET] = PAGES;
	assert_int_equal(order_run(&fake, &PACED, &watcher, &first), fault->result);
	assert_null(watcher.strike); /* it has struck */
	/* in the middle: something had moved, and not all */
	assert_true(first.moved_bytes >= PAGES / 3 * PAGE);
	assert_true(first.moved_bytes < PAGES * PAGE);
	assert_int_equal(first.moved_bytes, bytes_moved_by(&fake));
	assert_int_equal(first.moved_bytes, fake_kernel_on(&fake, TARGET) * PAGE);
	if (fault->reason >= 0)
		assert_int_equal(first.stayed_bytes[fault->reason], stayed(&first));
	if (fault->result == 0)
		assert_int_equal(stayed(&first) / PAGE, fault->stayed_pages == ALL
								? PAGES - first.moved_bytes / PAGE
								: fault->stayed_pages);

	fault->mend(&fake);
	fake.moves = 0;
	assert_int_equal(order_run(&fake, &PACED, NULL, &second), 0);
	assert_int_equal(fake_kernel_on(&fake, TARGET), PAGES);
	assert_int_equal(second.already_bytes, first.moved_bytes + fault->later_pages * PAGE);
	assert_int_equal(first.moved_bytes + second.moved_bytes, (PAGES - fault->later_pages) * PAGE);
	assert_int_equal(bytes_moved_by(&fake), first.moved_bytes + second.moved_bytes);
	fake_kernel_done(&fake);
}

#define FAULT(number, name)               \
	static void name(void **state)    \
	{                                 \
		strikes(&faults[number]); \
	}

FAULT(0, a_target_fills_up_midway)
FAULT(1, a_cpuset_is_narrowed_midway)
FAULT(2, a_node_goes_offline_midway)
FAULT(3, pages_come_to_be_pinned_midway)
FAULT(4, a_guest_balloons_midway)
FAULT(5, a_guest_ends_midway)

/* The brain is gone: the watch says stop at the next piece, and what has moved stays. */
static void the_brain_goes_midway(void **state)
{
	struct watcher watcher = {.stop_at_ns = 1};
	struct hn_move_progress first, second;
	struct fake_kernel fake;

	fake_kernel_init(&fake, PAGES);
	fake.copy_ns = 2000;
	fake.free_pages[TARGET] = PAGES;
	watcher.stop_at_ns = fake.now_ns + 100 * HN_NS_PER_MS;
	assert_int_equal(order_run(&fake, &PACED, &watcher, &first), -ECANCELED);
	assert_true(first.moved_bytes > 0 && first.moved_bytes < PAGES * PAGE);
	fake.moves = 0;
	assert_int_equal(order_run(&fake, &PACED, NULL, &second), 0);
	assert_int_equal(first.moved_bytes + second.moved_bytes, PAGES * PAGE);
	assert_int_equal(bytes_moved_by(&fake), PAGES * PAGE);
	fake_kernel_done(&fake);
}

/* A guest with memory of two kinds: pages of a pool and, far behind them, base pages. */
struct both {
	struct fake_kernel pool, plain;
};

#define PLAIN_AT (UINT64_C(1) << 40)

/* Whose pages these are, which are then named as that fake does; shift back with the same. */
static struct fake_kernel *kind_of(struct both *both, void *const *pages, size_t count, uint64_t *ret_shift)
{
	bool plain = (uint64_t)pages[0] >= FAKE_BASE + PLAIN_AT;

	*ret_shift = plain ? PLAIN_AT : 0;
	for (size_t i = 0; i < count; i++)
		((void **)(uintptr_t)pages)[i] = (char *)pages[i] - *ret_shift;
	return plain ? &both->plain : &both->pool;
}

static void shift_back(void *const *pages, size_t count, uint64_t shift)
{
	for (size_t i = 0; i < count; i++)
		((void **)(uintptr_t)pages)[i] = (char *)pages[i] + shift;
}

static long both_ask(void *context, pid_t pid, void **pages, size_t count, int *ret_status)
{
	uint64_t shift;
	struct fake_kernel *fake = kind_of(context, pages, count, &shift);
	long r = fake->kernel.ask(fake, pid, pages, count, ret_status);

	shift_back(pages, count, shift);
	return r;
}

static void both_move(void *context, pid_t pid, struct hn_move_span *spans, size_t count, int flags)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t shift;
		struct fake_kernel *fake = kind_of(context, spans[i].pages, spans[i].count, &shift);

		fake->kernel.move(fake, pid, &spans[i], 1, flags);
		shift_back(spans[i].pages, spans[i].count, shift);
	}
}

static void both_look(void *context, void *const *pages, size_t count, int *ret_status, bool *ret_tail)
{
	uint64_t shift;
	struct fake_kernel *fake = kind_of(context, pages, count, &shift);

	fake->kernel.look(fake, pages, count, ret_status, ret_tail);
	shift_back(pages, count, shift);
}

static uint64_t both_now(void *context)
{
	const struct both *both = context;

	return both->pool.now_ns + both->plain.now_ns;
}

static void both_sleep(void *context, uint64_t ns)
{
	((struct both *)context)->pool.now_ns += ns;
}

/* Moves both kinds, of which one finds no room, in that order. */
static struct hn_move_progress move_both(struct both *both)
{
	const struct hn_move_kernel kernel = {.ask = both_ask,
					      .move = both_move,
					      .look = both_look,
					      .now_ns = both_now,
					      .sleep_ns = both_sleep,
					      .lanes = 1,
					      .context = both};
	struct hn_range ranges[] = {fake_kernel_range(&both->pool), fake_kernel_range(&both->plain)};
	struct hn_move_order order = {.ranges = ranges, .range_count = 2, .to_node = TARGET};
	struct hn_move_progress progress;
	struct hn_error err;

	ranges[1].start += PLAIN_AT;
	if (both->pool.free_pages[TARGET]) {
		struct hn_range first = ranges[0];

		ranges[0] = ranges[1];
		ranges[1] = first;
	}
	assert_int_equal(hn_move_with(&kernel, &order, NULL, NULL, &progress, &err), 0);
	assert_int_equal(progress.scanned_bytes, progress.total_bytes);
	return progress;
}

static void both_begin(struct both *both)
{
	fake_kernel_init(&both->pool, 64);
	both->pool.page_bytes = 2 * HN_MIB;
	fake_kernel_init(&both->plain, PAGES);
}

static void both_end(struct both *both)
{
	fake_kernel_done(&both->pool);
	fake_kernel_done(&both->plain);
}

static void a_pool_that_is_used_up_keeps_no_other_memory(void **state)
{
	struct hn_move_progress progress;
	struct both both;

	both_begin(&both);
	both.pool.free_pages[TARGET] = 0;
	progress = move_both(&both);
	assert_int_equal(progress.moved_bytes, PAGES * PAGE);
	assert_int_equal(progress.stayed_bytes[HN_STAY_NO_MEMORY], 64 * 2 * HN_MIB);
	both_end(&both);
	both_begin(&both);
	both.plain.free_pages[TARGET] = 0;
	progress = move_both(&both);
	assert_int_equal(progress.moved_bytes, 64 * 2 * HN_MIB);
	assert_int_equal(progress.stayed_bytes[HN_STAY_NO_MEMORY], PAGES * PAGE);
	both_end(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_fills_up_midway),
		cmocka_unit_test(a_cpuset_is_narrowed_midway),
		cmocka_unit_test(a_node_goes_offline_midway),
		cmocka_unit_test(pages_come_to_be_pinned_midway),
		cmocka_unit_test(a_guest_balloons_midway),
		cmocka_unit_test(a_guest_ends_midway),
		cmocka_unit_test(the_brain_goes_midway),
		cmocka_unit_test(a_pool_that_is_used_up_keeps_no_other_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
