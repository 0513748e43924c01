/* How much the mover moves, how fast, and how soon it stops. */
#include "host/mover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/move-piece.h"
#include "move-harness.h"

static void the_limit_counts_what_is_there(void **state)
{
	static const struct {
		uint64_t limit, there, moved;
	} cases[] = {
		{1, 3000, 0},       {3000, 3000, 0}, {3001, 3000, 1},
		{8000, 3000, 5000}, {8000, 0, 8000}, {50000, 3000, 27000},
	};

	for (size_t k = 0; k < HN_COUNT(cases); k++) {
		struct hn_move_order order = {.limit_bytes = cases[k].limit * PAGE};
		struct hn_move_progress progress;
		struct fake_kernel fake;

		fake_kernel_init(&fake, 30000);
		for (uint64_t i = 0; i < cases[k].there; i++)
			fake.pages[fake.count - 1 - i].node = TARGET; /* at the far end */
		assert_int_equal(order_run(&fake, &order, NULL, &progress), 0);
		assert_int_equal(progress.moved_bytes, cases[k].moved * PAGE);
		assert_int_equal(progress.already_bytes, cases[k].there * PAGE);
		assert_int_equal(progress.left_bytes, (30000 - cases[k].there - cases[k].moved) * PAGE);
		fake_kernel_done(&fake);
	}
}

/* Whole huge pages only: the limit may be passed by less than one. */
static void the_limit_cuts_no_huge_page(void **state)
{
	struct hn_move_order order = {.limit_bytes = (3 * FAKE_HUGE + 1) * PAGE};
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 10 * FAKE_HUGE);
	for (uint64_t i = 0; i < 10; i++)
		fake_kernel_huge(&fake, i * FAKE_HUGE, 1);
	assert_int_equal(order_run(&fake, &order, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, 4 * FAKE_HUGE * PAGE);
	assert_int_equal(progress.left_bytes, 6 * FAKE_HUGE * PAGE);
	fake_kernel_done(&fake);
}

static void check_rate(const struct fake_kernel *fake, const struct hn_move_progress *progress, uint64_t cap,
		       uint64_t unit)
{
	uint64_t window = 0;
	double seconds = (double)progress->wall_ns / 1e9;

	for (size_t i = 0, first = 0; i < fake->event_count; i++) {
		window += fake->events[i].bytes;
		while (fake->events[i].at_ns - fake->events[first].at_ns > HN_NS_PER_S)
			window -= fake->events[first++].bytes;
		assert_true((double)window <= 1.25 * (double)cap + (double)unit);
	}
	assert_true((double)progress->moved_bytes <= 1.05 * (double)cap * seconds + (double)unit);
	seconds -= (double)fake->oversleep_ns / 1e9; /* once at the end */
	assert_true((double)progress->moved_bytes >= 0.95 * (double)cap * seconds - (double)unit);
}

static void the_cap_is_kept_and_used(void **state)
{
	const uint64_t caps[] = {HN_MIB, 10 * HN_MIB, 64 * HN_MIB, 500 * HN_MIB};
	const uint64_t oversleeps[] = {0, 60 * 1000, 4 * HN_NS_PER_MS, 150 * HN_NS_PER_MS};

	for (size_t k = 0; k < HN_COUNT(caps) * HN_COUNT(oversleeps); k++) {
		uint64_t cap = caps[k / HN_COUNT(oversleeps)];
		struct hn_move_order order = {.pace.bytes_per_second = cap};
		struct hn_move_progress progress;
		struct watcher watcher = {0};
		struct fake_kernel fake;

		fake_kernel_init(&fake, cap * 5 / 2 / PAGE + 7);
		fake.oversleep_ns = oversleeps[k % HN_COUNT(oversleeps)];
		for (uint64_t i = 0; i < fake.count; i += 5)
			fake.pages[i].node = TARGET;
		assert_int_equal(order_run(&fake, &order, &watcher, &progress), 0);
		assert_int_equal(fake_kernel_on(&fake, TARGET), fake.count);
		check_rate(&fake, &progress, cap, 0);
		assert_true(watcher.longest_gap_ns <= 50 * HN_NS_PER_MS + fake.oversleep_ns);
		fake_kernel_done(&fake);
	}
}

/* A huge page is more than 50 ms worth of the cap: it goes whole and the pause behind it is as long as it
 * needs. */
static void the_cap_is_kept_with_huge_pages(void **state)
{
	struct hn_move_order order = {.pace.bytes_per_second = 5 * HN_MIB};
	struct hn_move_progress progress;
	struct watcher watcher = {0};
	struct fake_kernel fake;

	fake_kernel_init(&fake, 16 * FAKE_HUGE);
	for (uint64_t i = 0; i < 16; i++)
		fake_kernel_huge(&fake, i * FAKE_HUGE, 3);
	assert_int_equal(order_run(&fake, &order, &watcher, &progress), 0);
	check_rate(&fake, &progress, 5 * HN_MIB, FAKE_HUGE * PAGE);
	assert_true(watcher.longest_gap_ns <= 50 * HN_NS_PER_MS);
	fake_kernel_done(&fake);
}

