/*
 * How much worse than the best that hindsight could do is it to move at theta times the price? Every state
 * and every move of an adversary, on small hosts.
 *
 * The model is page migration with uniform distances: one cell's memory is on one of n nodes; in each step
 * the adversary says where its vCPUs run. Memory elsewhere costs 1, a move costs D. A counter for each node
 * goes up by what would have been saved in the step had the memory been there, down by what would have been
 * lost, never below 0; at theta x D the memory moves there and all counters begin anew. What an optimal
 * player that knows the future has paid is kept as its work function: for each node, the least cost of having
 * served everything and being there, less the least of all. That is a finite graph: position, counters, work
 * function.
 *
 * The ratio is at most rho if no cycle in it has a sum of (cost of ours - rho x cost of the optimum) above 0,
 * since then longest paths are bounded and what remains is a constant. Costs are integers, rho a fraction: no
 * rounding. That two looks must agree adds a step of cost to each move, which is a D somewhat larger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "policy/price.h"

#define NODES_MAX 4

struct game {
	int nodes, price, threshold; /* threshold: theta x price */
	long over, under;            /* rho = over / under */
};

struct state {
	int position, counters[NODES_MAX], work[NODES_MAX];
};

static int least(const int *work, int nodes)
{
	int best = work[0];

	for (int i = 1; i < nodes; i++)
		best = work[i] < best ? work[i] : best;
	return best;
}

/* One step: vCPUs run on that node. The state after it; costs of both in the out-parameters. */
static struct state step(const struct game *game, struct state state, int vcpus, int *ret_ours,
			 int *ret_optimum)
{
	int now = state.position != vcpus, target = -1, best;

	*ret_ours = now;
	for (int i = 0; i < game->nodes; i++) {
		int counter = state.counters[i] + now - (i != vcpus);

		state.counters[i] = counter > 0 && i != state.position ? counter : 0;
		if (state.counters[i] >= game->threshold)
			target = i;
		state.work[i] += i != vcpus;
	}
	if (target >= 0) {
		*ret_ours += game->price;
		state.position = target;
		memset(state.counters, 0, sizeof(state.counters));
	}
	best = least(state.work, game->nodes);
	for (int i = 0; i < game->nodes; i++) {
		state.work[i] -= best;
		if (state.work[i] > game->price)
			state.work[i] = game->price;
	}
	*ret_optimum = best;
	return state;
}

static size_t index_of(const struct game *game, const struct state *state)
{
	size_t index = (size_t)state->position;

	for (int i = 0; i < game->nodes; i++) {
		index = index * (size_t)(game->threshold + 1) + (size_t)state->counters[i];
		index = index * (size_t)(game->price + 1) + (size_t)state->work[i];
	}
	return index;
}

static struct state state_at(const struct game *game, size_t index)
{
	struct state state = {0};

	for (int i = game->nodes - 1; i >= 0; i--) {
		state.work[i] = (int)(index % (size_t)(game->price + 1));
		index /= (size_t)(game->price + 1);
		state.counters[i] = (int)(index % (size_t)(game->threshold + 1));
		index /= (size_t)(game->threshold + 1);
	}
	state.position = (int)index;
	return state;
}

static size_t state_count(const struct game *game)
{
	size_t count = (size_t)game->nodes;

	for (int i = 0; i < game->nodes; i++)
		count *= (size_t)((game->threshold + 1) * (game->price + 1));
	return count;
}

/*
 * Longest paths from the beginning, by relaxing what has changed until nothing does. False when one grows
 * beyond any that has no cycle: then a cycle gains.
 */
static bool holds(const struct game *game)
{
	size_t count = state_count(game), *queue = calloc(count, sizeof(*queue)), head = 0, waiting = 1;
	long *best = malloc(count * sizeof(*best)), bound;
	bool *queued = calloc(count, sizeof(*queued)), bounded = true;
	struct state start = {0};
	size_t seen = 1;

	assert_true(queue && best && queued);
	for (size_t i = 0; i < count; i++)
		best[i] = INT64_MIN;
	for (int i = 1; i < game->nodes; i++)
		start.work[i] = game->price;
	queue[0] = index_of(game, &start);
	best[queue[0]] = 0;
	queued[queue[0]] = true;
	/* far beyond what the same search reaches where it holds: there the optimum pays its D at last */
	bound = 40L * game->under * game->price;
	while (waiting > 0 && bounded) {
		size_t from = queue[head];
		struct state state = state_at(game, from);

		head = (head + 1) % count;
		waiting--;
		queued[from] = false;
		for (int vcpus = 0; vcpus < game->nodes; vcpus++) {
			int ours, optimum;
			struct state next = step(game, state, vcpus, &ours, &optimum);
			size_t to = index_of(game, &next);
			long value = best[from] + game->under * ours - game->over * optimum;

			if (value <= best[to])
				continue;
			seen += best[to] == INT64_MIN;
			best[to] = value;
			bounded = bounded && value <= bound;
			if (!queued[to]) {
				queue[(head + waiting++) % count] = to;
				queued[to] = true;
			}
		}
	}
	assert_true(!bounded || seen > 6);
	free(queue);
	free(best);
	free(queued);
	return bounded;
}

static bool ratio_is_at_most(int nodes, int price, double theta, long over, long under)
{
	struct game game = {.nodes = nodes,
			    .price = price,
			    .threshold = (int)(theta * price + 0.5),
			    .over = over,
			    .under = under};

	return holds(&game);
}

static void two_nodes_cost_three_times_hindsight(void **state)
{
	for (int price = 2; price <= 16; price *= 2) {
		assert_true(ratio_is_at_most(2, price, hn_price_theta(2), 3, 1));
		assert_false(ratio_is_at_most(2, price, hn_price_theta(2), 29, 10));
	}
}

/*
 * With three nodes and more it depends on how fine a grid the adversary has: 10/3 is exact while a move costs
 * no more than six steps, and finer ones gain a little. What a host does in a tick is coarse: a move that
 * costs ten ticks' loss is a large one.
 */
static void more_nodes_cost_three_and_a_third_or_little_more(void **state)
{
	for (int price = 2; price <= 6; price += 2)
		assert_true(ratio_is_at_most(3, price, hn_price_theta(3), 10, 3));
	assert_false(ratio_is_at_most(3, 4, hn_price_theta(3), 33, 10));
	assert_true(ratio_is_at_most(3, 8, hn_price_theta(3), 7, 2));
	assert_true(ratio_is_at_most(3, 10, hn_price_theta(3), 18, 5));
	assert_true(ratio_is_at_most(4, 2, hn_price_theta(4), 10, 3));
	assert_true(ratio_is_at_most(4, 4, hn_price_theta(4), 10, 3));
}

/* Neither sooner nor later would do better: the thetas are not just any. */
static void other_thetas_are_worse(void **state)
{
	assert_false(ratio_is_at_most(2, 8, 1, 3, 1));
	assert_false(ratio_is_at_most(2, 8, 1.5, 3, 1));
	assert_false(ratio_is_at_most(2, 8, 2.5, 3, 1));
	assert_false(ratio_is_at_most(3, 4, 1, 10, 3));
	assert_false(ratio_is_at_most(3, 4, 2, 10, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_cost_three_times_hindsight),
		cmocka_unit_test(more_nodes_cost_three_and_a_third_or_little_more),
		cmocka_unit_test(other_thetas_are_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
