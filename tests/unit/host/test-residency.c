/* Arithmetic of residency, on numbers small enough to do by hand. */
#include "host/residency.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "base/units.h"

#define SECOND HN_NS_PER_S

static void nothing_is_known_at_first(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(3);
	double shares[3] = {9, 9, 9};

	assert_true(hn_residency_read(residency, shares) == 0);
	for (int i = 0; i < 3; i++)
		assert_true(shares[i] == 0);
	hn_residency_add(residency, 5 * SECOND, 100 * SECOND, 1); /* what it used before was not seen */
	assert_true(hn_residency_read(residency, shares) == 0);
	assert_true(shares[1] == 0);
}

static void time_goes_to_the_node_seen_at_its_end(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(2);
	double shares[2], busy;

	hn_residency_add(residency, 1 * SECOND, 0, 0);
	hn_residency_add(residency, 2 * SECOND, SECOND / 2, 1);
	busy = hn_residency_read(residency, shares);
	assert_true(fabs(busy - 0.5) < 1e-9);
	assert_true(shares[0] == 0 && fabs(shares[1] - 1) < 1e-9);
}

/* One second on node 0, then one half-life later one second on node 1: twice as much on node 1. */
static void older_time_fades_by_half(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(2);
	double shares[2], busy;

	hn_residency_add(residency, 1 * SECOND, 0, 0);
	hn_residency_add(residency, 2 * SECOND, SECOND, 0);
	hn_residency_add(residency, 2 * SECOND + HN_RESIDENCY_HALF_NS, 2 * SECOND, 1);
	busy = hn_residency_read(residency, shares);
	assert_true(fabs(shares[0] - 1.0 / 3) < 1e-9);
	assert_true(fabs(shares[1] - 2.0 / 3) < 1e-9);
	assert_true(fabs(busy - 1.5 / 30.5) < 1e-9);
}

static void an_idle_thread_stays_where_it_was_last_busy(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(2);
	double shares[2], busy;

	hn_residency_add(residency, 1 * SECOND, 0, 0);
	hn_residency_add(residency, 2 * SECOND, SECOND, 0);
	hn_residency_add(residency, 100 * SECOND, SECOND, 1);
	busy = hn_residency_read(residency, shares);
	assert_true(shares[0] > 0.999 && shares[1] == 0);
	assert_true(busy < 0.01);
}

static void time_on_no_node_counts_as_busy_only(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(2);
	double shares[2];

	hn_residency_add(residency, 1 * SECOND, 0, -1);
	hn_residency_add(residency, 2 * SECOND, SECOND, -1);
	assert_true(fabs(hn_residency_read(residency, shares) - 1) < 1e-9);
	assert_true(shares[0] == 0 && shares[1] == 0);
	hn_residency_add(residency, 3 * SECOND, 2 * SECOND, 7); /* a node beyond the host's is none */
	hn_residency_read(residency, shares);
	assert_true(shares[0] == 0 && shares[1] == 0);
}

static void a_clock_that_went_back_starts_afresh(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(2);
	double shares[2];

	hn_residency_add(residency, 1 * SECOND, 0, 0);
	hn_residency_add(residency, 2 * SECOND, SECOND, 0);
	hn_residency_add(residency, 3 * SECOND, SECOND / 2,
			 1); /* less CPU time than before: another thread */
	assert_true(hn_residency_read(residency, shares) == 0 && shares[0] == 0);
	hn_residency_add(residency, 4 * SECOND, SECOND, 1);
	assert_true(fabs(hn_residency_read(residency, shares) - 0.5) < 1e-9);
	assert_true(shares[0] == 0 && fabs(shares[1] - 1) < 1e-9);
	hn_residency_add(residency, 4 * SECOND, 2 * SECOND, 1); /* no time has passed */
	assert_true(hn_residency_read(residency, shares) == 0 && shares[1] == 0);
}

static void a_node_left_counts_no_more(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(2);
	double shares[2];

	hn_residency_add(residency, 1 * SECOND, 0, 0);
	hn_residency_add(residency, 2 * SECOND, SECOND / 2, 0);
	hn_residency_leave(residency, 0);
	hn_residency_leave(residency, 2); /* no node of these */
	assert_true(hn_residency_read(residency, shares) == 0.5);
	assert_true(shares[0] == 0 && shares[1] == 0);
	hn_residency_add(residency, 3 * SECOND, SECOND, 1);
	hn_residency_read(residency, shares);
	assert_true(shares[0] == 0 && shares[1] == 1);
}

/* Counters that tick coarsely can show more CPU time than wall time. */
static void busy_is_never_above_one(void **state)
{
	HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(1);
	double share;

	hn_residency_add(residency, 1 * SECOND, 0, 0);
	hn_residency_add(residency, 2 * SECOND, 3 * SECOND, 0);
	assert_true(hn_residency_read(residency, &share) == 1);
}

/* Whatever the readings: shares sum to one or are all zero, and busy is a share. */
static void shares_sum_to_one(void **state)
{
	struct hn_random random = {.state = 42};

	for (int round = 0; round < 200; round++) {
		HN_AUTO(memory) struct hn_residency *residency = hn_residency_new(5);
		uint64_t now = 1, used = 0;

		for (int i = 0; i < 50; i++) {
			double shares[5], sum = 0, busy;

			now += 1 + hn_random_below(&random, 20 * SECOND);
			used += hn_random_below(&random, 10) ? hn_random_below(&random, 10 * SECOND) : 0;
			hn_residency_add(residency, now, used, (int)hn_random_below(&random, 6) - 1);
			busy = hn_residency_read(residency, shares);
			assert_true(busy >= 0 && busy <= 1);
			for (int k = 0; k < 5; k++) {
				assert_true(shares[k] >= 0);
				sum += shares[k];
			}
			assert_true(sum == 0 || fabs(sum - 1) < 1e-9);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(time_goes_to_the_node_seen_at_its_end),
		cmocka_unit_test(older_time_fades_by_half),
		cmocka_unit_test(an_idle_thread_stays_where_it_was_last_busy),
		cmocka_unit_test(time_on_no_node_counts_as_busy_only),
		cmocka_unit_test(a_clock_that_went_back_starts_afresh),
		cmocka_unit_test(a_node_left_counts_no_more),
		cmocka_unit_test(busy_is_never_above_one),
		cmocka_unit_test(shares_sum_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
