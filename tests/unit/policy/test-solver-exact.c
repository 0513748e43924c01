/*
 * The solver against brute force: every assignment of up to five cells to up to six nodes, costs and
 * capacities computed here from the snapshot alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/solver.h"
#include "scene.h"

#define NODES 6
#define CELLS 5
#define INSTANCES 2500

static const struct hn_solver_limits limits = {.keep_free_bytes = 64 * MIB, .steps = 1000000};

/* The problem as numbers. */
struct problem {
	size_t nodes, cells;
	int64_t room[NODES]; /* what may be there when anything arrives */
	uint64_t here[CELLS][NODES], bytes[CELLS];
	unsigned cpus[NODES], load[NODES], vcpus[CELLS]; /* cpus: that its vCPUs may have */
	unsigned shared_cpus[NODES];
	bool own_cores, isolated; /* one vCPU a core; among isolated ones */
	bool home[NODES];         /* CPUs and memory */
	int fixed[CELLS];         /* the only node possible, or -1 */
	unsigned distance[NODES][NODES];
	unsigned most_cpus; /* of the largest node */
	uint64_t most_bytes;
};

struct answer {
	bool found;
	unsigned multiple; /* of the CPUs, the least that admits any assignment */
	struct hn_cost cost;
};

static uint64_t share_of(const struct hn_guest_state *state, size_t cell, size_t node)
{
	const struct hn_cell_sample *pages = state->sample ? &state->sample->cells[cell] : NULL;
	uint64_t told = 0;

	for (size_t i = 0; pages && i < state->sample->node_count; i++)
		told += pages->on_node[i];
	if (told == 0)
		return 0;
	/* what is present by share, and of that what the known pages say */
	return (uint64_t)((unsigned __int128)((unsigned __int128)state->guest->cells[cell].memory_bytes *
					      (pages->sampled - pages->absent) / pages->sampled) *
			  pages->on_node[node] / told);
}

static void add_other(const struct hn_guest_state *other, size_t node, int id, struct problem *problem)
{
	bool goes_home = other->home && (other->guest->mode == HN_MODE_ENFORCE || other->moving);

	if (other->guest->mode == HN_MODE_OFF)
		return;
	for (size_t i = 0; goes_home && i < other->guest->cell_count; i++) {
		uint64_t wanted = other->home->cells[i].bytes[node], there = share_of(other, i, node);

		if (!hn_set_has(&other->home->cells[i].nodes, id))
			continue;
		problem->load[node] +=
			(unsigned)hn_set_count(&other->guest->cells[i].vcpus); /* homes are whole here */
		if (wanted > there)
			problem->room[node] -= (int64_t)(wanted - there);
	}
	for (size_t i = 0; !goes_home && other->sample && i < other->guest->thread_count; i++)
		problem->load[node] += other->guest->threads[i].kind == HN_THREAD_VCPU &&
				       other->sample->threads[i].last_node == (int)node;
}

static void state_node(const struct hn_snapshot *snapshot, size_t node, struct problem *problem)
{
	const struct hn_host *host = snapshot->host;
	bool realtime = false;

	for (size_t i = 0; i < host->cpu_count && snapshot->guests[0].guest->class == HN_CLASS_REALTIME; i++)
		realtime = realtime || host->cpus[i].isolated;
	for (size_t i = 0; i < host->cpu_count; i++)
		problem->cpus[node] +=
			host->cpus[i].node == host->nodes[node].id && realtime == host->cpus[i].isolated;
	if ((unsigned)hn_set_count(&host->nodes[node].cpus) > problem->most_cpus)
		problem->most_cpus = (unsigned)hn_set_count(&host->nodes[node].cpus);
	if (host->nodes[node].memory_bytes > problem->most_bytes)
		problem->most_bytes = host->nodes[node].memory_bytes;
	for (size_t i = 0; i < host->cpu_count; i++)
		problem->shared_cpus[node] +=
			host->cpus[i].node == host->nodes[node].id && !host->cpus[i].isolated;
	problem->own_cores = snapshot->guests[0].guest->class != HN_CLASS_SHARED;
	problem->isolated = realtime;
	problem->home[node] = problem->cpus[node] > 0 && host->nodes[node].memory_bytes > 0;
	problem->room[node] = (int64_t)host->nodes[node].free_bytes - (int64_t)limits.keep_free_bytes;
	for (size_t i = 1; i < snapshot->guest_count; i++)
		add_other(&snapshot->guests[i], node, host->nodes[node].id, problem);
	for (size_t i = 0; i < problem->cells; i++)
		if (problem->fixed[i] < 0)
			problem->room[node] += (int64_t)problem->here[i][node];
	for (size_t i = 0; i < problem->nodes; i++)
		problem->distance[node][i] = hn_host_distance(host, node, i);
}

