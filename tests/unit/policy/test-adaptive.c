/* The adaptive policy, one situation at a time: when it moves, which side, and why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "policy/decide.h"
#include "policy/price.h"
#include "policy/regret.h"
#include "policy/swap.h"
#include "policy/turn.h"
#include "scene.h"

#define TICK (10 * HN_NS_PER_S)

static void make_adaptive(struct hn_snapshot *snapshot, size_t guest)
{
	snprintf(snapshot->guests[guest].guest->policy, sizeof(snapshot->guests[guest].guest->policy),
		 "adaptive");
}

/* 4 busy vCPUs on node 1 and their 1000 MiB on node 0, on a host of 8 CPUs a node. */
static struct hn_snapshot *apart(size_t nodes)
{
	struct hn_snapshot *snapshot = scene_new(nodes, 8, 4000);
	size_t guest = scene_guest_on(snapshot, "g", 1, 1000, 4, 0);

	scene_threads(snapshot, guest, -1, 1);
	make_adaptive(snapshot, guest);
	return snapshot;
}

/* The next look, a tick later. */
static struct hn_plan *look(struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_guest_state *state = &snapshot->guests[guest];
	struct hn_regret *regret = NULL;
	struct hn_plan *plan = NULL;
	struct hn_error err;

	snapshot->now_ns += TICK;
	state->sample->taken_ns = snapshot->now_ns;
	if (hn_decide(snapshot, guest, &hn_decide_defaults, &plan, &state->looks, &regret, &err) < 0)
		fail_msg("%s", err.message);
	hn_regret_free(state->regret);
	state->regret = regret;
	scene_adopt(snapshot, guest, plan);
	return plan;
}

/* Looks until it acts; how many looks that took, or 0 after most of them. */
static unsigned looks_until_it_acts(struct hn_snapshot *snapshot, unsigned most, struct hn_plan **ret)
{
	for (unsigned i = 1; i <= most; i++) {
		*ret = look(snapshot, 0);
		if ((*ret)->verdict == HN_VERDICT_ACT)
			return i;
		hn_plan_free(hn_steal(*ret));
	}
	return 0;
}

static size_t count(const struct hn_plan *plan, enum hn_action_kind kind)
{
	size_t found = 0;

	for (size_t i = 0; i < plan->action_count; i++)
		found += plan->actions[i].kind == kind;
	return found;
}

static void vcpus_come_to_their_memory(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	/* rebinding is almost free: lost since the first look, two that agree */
	assert_int_equal(looks_until_it_acts(snapshot, 10, &plan), 3);
	assert_int_equal(count(plan, HN_ACTION_BIND), 4);
	assert_int_equal(count(plan, HN_ACTION_MIGRATE), 0);
	assert_true(hn_set_has(&plan->home->cells[0].nodes, 0));
	for (size_t node = 0; node < 2; node++) /* paid */
		assert_true(snapshot->guests[0].regret->seconds[node] == 0);
}

/* 4 vCPUs that are busy all the time beside others: at 3.2 of 8 CPUs they can come, at 3.3 they are too many.
 */
static void a_busy_node_gets_no_more_vcpus(void **state)
{
	for (int busy = 32; busy <= 33; busy++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
		size_t other = scene_guest_on(snapshot, "other", 1, 10, 4, 0);

		for (size_t i = 0; i < 4; i++) /* 90 % of 8 CPUs are 7.2 */
			snapshot->guests[other].sample->threads[i].busy = (busy - 0.5) / 40;
		assert_true(looks_until_it_acts(snapshot, 50, &plan) > 0);
		assert_int_equal(count(plan, HN_ACTION_MIGRATE), busy == 33);
		assert_true(hn_set_has(&plan->home->cells[0].nodes, busy == 33));
	}
}

