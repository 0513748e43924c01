/* What a move is taken to cost, and what is learned from those that were done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/units.h"
#include "policy/price.h"

static void assert_about(double value, double expected)
{
	if (fabs(value - expected) > 1e-9)
		fail_msg("%.12f, not %.12f", value, expected);
}

static void before_the_first_migration_it_is_assumed(void **state)
{
	struct hn_calibration none = {0};

	/* 2 s of copying, in which each of 5 vCPUs loses a tenth */
	assert_about(hn_price_of_migration(&none, HN_GIB, 5, 0), 2 * 1.5);
	assert_about(hn_price_of_migration(&none, HN_GIB, 5, 1), 2 * 1.5);
	assert_about(hn_price_of_migration(&none, HN_GIB, 5, 4), 8 * 1.5);
	assert_about(hn_price_of_migration(&none, 0, 5, 4), 0);
}

static void rebinding_is_almost_free(void **state)
{
	struct hn_calibration none = {0};

	assert_true(hn_price_of_rebinding(5, 1) > 0);
	assert_true(hn_price_of_rebinding(5, 1) < hn_price_of_migration(&none, HN_GIB, 5, 1) / 10);
	assert_about(hn_price_of_rebinding(5, 3), 3 * hn_price_of_rebinding(5, 0));
}

static void the_first_migration_replaces_the_assumption(void **state)
{
	struct hn_calibration seen = {0};

	hn_price_learn(&seen, 3 * HN_GIB, HN_NS_PER_S, 0.25);
	assert_int_equal(seen.migrations, 1);
	assert_about(seen.bytes_per_second, 3.0 * HN_GIB);
	assert_about(seen.stall_share, 0.25);
	assert_about(hn_price_of_migration(&seen, 6 * HN_GIB, 4, 1), 2 * 2);
}

static void later_ones_count_a_quarter(void **state)
{
	struct hn_calibration seen = {0};

	hn_price_learn(&seen, HN_GIB, HN_NS_PER_S, 0);
	hn_price_learn(&seen, 2 * HN_GIB, HN_NS_PER_S, 1);
	assert_about(seen.bytes_per_second, 1.25 * HN_GIB);
	assert_about(seen.stall_share, 0.25);
	hn_price_learn(&seen, HN_GIB, HN_NS_PER_S, -1); /* stall was not measured */
	assert_about(seen.stall_share, 0.25);
	for (int i = 0; i < 100; i++)
		hn_price_learn(&seen, 4 * HN_GIB, HN_NS_PER_S, 7); /* no more than all of its time */
	assert_true(fabs(seen.bytes_per_second / HN_GIB - 4) < 1e-6);
	assert_true(fabs(seen.stall_share - 1) < 1e-6);
}

static void next_to_nothing_teaches_nothing(void **state)
{
	struct hn_calibration seen = {0};

	hn_price_learn(&seen, HN_MIB - 1, HN_NS_PER_S, 0);
	hn_price_learn(&seen, HN_GIB, 0, 0);
	assert_int_equal(seen.migrations, 0);
}

static void distrust_doubles_and_halves_within_bounds(void **state)
{
	double distrust = 0;

	assert_about(hn_price_distrust(0, 10, 8.9), 2);
	assert_about(hn_price_distrust(0, 10, 9), 1);
	assert_about(hn_price_distrust(8, 10, 8.9), 16);
	assert_about(hn_price_distrust(8, 10, 9), 4);
	assert_about(hn_price_distrust(8, 10, -5), 16);
	assert_about(hn_price_distrust(8, 0, -5), 8);
	for (int i = 0; i < 50; i++)
		distrust = hn_price_distrust(distrust, 1, 0);
	assert_about(distrust, HN_DISTRUST_MAX);
	for (int i = 0; i < 50; i++)
		distrust = hn_price_distrust(distrust, 1, 1);
	assert_about(distrust, 1);
}

/* A page is copied whole: 2 MiB at 512 MiB/s take 4 ms, 1 GiB 2 s, or 250 ms where 4 GiB/s have been seen. */
static void a_page_is_waited_for_as_a_whole(void **state)
{
	const struct hn_calibration none = {0}, fast = {.bytes_per_second = 4.0 * HN_GIB, .migrations = 3},
				    slow = {.bytes_per_second = HN_MIB, .migrations = 1};

	assert_about(hn_price_page_gap(&none, 2 * HN_MIB), 2.0 / 512);
	assert_about(hn_price_page_gap(&none, HN_GIB), 2);
	assert_about(hn_price_page_gap(&fast, HN_GIB), 0.25);
	assert_about(hn_price_page_gap(&slow, 2 * HN_MIB), 2.0 / 512); /* that was not the copying */
	assert_about(hn_price_page_gap(&fast, 0), 0);
}

static void two_homes_are_waited_for_longer(void **state)
{
	assert_about(hn_price_theta(2), 2);
	assert_about(hn_price_theta(3), 1.5);
	assert_about(hn_price_theta(64), 1.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_first_migration_it_is_assumed),
		cmocka_unit_test(rebinding_is_almost_free),
		cmocka_unit_test(the_first_migration_replaces_the_assumption),
		cmocka_unit_test(later_ones_count_a_quarter),
		cmocka_unit_test(next_to_nothing_teaches_nothing),
		cmocka_unit_test(distrust_doubles_and_halves_within_bounds),
		cmocka_unit_test(a_page_is_waited_for_as_a_whole),
		cmocka_unit_test(two_homes_are_waited_for_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
