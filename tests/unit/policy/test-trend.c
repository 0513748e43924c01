/* Trends that were put in are found, and noise is not taken for one more often than the test allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "policy/trend.h"

static enum hn_trend trend_of(const double *values, size_t count)
{
	struct hn_trend_looks looks = {0};

	for (size_t i = 0; i < count; i++)
		hn_trend_add(&looks, values[i]);
	return hn_trend_of(&looks);
}

static double uniform(struct hn_random *random)
{
	return (double)(hn_random_next(random) >> 11) / 9007199254740992.0;
}

/* Nearly normal, with a standard deviation of one. */
static double noise(struct hn_random *random)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform(random);
	return sum;
}

static void few_looks_show_nothing(void **state)
{
	static const double values[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};

	for (size_t count = 0; count < 6; count++)
		assert_int_equal(trend_of(values, count), HN_TREND_UNKNOWN);
	assert_int_equal(trend_of(values, 6), HN_TREND_RISING);
}

static void what_goes_one_way_is_seen(void **state)
{
	double up[HN_TREND_LOOKS], down[HN_TREND_LOOKS];

	for (int i = 0; i < HN_TREND_LOOKS; i++) {
		up[i] = 0.2 + 0.05 * i;
		down[i] = 1 - up[i];
	}
	assert_int_equal(trend_of(up, HN_TREND_LOOKS), HN_TREND_RISING);
	assert_int_equal(trend_of(down, HN_TREND_LOOKS), HN_TREND_FALLING);
}

static void what_stays_is_steady(void **state)
{
	static const double same[8] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
	static const double little[8] = {0.500, 0.501, 0.502, 0.503, 0.504, 0.505, 0.506, 0.507};
	static const double swings[8] = {0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.2, 0.8};

	assert_int_equal(trend_of(same, 8), HN_TREND_STEADY);
	assert_int_equal(trend_of(little, 8), HN_TREND_STEADY); /* surely rising, and of no account */
	assert_int_equal(trend_of(swings, 8), HN_TREND_STEADY);
}

/* Only the last looks count. */
static void what_is_long_past_is_forgotten(void **state)
{
	double values[3 * HN_TREND_LOOKS];

	for (int i = 0; i < 3 * HN_TREND_LOOKS; i++)
		values[i] = i < HN_TREND_LOOKS ? 0.05 * i : 0.9;
	assert_int_equal(trend_of(values, HN_TREND_LOOKS), HN_TREND_RISING);
	assert_int_equal(trend_of(values, 3 * HN_TREND_LOOKS), HN_TREND_STEADY);
}

/* A step is seen when half of the looks lie behind it. */
static void a_step_is_a_trend_for_a_while(void **state)
{
	double values[HN_TREND_LOOKS];

	for (int i = 0; i < HN_TREND_LOOKS; i++)
		values[i] = i < HN_TREND_LOOKS / 2 ? 0.3 : 0.98;
	assert_int_equal(trend_of(values, HN_TREND_LOOKS), HN_TREND_RISING);
}

/* Noise of five points, so that the least change is no help: at 98 % two in a hundred may be taken for a
 * trend. 4000 draws: 80 expected, with a standard deviation of 8.9. */
static void noise_is_seldom_a_trend(void **state)
{
	struct hn_random random = {5};
	int wrong = 0;

	for (int round = 0; round < 4000; round++) {
		double values[HN_TREND_LOOKS];

		for (int i = 0; i < HN_TREND_LOOKS; i++)
			values[i] = 0.5 + 0.05 * noise(&random);
		wrong += trend_of(values, HN_TREND_LOOKS) != HN_TREND_STEADY;
	}
	assert_in_range(wrong, 1, 80 + 4 * 9);
}

/* A tenth over the looks under the noise of a sample of 2816 pages (0.01) is found nearly always. */
static void a_trend_is_found_under_noise(void **state)
{
	struct hn_random random = {6};
	int found = 0;

	for (int round = 0; round < 1000; round++) {
		double values[HN_TREND_LOOKS];

		for (int i = 0; i < HN_TREND_LOOKS; i++)
			values[i] = 0.5 - 0.1 * i / (HN_TREND_LOOKS - 1) + 0.01 * noise(&random);
		found += trend_of(values, HN_TREND_LOOKS) == HN_TREND_FALLING;
	}
	assert_in_range(found, 990, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_looks_show_nothing),
		cmocka_unit_test(what_goes_one_way_is_seen),
		cmocka_unit_test(what_stays_is_steady),
		cmocka_unit_test(what_is_long_past_is_forgotten),
		cmocka_unit_test(a_step_is_a_trend_for_a_while),
		cmocka_unit_test(noise_is_seldom_a_trend),
		cmocka_unit_test(a_trend_is_found_under_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
