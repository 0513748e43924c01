/* Looks under a clock of our own: what they cost, and how long guests wait for one. */
#include "daemon/cadence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"

#define GUESTS_MAX 64
#define LOOKS_MAX 40000
#define TICK (10 * HN_NS_PER_S)
#define HANGS_FOR (10 * HN_NS_PER_S)

struct player {
	struct hn_turn turn;
	uint64_t cost_ns;    /* of a look, more or less */
	uint64_t due_ns;     /* when it wants to be looked at again */
	uint64_t asked_ns;   /* since when it waits */
	uint64_t longest_ns; /* it has waited */
	unsigned looks;
	bool hangs; /* its looks end by the watchdog */
};

struct look {
	uint64_t start_ns, end_ns, cost_ns;
};

struct game {
	struct hn_cadence cadence;
	struct hn_random random;
	uint64_t now_ns;
	size_t count, look_count;
	struct player players[GUESTS_MAX];
	struct look looks[LOOKS_MAX];
	size_t under_way[HN_CADENCE_AT_ONCE], under_way_count; /* looks, by the player they are at */
};

static struct game *game_new(size_t count, double budget, double guest_budget, uint64_t seed)
{
	struct game *game = calloc(1, sizeof(*game));

	assert_non_null(game);
	game->now_ns = HN_NS_PER_S;
	game->random.state = seed;
	game->count = count;
	hn_cadence_init(&game->cadence, TICK, budget, guest_budget, game->now_ns);
	for (size_t i = 0; i < count; i++)
		game->players[i].due_ns = game->now_ns;
	return game;
}

static void end_look(struct game *game)
{
	struct player *player = &game->players[game->under_way[0]];
	/* half as dear to half as dear again as usual: what is expected is never right */
	uint64_t cost = player->cost_ns / 2 + hn_random_below(&game->random, player->cost_ns + 1);

	game->under_way[0] = game->under_way[1];
	game->under_way_count--;
	if (player->hangs) {
		game->now_ns += HANGS_FOR;
		player->looks++;
		hn_cadence_hung(&game->cadence, &player->turn, game->now_ns, HANGS_FOR);
		hn_cadence_drop(&game->cadence, &player->turn);
		return;
	}
	game->now_ns += cost;
	assert_true(game->look_count < LOOKS_MAX);
	game->looks[game->look_count++] =
		(struct look){.start_ns = game->now_ns - cost, .end_ns = game->now_ns, .cost_ns = cost};
	player->looks++;
	hn_cadence_done(&game->cadence, &player->turn, cost);
}

static void start_looks(struct game *game, uint64_t *ret_wait)
{
	struct hn_turn *turn;

	while ((turn = hn_cadence_next(&game->cadence, game->now_ns, ret_wait))) {
		struct player *player = (struct player *)(void *)turn;
		uint64_t waited = game->now_ns - player->asked_ns;

		player->longest_ns = waited > player->longest_ns ? waited : player->longest_ns;
		assert_true(game->under_way_count < HN_CADENCE_AT_ONCE);
		game->under_way[game->under_way_count++] = (size_t)(player - game->players);
	}
}

/* As guest.c does it: due once an interval, counted from when it was due, with 10 % of jitter. */
static void ask(struct game *game)
{
	for (size_t i = 0; i < game->count; i++) {
		struct player *player = &game->players[i];
		uint64_t interval;

		if (player->due_ns > game->now_ns)
			continue;
		if (!player->turn.waiting && !player->turn.going)
			player->asked_ns = game->now_ns;
		hn_cadence_join(&game->cadence, &player->turn, game->now_ns);
		interval = hn_cadence_interval(&game->cadence, &player->turn);
		player->due_ns = game->now_ns + interval - interval / 20 +
				 hn_random_below(&game->random, interval / 10);
	}
}

static void play(struct game *game, uint64_t seconds)
{
	uint64_t end = game->now_ns + seconds * HN_NS_PER_S;

	while (game->now_ns < end) {
		uint64_t wait = UINT64_MAX, next = end;

		ask(game);
		start_looks(game, &wait);
		if (game->under_way_count) {
			end_look(game);
			continue;
		}
		for (size_t i = 0; i < game->count; i++)
			next = game->players[i].due_ns < next ? game->players[i].due_ns : next;
		if (wait != UINT64_MAX && game->now_ns + wait < next)
			next = game->now_ns + wait;
		game->now_ns = next > game->now_ns ? next : game->now_ns + 1;
	}
}

