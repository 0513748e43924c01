/* Placements: which of two costs is less, and when two are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "specimen.h"

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* Parts of 0..2 stand for digits: the order is that of the number they write. */
static void the_first_part_that_differs_decides(void **state)
{
	for (int a = 0; a < 27; a++) {
		for (int b = 0; b < 27; b++) {
			struct hn_cost x = {{(uint64_t)(a / 9), (uint64_t)(a / 3 % 3), (uint64_t)(a % 3)}};
			struct hn_cost y = {{(uint64_t)(b / 9), (uint64_t)(b / 3 % 3), (uint64_t)(b % 3)}};

			assert_int_equal(sign(hn_cost_compare(&x, &y)), sign(a - b));
		}
	}
}

static void large_parts_do_not_wrap(void **state)
{
	struct hn_cost least = {{0}}, most = {{UINT64_MAX}};

	assert_true(hn_cost_compare(&least, &most) < 0);
	assert_true(hn_cost_compare(&most, &least) > 0);
}

static void a_copy_is_equal_and_apart(void **state)
{
	struct hn_random random = {5};

	for (int round = 0; round < 200; round++) {
		HN_AUTO(hn_placement)
		struct hn_placement *placement = specimen_placement(&random, 1 + hn_random_below(&random, 5),
								    1 + hn_random_below(&random, 4));
		HN_AUTO(hn_placement) struct hn_placement *copy = hn_placement_copy(placement);
		size_t cell = hn_random_below(&random, placement->cell_count);
		size_t node = hn_random_below(&random, placement->node_count);

		assert_true(same_placement(placement, copy));
		assert_true(hn_placement_equal(placement, copy));
		copy->cells[cell].bytes[node] ^= 1;
		assert_false(hn_placement_equal(placement, copy));
		copy->cells[cell].bytes[node] ^= 1;
		copy->cells[cell].cell ^= 1;
		assert_false(hn_placement_equal(placement, copy));
		copy->cells[cell].cell ^= 1;
		hn_set_subtract(&copy->cells[cell].nodes, &copy->cells[cell].nodes);
		hn_set_add(&copy->cells[cell].nodes, hn_set_has(&placement->cells[cell].nodes, 0) ? 1 : 0);
		assert_false(hn_placement_equal(placement, copy));
	}
	hn_placement_free(NULL);
}

static void cost_and_proof_do_not_make_a_home_another(void **state)
{
	struct hn_random random = {6};
	HN_AUTO(hn_placement) struct hn_placement *placement = specimen_placement(&random, 3, 2);
	HN_AUTO(hn_placement) struct hn_placement *copy = hn_placement_copy(placement);

	copy->cost.parts[HN_COST_CPU]++;
	copy->proven = !copy->proven;
	assert_true(hn_placement_equal(placement, copy));
}

static void other_sizes_are_not_equal(void **state)
{
	HN_AUTO(hn_placement) struct hn_placement *a = hn_placement_new(2, 2), *b = hn_placement_new(2, 1);
	HN_AUTO(hn_placement) struct hn_placement *c = hn_placement_new(3, 2), *none = hn_placement_new(0, 0);

	assert_false(hn_placement_equal(a, b));
	assert_false(hn_placement_equal(a, c));
	assert_true(hn_placement_equal(none, none));
}

static void its_nodes_are_those_of_any_cell(void **state)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(4, 3);
	struct hn_set nodes, expected = hn_set_of(1);

	nodes = hn_placement_nodes(placement);
	assert_true(hn_set_empty(&nodes));
	placement->cells[0].nodes = hn_set_of(1);
	hn_set_add(&placement->cells[2].nodes, 1);
	hn_set_add(&placement->cells[2].nodes, 70);
	hn_set_add(&expected, 70);
	nodes = hn_placement_nodes(placement);
	assert_true(hn_set_equal(&nodes, &expected));
}

