/* Orders of migrations, played step by step against the room there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/random.h"
#include "policy/schedule.h"

#define MIB (UINT64_C(1) << 20)
#define NODES 4

/* Plays the schedule: what leaves comes from the last node first, the worst order there is for a leg of
 * several. */
static void play(const struct hn_leg *legs, size_t leg_count, const struct hn_shelf *before,
		 const struct hn_schedule *schedule)
{
	uint64_t from[8][NODES], moved[8] = {0};
	int64_t room[NODES]; /* below 0: what must become free first */

	for (size_t node = 0; node < NODES; node++)
		room[node] = (int64_t)before[node].room_bytes - (int64_t)before[node].short_bytes;
	for (size_t leg = 0; leg < leg_count; leg++)
		memcpy(from[leg], legs[leg].from, sizeof(from[leg]));
	for (size_t i = 0; i < schedule->count; i++) {
		const struct hn_step *step = &schedule->steps[i];
		uint64_t left = step->bytes;

		if (schedule->fits)
			assert_true((int64_t)step->bytes <= room[legs[step->leg].to]);
		room[legs[step->leg].to] -= (int64_t)step->bytes;
		moved[step->leg] += step->bytes;
		if (step->limit_bytes)
			assert_int_equal(step->limit_bytes, legs[step->leg].there + moved[step->leg]);
		else
			assert_int_equal(moved[step->leg], legs[step->leg].bytes);
		for (size_t node = NODES; node-- > 0;) {
			uint64_t part = from[step->leg][node] < left ? from[step->leg][node] : left;

			from[step->leg][node] -= part;
			room[node] += (int64_t)part;
			left -= part;
		}
		assert_int_equal(left, 0);
	}
	for (size_t leg = 0; leg < leg_count; leg++)
		assert_int_equal(moved[leg], legs[leg].bytes);
}

static void two_change_places_through_what_is_free(void **state)
{
	const uint64_t from_0[NODES] = {1000 * MIB}, from_1[NODES] = {0, 1000 * MIB};
	const struct hn_leg legs[] = {{.to = 1, .bytes = 1000 * MIB, .from = from_0},
				      {.to = 0, .bytes = 1000 * MIB, .there = 50 * MIB, .from = from_1}};
	const struct hn_shelf room[NODES] = {{100 * MIB}};
	struct hn_schedule schedule;

	assert_int_equal(hn_schedule_make(legs, 2, room, NODES, &schedule), 0);
	assert_true(schedule.fits);
	assert_int_equal(schedule.steps[0].leg, 1); /* only node 0 has room to begin with */
	assert_int_equal(schedule.steps[0].bytes, 96 * MIB);
	assert_true(schedule.count >= 20 && schedule.count <= 24);
	play(legs, 2, room, &schedule);
	hn_schedule_done(&schedule);
}

static void without_room_it_says_so_and_tries(void **state)
{
	const uint64_t from_0[NODES] = {1000 * MIB}, from_1[NODES] = {0, 900 * MIB};
	const struct hn_leg legs[] = {{.to = 1, .bytes = 1000 * MIB, .from = from_0},
				      {.to = 0, .bytes = 900 * MIB, .from = from_1}};
	const struct hn_shelf room[NODES] = {{HN_STEP_MIN_BYTES - 1}};
	struct hn_schedule schedule;

	assert_int_equal(hn_schedule_make(legs, 2, room, NODES, &schedule), 0);
	assert_false(schedule.fits);
	assert_int_equal(schedule.count, 2);
	hn_schedule_done(&schedule);
}

static void the_one_that_makes_room_goes_first(void **state)
{
	const uint64_t from_0[NODES] = {500 * MIB}, from_1[NODES] = {0, 500 * MIB};
	const struct hn_leg legs[] = {{.to = 1, .bytes = 500 * MIB, .from = from_0},
				      {.to = 2, .bytes = 500 * MIB, .from = from_1}};
	const struct hn_shelf room[NODES] = {{0}, {100 * MIB}, {500 * MIB}};
	struct hn_schedule schedule;

	assert_int_equal(hn_schedule_make(legs, 2, room, NODES, &schedule), 0);
	assert_true(schedule.fits);
	assert_int_equal(schedule.count, 2);
	assert_int_equal(schedule.steps[0].leg, 1);
	hn_schedule_done(&schedule);
}