static void state_problem(const struct hn_snapshot *snapshot, struct problem *ret)
{
	const struct hn_guest_state *own = &snapshot->guests[0];

	*ret = (struct problem){.nodes = snapshot->host->node_count, .cells = own->guest->cell_count};
	for (size_t i = 0; i < ret->cells; i++) {
		size_t most = 0;

		ret->bytes[i] = own->guest->cells[i].memory_bytes;
		ret->vcpus[i] = (unsigned)hn_set_count(&own->guest->cells[i].vcpus);
		for (size_t node = 0; node < ret->nodes; node++) {
			ret->here[i][node] = share_of(own, i, node);
			most = ret->here[i][node] > ret->here[i][most] ? node : most;
		}
		ret->fixed[i] = own->guest->backends[i].movability != HN_MOVABLE && ret->here[i][most] > 0
					? (int)most
					: -1;
	}
	for (size_t node = 0; node < ret->nodes; node++)
		state_node(snapshot, node, ret);
}

/* What a whole cell takes of the node's room: all its bytes, or what is there when that is all but a 64th. */
static uint64_t room_for(const struct problem *problem, size_t cell, size_t node)
{
	uint64_t bytes = problem->bytes[cell], here = problem->here[cell][node];

	return here > 0 && bytes - here <= bytes / 64 ? here : bytes;
}

/* What lives on a node: where none of it arrives, it may whatever is free. */
static bool holds(const struct problem *problem, size_t node, uint64_t placed, uint64_t arriving)
{
	return arriving == 0 || (int64_t)placed <= problem->room[node];
}

/* The least multiple of the CPUs under which the assignment is allowed; 0 when a rule (or, unless left out of
 * account, memory) forbids it. */
static unsigned multiple_of(const struct problem *problem, const size_t *node_of, bool with_memory)
{
	uint64_t placed[NODES] = {0}, arriving[NODES] = {0};
	unsigned vcpus[NODES] = {0}, multiple = 1;

	for (size_t i = 0; i < problem->cells; i++) {
		if (problem->fixed[i] >= 0 ? (int)node_of[i] != problem->fixed[i]
					   : !problem->home[node_of[i]])
			return 0;
		if (problem->fixed[i] < 0) {
			placed[node_of[i]] += room_for(problem, i, node_of[i]);
			arriving[node_of[i]] +=
				room_for(problem, i, node_of[i]) - problem->here[i][node_of[i]];
		}
		vcpus[node_of[i]] += problem->vcpus[i];
	}
	for (size_t node = 0; node < problem->nodes; node++) {
		unsigned least;

		if ((with_memory && !holds(problem, node, placed[node], arriving[node])) ||
		    (vcpus[node] > 0 && problem->cpus[node] == 0))
			return 0;
		if (vcpus[node] == 0)
			continue;
		least = (vcpus[node] + problem->cpus[node] - 1) / problem->cpus[node];
		multiple = least > multiple ? least : multiple;
	}
	return problem->own_cores && multiple > 1 ? 0 : multiple;
}

static unsigned beyond(unsigned have, unsigned most)
{
	return have > most ? have - most : 0;
}

