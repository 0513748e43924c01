/* Several threads move parts of a piece at once: only at full speed, only where they find CPUs, and with
 * books as good as one's. */
#include "host/move-lanes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "move-harness.h"

static const struct hn_move_order FULL_SPEED = {0};

/* What a call of lanes that had such shares of a CPU teaches. */
static void learn(struct hn_move_lanes *lanes, uint64_t wall_ns, uint64_t first_permille,
		  uint64_t second_permille)
{
	const struct hn_move_span spans[HN_LANES] = {
		{.wall_ns = wall_ns, .cpu_ns = wall_ns / 1000 * first_permille},
		{.wall_ns = wall_ns, .cpu_ns = wall_ns / 1000 * second_permille},
	};

	hn_move_lanes_learn(lanes, spans, HN_LANES);
}

static unsigned pieces_alone(struct hn_move_lanes *lanes)
{
	unsigned count = 0;

	while (hn_move_lanes_next(lanes) == 1)
		count++;
	return count;
}

static void lanes_without_a_cpu_rest_ever_longer(void **state)
{
	struct hn_move_lanes lanes;
	unsigned rest = HN_LANES_REST_FIRST;

	hn_move_lanes_init(&lanes, HN_LANES);
	assert_int_equal(pieces_alone(&lanes), 0);
	learn(&lanes, 50 * HN_NS_PER_MS, 990, 900);
	assert_int_equal(pieces_alone(&lanes), 0);
	for (int i = 0; i < 20; i++) {
		learn(&lanes, 50 * HN_NS_PER_MS, i % 2 ? 990 : 500, i % 2 ? 500 : 990);
		assert_int_equal(pieces_alone(&lanes), rest);
		rest = rest < HN_LANES_REST_MOST ? 2 * rest : rest;
	}
	assert_int_equal(rest, HN_LANES_REST_MOST);
	learn(&lanes, 50 * HN_NS_PER_MS, 990, 990); /* there is one again, and what was before is forgotten */
	assert_int_equal(pieces_alone(&lanes), 0);
	learn(&lanes, 50 * HN_NS_PER_MS, 990, 400);
	assert_int_equal(pieces_alone(&lanes), HN_LANES_REST_FIRST);
}

static void short_calls_teach_nothing(void **state)
{
	struct hn_move_lanes lanes;

	hn_move_lanes_init(&lanes, HN_LANES);
	learn(&lanes, HN_LANE_JUDGED_NS - 1, 100, 100);
	assert_int_equal(pieces_alone(&lanes), 0);
	learn(&lanes, HN_LANE_JUDGED_NS, 100, 100);
	assert_int_equal(pieces_alone(&lanes), HN_LANES_REST_FIRST);
	learn(&lanes, HN_LANE_JUDGED_NS - 1, 1000, 1000);
	learn(&lanes, HN_LANE_JUDGED_NS, 100, 100);
	assert_int_equal(pieces_alone(&lanes), 2 * HN_LANES_REST_FIRST);
}

/* Time and calls of 60000 pages in so many lanes. */
static uint64_t time_of(bool one_cpu, size_t *ret_shared, size_t *ret_alone)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;
	uint64_t wall_ns;

	fake_kernel_init(&fake, 60000);
	fake.copy_ns = 4000;
	fake.one_cpu = one_cpu;
	assert_int_equal(order_run(&fake, &FULL_SPEED, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, 60000 * PAGE);
	assert_int_equal(fake.most_lanes, HN_LANES);
	*ret_shared = (size_t)fake.shared_rounds;
	*ret_alone = (size_t)(fake.rounds - fake.shared_rounds);
	wall_ns = progress.wall_ns;
	fake_kernel_done(&fake);
	return wall_ns;
}

static void two_cpus_halve_the_time_and_one_is_not_fought_over(void **state)
{
	size_t shared, alone;

	assert_in_range(time_of(false, &shared, &alone), 60000 * 4000 / HN_LANES,
			UINT64_C(60000) * 4000 * 11 / 20);
	assert_true(shared > 0);
	assert_int_equal(alone, 0);
	assert_in_range(time_of(true, &shared, &alone), 60000 * 4000, UINT64_C(60000) * 4000 * 11 / 10);
	assert_true(alone >= shared);
}

/* Bound to a single CPU, it does not begin with two. */
static void one_cpu_to_run_on_allows_one_lane(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 5000);
	fake.kernel.lanes = 1;
	assert_int_equal(order_run(&fake, &FULL_SPEED, NULL, &progress), 0);
	assert_int_equal(progress.moved_bytes, 5000 * PAGE);
	assert_int_equal(fake.most_lanes, 1);
	fake_kernel_done(&fake);
}

static void a_pace_allows_one_lane(void **state)
{
	const struct hn_move_pace paces[] = {
		{.bytes_per_second = HN_GIB}, {.duty_permille = 999}, {.duty_permille = 5}};

	for (size_t k = 0; k < HN_COUNT(paces); k++) {
		struct hn_move_order order = {.pace = paces[k]};
		struct hn_move_progress progress;
		struct fake_kernel fake;

		fake_kernel_init(&fake, 5000);
		assert_int_equal(order_run(&fake, &order, NULL, &progress), 0);
		assert_int_equal(progress.moved_bytes, 5000 * PAGE);
		assert_int_equal(fake.most_lanes, 1);
		fake_kernel_done(&fake);
	}
}