/* As many looks as theta times the price divides by what is lost in a tick, and one more for the first. */
static void memory_moves_when_what_was_lost_is_worth_it(void **state)
{
	for (size_t nodes = 2; nodes <= 3; nodes++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(nodes);
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
		double price, per_tick, ticks;

		snapshot->guests[0].sample->exhaustive = true;
		scene_guest_on(snapshot, "other", 1, 10, 8, 0); /* its memory's node is busy */
		for (size_t i = 0; i < 4; i++)
			snapshot->guests[0].sample->threads[i].busy = 0.02;
		price = 1000.0 / 512 * (1 + 0.1 * 4);
		per_tick = 10 * 4 * 0.02 * HN_REMOTE_LOSS;
		ticks = (nodes == 2 ? 2 : 1.5) * price / per_tick;
		assert_int_equal(looks_until_it_acts(snapshot, 1000, &plan), 1 + (unsigned)ceil(ticks) + 1);
		assert_int_equal(count(plan, HN_ACTION_MIGRATE), 1);
		assert_int_equal(count(plan, HN_ACTION_BIND), 0);
	}
}

static void keep_vcpus(struct hn_snapshot *snapshot, size_t first)
{
	for (size_t i = first; i < snapshot->guests[0].guest->thread_count; i++)
		snapshot->guests[0].guest->threads[i].kept = true;
}

/* One cell's vCPUs are on each node, where their operator has pinned them; all of the memory is on node 0. */
static void memory_comes_to_pinned_vcpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 8000);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	scene_guest_on(snapshot, "g", 2, 1000, 2, 0);
	scene_threads(snapshot, 0, 1, 1);
	make_adaptive(snapshot, 0);
	keep_vcpus(snapshot, 0);
	assert_true(looks_until_it_acts(snapshot, 200, &plan) > 0);
	assert_int_equal(plan->action_count, 1);
	assert_int_equal(plan->actions[0].kind, HN_ACTION_MIGRATE);
	assert_int_equal(plan->actions[0].cell, 1);
	assert_int_equal(plan->actions[0].to_node, 1);
	scene_carry_out(snapshot, 0, plan);
	hn_plan_free(hn_steal(plan));
	assert_int_equal(looks_until_it_acts(snapshot, 200, &plan), 0);
}

/* Of the one cell's vCPUs half are pinned to node 1: the others could come to its memory, and these could
 * not. */
static void memory_comes_to_vcpus_of_which_some_are_pinned(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	keep_vcpus(snapshot, 2);
	assert_true(looks_until_it_acts(snapshot, 200, &plan) > 0);
	assert_int_equal(plan->action_count, 1);
	assert_int_equal(plan->actions[0].to_node, 1);
}

static void pinned_vcpus_and_memory_stay_apart(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	keep_vcpus(snapshot, 0);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	assert_int_equal(looks_until_it_acts(snapshot, 50, &plan), 0);
}

static void it_says_what_it_waits_for(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *first = NULL;

	first = look(snapshot, 0);
	assert_int_equal(first->verdict, HN_VERDICT_WAIT);
	assert_non_null(strstr(first->reason, "a move costs"));
	assert_int_equal(first->action_count, 0);
	assert_true(hn_set_has(&first->home->cells[0].nodes, 0)); /* it lives where its memory is */
}

/* One look finds the move worth it; before the next one the load is gone. Nothing is promised to it there
 * then. */
static void a_home_that_was_only_considered_is_given_up(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *considered = NULL, *after = NULL;

	scene_guest_on(snapshot, "other", 1, 10, 8, 0);
	hn_plan_free(look(snapshot, 0));
	considered = look(snapshot, 0);
	assert_non_null(strstr(considered->reason, "look 1 of 2"));
	assert_true(hn_set_has(&considered->home->cells[0].nodes, 1));
	scene_threads(snapshot, 0, -1, 0);
	after = look(snapshot, 0);
	assert_int_equal(after->verdict, HN_VERDICT_AT_HOME);
	assert_true(hn_set_has(&after->home->cells[0].nodes, 0));
}