/* A cell of five vCPUs on two nodes, then on one. */
static void seats_are_known_when_all_are_said(void **state)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(3, 2);
	struct hn_cell_home *home = &placement->cells[1];

	home->nodes = hn_set_of(0);
	hn_set_add(&home->nodes, 2);
	assert_false(hn_placement_seats_known(placement, 1, 5));
	home->vcpus[0] = 4;
	assert_false(hn_placement_seats_known(placement, 1, 5));
	home->vcpus[2] = 1;
	assert_true(hn_placement_seats_known(placement, 1, 5));
	assert_false(hn_placement_seats_known(placement, 1, 4));
	assert_false(hn_placement_seats_known(placement, 1, 6)); /* one has been plugged */
	assert_false(hn_placement_seats_known(placement, 0, 5));
	home->vcpus[2] = UINT64_MAX;
	home->vcpus[1] = 2;
	assert_false(hn_placement_seats_known(placement, 1, 5)); /* 4 + 2 - 1, if it wrapped */
	home->vcpus[1] = 0;
	home->vcpus[2] = 1;
	hn_set_remove(&home->nodes, 2);
	assert_false(hn_placement_seats_known(placement, 1, 5));
}

static void chosen_cpus_are_copied_and_replaced(void **state)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(1, 1), *copy = NULL;

	assert_int_equal(hn_placement_set_vcpus(placement, 3), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(hn_set_empty(&placement->vcpus[i].cpus));
		placement->vcpus[i] = (struct hn_vcpu_home){.vcpu = i, .cpus = hn_set_of(10 + i)};
	}
	placement->other_cpus = hn_set_of(99);
	copy = hn_placement_copy(placement);
	assert_true(same_placement(placement, copy));
	placement->vcpus[2].cpus = hn_set_of(7);
	assert_true(hn_set_has(&copy->vcpus[2].cpus, 12)); /* a table of its own */
	assert_false(same_placement(placement, copy));
	assert_int_equal(hn_placement_set_vcpus(copy, 1), 0);
	assert_int_equal(copy->vcpu_count, 1);
	assert_true(hn_set_empty(&copy->vcpus[0].cpus));
	assert_int_equal(hn_placement_set_vcpus(copy, 0), 0);
	assert_null(copy->vcpus);
}

/* Of the first part that differs; a bound of 0 counts as one unit, a bound above the cost is no gap. */
static void the_gap_is_that_of_the_first_part_that_differs(void **state)
{
	static const struct {
		uint64_t cost[HN_COST_PARTS], bound[HN_COST_PARTS];
		double gap;
	} cases[] = {
		{{0}, {0}, 0},
		{{7, 3, 2, 1, 9}, {7, 3, 2, 1, 9}, 0},
		{{12, 0, 0, 0, 0}, {10, 0, 0, 0, 0}, 0.2},
		{{12, 100, 0, 0, 0}, {10, 1, 0, 0, 0}, 0.2},
		{{5, 3, 0, 0, 0}, {5, 0, 0, 0, 0}, 3},
		{{5, 3, 1, 4, 150}, {5, 3, 1, 4, 100}, 0.5},
		{{5, 3, 9, 0, 0}, {5, 4, 1, 0, 0}, 0},
		{{UINT64_MAX, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, 18446744073709551616.0},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(1, 1);

		memcpy(placement->cost.parts, cases[i].cost, sizeof(cases[i].cost));
		memcpy(placement->bound.parts, cases[i].bound, sizeof(cases[i].bound));
		assert_true(hn_placement_gap(placement) == cases[i].gap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_part_that_differs_decides),
		cmocka_unit_test(large_parts_do_not_wrap),
		cmocka_unit_test(a_copy_is_equal_and_apart),
		cmocka_unit_test(cost_and_proof_do_not_make_a_home_another),
		cmocka_unit_test(other_sizes_are_not_equal),
		cmocka_unit_test(its_nodes_are_those_of_any_cell),
		cmocka_unit_test(seats_are_known_when_all_are_said),
		cmocka_unit_test(chosen_cpus_are_copied_and_replaced),
		cmocka_unit_test(the_gap_is_that_of_the_first_part_that_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
