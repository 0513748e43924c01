/* Samples: sizes, sums and shares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "specimen.h"

static void starts_with_nothing_known(void **state)
{
	HN_AUTO(hn_sample) struct hn_sample *sample = hn_sample_new(3, 2, 4);

	assert_int_equal(sample->node_count, 3);
	assert_int_equal(sample->cell_count, 2);
	assert_int_equal(sample->thread_count, 4);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(hn_cell_sample_present(&sample->cells[i], 3), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(sample->threads[i].last_cpu, -1);
		assert_int_equal(sample->threads[i].last_node, -1);
		for (size_t node = 0; node < 3; node++)
			assert_true(sample->threads[i].residency[node] == 0);
	}
	hn_sample_free(NULL);
}

static void a_copy_is_equal_and_apart(void **state)
{
	struct hn_random random = {8};

	for (int round = 0; round < 200; round++) {
		HN_AUTO(hn_sample) struct hn_sample *sample = specimen_sample(&random, 3, 2, 2);
		HN_AUTO(hn_sample) struct hn_sample *copy = hn_sample_copy(sample);

		assert_true(same_sample(sample, copy));
		copy->cells[1].on_node[2]++;
		assert_false(same_sample(sample, copy));
		copy->cells[1].on_node[2]--;
		copy->threads[1].residency[0] += 1;
		assert_false(same_sample(sample, copy));
	}
}

static void a_share_is_of_what_is_present(void **state)
{
	uint64_t on_node[] = {30, 0, 10};
	struct hn_cell_sample cell = {.sampled = 100, .absent = 50, .unknown = 10, .on_node = on_node};
	struct hn_interval wilson = hn_interval_wilson(30, 40),
			   share = hn_cell_sample_share(&cell, 3, 0, false);

	assert_int_equal(hn_cell_sample_present(&cell, 3), 40);
	assert_true(share.value == 0.75);
	assert_true(share.low == wilson.low && share.high == wilson.high);
	share = hn_cell_sample_share(&cell, 3, 1, false);
	assert_true(share.value == 0 && share.low == 0 && share.high > 0);
}

static void a_full_count_leaves_no_doubt(void **state)
{
	uint64_t on_node[] = {30, 10}, nothing[] = {0, 0};
	struct hn_cell_sample cell = {.sampled = 40, .on_node = on_node};
	struct hn_cell_sample empty = {.sampled = 40, .absent = 40, .on_node = nothing};
	struct hn_interval share = hn_cell_sample_share(&cell, 2, 1, true);

	assert_true(share.low == 0.25 && share.value == 0.25 && share.high == 0.25);
	share = hn_cell_sample_share(&empty, 2, 1, true);
	assert_true(share.low == 0 && share.high == 1); /* no page, no share */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_with_nothing_known),
		cmocka_unit_test(a_copy_is_equal_and_apart),
		cmocka_unit_test(a_share_is_of_what_is_present),
		cmocka_unit_test(a_full_count_leaves_no_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
