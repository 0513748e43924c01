/* The mover against a kernel made up to be difficult. In every case the books must balance whenever they are
 * shown. */
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

static const struct hn_move_order PLAIN = {0};

/* Copying is fast here: each piece is twice the one before, from 2 MiB on, up to 128. */
static int pieces_of(uint64_t pages)
{
	uint64_t piece = HN_PIECE_FIRST_BYTES / PAGE, sum = 0;
	int count = 0;

	for (; sum < pages; count++) {
		sum += piece;
		if (piece < HN_PIECE_MOST_BYTES / PAGE)
			piece *= 2;
	}
	return count;
}

static void all_that_is_elsewhere_moves(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 10000);
	for (uint64_t i = 0; i < fake.count; i++)
		fake.pages[i].node = (int)(i % 4);
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.total_bytes, 10000 * PAGE);
	assert_int_equal(progress.already_bytes, 2500 * PAGE);
	assert_int_equal(progress.moved_bytes, 7500 * PAGE);
	assert_int_equal(fake_kernel_on(&fake, TARGET), 10000);
	/* Large batches: a moving call drains every CPU's lists, so 10000 pages make no more than four. */
	assert_true(fake.rounds <= 4 * pieces_of(fake.count));
	assert_true(progress.wall_ns >= 7500 * fake.copy_ns / HN_LANES);
	fake_kernel_done(&fake);
}

static void what_is_there_is_left_alone(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 9000);
	for (uint64_t i = 0; i < fake.count; i++)
		fake.pages[i].node = i % 3 ? TARGET : -1;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.already_bytes, 6000 * PAGE);
	assert_int_equal(progress.absent_bytes, 3000 * PAGE);
	assert_int_equal(fake.moves, 0);
	fake_kernel_done(&fake);
}

/* A cell that lives on two nodes: what is on its other node is at home and stays; strays come. */
static void pages_on_other_home_nodes_stay(void **state)
{
	struct hn_move_order wanted = {0};
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 3000);
	for (size_t i = 0; i < 3000; i++)
		fake.pages[i].node = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 3;
	hn_set_add(&wanted.stay_nodes, 1);
	hn_set_add(&wanted.stay_nodes, TARGET);
	assert_int_equal(order_run(&fake, &wanted, NULL, &progress), 0);
	assert_int_equal(fake_kernel_on(&fake, 1), 1000);
	assert_int_equal(fake_kernel_on(&fake, TARGET), 2000);
	assert_int_equal(progress.left_bytes, 1000 * PAGE);
	assert_int_equal(progress.moved_bytes, 2000 * PAGE);
	fake_kernel_done(&fake);
}

/* Eight huge pages and small ones between; with and without sight of which pages belong together. */
static void huge_pages_move_whole_and_count_whole(void **state)
{
	for (int blind = 0; blind < 2; blind++) {
		struct hn_move_progress progress;
		struct fake_kernel fake;

		fake_kernel_init(&fake, 16 * FAKE_HUGE);
		for (uint64_t i = 0; i < 16; i += 2)
			fake_kernel_huge(&fake, i * FAKE_HUGE, i == 4 ? TARGET : 1);
		if (blind)
			fake.blind = true;
		assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
		assert_int_equal(progress.already_bytes, FAKE_HUGE * PAGE);
		assert_int_equal(progress.moved_bytes, 15 * FAKE_HUGE * PAGE);
		assert_int_equal(fake_kernel_on(&fake, TARGET), fake.count);
		/* Seven heads, eight blocks of small pages, and none of the tails. */
		if (!blind)
			assert_true(fake.longest_list <= 8 * FAKE_HUGE &&
				    fake.rounds <= pieces_of(fake.count));
		fake_kernel_done(&fake);
	}
}

/* Huge pages begin and end anywhere in relation to the range; none of its parts is taken for having been
 * there. */
static void huge_pages_across_the_edges_of_windows(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;
	struct hn_range range;
	struct hn_move_order order = {.pace.bytes_per_second = 32 * HN_MIB}; /* windows of 16 MiB */

	fake_kernel_init(&fake, 20 * FAKE_HUGE);
	for (uint64_t i = 0; i < 20; i++)
		fake_kernel_huge(&fake, i * FAKE_HUGE, 1);
	range = (struct hn_range){.start = FAKE_BASE + 100 * PAGE, .bytes = (19 * FAKE_HUGE + 50) * PAGE};
	order.ranges = &range;
	order.range_count = 1;
	assert_int_equal(order_run(&fake, &order, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, range.bytes);
	assert_int_equal(progress.already_bytes, 0);
	fake_kernel_done(&fake);
}

static void busy_pages_are_tried_again(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 4096);
	for (uint64_t i = 0; i < fake.count; i += 50)
		fake.pages[i].busy = 1 + (int)(i / 50 % 3); /* fails one to three times */
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, 4096 * PAGE);
	assert_true(fake.rounds <= 4 * pieces_of(fake.count)); /* the worst fail three times */
	fake_kernel_done(&fake);
}

/*
 * Pinned pages end the call for all behind them, and pages that cannot even be queued end groups: what can
 * move must move all the same, and tries must end.
 */