/* Where the vCPUs run there is no room for the memory, and the other way round; a third node would take both.
 */
static void it_says_when_it_would_take_both_sides(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(3);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	for (size_t i = 0; i < snapshot->host->cpu_count; i++) /* 2 CPUs are too few for 4 vCPUs */
		snapshot->host->cpus[i].reserved = snapshot->host->cpus[i].id < 6;
	scene_free_mib(snapshot, 1, 500);
	for (int i = 0; i < 5; i++) {
		hn_plan_free(plan);
		plan = look(snapshot, 0);
	}
	assert_int_equal(plan->verdict, HN_VERDICT_BLOCKED);
	assert_non_null(strstr(plan->reason, "both its vCPUs and its memory"));
	assert_int_equal(plan->action_count, 0);
}

static void an_idle_guest_stays(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	for (size_t i = 0; i < 4; i++)
		snapshot->guests[0].sample->threads[i].busy = 0;
	assert_int_equal(looks_until_it_acts(snapshot, 100, &plan), 0);
}

static void what_cannot_move_gets_its_vcpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	assert_true(looks_until_it_acts(snapshot, 10, &plan) > 0);
	assert_int_equal(count(plan, HN_ACTION_MIGRATE), 0);
	assert_int_equal(count(plan, HN_ACTION_BIND), 4);
}

static void distrust_makes_it_wait_longer(void **state)
{
	unsigned looks[2];

	for (int i = 0; i < 2; i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

		scene_guest_on(snapshot, "other", 1, 10, 8, 0);
		for (size_t thread = 0; thread < 4; thread++)
			snapshot->guests[0].sample->threads[thread].busy = 0.02;
		snapshot->guests[0].looks.distrust = i ? 4 : 1;
		looks[i] = looks_until_it_acts(snapshot, 2000, &plan);
	}
	assert_true(looks[0] > 10);
	assert_in_range(looks[1], 4 * (looks[0] - 3), 4 * looks[0]);
}

/* A move whose pages came, but left the guest as remote as it was. */
static void a_move_that_brings_nothing_is_remembered(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = apart(2);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *next = NULL;
	struct hn_guest_state *guest = &snapshot->guests[0];

	assert_true(looks_until_it_acts(snapshot, 10, &plan) > 0);
	guest->looks = hn_looks_after(&guest->looks, snapshot->now_ns, TICK / 2, 0, 0);
	next = look(snapshot, 0); /* nothing has changed */
	assert_true(guest->looks.distrust == 2);
	hn_plan_free(next);
	guest->looks.lost_share = guest->looks.promised_share = HN_REMOTE_LOSS;
	scene_threads(snapshot, 0, -1, 0); /* all local now */
	next = look(snapshot, 0);
	assert_true(guest->looks.distrust == 1);
}

/* g and h live on each other's memory; both nodes are full but for so much, of which 64 MiB are kept. */
static struct hn_snapshot *crossed_alone(uint64_t free_mib)
{
	struct hn_snapshot *snapshot = scene_new(2, 8, 4000);

	for (int i = 0; i < 2; i++) {
		size_t guest = scene_guest_on(snapshot, i ? "h" : "g", 1, 2000, 4, (size_t)i);

		scene_threads(snapshot, guest, -1, (size_t)!i);
		make_adaptive(snapshot, guest);
		snapshot->guests[guest].sample->exhaustive = true;
		scene_free_mib(snapshot, (size_t)i, free_mib);
	}
	return snapshot;
}

static struct hn_snapshot *crossed(uint64_t free_mib)
{
	struct hn_snapshot *snapshot = crossed_alone(free_mib);

	/* others keep both nodes so busy that no vCPU can come to its memory */
	scene_guest_on(snapshot, "x", 1, 10, 4, 0);
	scene_guest_on(snapshot, "y", 1, 10, 4, 1);
	return snapshot;
}

