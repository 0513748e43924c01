/*
 * Explanations against what can be seen at a glance, and against a recomputation of every alternative on
 * drawn hosts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "policy/explain.h"
#include "scene.h"

/* Costs that were asked for. */
static size_t trials;

int __real_hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest,
			  const struct hn_solver_limits *limits, const struct hn_placement *home,
			  struct hn_cost *ret, struct hn_error *err);
int __wrap_hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest,
			  const struct hn_solver_limits *limits, const struct hn_placement *home,
			  struct hn_cost *ret, struct hn_error *err);

int __wrap_hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest,
			  const struct hn_solver_limits *limits, const struct hn_placement *home,
			  struct hn_cost *ret, struct hn_error *err)
{
	trials++;
	return __real_hn_solver_cost(snapshot, guest, limits, home, ret, err);
}

static const struct hn_solver_limits limits = {.keep_free_bytes = 0, .steps = 200000};

static struct hn_explanation *explain(const struct hn_snapshot *snapshot, size_t guest,
				      const struct hn_placement *home)
{
	struct hn_explanation *explanation = NULL;
	struct hn_error err = {0};

	if (hn_explain(snapshot, guest, &limits, home, home ? NULL : "as it is", &explanation, &err) < 0)
		fail_msg("%s", err.message);
	return explanation;
}

static void assert_says(const struct hn_choice *choice, const char *what)
{
	if (!strstr(choice->sentence, what))
		fail_msg("node %d: \"%s\" does not say \"%s\"", choice->node, choice->sentence, what);
}

/* Four nodes of 4 CPUs in two pairs (0 1), (2 3): 12 within, 20 across. A guest on 0 and 1. */
static struct hn_snapshot *pairs(uint64_t mib)
{
	struct hn_snapshot *snapshot = scene_new(4, 4, mib);
	size_t guest = scene_guest(snapshot, "g");

	scene_distance(snapshot, 0, 1, 12);
	scene_distance(snapshot, 2, 3, 12);
	scene_cell(snapshot, guest, 600, 3);
	scene_cell(snapshot, guest, 600, 3);
	scene_home(snapshot, guest, 0, 0);
	scene_home(snapshot, guest, 1, 1);
	return snapshot;
}

static void a_node_that_is_further_away_costs_more(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = pairs(1000);
	HN_AUTO(hn_explanation)
	struct hn_explanation *explanation = explain(snapshot, 0, snapshot->guests[0].home);
	const struct hn_choice *choices = explanation->cells[0].choices;

	assert_true(explanation->fits);
	assert_string_equal(explanation->guest, "g");
	assert_non_null(strstr(explanation->sentence, "cell 0 on node 0, cell 1 on node 1"));
	assert_int_equal(choices[0].kind, HN_CHOICE_CHOSEN);
	assert_int_equal(choices[2].kind, HN_CHOICE_WORSE);
	assert_true(choices[2].more[HN_COST_REMOTE] > 0);
	assert_says(&choices[2], "8 further from cell 1");
}

static void where_another_cell_is_in_the_way_they_change_places(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = pairs(1000);
	HN_AUTO(hn_explanation)
	struct hn_explanation *explanation = explain(snapshot, 0, snapshot->guests[0].home);
	const struct hn_choice *choice = &explanation->cells[0].choices[1];

	assert_int_equal(choice->kind, HN_CHOICE_EQUAL);
	assert_int_equal(choice->swap, 1);
	assert_says(choice, "changing places with cell 1 would be as good");
}

static void a_broken_rule_is_told_with_its_numbers(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = pairs(1000);
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL;

	scene_free_mib(snapshot, 2, 300);
	scene_memory_only(snapshot, 3);
	explanation = explain(snapshot, 0, snapshot->guests[0].home);
	assert_int_equal(explanation->cells[0].choices[2].kind, HN_CHOICE_REFUSED);
	assert_says(&explanation->cells[0].choices[2], "300 MiB");
	assert_says(&explanation->cells[0].choices[2], "600 MiB");
	assert_int_equal(explanation->cells[0].choices[3].kind, HN_CHOICE_REFUSED);
	assert_says(&explanation->cells[0].choices[3], "CPU");
}

static void a_guest_that_fits_nowhere_is_told_node_by_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = pairs(500);
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL;

	snapshot->host->nodes[2].free_bytes = 700 * MIB;
	explanation = explain(snapshot, 0, NULL);
	assert_false(explanation->fits);
	assert_non_null(strstr(explanation->sentence, "as it is"));
	for (size_t cell = 0; cell < 2; cell++) {
		assert_int_equal(explanation->cells[cell].cell, (int)cell);
		for (size_t node = 0; node < 4; node++)
			assert_int_equal(explanation->cells[cell].choices[node].kind,
					 node == 2 ? HN_CHOICE_EQUAL : HN_CHOICE_REFUSED);
		assert_says(&explanation->cells[cell].choices[0], "500 MiB");
		assert_says(&explanation->cells[cell].choices[2], "alone");
	}
}

static void a_home_of_another_shape_is_refused(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = pairs(1000);
	HN_AUTO(hn_placement) struct hn_placement *home = hn_placement_new(4, 3);
	struct hn_explanation *explanation = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_explain(snapshot, 0, &limits, home, NULL, &explanation, &err), -EINVAL);
	assert_null(explanation);
	assert_non_null(strstr(err.message, "'g'"));
}