static void pinned_pages_do_not_hold_others_up(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 8192);
	fake.pages[5].pinned = true;
	fake.pages[10].lost = true;
	fake.pages[6000].pinned = true;
	fake.pages[6001].lost = true;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.stayed_bytes[HN_STAY_BUSY], 4 * PAGE);
	assert_int_equal(progress.moved_bytes, 8188 * PAGE);
	/* four tries a piece with trouble in it, and one that was cut short */
	assert_true(fake.rounds <= pieces_of(fake.count) - 2 + 2 * 5);
	fake_kernel_done(&fake);
}

static void a_pinned_guest_stays_and_ends(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 8192);
	for (uint64_t i = 0; i < fake.count; i++)
		fake.pages[i].pinned = true;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.stayed_bytes[HN_STAY_BUSY], 8192 * PAGE);
	assert_int_equal(progress.moved_bytes, 0);
	assert_true(fake.rounds <= 4 * pieces_of(fake.count)); /* four tries a piece */
	fake_kernel_done(&fake);
}

static void shared_pages_move_only_when_told(void **state)
{
	static const struct {
		bool asked, allowed;
		uint64_t moved;
	} cases[] = {{false, true, 3000}, {true, true, 4000}, {true, false, 3000}};

	for (size_t k = 0; k < HN_COUNT(cases); k++) {
		struct hn_move_order order = {.shared = cases[k].asked};
		struct hn_move_progress progress;
		struct fake_kernel fake;

		fake_kernel_init(&fake, 4000);
		fake.all_allowed = cases[k].allowed;
		for (uint64_t i = 0; i < fake.count; i += 4)
			fake.pages[i].shared = true;
		assert_int_equal(order_run(&fake, &order, NULL, &progress), 0);
		assert_int_equal(progress.moved_bytes, cases[k].moved * PAGE);
		assert_int_equal(progress.stayed_bytes[HN_STAY_SHARED], (4000 - cases[k].moved) * PAGE);
		fake_kernel_done(&fake);
	}
}

static void a_target_outside_the_cpuset_is_tried_once(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 20000);
	fake.cpuset_allows[TARGET] = false;
	for (uint64_t i = 0; i < 5000; i++)
		fake.pages[i * 3].node = i % 2 ? TARGET : -1;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.stayed_bytes[HN_STAY_CPUSET], 15000 * PAGE);
	assert_int_equal(progress.already_bytes, 2500 * PAGE);
	assert_int_equal(progress.absent_bytes, 2500 * PAGE);
	assert_int_equal(fake.rounds, 1);
	fake_kernel_done(&fake);
}

static void a_full_target_takes_what_fits(void **state)
{
	for (int splits = 0; splits < 2; splits++) {
		struct hn_move_progress progress;
		struct fake_kernel fake;

		fake_kernel_init(&fake, 100 * FAKE_HUGE);
		for (uint64_t i = 0; splits && i < 100; i++)
			fake_kernel_huge(&fake, i * FAKE_HUGE, 0);
		fake.splits = splits;
		fake.free_pages[TARGET] = 10000;
		assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
		assert_int_equal(progress.moved_bytes, 10000 * PAGE);
		assert_int_equal(progress.stayed_bytes[HN_STAY_NO_MEMORY], (fake.count - 10000) * PAGE);
		/* The rest is only looked at: a second try where room ends, and where there is none for eight
		 * huge pages, which with pages of 64 KiB are many pieces. */
		assert_true(fake.rounds <=
			    pieces_of(10000) + 3 + 2 * (int)(8 * FAKE_HUGE * PAGE / HN_PIECE_MOST_BYTES));
		fake_kernel_done(&fake);
	}
}

/* The target has room, but only in small pieces: no reason to give up on the small pages behind. */
static void small_pages_go_where_huge_ones_do_not_fit(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 39 * FAKE_HUGE + 32);
	fake_kernel_huge(&fake, 0, 1);
	fake_kernel_huge(&fake, 20 * FAKE_HUGE, 1);
	fake.no_huge_room = true;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.stayed_bytes[HN_STAY_NO_MEMORY], 2 * FAKE_HUGE * PAGE);
	assert_int_equal(progress.moved_bytes, (fake.count - 2 * FAKE_HUGE) * PAGE);
	fake_kernel_done(&fake);
}

static void huge_pages_that_fit_nowhere_stay_whole(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 4 * FAKE_HUGE);
	for (uint64_t i = 0; i < 4; i++)
		fake_kernel_huge(&fake, i * FAKE_HUGE, 1);
	fake.free_pages[TARGET] = FAKE_HUGE + 100;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, FAKE_HUGE * PAGE);
	assert_int_equal(progress.stayed_bytes[HN_STAY_NO_MEMORY], 3 * FAKE_HUGE * PAGE);
	fake_kernel_done(&fake);
}

static void hidden_pages_stay_for_another_reason(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	for (uint64_t i = 100; i < 200; i++)
		fake.pages[i].hidden = true;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), 0);
	assert_int_equal(progress.stayed_bytes[HN_STAY_OTHER], 100 * PAGE);
	assert_int_equal(progress.moved_bytes, 900 * PAGE);
	fake_kernel_done(&fake);
}