static void look_often(struct hn_snapshot *snapshot, struct hn_plan **ret_last)
{
	for (int i = 0; i < 10; i++) {
		hn_plan_free(look(snapshot, 0));
		snapshot->now_ns -= TICK;
		hn_plan_free(look(snapshot, 1));
	}
	*ret_last = look(snapshot, 0);
}

/* They change places, each step within the 200 MiB that are free. */
static void assert_changes(struct hn_snapshot *snapshot)
{
	HN_AUTO(hn_plan) struct hn_plan *last = NULL;
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	uint64_t room[2] = {(200 - 64) * MIB, (200 - 64) * MIB}, moved[2] = {0};
	struct hn_error err;

	look_often(snapshot, &last);
	assert_int_equal(last->action_count, 0);
	assert_int_equal(last->note_count, 1);
	assert_non_null(strstr(last->notes[0], "could change places with guest 'h'"));
	assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err), 0);
	assert_non_null(swap);
	assert_true(swap->guests[0] == 0 && swap->guests[1] == 1);
	for (size_t i = 0; i < swap->turn_count; i++) {
		size_t who = swap->turns[i].look;
		const struct hn_action *action = &swap->plans[who]->actions[swap->turns[i].action];

		assert_int_equal(action->kind, HN_ACTION_MIGRATE);
		assert_int_equal(action->to_node, 1 - who);
		assert_true(action->bytes <= room[1 - who]);
		room[1 - who] -= action->bytes;
		room[who] += action->bytes;
		moved[who] += action->bytes;
	}
	assert_int_equal(moved[0], 2000 * MIB);
	assert_int_equal(moved[1], 2000 * MIB);
}

static void guests_on_full_nodes_change_places_in_steps(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(200);

	assert_changes(snapshot);
}

/* Their CPUs are free, but neither may live where its memory is, and where it may there is no room. */
static void guests_that_may_not_stay_change_places(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed_alone(200);

	for (int i = 0; i < 2; i++)
		hn_set_add(&snapshot->guests[i].guest->allowed_nodes, !i);
	assert_changes(snapshot);
}

/* The same in pages of 2 MiB, of which 200 MiB are free on either node. */
static struct hn_snapshot *crossed_in_pools(void)
{
	struct hn_snapshot *snapshot = crossed_alone(1000);

	for (size_t i = 0; i < 2; i++) {
		struct hn_node *node = &snapshot->host->nodes[i];

		node->pool_count = 1;
		node->pools[0] =
			(struct hn_page_pool){.page_bytes = 2 * MIB, .total_pages = 1100, .free_pages = 100};
		snapshot->guests[i].guest->cells[0].page_bytes = 2 * MIB;
		hn_set_add(&snapshot->guests[i].guest->allowed_nodes, !i);
	}
	return snapshot;
}

/* What leaves a pool of which more is promised than is free makes room for whom it is promised. */
static void a_swap_takes_no_pages_that_are_promised(void **state)
{
	for (int promised = 0; promised < 2; promised++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed_in_pools();
		HN_AUTO(hn_plan) struct hn_plan *last = NULL;
		HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
		size_t third = scene_guest(snapshot, "third");
		struct hn_error err;

		scene_cell(snapshot, third, 2000, 1);
		snapshot->guests[third].guest->cells[0].page_bytes = 2 * MIB;
		if (promised)
			scene_home(snapshot, third, 0, 0);
		look_often(snapshot, &last);
		assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err), 0);
		assert_true((swap == NULL) == promised);
	}
}