/* Node 0 is 300 MiB below what must stay free: no step may count on the first 300 that leave it. */
static void what_is_missing_fills_first(void **state)
{
	const uint64_t from_0[NODES] = {1000 * MIB}, from_1[NODES] = {0, 700 * MIB};
	const struct hn_leg legs[] = {{.to = 1, .bytes = 1000 * MIB, .from = from_0},
				      {.to = 0, .bytes = 700 * MIB, .from = from_1}};
	const struct hn_shelf room[NODES] = {{0, 300 * MIB}, {400 * MIB, 0}};
	struct hn_schedule schedule;

	assert_int_equal(hn_schedule_make(legs, 2, room, NODES, &schedule), 0);
	assert_true(schedule.fits);
	assert_int_equal(schedule.steps[0].leg, 0);
	assert_int_equal(schedule.steps[0].bytes, 400 * MIB);
	assert_int_equal(schedule.steps[1].leg, 1);
	assert_int_equal(schedule.steps[1].bytes, 96 * MIB);
	play(legs, 2, room, &schedule);
	hn_schedule_done(&schedule);
}

/* As much comes as leaves: what was missing would be missing in the end. */
static void what_is_missing_may_be_too_much(void **state)
{
	const uint64_t from_0[NODES] = {1000 * MIB}, from_1[NODES] = {0, 1000 * MIB};
	const struct hn_leg legs[] = {{.to = 1, .bytes = 1000 * MIB, .from = from_0},
				      {.to = 0, .bytes = 1000 * MIB, .from = from_1}};
	const struct hn_shelf room[NODES] = {{0, 300 * MIB}, {400 * MIB, 0}};
	struct hn_schedule schedule;

	assert_int_equal(hn_schedule_make(legs, 2, room, NODES, &schedule), 0);
	assert_false(schedule.fits);
	hn_schedule_done(&schedule);
}

static void none_ever_needs_more_than_is_free(void **state)
{
	struct hn_random random = {7};
	int fit = 0, stepped = 0;

	for (int round = 0; round < 3000; round++) {
		struct hn_shelf room[NODES] = {{0}};
		uint64_t from[8][NODES] = {{0}};
		struct hn_leg legs[8] = {{0}};
		size_t count = 1 + hn_random_below(&random, 6);
		struct hn_schedule schedule;

		for (size_t node = 0; node < NODES; node++)
			room[node].room_bytes = hn_random_below(&random, 400) * MIB;
		for (size_t leg = 0; leg < count; leg++) {
			legs[leg].to = hn_random_below(&random, NODES);
			legs[leg].from = from[leg];
			for (uint64_t i = 1 + hn_random_below(&random, 2); i > 0; i--) {
				size_t node = hn_random_below(&random, NODES);

				if (node != legs[leg].to)
					from[leg][node] += hn_random_below(&random, 300 * MIB);
			}
			for (size_t node = 0; node < NODES; node++)
				legs[leg].bytes += from[leg][node];
		}
		for (size_t node = 0; node < NODES; node++) /* some have less than must stay free */
			if (room[node].room_bytes < 50 * MIB)
				room[node] = (struct hn_shelf){0, 4 * room[node].room_bytes};
		assert_int_equal(hn_schedule_make(legs, count, room, NODES, &schedule), 0);
		play(legs, count, room, &schedule);
		fit += schedule.fits;
		stepped += schedule.fits && schedule.count > count;
		hn_schedule_done(&schedule);
	}
	print_message("%d of 3000 fit, %d of them in steps\n", fit, stepped);
	assert_true(fit > 500 && fit < 2500 && stepped > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_change_places_through_what_is_free),
		cmocka_unit_test(without_room_it_says_so_and_tries),
		cmocka_unit_test(the_one_that_makes_room_goes_first),
		cmocka_unit_test(what_is_missing_fills_first),
		cmocka_unit_test(what_is_missing_may_be_too_much),
		cmocka_unit_test(none_ever_needs_more_than_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
