/* Wilson's interval against what its authors and others have printed, and against what makes it one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "model/interval.h"

/*
 * Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
 * 857-872, table I, method 3 (score without continuity correction): four decimals.
 */
static void agrees_with_the_published_examples(void **state)
{
	static const struct {
		uint64_t hits, trials;
		double low, high;
	} published[] = {
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0.0000, 0.1611},
		{1, 29, 0.0061, 0.1718},
	};

	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		struct hn_interval interval =
			hn_interval_wilson_at(published[i].hits, published[i].trials, HN_Z95);

		assert_true(fabs(interval.low - published[i].low) <= 0.00005001);
		assert_true(fabs(interval.high - published[i].high) <= 0.00005001);
	}
}

/* Its ends are the two p with |hits/n - p| = z sqrt(p (1 - p) / n): the equation that Wilson solved. */
static void its_ends_solve_the_equation(void **state)
{
	const double z = 2.326347874040841;

	for (uint64_t n = 1; n < 3000; n += 1 + n / 7) {
		for (uint64_t hits = 0; hits <= n; hits += 1 + n / 23) {
			struct hn_interval interval = hn_interval_wilson(hits, n);
			double p = (double)hits / (double)n, ends[2] = {interval.low, interval.high};

			for (int i = 0; i < 2; i++)
				assert_true(fabs((p - ends[i]) * (p - ends[i]) -
						 z * z * ends[i] * (1 - ends[i]) / (double)n) < 1e-12);
		}
	}
}

static void contains_its_value(void **state)
{
	for (uint64_t n = 1; n <= 400; n++) {
		for (uint64_t hits = 0; hits <= n; hits++) {
			struct hn_interval interval = hn_interval_wilson(hits, n);

			assert_true(interval.value == (double)hits / (double)n);
			assert_true(interval.low >= 0 && interval.low <= interval.value);
			assert_true(interval.high <= 1 && interval.high >= interval.value);
			assert_true(interval.high > interval.low);
		}
	}
}

/* At 0 and 1 the far end is z^2 / (n + z^2) away, and never the other way round. */
static void is_one_sided_at_the_edges(void **state)
{
	const double z2 = 2.326347874040841 * 2.326347874040841;

	for (uint64_t n = 1; n <= 1 << 20; n *= 2) {
		struct hn_interval none = hn_interval_wilson(0, n), all = hn_interval_wilson(n, n);

		assert_true(none.low == 0 && none.value == 0);
		assert_true(all.high == 1 && all.value == 1);
		assert_true(fabs(none.high - z2 / ((double)n + z2)) < 1e-12);
		assert_true(fabs(all.low - (double)n / ((double)n + z2)) < 1e-12);
	}
}

static void hits_and_misses_mirror(void **state)
{
	for (uint64_t hits = 0; hits <= 97; hits++) {
		struct hn_interval a = hn_interval_wilson(hits, 97), b = hn_interval_wilson(97 - hits, 97);

		assert_true(fabs(a.low - (1 - b.high)) < 1e-12);
		assert_true(fabs(a.high - (1 - b.low)) < 1e-12);
	}
}

static void shrinks_with_the_sample(void **state)
{
	for (uint64_t part = 0; part <= 8; part++) {
		double before = 1;

		for (uint64_t n = 8; n <= 1 << 16; n *= 2) {
			struct hn_interval interval = hn_interval_wilson(part * n / 8, n);

			assert_true(interval.high - interval.low < before);
			before = interval.high - interval.low;
		}
	}
}

/* 2816 addresses, the daemon's default, are said to give at most +-2.2 %, whatever the share. */
static void the_usual_sample_is_near_enough(void **state)
{
	for (uint64_t hits = 0; hits <= 2816; hits++) {
		struct hn_interval interval = hn_interval_wilson(hits, 2816);

		assert_true(interval.high - interval.value <= 0.022);
		assert_true(interval.value - interval.low <= 0.022);
	}
}

static void nothing_is_known_without_trials(void **state)
{
	struct hn_interval interval = hn_interval_wilson(0, 0);

	assert_true(interval.low == 0 && interval.value == 0 && interval.high == 1);
}

static void bears_the_largest_counts(void **state)
{
	struct hn_interval interval = hn_interval_wilson(UINT64_MAX / 2, UINT64_MAX);

	assert_true(interval.low <= 0.5 && interval.high >= 0.5 && interval.high - interval.low < 1e-8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_published_examples),
		cmocka_unit_test(its_ends_solve_the_equation),
		cmocka_unit_test(contains_its_value),
		cmocka_unit_test(is_one_sided_at_the_edges),
		cmocka_unit_test(hits_and_misses_mirror),
		cmocka_unit_test(shrinks_with_the_sample),
		cmocka_unit_test(the_usual_sample_is_near_enough),
		cmocka_unit_test(nothing_is_known_without_trials),
		cmocka_unit_test(bears_the_largest_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
