/* The controller's step responses, as policy/pace.h promises them. */
#include "policy/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define STEP 0.25 /* seconds */

/* Pressure that follows the rate with a lag: the full rate would make it gain. */
struct plant {
	double gain, lag, pressure;
};

static void plant_run(struct plant *plant, double factor)
{
	for (int i = 0; i < 50; i++)
		plant->pressure += STEP / 50 / plant->lag * (plant->gain * factor - plant->pressure);
}

static const double gains[] = {1.2, 2, 3, 5}, lags[] = {0.3, 0.5, 1, 2};

static void it_settles_at_the_limit(void **state)
{
	for (size_t k = 0; k < HN_COUNT(gains) * HN_COUNT(lags); k++) {
		struct plant plant = {gains[k / HN_COUNT(lags)], lags[k % HN_COUNT(lags)], 0};
		struct hn_pace pace = {0};
		double factor = 1;

		for (double t = 0; t < 120; t += STEP) {
			plant_run(&plant, factor);
			factor = hn_pace_step(&pace, plant.pressure, STEP);
			assert_true(factor >= HN_PACE_LEAST && factor <= 1);
			if (t >= 10)
				assert_true(fabs(plant.pressure - 1) <= 0.05);
		}
		assert_true(fabs(factor - 1 / plant.gain) <= 0.02);
	}
}

static void below_the_limit_nothing_is_held_back(void **state)
{
	struct plant plant = {0.9, 1, 0};
	struct hn_pace pace = {0};

	for (int i = 0; i < 400; i++) {
		plant_run(&plant, 1);
		assert_true(hn_pace_step(&pace, plant.pressure, STEP) == 1);
	}
}

/* Pressure from elsewhere, endless and far beyond the limit: then it is gone. */
static void nothing_winds_up(void **state)
{
	const int steps[] = {40, 400, 40000};
	const double heights[] = {1.5, 4, 100};

	for (size_t k = 0; k < HN_COUNT(steps) * HN_COUNT(heights); k++) {
		struct hn_pace pace = {0};
		double factor = 1, seconds = 0;

		for (int i = 0; i < steps[k / HN_COUNT(heights)]; i++)
			factor = hn_pace_step(&pace, heights[k % HN_COUNT(heights)], STEP);
		assert_true(factor == HN_PACE_LEAST);
		for (; factor < 1; seconds += STEP)
			factor = hn_pace_step(&pace, 0, STEP);
		assert_true(seconds <= 5);
	}
}

/* What it does is the same whether it was long without pressure or not. */
static void rest_is_not_credited(void **state)
{
	struct hn_pace fresh = {0}, rested = {0};

	hn_pace_step(&fresh, 0, STEP);
	for (int i = 0; i < 4000; i++)
		hn_pace_step(&rested, 0, STEP);
	for (int i = 0; i < 40; i++)
		assert_true(hn_pace_step(&fresh, 2, STEP) == hn_pace_step(&rested, 2, STEP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_settles_at_the_limit),
		cmocka_unit_test(below_the_limit_nothing_is_held_back),
		cmocka_unit_test(nothing_winds_up),
		cmocka_unit_test(rest_is_not_credited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
