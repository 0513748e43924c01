/* The published generator, evenly spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

/* The five numbers that rosettacode.org gives for seed 1234567 ("Pseudo-random numbers/Splitmix64"). */
static void gives_the_published_numbers(void **state)
{
	static const uint64_t published[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
					     UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
					     UINT64_C(16408922859458223821)};
	struct hn_random random = {1234567};

	for (int i = 0; i < 5; i++)
		assert_true(hn_random_next(&random) == published[i]);
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
	struct hn_random a = {99}, b = {99}, other = {100};
	int differences = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t number = hn_random_next(&a);

		assert_true(number == hn_random_next(&b));
		differences += number != hn_random_next(&other);
	}
	assert_true(differences > 990);
}

static void stays_below_the_bound(void **state)
{
	static const uint64_t bounds[] = {1, 2, 3, 10, 4096, UINT64_C(1) << 63, UINT64_MAX};
	struct hn_random random = {5};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		for (int draw = 0; draw < 10000; draw++)
			assert_true(hn_random_below(&random, bounds[i]) < bounds[i]);
}

/* Pearson's statistic of draws over buckets. */
static double chi_square(uint64_t seed, unsigned buckets, unsigned draws)
{
	struct hn_random random = {seed};
	double expected = (double)draws / buckets, sum = 0;
	unsigned counts[128] = {0};

	for (unsigned i = 0; i < draws; i++)
		counts[hn_random_below(&random, buckets)]++;
	for (unsigned i = 0; i < buckets; i++)
		sum += (counts[i] - expected) * (counts[i] - expected) / expected;
	return sum;
}

/* Between the 0.1 % and 99.9 % quantiles of the chi-square distribution with 9 and 63 degrees of freedom. */
static void every_number_comes_as_often(void **state)
{
	double ten = chi_square(1, 10, 100000), many = chi_square(2, 64, 64000);

	assert_true(ten > 1.15 && ten < 27.88);
	assert_true(many > 32.0 && many < 103.4);
}

/* A sampler that draws addresses looks at pairs too: the parity of one must not tell the half of the next. */
static void neighbours_are_independent(void **state)
{
	struct hn_random random = {3};
	unsigned counts[4] = {0};
	double sum = 0;

	for (int i = 0; i < 40000; i++) {
		uint64_t first = hn_random_below(&random, 1000), second = hn_random_below(&random, 1000);

		counts[(first & 1) * 2 + (second >= 500)]++;
	}
	for (int i = 0; i < 4; i++)
		sum += (counts[i] - 10000.0) * (counts[i] - 10000.0) / 10000.0;
	assert_true(sum < 16.27); /* 99.9 % with 3 degrees of freedom */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_published_numbers),
		cmocka_unit_test(the_same_seed_gives_the_same_numbers),
		cmocka_unit_test(stays_below_the_bound),
		cmocka_unit_test(every_number_comes_as_often),
		cmocka_unit_test(neighbours_are_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