/* Plays the steps as they would be admitted, one after the other. */
static void assert_admitted(const struct hn_swap *swap, struct hn_node *nodes)
{
	for (size_t i = 0; i < swap->turn_count; i++) {
		const struct hn_plan_turn *turn = &swap->turns[i];
		const struct hn_action *action = &swap->plans[turn->look]->actions[turn->action];
		size_t to = (size_t)action->to_node;
		struct hn_turn_move move = {.to_node = action->to_node, .left_bytes = action->bytes};
		struct hn_turn_room room = {.free_bytes = nodes[to].free_bytes,
					    .watermark_bytes = nodes[to].watermark_bytes};
		char why[240];

		if (hn_turn_ask(&move, NULL, 0, 1, &room, why, sizeof(why)) != HN_WAIT_NOT)
			fail_msg("step %zu of %zu waits %s", i + 1, swap->turn_count, why);
		nodes[to].free_bytes -= action->bytes;
		nodes[!to].free_bytes += action->bytes;
	}
}

/* Node 0 lacks 480 MiB of what the kernel keeps: what leaves makes no room before these are filled, and none
 * at all when as much is to come as leaves. */
static void what_a_swap_brings_is_admitted_step_by_step(void **state)
{
	for (int smaller = 0; smaller < 2; smaller++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(1200);
		HN_AUTO(hn_plan) struct hn_plan *last = NULL;
		HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
		struct hn_guest *other = snapshot->guests[1].guest;
		struct hn_error err;

		if (smaller)
			other->cells[0].memory_bytes = other->backends[0].bytes = 1000 * MIB;
		scene_free_mib(snapshot, 0, 20);
		snapshot->host->nodes[0].watermark_bytes = 500 * MIB;
		look_often(snapshot, &last);
		assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err), 0);
		assert_true(!swap == !smaller);
		if (swap)
			assert_admitted(swap, snapshot->host->nodes);
	}
}

static void without_room_to_turn_they_stay(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(64 + 15);
	HN_AUTO(hn_plan) struct hn_plan *last = NULL;
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	struct hn_error err;

	look_often(snapshot, &last);
	assert_int_equal(last->note_count, 0);
	assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err), 0);
	assert_null(swap);
}

static void assert_stays(struct hn_snapshot *snapshot)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	struct hn_error err;

	assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err), 0);
	assert_null(swap);
}

static void set_apart(struct hn_snapshot *snapshot, size_t guest)
{
	snprintf(snapshot->guests[guest].guest->apart, sizeof(snapshot->guests[guest].guest->apart), "ha");
}

/* One of the two would come to a node of a third, from which it is to be kept apart: with and without room
 * there. */
static void a_swap_keeps_apart_who_is_to_be(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(i < 2 ? 200 : 3000);
		HN_AUTO(hn_plan) struct hn_plan *last = NULL;
		size_t who = i % 2, third = who ? 2 : 3;

		set_apart(snapshot, who);
		set_apart(snapshot, third);
		scene_home(snapshot, third, 0, !who);
		look_often(snapshot, &last);
		if (who == 0)
			assert_int_equal(last->note_count, 0);
		assert_stays(snapshot);
	}
}

static void two_that_are_kept_apart_do_not_change_places(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(200);
	HN_AUTO(hn_plan) struct hn_plan *last = NULL;

	look_often(snapshot, &last);
	assert_int_equal(last->note_count, 1);
	set_apart(snapshot, 0);
	set_apart(snapshot, 1);
	assert_stays(snapshot);
}

/* A sample that is too old, memory that is still arriving, or that the kernel hides: of either. */
static void who_may_not_be_decided_about_does_not_change_places(void **state)
{
	for (size_t i = 0; i < 6; i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(200);
		HN_AUTO(hn_plan) struct hn_plan *last = NULL;
		struct hn_guest_state *who = &snapshot->guests[i % 2];

		look_often(snapshot, &last);
		if (i < 2) {
			snapshot->now_ns += hn_decide_defaults.max_age_ns + 1;
			snapshot->guests[!(i % 2)].sample->taken_ns = snapshot->now_ns;
		} else if (i < 4) {
			who->guest->state = HN_RUN_INCOMING;
		} else {
			scene_pages(snapshot, i % 2, 0, -2, 1001);
		}
		assert_stays(snapshot);
	}
}

