/*
 * Three answers to the same problem: every assignment tried (up to five cells on five nodes), the oracle that
 * the benchmark of quality measures with, and the solver. All parts of the cost have to agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "bench/instance.h"
#include "bench/oracle.h"
#include "policy/solver.h"

#define CELLS 5
#define NODES 5
#define STEPS 1000000

static const struct hn_solver_limits limits = {.steps = STEPS};

/* The problem of the seed; false when vCPUs would have to share CPUs, which the oracle does not know. */
static bool draw(struct hn_random *random, const struct bench_instance_limits *drawn,
		 struct hn_snapshot **ret_snapshot, struct oracle_problem *ret)
{
	*ret_snapshot = bench_instance_draw(random, drawn);
	assert_non_null(*ret_snapshot);
	assert_true(oracle_state(*ret_snapshot, 0, 0, ret));
	return oracle_has_cpus(ret);
}

/* The next assignment in counting order; false after the last. */
static bool next_assignment(const struct oracle_problem *problem, size_t *node_of)
{
	size_t digit = 0;

	for (; digit < problem->cells && ++node_of[digit] == problem->nodes; digit++)
		node_of[digit] = 0;
	return digit < problem->cells;
}

static struct oracle_answer try_all(const struct oracle_problem *problem)
{
	struct oracle_answer best = {.feasible = false};
	size_t node_of[ORACLE_CELLS] = {0};

	do {
		struct hn_cost cost;

		if (!oracle_allows(problem, node_of))
			continue;
		cost = oracle_cost(problem, node_of);
		if (!best.feasible || hn_cost_compare(&cost, &best.cost) < 0)
			best.cost = cost;
		best.feasible = true;
	} while (next_assignment(problem, node_of));
	return best;
}

static void assert_cost(const char *who, const struct hn_cost *cost, const struct hn_cost *expected,
			int round)
{
	for (int part = 0; part < HN_COST_PARTS; part++)
		if (cost->parts[part] != expected->parts[part])
			fail_msg("instance %d: %s: %s costs %llu, not %llu", round, who,
				 hn_cost_part_name((enum hn_cost_part)part),
				 (unsigned long long)cost->parts[part],
				 (unsigned long long)expected->parts[part]);
}

/* Where the placement has each cell. */
static void read_nodes(const struct hn_snapshot *snapshot, const struct hn_placement *placement,
		       size_t *node_of)
{
	for (size_t i = 0; i < placement->cell_count; i++) {
		const struct hn_set *nodes = &placement->cells[i].nodes;

		assert_int_equal(hn_set_count(nodes), 1);
		node_of[i] = (size_t)hn_host_node_index(snapshot->host, hn_set_next(nodes, 0));
	}
}

/* The solver's answer is allowed, costs what it says, and no less is possible; small: it has proven that. */
static void check_solver(const struct hn_snapshot *snapshot, const struct oracle_problem *problem,
			 const struct oracle_answer *expected, bool small, int round)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_error err = {0};
	size_t node_of[ORACLE_CELLS];
	struct hn_cost cost;
	int r = hn_solve(snapshot, 0, &limits, &placement, &err);

	if (r < 0) {
		assert_int_equal(r, -ENOSPC);
		if (expected->feasible)
			fail_msg("instance %d fits, but: %s", round, err.message);
		return;
	}
	assert_true(expected->feasible);
	read_nodes(snapshot, placement, node_of);
	assert_true(oracle_allows(problem, node_of));
	cost = oracle_cost(problem, node_of);
	assert_cost("the solver's own account", &placement->cost, &cost, round);
	assert_cost("solver", &placement->cost, &expected->cost, round);
	if (small)
		assert_true(placement->proven);
}

static void all_three_agree_on_small_hosts(void **state)
{
	const struct bench_instance_limits drawn = {
		.nodes_least = 1, .nodes_most = NODES, .cells_most = CELLS};
	struct hn_random random = {171};
	int asked = 0, fit = 0, remote = 0, incumbent = 0;

	for (int round = 0; round < 800; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
		struct oracle_problem problem;
		struct oracle_answer expected, answer;

		if (!draw(&random, &drawn, &snapshot, &problem))
			continue;
		expected = try_all(&problem);
		oracle_solve(&problem, NULL, STEPS, &answer);
		assert_true(answer.proven && answer.remote_proven);
		assert_int_equal(answer.feasible, expected.feasible);
		if (expected.feasible)
			assert_cost("oracle", &answer.cost, &expected.cost, round);
		check_solver(snapshot, &problem, &expected, true, round);
		asked++;
		fit += expected.feasible;
		remote += expected.feasible && expected.cost.parts[HN_COST_REMOTE] > 0;
		incumbent += snapshot->guests[0].home != NULL;
	}
	print_message("%d asked, %d fit, %d of them on several nodes, %d were somewhere\n", asked, fit,
		      remote, incumbent);
	/* else nothing was compared */
	assert_true(asked > 500 && fit > 300 && fit < asked && remote > 100 && incumbent > 100);
}

/* Beyond what can be tried one by one. */
static void solver_and_oracle_agree_on_larger_hosts(void **state)
{
	const struct bench_instance_limits drawn = {.nodes_least = 8, .nodes_most = 12, .cells_most = 7};
	struct hn_random random = {172};
	int compared = 0;

	for (int round = 0; round < 100; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
		struct oracle_problem problem;
		struct oracle_answer expected;

		if (!draw(&random, &drawn, &snapshot, &problem))
			continue;
		oracle_solve(&problem, NULL, 20000, &expected);
		if (!expected.proven)
			continue;
		check_solver(snapshot, &problem, &expected, false, round);
		compared++;
	}
	print_message("%d compared\n", compared);
	assert_true(compared > 80);
}

/* An answer to begin with changes nothing, neither a bad one nor the best. */
static void oracle_does_not_depend_on_where_it_begins(void **state)
{
	const struct bench_instance_limits drawn = {
		.nodes_least = 2, .nodes_most = NODES, .cells_most = CELLS};
	struct hn_random random = {173};
	int began = 0;

	for (int round = 0; round < 300; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
		struct oracle_problem problem;
		struct oracle_answer first, second;
		size_t known[ORACLE_CELLS];

		if (!draw(&random, &drawn, &snapshot, &problem))
			continue;
		oracle_solve(&problem, NULL, STEPS, &first);
		for (size_t i = 0; i < problem.cells; i++)
			known[i] = hn_random_below(&random, problem.nodes);
		began += oracle_allows(&problem, known);
		oracle_solve(&problem, known, STEPS, &second);
		assert_int_equal(first.feasible, second.feasible);
		assert_true(!first.feasible || hn_cost_compare(&first.cost, &second.cost) == 0);
	}
	assert_true(began > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_three_agree_on_small_hosts),
		cmocka_unit_test(solver_and_oracle_agree_on_larger_hosts),
		cmocka_unit_test(oracle_does_not_depend_on_where_it_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