/* The square of the guest that would fill the node, in 1024ths of the largest node. */
static uint64_t worth(const struct problem *problem, size_t node, unsigned vcpus, uint64_t bytes)
{
	unsigned cpus =
		beyond(problem->shared_cpus[node], problem->load[node] + (problem->isolated ? 0 : vcpus));
	int64_t room = problem->room[node] - (int64_t)bytes;
	uint64_t by_cpus = problem->most_cpus ? (uint64_t)cpus * 1024 / problem->most_cpus : 0;
	uint64_t by_bytes = room > 0 ? (uint64_t)(1024.0 * (double)room / (double)problem->most_bytes) : 0;
	uint64_t size = by_cpus < by_bytes ? by_cpus : by_bytes;

	return size * size;
}

/* Of a guest that is nowhere yet. */
static uint64_t fragments(const struct problem *problem, const size_t *node_of)
{
	uint64_t loss = 0;

	for (size_t i = 0; i < problem->cells; i++)
		for (size_t node = 0; node < problem->nodes; node++)
			if (problem->here[i][node] > 0)
				return 0;
	for (size_t node = 0; node < problem->nodes; node++) {
		uint64_t bytes = 0;
		unsigned vcpus = 0;

		for (size_t i = 0; i < problem->cells; i++) {
			bytes += node_of[i] == node ? problem->bytes[i] : 0;
			vcpus += node_of[i] == node ? problem->vcpus[i] : 0;
		}
		loss += worth(problem, node, 0, 0) - worth(problem, node, vcpus, bytes);
	}
	return loss;
}

static struct hn_cost cost_of(const struct problem *problem, const size_t *node_of)
{
	struct hn_cost cost = {{0}};
	unsigned vcpus[NODES] = {0};

	for (size_t i = 0; i < problem->cells; i++) {
		uint64_t away = 0;

		for (size_t j = 0; j < i; j++)
			cost.parts[HN_COST_REMOTE] += problem->distance[node_of[i]][node_of[j]] - 10;
		for (size_t node = 0; node < problem->nodes; node++)
			away += node == node_of[i] ? 0 : problem->here[i][node];
		cost.parts[HN_COST_MIGRATE] += (away + MIB - 1) / MIB;
		vcpus[node_of[i]] += problem->vcpus[i];
	}
	for (size_t node = 0; node < problem->nodes; node++)
		cost.parts[HN_COST_CPU] += beyond(problem->load[node] + (problem->isolated ? 0 : vcpus[node]),
						  problem->shared_cpus[node]) -
					   beyond(problem->load[node], problem->shared_cpus[node]);
	cost.parts[HN_COST_FRAGMENT] = fragments(problem, node_of);
	return cost;
}

/* The next assignment in counting order; false after the last. */
static bool next_assignment(const struct problem *problem, size_t *node_of)
{
	size_t digit = 0;

	for (; digit < problem->cells && ++node_of[digit] == problem->nodes; digit++)
		node_of[digit] = 0;
	return digit < problem->cells;
}

/* The cheapest of those that keep to the least multiple of the CPUs which any assignment needs, memory aside.
 */
static struct answer try_all(const struct problem *problem)
{
	struct answer best = {.found = false};
	size_t node_of[CELLS] = {0};

	do {
		unsigned multiple = multiple_of(problem, node_of, false);

		if (multiple > 0 && (best.multiple == 0 || multiple < best.multiple))
			best.multiple = multiple;
	} while (next_assignment(problem, node_of));
	do {
		unsigned multiple = multiple_of(problem, node_of, true);
		struct hn_cost cost = cost_of(problem, node_of);

		if (multiple == 0 || multiple > best.multiple)
			continue;
		if (!best.found || hn_cost_compare(&cost, &best.cost) < 0)
			best.cost = cost;
		best.found = true;
	} while (next_assignment(problem, node_of));
	return best;
}