static void a_stop_is_obeyed_within_a_tenth_of_a_second(void **state)
{
	const uint64_t caps[] = {0, 300 * HN_KIB, 20 * HN_MIB};

	for (size_t k = 0; k < HN_COUNT(caps); k++) {
		struct hn_move_order order = {.pace.bytes_per_second = caps[k]};
		struct hn_move_progress progress;
		struct watcher watcher = {.stop_at_ns = HN_NS_PER_S + 37 * HN_NS_PER_MS};
		struct fake_kernel fake;

		fake_kernel_init(&fake, 200 * FAKE_HUGE);
		for (uint64_t i = 0; i < 200; i++)
			fake_kernel_huge(&fake, i * FAKE_HUGE, 3);
		assert_int_equal(order_run(&fake, &order, &watcher, &progress), -ECANCELED);
		assert_true(watcher.stopped_ns - watcher.stop_at_ns <= 100 * HN_NS_PER_MS);
		assert_true(fake.now_ns == watcher.stopped_ns); /* nothing more is done */
		assert_true(progress.scanned_bytes < progress.total_bytes);
		fake_kernel_done(&fake);
	}
}

/* Moving calls take the share of the time that they may, at any speed of copying. */
static void the_duty_is_kept_and_used(void **state)
{
	const uint32_t duties[] = {20, 100, 500};
	const uint64_t copies[] = {200, 1000, 40000}; /* ns a page */

	for (size_t k = 0; k < HN_COUNT(duties) * HN_COUNT(copies); k++) {
		struct hn_move_order order = {.pace.duty_permille = duties[k / HN_COUNT(copies)]};
		struct hn_move_progress progress;
		struct watcher watcher = {0};
		struct fake_kernel fake;
		double share;

		fake_kernel_init(&fake, 60000);
		fake.copy_ns = copies[k % HN_COUNT(copies)];
		fake.oversleep_ns = HN_NS_PER_MS;
		assert_int_equal(order_run(&fake, &order, &watcher, &progress), 0);
		assert_int_equal(progress.moved_bytes, 60000 * PAGE);
		share = (double)progress.copying_ns / (double)progress.wall_ns;
		assert_true(share <= 1.05 * order.pace.duty_permille / 1000);
		assert_true(share >= 0.85 * order.pace.duty_permille / 1000);
		assert_true(watcher.longest_gap_ns <= 50 * HN_NS_PER_MS);
		fake_kernel_done(&fake);
	}
}

/* While it is paused nothing goes; what then goes is all of the rest. */
static void a_pause_is_obeyed_within_a_tenth_of_a_second(void **state)
{
	struct hn_move_order order = {.pace.bytes_per_second = 20 * HN_MIB};
	struct watcher watcher = {.repace_at_ns = HN_NS_PER_S, .repace = {.paused = 1}};
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 20000);
	watcher.stop_at_ns = 11 * HN_NS_PER_S;
	assert_int_equal(order_run(&fake, &order, &watcher, &progress), -ECANCELED);
	assert_int_equal(watcher.repaced_ns / (100 * HN_NS_PER_MS), 10);
	assert_true(fake.events[fake.event_count - 1].at_ns <= watcher.repaced_ns);
	assert_true(progress.moved_bytes > 0 && progress.moved_bytes < progress.total_bytes);
	fake_kernel_done(&fake);
}

static void a_pace_given_on_the_way_holds_from_then_on(void **state)
{
	struct hn_move_order order = {.pace.bytes_per_second = 100 * HN_MIB};
	struct watcher watcher = {.repace_at_ns = HN_NS_PER_S, .repace = {.bytes_per_second = 10 * HN_MIB}};
	struct hn_move_progress progress;
	uint64_t after = 0;
	struct fake_kernel fake;
	double seconds;

	fake_kernel_init(&fake, 200 * HN_MIB / PAGE);
	assert_int_equal(order_run(&fake, &order, &watcher, &progress), 0);
	for (size_t i = 0; i < fake.event_count; i++)
		if (fake.events[i].at_ns > watcher.repaced_ns)
			after += fake.events[i].bytes;
	seconds = (double)(fake.now_ns - watcher.repaced_ns) / 1e9;
	assert_true(after > 50 * HN_MIB);
	assert_true((double)after <= 1.05 * 10 * HN_MIB * seconds);
	assert_true((double)after >= 0.95 * 10 * HN_MIB * seconds);
	fake_kernel_done(&fake);
}

/* However slow the copying, a call takes no longer than a stop may: the size of its list is measured. */
static void slow_copying_makes_small_pieces(void **state)
{
	const uint64_t copies[] = {100, 10000, 100000}; /* ns a page */

	for (size_t k = 0; k < HN_COUNT(copies); k++) {
		struct hn_move_order order = {0};
		struct hn_move_progress progress;
		struct watcher watcher = {0};
		struct fake_kernel fake;

		fake_kernel_init(&fake, 60000);
		fake.copy_ns = copies[k];
		assert_int_equal(order_run(&fake, &order, &watcher, &progress), 0);
		assert_int_equal(progress.moved_bytes, 60000 * PAGE);
		/* the first piece is a guess of 2 MiB */
		assert_true(watcher.longest_gap_ns <=
			    100 * HN_NS_PER_MS + HN_PIECE_FIRST_BYTES / PAGE * copies[k] / 50);
		fake_kernel_done(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_counts_what_is_there),
		cmocka_unit_test(the_limit_cuts_no_huge_page),
		cmocka_unit_test(the_cap_is_kept_and_used),
		cmocka_unit_test(the_cap_is_kept_with_huge_pages),
		cmocka_unit_test(a_stop_is_obeyed_within_a_tenth_of_a_second),
		cmocka_unit_test(the_duty_is_kept_and_used),
		cmocka_unit_test(a_pause_is_obeyed_within_a_tenth_of_a_second),
		cmocka_unit_test(a_pace_given_on_the_way_holds_from_then_on),
		cmocka_unit_test(slow_copying_makes_small_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