/* From the beginning of any look to the end of any later one. */
static void check_every_window(const struct game *game, double budget)
{
	uint64_t dearest = 0;

	for (size_t i = 0; i < game->look_count; i++)
		dearest = game->looks[i].cost_ns > dearest ? game->looks[i].cost_ns : dearest;
	for (size_t i = 0; i < game->look_count; i++) {
		uint64_t spent = 0;

		for (size_t j = i; j < game->look_count; j++) {
			double span = (double)(game->looks[j].end_ns - game->looks[i].start_ns);

			spent += game->looks[j].cost_ns;
			if ((double)spent >
			    budget * (span + (double)TICK) + HN_CADENCE_AT_ONCE * (double)dearest + 1)
				fail_msg("%.3f s of CPU in %.3f s", (double)spent / 1e9, span / 1e9);
		}
	}
}

static uint64_t spent(const struct game *game)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < game->look_count; i++)
		sum += game->looks[i].cost_ns;
	return sum;
}

static void cheap_looks_keep_the_tick(void **state)
{
	struct game *game = game_new(50, 0.02, 0.005, 1);

	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = HN_NS_PER_MS;
	play(game, 1000);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	/* 100 ticks, and the jitter of their sum */
	for (size_t i = 0; i < game->count; i++)
		assert_in_range(game->players[i].looks, 98, 102);
	check_every_window(game, 0.02);
	free(game);
}

static void dear_looks_stretch_the_tick_and_stay_within_the_budget(void **state)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct game *game = game_new(40, 0.02, 0.005, seed);

		/* 40 x 20 ms a tick are four times what may be spent */
		for (size_t i = 0; i < game->count; i++)
			game->players[i].cost_ns = 20 * HN_NS_PER_MS;
		play(game, 2000);
		check_every_window(game, 0.02);
		assert_in_range(hn_cadence_tick(&game->cadence), 35 * HN_NS_PER_S, 50 * HN_NS_PER_S);
		/* and the budget is used: 40 s of CPU */
		assert_true((double)spent(game) > 0.85 * 0.02 * 2000e9);
		free(game);
	}
}

static void costs_that_change_are_followed(void **state)
{
	struct game *game = game_new(40, 0.02, 0.005, 7);

	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = HN_NS_PER_MS;
	play(game, 300);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = 30 * HN_NS_PER_MS;
	play(game, 2000);
	assert_true(hn_cadence_tick(&game->cadence) > 4 * TICK);
	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = HN_NS_PER_MS;
	play(game, 2000);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	check_every_window(game, 0.02);
	free(game);
}

static void a_dear_guest_has_a_longer_tick_and_no_other(void **state)
{
	struct game *game = game_new(11, 0.02, 0.005, 3);

	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = HN_NS_PER_MS;
	game->players[0].cost_ns = 200 * HN_NS_PER_MS; /* 0.5 %: every 40 s at most */
	play(game, 4000);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	assert_in_range(game->players[0].looks, 80, 120);
	assert_true((double)game->players[0].turn.billed_ns < 0.006 * 4000e9);
	for (size_t i = 1; i < game->count; i++)
		assert_in_range(game->players[i].looks, 380, 420);
	check_every_window(game, 0.02);
	free(game);
}

/* Guests of all prices, some of them far above the budget, none of them known before. */
static void everyone_has_its_turn_in_time(void **state)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct game *game = game_new(GUESTS_MAX, 0.02, 0, seed);
		uint64_t round = 0;

		for (size_t i = 0; i < game->count; i++) {
			game->players[i].cost_ns =
				HN_NS_PER_MS + hn_random_below(&game->random, 100 * HN_NS_PER_MS);
			round += game->players[i].cost_ns;
		}
		play(game, 4000);
		/* all others, half as dear again as usual, from an empty bucket */
		for (size_t i = 0; i < game->count; i++) {
			assert_true(game->players[i].looks >= 10);
			assert_true((double)game->players[i].longest_ns <
				    1.5 * (double)round / 0.02 + (double)TICK);
		}
		check_every_window(game, 0.02);
		free(game);
	}
}