/* Checks every rule on a placement; true when each cell is on one node, which then is written to node_of. */
static bool assert_valid(const struct hn_snapshot *snapshot, const struct problem *problem,
			 const struct hn_placement *placement, size_t *node_of)
{
	uint64_t used[NODES] = {0}, arriving[NODES] = {0};
	bool whole = true;

	assert_int_equal(placement->cell_count, problem->cells);
	assert_int_equal(placement->node_count, problem->nodes);
	for (size_t i = 0; i < problem->cells; i++) {
		const struct hn_cell_home *home = &placement->cells[i];
		uint64_t bytes = 0, taken;

		assert_int_equal(home->cell, snapshot->guests[0].guest->cells[i].id);
		assert_false(hn_set_empty(&home->nodes));
		whole = whole && hn_set_count(&home->nodes) == 1;
		HN_SET_FOREACH (id, &home->nodes) {
			int node = hn_host_node_index(snapshot->host, id);

			assert_true(node >= 0);
			node_of[i] = (size_t)node;
			if (problem->fixed[i] >= 0)
				assert_int_equal(node, problem->fixed[i]);
			else
				assert_true(problem->home[node]);
		}
		for (size_t node = 0; node < problem->nodes; node++) {
			bool member = hn_set_has(&home->nodes, snapshot->host->nodes[node].id);

			assert_true(home->bytes[node] == 0 || member);
			bytes += home->bytes[node];
			if (problem->fixed[i] >= 0)
				continue;
			taken = home->bytes[node] == problem->bytes[i] ? room_for(problem, i, node)
								       : home->bytes[node];
			used[node] += taken;
			if (taken > problem->here[i][node])
				arriving[node] += taken - problem->here[i][node];
		}
		assert_true(bytes ==
			    (problem->fixed[i] >= 0 ? problem->here[i][node_of[i]] : problem->bytes[i]));
	}
	for (size_t node = 0; node < problem->nodes; node++)
		assert_true(holds(problem, node, used[node], arriving[node]));
	return whole;
}

static void assert_cost(const struct hn_cost *cost, const struct hn_cost *expected, int round)
{
	for (int part = 0; part < HN_COST_PARTS; part++)
		if (cost->parts[part] != expected->parts[part])
			fail_msg("instance %d: %s costs %llu, not %llu", round,
				 hn_cost_part_name((enum hn_cost_part)part),
				 (unsigned long long)cost->parts[part],
				 (unsigned long long)expected->parts[part]);
}

/* A sentence that says which resource is short, and on which node or for which cell. */
static void assert_told(const struct hn_error *err)
{
	bool named = strstr(err->message, "memory") || strstr(err->message, "CPUs");
	bool placed = strstr(err->message, "node") || strstr(err->message, "cell");

	if (err->code != -ENOSPC || !named || !placed)
		fail_msg("%d: '%s'", err->code, err->message);
}

static void check(const struct hn_snapshot *snapshot, const struct answer *expected,
		  const struct problem *problem, int round, bool narrow, int *split)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL, *again = NULL;
	struct hn_error err = {0};
	size_t node_of[CELLS];
	int r = hn_solve(snapshot, 0, &limits, &placement, &err);

	if (r < 0) {
		assert_int_equal(r, -ENOSPC);
		assert_told(&err);
		/* a cell that is split takes fewer CPUs a node, which the brute force does not try */
		if (expected->found && narrow)
			fail_msg("instance %d fits, but: %s", round, err.message);
		return;
	}
	assert_int_equal(hn_solve(snapshot, 0, &limits, &again, &err), 0);
	assert_true(hn_placement_equal(placement, again) &&
		    hn_cost_compare(&placement->cost, &again->cost) == 0);
	if (!assert_valid(snapshot, problem, placement, node_of)) {
		assert_false(placement->proven);
		if (narrow && expected->found) /* only a cell that no node has memory for is split */
			fail_msg("instance %d: split where whole cells fit", round);
		++*split;
		return;
	}
	assert_true(expected->found);
	assert_true(multiple_of(problem, node_of, true) <= expected->multiple);
	{
		struct hn_cost cost = cost_of(problem, node_of);

		assert_cost(&placement->cost, &cost, round);
	}
	if (narrow && !placement->proven)
		fail_msg("instance %d: not proven", round);
	if (!placement->proven || !narrow)
		return;
	assert_cost(&placement->cost, &expected->cost, round);
}