/* Of 8 CPUs of node 1 a dedicated guest has 2 for its own. */
static void a_swap_binds_nobody_to_cpus_of_others_own(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed(200);
	HN_AUTO(hn_plan) struct hn_plan *last = NULL;
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	struct hn_guest_state *owner;
	struct hn_error err;
	size_t dedicated;

	for (int i = 0; i < 16; i++)
		snapshot->host->cpus[i].core = i;
	dedicated = scene_guest_on(snapshot, "owner", 1, 10, 2, 1);
	owner = &snapshot->guests[dedicated];
	owner->guest->class = HN_CLASS_DEDICATED;
	scene_home(snapshot, dedicated, 0, 1);
	assert_int_equal(hn_placement_set_vcpus(owner->home, 2), 0);
	for (int i = 0; i < 2; i++)
		owner->home->vcpus[i] = (struct hn_vcpu_home){.vcpu = i, .cpus = hn_set_of(8 + i)};
	look_often(snapshot, &last);
	assert_int_equal(hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err), 0);
	assert_non_null(swap);
	assert_int_equal(count(swap->plans[0], HN_ACTION_BIND), 4);
	for (size_t i = 0; i < 4; i++) {
		char cpus[64];

		assert_string_equal(hn_set_format(&swap->plans[0]->actions[i].cpus, cpus, sizeof(cpus)),
				    "10-15");
	}
}

static void one_migration_between_two_nodes_at_a_time(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 4000);
	HN_AUTO(hn_plan) struct hn_plan *waits = NULL, *acts = NULL;
	size_t other;

	scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
	scene_home(snapshot, 0, 0, 1);
	other = scene_guest_on(snapshot, "other", 1, 100, 1, 1);
	scene_home(snapshot, other, 0, 0);
	snapshot->guests[other].moving = true;
	snapshot->guests[0].looks.agreeing = 5;
	waits = look(snapshot, 0);
	assert_int_equal(waits->verdict, HN_VERDICT_WAIT);
	assert_non_null(strstr(waits->reason, "'other' is being moved between nodes 0 and 1"));
	scene_home(snapshot, other, 0, 2); /* another pair */
	acts = look(snapshot, 0);
	assert_int_equal(acts->verdict, HN_VERDICT_ACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vcpus_come_to_their_memory),
		cmocka_unit_test(a_busy_node_gets_no_more_vcpus),
		cmocka_unit_test(memory_moves_when_what_was_lost_is_worth_it),
		cmocka_unit_test(memory_comes_to_pinned_vcpus),
		cmocka_unit_test(memory_comes_to_vcpus_of_which_some_are_pinned),
		cmocka_unit_test(pinned_vcpus_and_memory_stay_apart),
		cmocka_unit_test(it_says_what_it_waits_for),
		cmocka_unit_test(a_home_that_was_only_considered_is_given_up),
		cmocka_unit_test(it_says_when_it_would_take_both_sides),
		cmocka_unit_test(an_idle_guest_stays),
		cmocka_unit_test(what_cannot_move_gets_its_vcpus),
		cmocka_unit_test(distrust_makes_it_wait_longer),
		cmocka_unit_test(a_move_that_brings_nothing_is_remembered),
		cmocka_unit_test(guests_on_full_nodes_change_places_in_steps),
		cmocka_unit_test(guests_that_may_not_stay_change_places),
		cmocka_unit_test(a_swap_takes_no_pages_that_are_promised),
		cmocka_unit_test(what_a_swap_brings_is_admitted_step_by_step),
		cmocka_unit_test(without_room_to_turn_they_stay),
		cmocka_unit_test(a_swap_keeps_apart_who_is_to_be),
		cmocka_unit_test(two_that_are_kept_apart_do_not_change_places),
		cmocka_unit_test(who_may_not_be_decided_about_does_not_change_places),
		cmocka_unit_test(a_swap_binds_nobody_to_cpus_of_others_own),
		cmocka_unit_test(one_migration_between_two_nodes_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