/* The placement with one cell on another node, made from nothing. */
static struct hn_placement *elsewhere(const struct hn_snapshot *snapshot, size_t guest,
				      const struct hn_placement *home, size_t cell, size_t node)
{
	struct hn_placement *other = hn_placement_new(home->node_count, home->cell_count);

	assert_non_null(other);
	for (size_t i = 0; i < home->cell_count; i++) {
		other->cells[i].cell = home->cells[i].cell;
		other->cells[i].nodes =
			i == cell ? hn_set_of(snapshot->host->nodes[node].id) : home->cells[i].nodes;
		for (size_t j = 0; j < home->node_count; j++)
			other->cells[i].bytes[j] =
				i != cell   ? home->cells[i].bytes[j]
				: j == node ? snapshot->guests[guest].guest->cells[i].memory_bytes
					    : 0;
	}
	return other;
}

static void check_choice(const struct hn_snapshot *snapshot, const struct hn_placement *home,
			 const struct hn_choice *choice, size_t cell, size_t node)
{
	HN_AUTO(hn_placement) struct hn_placement *other = elsewhere(snapshot, 0, home, cell, node);
	struct hn_cost before, after;
	struct hn_error err = {0};
	int order;

	if (choice->swap >= 0)
		return;
	assert_int_equal(hn_solver_cost(snapshot, 0, &limits, home, &before, &err), 0);
	if (choice->kind == HN_CHOICE_REFUSED) {
		assert_int_equal(hn_solver_cost(snapshot, 0, &limits, other, &after, &err), -ENOSPC);
		return;
	}
	assert_int_equal(hn_solver_cost(snapshot, 0, &limits, other, &after, &err), 0);
	order = hn_cost_compare(&after, &before);
	assert_int_equal(choice->kind, order == 0  ? HN_CHOICE_EQUAL
				       : order < 0 ? HN_CHOICE_BETTER
						   : HN_CHOICE_WORSE);
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		assert_int_equal(choice->more[i], (int64_t)(after.parts[i] - before.parts[i]));
}

/*
 * On drawn hosts: what is said of every node is what recomputing the whole placement gives, and a placement
 * that the solver proved has nothing better.
 */
static void every_alternative_recomputed(void **state)
{
	struct hn_random random = {7};
	static const struct scene_limits drawn = {.nodes = 4, .cells = 3, .others = 3, .narrow = true};
	unsigned explained = 0, refused = 0, worse = 0;

	for (int round = 0; round < 300; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;
		HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL;
		struct hn_error err = {0};
		struct hn_cost cost;

		if (hn_solve(snapshot, 0, &limits, &home, &err) < 0 ||
		    hn_solver_cost(snapshot, 0, &limits, home, &cost, &err) < 0)
			continue;
		explained++;
		explanation = explain(snapshot, 0, home);
		for (size_t cell = 0; cell < home->cell_count; cell++) {
			for (size_t node = 0; node < home->node_count; node++) {
				const struct hn_choice *choice = &explanation->cells[cell].choices[node];
				bool here = hn_set_has(&home->cells[cell].nodes, choice->node);

				assert_int_equal(choice->kind == HN_CHOICE_CHOSEN, here);
				assert_true(choice->sentence[0] != '\0');
				if (!here)
					check_choice(snapshot, home, choice, cell, node);
				/* where only isolated CPUs are, a cell without vCPUs could be put by hand */
				if (home->proven &&
				    !hn_set_empty(&snapshot->guests[0].guest->cells[cell].vcpus))
					assert_int_not_equal(choice->kind, HN_CHOICE_BETTER);
				refused += choice->kind == HN_CHOICE_REFUSED;
				worse += choice->kind == HN_CHOICE_WORSE;
			}
		}
	}
	assert_true(explained > 100 && refused > 100 && worse > 50);
}

/* So many cells alike, half of them on each of two nodes, where no more find room: one can but change places.
 */
static struct hn_explanation *explain_full(size_t cells)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, (int)cells, 10 * cells / 2 + 5);
	size_t guest = scene_guest(snapshot, "g");

	for (size_t cell = 0; cell < cells; cell++)
		scene_cell(snapshot, guest, 10, 1);
	for (size_t cell = 0; cell < cells; cell++)
		scene_home(snapshot, guest, cell, cell % 2);
	trials = 0;
	return explain(snapshot, guest, snapshot->guests[guest].home);
}

static void all_exchanges_of_64_cells_are_tried(void **state)
{
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = explain_full(64);

	assert_int_equal(trials, 1 + 64 + 64 * 32);
	for (size_t cell = 0; cell < 64; cell++)
		assert_true(explanation->cells[cell].choices[!(cell % 2)].swap >= 0);
}

/* 128 cells have twice as many pairs as are tried; the nodes themselves are all judged. */
static void exchanges_of_many_cells_are_bounded_and_that_is_said(void **state)
{
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = explain_full(128);
	const struct hn_choice *last = &explanation->cells[127].choices[0];

	assert_int_equal(trials, 1 + 128 + HN_EXPLAIN_SWAPS_MAX);
	assert_true(explanation->cells[0].choices[1].swap >= 0);
	assert_int_equal(last->kind, HN_CHOICE_REFUSED);
	assert_int_equal(last->swap, -1);
	assert_says(last, "645 MiB free of 650 MiB needed; not all cells there were tried for an exchange");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_is_further_away_costs_more),
		cmocka_unit_test(where_another_cell_is_in_the_way_they_change_places),
		cmocka_unit_test(a_broken_rule_is_told_with_its_numbers),
		cmocka_unit_test(a_guest_that_fits_nowhere_is_told_node_by_node),
		cmocka_unit_test(a_home_of_another_shape_is_refused),
		cmocka_unit_test(every_alternative_recomputed),
		cmocka_unit_test(all_exchanges_of_64_cells_are_tried),
		cmocka_unit_test(exchanges_of_many_cells_are_bounded_and_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
