/*
 * Where a guest would go and how many more of it: what counting them costs is counted, not timed. See
 * meson.build for what is wrapped.
 */
#include "policy/fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/assignment.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 64 * MIB, .steps = 200000};
static uint64_t steps; /* that the solver was given */
static uint64_t moves; /* of a cell to a node */

int __real_hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *given,
		    struct hn_placement **ret, struct hn_error *err);
int __wrap_hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *given,
		    struct hn_placement **ret, struct hn_error *err);

int __wrap_hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *given,
		    struct hn_placement **ret, struct hn_error *err)
{
	steps += given->steps;
	return __real_hn_solve(snapshot, guest, given, ret, err);
}

void __real_hn_assignment_put(struct hn_assignment *assignment, size_t cell,
			      const struct hn_candidate *candidate, const struct hn_cost *cost);
void __wrap_hn_assignment_put(struct hn_assignment *assignment, size_t cell,
			      const struct hn_candidate *candidate, const struct hn_cost *cost);

void __wrap_hn_assignment_put(struct hn_assignment *assignment, size_t cell,
			      const struct hn_candidate *candidate, const struct hn_cost *cost)
{
	moves++;
	__real_hn_assignment_put(assignment, cell, candidate, cost);
}

static unsigned count_more(size_t nodes, uint64_t mib, int cells, unsigned most)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(nodes, 4, mib);
	HN_AUTO(hn_fit_answer) struct hn_fit_answer *answer = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_error err;

	for (int i = 0; i < cells; i++)
		scene_cell(snapshot, guest, 100, 1);
	steps = 0;
	assert_int_equal(hn_fit(snapshot, guest, &limits, most, &answer, &err), 0);
	assert_non_null(answer->home);
	return answer->more;
}

/* Nine cells of 100 MiB fill a node of 964 MiB, of which 64 are kept: there are 36 on four, one guest's the
 * first. */
static void so_many_more_are_counted(void **state)
{
	assert_int_equal(count_more(4, 964, 1, 64), 35);
	assert_int_equal(count_more(4, 964, 4, 64), 8);
	assert_int_equal(count_more(4, 964, 4, 3), 3);
	assert_int_equal(count_more(4, 964, 4, 0), 0);
}

static void all_of_them_cost_some_times_what_one_does(void **state)
{
	assert_int_equal(count_more(4, 100000, 4, 64), 64);
	assert_in_range(steps, limits.steps, 6 * limits.steps);
	/* they get enough to look at every place once, however many come before */
	assert_int_equal(count_more(32, 100000, 32, 64), 64);
	assert_in_range(steps, limits.steps, 6 * limits.steps);
}

/* Before a cell is put somewhere, places are tried or bounds worked out, and the solver's time goes into
 * these: it may not put more cells than it is given steps, not even where it tries all exchanges of 64 cells.
 */
static void what_is_done_for_many_cells_is_within_the_steps(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(64, 32, 256000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_error err;

	for (size_t a = 0; a < 64; a++)
		for (size_t b = 0; b < a; b++)
			scene_distance(snapshot, a, b, a / 4 == b / 4 ? 12 : a / 16 == b / 16 ? 20 : 32);
	for (int i = 0; i < 64; i++)
		scene_cell(snapshot, guest, 4000, 4);
	moves = 0;
	assert_int_equal(hn_solve(snapshot, guest, &limits, &placement, &err), 0);
	assert_in_range(moves, 64, limits.steps);
}

/* Whether 17 cells fit into the CPUs of 12 nodes takes all steps and is not known then (test-solver.c): that
 * is not asked anew for each of the hundreds of places that an explanation tries. */
static void an_explanation_asks_once_what_takes_a_search(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(12, 8, 64000);
	HN_AUTO(hn_fit_answer) struct hn_fit_answer *answer = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_random random = {17};
	struct hn_error err;

	for (size_t a = 0; a < 12; a++)
		for (size_t b = 0; b < a; b++)
			scene_distance(snapshot, a, b, 12 + (unsigned)hn_random_below(&random, 30));
	for (int i = 0; i < 17; i++)
		scene_cell(snapshot, guest, 900 + 25 * (uint64_t)i, i < 8 ? 4 : 5 + i % 2);
	moves = 0;
	assert_int_equal(hn_fit(snapshot, guest, &limits, 0, &answer, &err), 0);
	assert_non_null(answer->home);
	/* twice a search for seats and twice one for places, and what the costs of 17 x (12 + 17) places take
	 */
	assert_in_range(moves, 17, 4 * limits.steps + 17 * (12 + 17) * 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_more_are_counted),
		cmocka_unit_test(all_of_them_cost_some_times_what_one_does),
		cmocka_unit_test(what_is_done_for_many_cells_is_within_the_steps),
		cmocka_unit_test(an_explanation_asks_once_what_takes_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