static int shared_before;

static void count_shared(struct fake_kernel *fake)
{
	shared_before = fake->shared_rounds;
}

static void a_pace_given_on_the_way_ends_the_second_lane(void **state)
{
	struct watcher watcher = {.repace_at_ns = HN_NS_PER_S + 1,
				  .repace = {.bytes_per_second = 200 * HN_MIB},
				  .strike = count_shared,
				  .strike_at_bytes = 1};
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 30000);
	assert_int_equal(order_run(&fake, &FULL_SPEED, &watcher, &progress), 0);
	assert_int_equal(progress.moved_bytes, 30000 * PAGE);
	assert_int_equal(shared_before, 1);
	assert_int_equal(fake.shared_rounds, 1);
	fake_kernel_done(&fake);
}

static void take_a_cpu(struct fake_kernel *fake)
{
	fake->one_cpu = true;
}

/* A CPU that others take makes a call twice as long. */
static void a_cpu_taken_on_the_way_is_noticed(void **state)
{
	struct watcher watcher = {.strike = take_a_cpu, .strike_at_bytes = 30000 * PAGE};
	struct hn_move_progress progress;
	struct fake_kernel fake;
	uint64_t longest_ns = 0;

	fake_kernel_init(&fake, 200000);
	fake.copy_ns = 20000;
	assert_int_equal(order_run(&fake, &FULL_SPEED, &watcher, &progress), 0);
	assert_int_equal(progress.moved_bytes, 200000 * PAGE);
	for (size_t i = 1; i < fake.event_count; i++) {
		uint64_t took_ns = fake.events[i].at_ns - fake.events[i - 1].at_ns;

		if (fake.events[i].at_ns > fake.events[i - 1].at_ns && took_ns > longest_ns)
			longest_ns = took_ns;
	}
	assert_true(longest_ns <= 100 * HN_NS_PER_MS); /* a stop is obeyed even so */
	fake_kernel_done(&fake);
}

/* Each lane stops at its own trouble, and all that can move does. */
static void trouble_in_each_lane(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 8192);
	for (uint64_t i = 3; i + 1000 <= fake.count; i += 1000) {
		fake.pages[i].pinned = true;
		fake.pages[i + 400].lost = true;
		fake.pages[i + 700].busy = 2;
	}
	assert_int_equal(order_run(&fake, &FULL_SPEED, NULL, &progress), 0);
	assert_true(fake.shared_rounds > 0);
	assert_int_equal(progress.stayed_bytes[HN_STAY_BUSY], 2 * 8 * PAGE);
	assert_int_equal(progress.moved_bytes, (8192 - 2 * 8) * PAGE);
	assert_int_equal(fake_kernel_on(&fake, TARGET), 8192 - 2 * 8);
	fake_kernel_done(&fake);
}

/* The target leaves the cpuset between the calls of one round: what one lane has moved is booked as moved. */
static void one_lane_is_refused_and_the_other_has_moved(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 8192);
	fake.calls_until_refused = 1;
	assert_int_equal(order_run(&fake, &FULL_SPEED, NULL, &progress), 0);
	assert_true(progress.moved_bytes > 0);
	assert_int_equal(progress.moved_bytes, fake_kernel_on(&fake, TARGET) * PAGE);
	assert_int_equal(progress.stayed_bytes[HN_STAY_CPUSET], 8192 * PAGE - progress.moved_bytes);
	fake_kernel_done(&fake);
}

/* Books of time are of all threads: two lanes of a second each have used two. */
static void the_cpu_of_all_lanes_is_billed(void **state)
{
	struct hn_move_progress progress;
	struct fake_kernel fake;

	fake_kernel_init(&fake, 60000);
	fake.copy_ns = 40000;
	assert_int_equal(order_run(&fake, &FULL_SPEED, NULL, &progress), 0);
	assert_in_range(progress.copying_ns, 60000 * fake.copy_ns / HN_LANES,
			60000 * fake.copy_ns * 11 / 10 / HN_LANES);
	/* what the fake says of the second; the first's is that of this test */
	assert_in_range(progress.cpu_ns, 60000 * fake.copy_ns * 9 / 10 / HN_LANES,
			60000 * fake.copy_ns * 15 / 10 / HN_LANES);
	fake_kernel_done(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_without_a_cpu_rest_ever_longer),
		cmocka_unit_test(short_calls_teach_nothing),
		cmocka_unit_test(two_cpus_halve_the_time_and_one_is_not_fought_over),
		cmocka_unit_test(one_cpu_to_run_on_allows_one_lane),
		cmocka_unit_test(a_pace_allows_one_lane),
		cmocka_unit_test(a_pace_given_on_the_way_ends_the_second_lane),
		cmocka_unit_test(a_cpu_taken_on_the_way_is_noticed),
		cmocka_unit_test(trouble_in_each_lane),
		cmocka_unit_test(one_lane_is_refused_and_the_other_has_moved),
		cmocka_unit_test(the_cpu_of_all_lanes_is_billed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