static void a_process_that_vanishes_ends_the_move(void **state)
{
	int call, r = -ESRCH;

	for (call = 0; r == -ESRCH; call++) {
		struct hn_move_progress progress;
		struct fake_kernel fake;

		fake_kernel_init(&fake, 20000);
		fake.pages[7000].busy = 1;
		fake.calls_until_gone = call;
		r = order_run(&fake, &PLAIN, NULL, &progress);
		assert_true(r == 0 || progress.scanned_bytes < progress.total_bytes);
		assert_true(call == 0 || progress.moved_bytes > 0 || call < 3);
		fake_kernel_done(&fake);
	}
	assert_int_equal(r, 0);
	assert_true(call > 6); /* asked once, moved five times, and once more for the busy page */
}

static void a_node_without_memory_is_an_error(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	fake.has_memory[TARGET] = false;
	assert_int_equal(order_run(&fake, &PLAIN, NULL, &progress), -ENODEV);
	assert_int_equal(progress.moved_bytes, 0);
	fake_kernel_done(&fake);
}

static void interrupted_calls_are_made_again(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;
	struct hn_range range;
	struct hn_move_order order = {.to_node = TARGET, .range_count = 1, .ranges = &range};
	struct hn_error err;

	fake_kernel_init(&fake, 1000);
	range = fake_kernel_range(&fake);
	fake.interrupts = 3;
	assert_int_equal(hn_move_with(&fake.kernel, &order, NULL, NULL, &progress, &err), 0);
	assert_int_equal(progress.moved_bytes, 1000 * PAGE);
	fake_kernel_done(&fake);
}

/* hugetlb of 1 GiB: one address a page, one page a call. */
static void gigantic_pages_move_one_by_one(void **state)
{
	struct hn_move_order order = {0};
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 6);
	fake.page_bytes = HN_GIB;
	fake.pages[1].node = TARGET;
	fake.pages[4].pinned = true;
	assert_int_equal(order_run(&fake, &order, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, 4 * HN_GIB);
	assert_int_equal(progress.already_bytes, HN_GIB);
	assert_int_equal(progress.stayed_bytes[HN_STAY_BUSY], HN_GIB);
	assert_int_equal(fake.longest_list, 1);
	fake_kernel_done(&fake);
}

static void orders_that_make_no_sense_are_refused(void **state)
{
	struct hn_range range = {.start = FAKE_BASE, .bytes = PAGE};
	struct hn_move_order order = {.ranges = &range, .range_count = 1, .to_node = -1};
	struct hn_move_progress progress;
	struct fake_kernel fake;
	struct hn_error err;

	fake_kernel_init(&fake, 10);
	assert_int_equal(hn_move_with(&fake.kernel, &order, NULL, NULL, &progress, &err), -EINVAL);
	order.to_node = HN_NODE_IDS;
	assert_int_equal(hn_move_with(&fake.kernel, &order, NULL, NULL, &progress, &err), -EINVAL);
	order.to_node = TARGET;
	range.start += 1;
	assert_int_equal(hn_move_with(&fake.kernel, &order, NULL, NULL, &progress, &err), -EINVAL);
	range.start -= 1;
	range.bytes = 0;
	assert_int_equal(hn_move_with(&fake.kernel, &order, NULL, NULL, &progress, &err), -EINVAL);
	assert_int_equal(fake.asks + fake.moves, 0);
	fake_kernel_done(&fake);
}

static void stays_have_names(void **state)
{
	for (int i = 0; i < HN_STAY_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(hn_stay_name((enum hn_stay)i), hn_stay_name((enum hn_stay)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_elsewhere_moves),
		cmocka_unit_test(what_is_there_is_left_alone),
		cmocka_unit_test(pages_on_other_home_nodes_stay),
		cmocka_unit_test(huge_pages_move_whole_and_count_whole),
		cmocka_unit_test(huge_pages_across_the_edges_of_windows),
		cmocka_unit_test(busy_pages_are_tried_again),
		cmocka_unit_test(pinned_pages_do_not_hold_others_up),
		cmocka_unit_test(a_pinned_guest_stays_and_ends),
		cmocka_unit_test(shared_pages_move_only_when_told),
		cmocka_unit_test(a_target_outside_the_cpuset_is_tried_once),
		cmocka_unit_test(a_full_target_takes_what_fits),
		cmocka_unit_test(small_pages_go_where_huge_ones_do_not_fit),
		cmocka_unit_test(huge_pages_that_fit_nowhere_stay_whole),
		cmocka_unit_test(hidden_pages_stay_for_another_reason),
		cmocka_unit_test(a_process_that_vanishes_ends_the_move),
		cmocka_unit_test(a_node_without_memory_is_an_error),
		cmocka_unit_test(interrupted_calls_are_made_again),
		cmocka_unit_test(gigantic_pages_move_one_by_one),
		cmocka_unit_test(orders_that_make_no_sense_are_refused),
		cmocka_unit_test(stays_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