static void compare(uint64_t seed, bool narrow)
{
	const struct scene_limits drawn = {.nodes = NODES, .cells = CELLS, .others = 3, .narrow = narrow};
	struct hn_random random = {seed};
	int found = 0, split = 0, loose = 0;

	for (int round = 0; round < INSTANCES; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		struct problem problem;
		struct answer expected;

		state_problem(snapshot, &problem);
		expected = try_all(&problem);
		found += expected.found;
		loose += expected.found && expected.multiple > 1;
		check(snapshot, &expected, &problem, round, narrow, &split);
	}
	print_message("%d fit of %d, %d of them not within the CPUs; %d were split\n", found, INSTANCES,
		      loose, split);
	assert_true(found > INSTANCES / 4 && found < INSTANCES * 19 / 20 && loose > 0);
}

static void equals_brute_force(void **state)
{
	compare(81, true);
}

static void equals_brute_force_with_more_vcpus_than_cpus(void **state)
{
	compare(82, false);
}

/* With few steps: no answer, or one that keeps all rules; and what it calls proven is. */
static void few_steps_give_a_sound_answer_or_none(void **state)
{
	const struct scene_limits drawn = {.nodes = NODES, .cells = CELLS, .others = 3, .narrow = true};
	struct hn_random random = {83};
	int unproven = 0, none = 0;

	for (int round = 0; round < 1500; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
		struct hn_solver_limits few = limits;
		struct answer expected;
		struct hn_error err = {0};
		struct problem problem;
		size_t node_of[CELLS];
		bool whole;
		int r;

		few.steps = hn_random_below(&random, 60);
		state_problem(snapshot, &problem);
		expected = try_all(&problem);
		r = hn_solve(snapshot, 0, &few, &placement, &err);
		if (r < 0) {
			assert_int_equal(r, -ENOSPC);
			none += expected.found;
			if (expected.found) /* it must not say that it does not fit */
				assert_non_null(strstr(err.message, "gave up"));
			continue;
		}
		whole = assert_valid(snapshot, &problem, placement, node_of);
		unproven += whole && !placement->proven;
		if (placement->proven)
			assert_cost(&placement->cost, &expected.cost, round);
	}
	print_message("%d sound but unproven, %d given up\n", unproven, none);
	assert_true(unproven > 50 && none > 10);
}

/* Five cells, one a node by their memory. */
static struct hn_snapshot *five_on_six(struct hn_random *random)
{
	struct hn_snapshot *snapshot = scene_new(6, 2, 2000);
	size_t guest = scene_guest(snapshot, "g");

	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < i; j++)
			scene_distance(snapshot, i, j, 11 + (unsigned)hn_random_below(random, 40));
	for (int i = 0; i < 5; i++)
		scene_cell(snapshot, guest, 1500, 0);
	return snapshot;
}

static void more_steps_give_no_worse(void **state)
{
	struct hn_random random = {84};
	int better = 0;

	for (int round = 0; round < 20; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = five_on_six(&random);
		struct hn_cost before = {{UINT64_MAX}};
		bool proven = false;

		for (uint64_t steps = 1; steps < 40000 && !proven; steps += 1 + steps / 8) {
			struct hn_solver_limits few = {.keep_free_bytes = 0, .steps = steps};
			HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
			struct hn_error err = {0};

			if (hn_solve(snapshot, 0, &few, &placement, &err) < 0)
				continue;
			assert_true(hn_cost_compare(&placement->cost, &before) <= 0);
			better += hn_cost_compare(&placement->cost, &before) < 0;
			before = placement->cost;
			proven = placement->proven;
		}
		assert_true(proven);
	}
	assert_true(better > 20); /* the first that is found counts, so that some were bettered */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_brute_force),
		cmocka_unit_test(equals_brute_force_with_more_vcpus_than_cpus),
		cmocka_unit_test(few_steps_give_a_sound_answer_or_none),
		cmocka_unit_test(more_steps_give_no_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