/* It rests for 1000 s, then 2000, 4000, 8000; the others hear of it four times in as many hours. */
static void one_whose_looks_hang_is_left_alone_and_no_other(void **state)
{
	struct game *game = game_new(11, 0.02, 0.01, 4);
	struct hn_turn *turn = &game->players[0].turn;

	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = HN_NS_PER_MS;
	game->players[0].hangs = true;
	play(game, 14400);
	assert_int_equal(game->players[0].looks, 4);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	for (size_t i = 1; i < game->count; i++)
		assert_in_range(game->players[i].looks, 1380, 1500);
	assert_int_equal(turn->rest_ns, 8000 * HN_NS_PER_S);
	/* what its make-up is makes no difference, one good look does */
	hn_cadence_forget(&game->cadence, turn);
	hn_cadence_join(&game->cadence, turn, turn->rested_ns - 1);
	assert_false(turn->waiting);
	game->players[0].hangs = false;
	play(game, 1500);
	assert_true(game->players[0].looks > 10);
	assert_int_equal(turn->rest_ns, 0);
	assert_int_equal(hn_cadence_hung(&game->cadence, turn, game->now_ns, HN_NS_PER_S), 100 * HN_NS_PER_S);
	free(game);
}

static void without_a_budget_nothing_waits(void **state)
{
	struct game *game = game_new(20, 0, 0, 1);

	for (size_t i = 0; i < game->count; i++)
		game->players[i].cost_ns = 100 * HN_NS_PER_MS;
	play(game, 1000);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	for (size_t i = 0; i < game->count; i++)
		assert_in_range(game->players[i].looks, 96, 104);
	free(game);
}

static void who_leaves_takes_its_demand_along_and_makes_room(void **state)
{
	struct game *game = game_new(3, 0.02, 0, 1);
	uint64_t wait;

	for (size_t i = 0; i < 3; i++)
		hn_cadence_join(&game->cadence, &game->players[i].turn, game->now_ns);
	for (size_t i = 0; i < HN_CADENCE_AT_ONCE; i++)
		assert_ptr_equal(hn_cadence_next(&game->cadence, game->now_ns, &wait),
				 &game->players[i].turn);
	assert_null(hn_cadence_next(&game->cadence, game->now_ns, &wait));
	assert_true(wait == UINT64_MAX); /* the end of a look changes that, not time */
	hn_cadence_done(&game->cadence, &game->players[0].turn, 300 * HN_NS_PER_MS);
	assert_true(hn_cadence_tick(&game->cadence) > TICK);
	hn_cadence_leave(&game->cadence, &game->players[1].turn);
	hn_cadence_leave(&game->cadence, &game->players[0].turn);
	assert_int_equal(game->cadence.going, 0);
	assert_int_equal(hn_cadence_tick(&game->cadence), TICK);
	hn_cadence_leave(&game->cadence, &game->players[2].turn);
	assert_null(hn_cadence_next(&game->cadence, game->now_ns + 100 * TICK, &wait));
	/* a reply that comes after all changes nothing */
	hn_cadence_done(&game->cadence, &game->players[1].turn, HN_NS_PER_S);
	assert_int_equal(game->cadence.going, 0);
	assert_int_equal(game->cadence.demand_ns, 0);
	free(game);
}

static void what_else_has_cost_is_made_up_for(void **state)
{
	const uint64_t worth = TICK / 50; /* of a tick, at 2 % */
	struct game *game = game_new(1, 0.02, 0, 1);
	struct hn_turn *turn = &game->players[0].turn;
	uint64_t wait;

	hn_cadence_join(&game->cadence, turn, game->now_ns);
	hn_cadence_bill(&game->cadence, turn, 3 * worth); /* of which a full bucket had one */
	assert_null(hn_cadence_next(&game->cadence, game->now_ns, &wait));
	/* one tick's worth is owed and no more; then what a first look is charged */
	assert_in_range(wait, TICK, TICK + TICK / 20);
	assert_ptr_equal(hn_cadence_next(&game->cadence, game->now_ns + wait, &wait), turn);
	assert_int_equal(turn->billed_ns, 3 * worth);
	hn_cadence_done(&game->cadence, turn, worth / 10);
	assert_int_equal(turn->billed_ns, 3 * worth + worth / 10);
	assert_int_equal(turn->expected_ns, 3 * worth + worth / 10); /* as part of the look */
	assert_true(hn_cadence_tick(&game->cadence) > TICK);
	free(game);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cheap_looks_keep_the_tick),
		cmocka_unit_test(dear_looks_stretch_the_tick_and_stay_within_the_budget),
		cmocka_unit_test(costs_that_change_are_followed),
		cmocka_unit_test(a_dear_guest_has_a_longer_tick_and_no_other),
		cmocka_unit_test(everyone_has_its_turn_in_time),
		cmocka_unit_test(one_whose_looks_hang_is_left_alone_and_no_other),
		cmocka_unit_test(without_a_budget_nothing_waits),
		cmocka_unit_test(who_leaves_takes_its_demand_along_and_makes_room),
		cmocka_unit_test(what_else_has_cost_is_made_up_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
