/* No road leads to a move on stale evidence: whoever asks, a guest that was inspected two minutes ago is
 * inspected again before its threads are bound or its memory is moved. */
#include "daemon/admission.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/decision.h"
#include "daemon/draining.h"
#include "daemon/inspect.h"
#include "daemon/operation.h"
#include "daemon/plans.h"
#include "daemon/running.h"
#include "policy/swap.h"
#include "scene.h"

#define BYTES (64 * HN_MIB)

struct yard {
	struct scene *scene;
	struct scene_guest *guest, *other;
};

/* Each guest's memory is on a node, and its thread on the other. */
static void misplace(struct scene_guest *guest, size_t thread_node)
{
	scene_put_thread(guest, thread_node);
	scene_look(guest);
	scene_quiet_minutes(guest);
}

static int set_up(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));

	yard->scene = scene_new(2);
	yard->guest = scene_add(yard->scene, "web", 1, BYTES);
	yard->other = scene_add(yard->scene, "db", 0, BYTES);
	misplace(yard->guest, 0);
	misplace(yard->other, 1);
	*state = yard;
	return 0;
}

static int tear_down(void **state)
{
	struct yard *yard = *state;

	scene_free(yard->scene);
	free(yard);
	return 0;
}

static void by_a_tick(struct yard *yard)
{
	/* what is wrong is wrong for a look more than one */
	for (int looks = 0; looks < 4 && !yard->guest->managed.running; looks++) {
		scene_look(yard->guest);
		hn_decision_take(&yard->guest->managed);
	}
}

static void by_rebalance(struct yard *yard)
{
	struct hn_plan *plan = NULL;
	struct hn_error err;

	assert_int_equal(hn_decision_now(&yard->guest->managed, &plan, &err), 0);
	assert_int_equal(plan->verdict, HN_VERDICT_ACT);
	assert_int_equal(hn_decision_act(&yard->guest->managed, plan, &err), 0);
}

static void by_a_plan_applied(struct yard *yard)
{
	struct hn_managed *managed = &yard->guest->managed;
	HN_AUTO(hn_world) struct hn_world *now = NULL;
	struct hn_kept_plan *kept = NULL;
	struct hn_world *world = NULL;
	struct hn_plan *plan = NULL;
	struct hn_error err;

	assert_int_equal(hn_decision_now(managed, &plan, &err), 0);
	assert_int_equal(hn_world_of(managed, &world, &err), 0);
	assert_int_equal(hn_plans_keep(&yard->scene->service.plans, managed->name, plan, world, hn_now_ns(),
				       &kept, &err),
			 0);
	assert_int_equal(hn_world_of(managed, &now, &err), 0);
	assert_int_equal(hn_world_compare(kept->world, now, managed, kept->plan, &err), 0);
	assert_int_equal(hn_decision_act(managed, hn_plan_copy(kept->plan), &err), 0);
}

static void by_a_drain(struct yard *yard)
{
	struct hn_snapshot snapshot;
	struct hn_drain drain;
	struct hn_error err;
	unsigned begun = 0;

	scene_put_thread(yard->guest, 1);
	scene_look(yard->guest);
	assert_int_equal(hn_draining_plan(&yard->scene->service, 1, &drain, &snapshot, &err), 0);
	assert_int_equal(hn_draining_begin(&yard->scene->service, 1, &drain, &snapshot, &begun, &err), 0);
	assert_true(begun >= 1);
	hn_drain_done(&drain);
	free(snapshot.guests);
	hn_host_free(snapshot.host);
}

static void by_a_swap(struct yard *yard)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = calloc(1, sizeof(*swap));
	struct hn_managed *const guests[2] = {&yard->guest->managed, &yard->other->managed};
	struct hn_error err;

	swap->plans[0] = scene_plan_to(yard->guest, 0, 1, BYTES);
	swap->plans[1] = scene_plan_to(yard->other, 1, 1, BYTES);
	swap->turn_count = 2;
	swap->turns = calloc(2, sizeof(*swap->turns));
	for (size_t i = 0; i < 2; i++)
		swap->turns[i] = (struct hn_plan_turn){i, 1};
	assert_int_equal(hn_exchange_begin(guests, swap, &err), 0);
}

static void (*const roads[])(struct yard *yard) = {
	by_a_tick, by_rebalance, by_a_plan_applied, by_a_drain, by_a_swap,
};

static void assert_inspected_first(const struct scene_guest *guest)
{
	const struct scene *scene = guest->scene;
	long inspected = scene_asked_at(scene, "inspect %d\n", guest->first_pid);
	long bound = scene_asked_at(scene, "bind %d ", guest->managed.guest->threads[0].tid);
	long moved = scene_asked_at(scene, "move %d ", guest->first_pid);

	assert_true(inspected >= 0);
	assert_true(bound < 0 || inspected < bound);
	assert_true(inspected < moved);
}

static void a_move_follows_an_inspection_on_every_road(void **state)
{
	for (size_t i = 0; i < HN_COUNT(roads); i++) {
		struct yard *yard;

		if (i > 0)
			set_up(state);
		yard = *state;
		roads[i](yard);
		assert_non_null(yard->guest->managed.running);
		assert_string_equal(yard->guest->managed.operation.message,
				    "waits until it is known again what holds its memory");
		assert_int_equal(yard->guest->memory->moved_bytes, 0);
		scene_wait(yard->scene, scene_is_idle);
		assert_int_equal(yard->guest->managed.operation.state, HN_OPERATION_DONE);
		assert_int_equal(yard->guest->memory->moved_bytes +
					 yard->guest->managed.operation.stayed_bytes,
				 yard->guest->managed.operation.to_move_bytes);
		assert_inspected_first(yard->guest);
		if (i + 1 < HN_COUNT(roads))
			tear_down(state);
	}
}

/* A device has been given to it in these two minutes: no road moves its memory, or binds its threads. */
static void what_has_come_to_be_held_is_not_moved(void **state)
{
	for (size_t i = 0; i < HN_COUNT(roads); i++) {
		struct yard *yard;

		if (i > 0)
			set_up(state);
		yard = *state;
		yard->guest->managed.guest->pid = SCENE_PINNED_PID;
		roads[i](yard);
		scene_wait(yard->scene, scene_is_idle);
		assert_int_equal(yard->guest->managed.operation.state, HN_OPERATION_FAILED);
		assert_non_null(
			strstr(yard->guest->managed.operation.message, "has come to hold its memory"));
		assert_true(scene_asked_at(yard->scene, "inspect %d\n", SCENE_PINNED_PID) >= 0);
		assert_int_equal(scene_asked_at(yard->scene, "move %d ", SCENE_PINNED_PID), -1);
		assert_int_equal(
			scene_asked_at(yard->scene, "bind %d ", yard->guest->managed.guest->threads[0].tid),
			-1);
		assert_int_equal(yard->guest->managed.guest->backends[0].movability, HN_IMMOVABLE_PINNED);
		if (i + 1 < HN_COUNT(roads))
			tear_down(state);
	}
}

/* To copy a page of 1 GiB takes 2 s at the speed that is assumed: who allows 100 ms keeps it where it is, and
 * who allows that or knows no bound does not. */
static void a_page_that_takes_too_long_is_moved_where_that_is_allowed(void **state)
{
	static const struct {
		uint64_t longest_gap_ns, page_bytes;
		enum hn_movability movability;
	} cases[] = {
		{HN_NS_PER_S / 10, HN_GIB, HN_IMMOVABLE_LARGE_PAGES},
		{HN_NS_PER_S / 10, 2 * HN_MIB, HN_MOVABLE},
		{3 * HN_NS_PER_S, HN_GIB, HN_MOVABLE},
		{0, HN_GIB, HN_MOVABLE},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_managed *managed;
		struct yard *yard;

		if (i > 0)
			set_up(state);
		yard = *state;
		managed = &yard->guest->managed;
		yard->scene->config.longest_gap_ns = cases[i].longest_gap_ns;
		managed->guest->backends[0].page_bytes = cases[i].page_bytes;
		by_rebalance(yard);
		scene_wait(yard->scene, scene_is_idle);
		assert_int_equal(managed->guest->backends[0].movability, cases[i].movability);
		if (cases[i].movability == HN_MOVABLE)
			assert_int_equal(managed->operation.state, HN_OPERATION_DONE);
		else
			assert_int_equal(yard->guest->memory->moved_bytes, 0);
		if (i + 1 < HN_COUNT(cases))
			tear_down(state);
	}
}

/* Its operator's word that it may be disturbed now. */
static void a_window_lets_large_pages_go(void **state)
{
	struct yard *yard = *state;
	struct hn_managed *managed = &yard->guest->managed;
	struct hn_backend *backend = &managed->guest->backends[0];
	struct hn_plan *plan = NULL;

	yard->scene->config.longest_gap_ns = HN_NS_PER_S / 10;
	backend->page_bytes = HN_GIB;
	hn_inspect_weigh(managed);
	assert_int_equal(backend->movability, HN_IMMOVABLE_LARGE_PAGES);
	assert_int_equal(hn_decision_now(managed, &plan, NULL), 0);
	assert_int_equal(hn_plan_migrate_bytes(plan), 0);
	hn_plan_free(hn_steal(plan));
	managed->guest->window_open = true;
	hn_inspect_weigh(managed);
	assert_int_equal(backend->movability, HN_MOVABLE);
	by_rebalance(yard);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(managed->operation.state, HN_OPERATION_DONE);
	assert_int_equal(yard->guest->memory->moved_bytes, BYTES);
	/* what is held is held by something else */
	backend->movability = HN_IMMOVABLE_PINNED;
	hn_inspect_weigh(managed);
	assert_int_equal(backend->movability, HN_IMMOVABLE_PINNED);
}

static bool has_inspected_twice(const struct scene *scene)
{
	char *text = scene_asked(scene), *first = strstr(text, "inspect 5001");
	bool twice = first && strstr(first + 1, "inspect 5001");

	free(text);
	return twice;
}

/* It is tried again, and nothing begins until it has been. */
static void who_cannot_be_inspected_waits(void **state)
{
	struct yard *yard = *state;
	struct hn_error err;

	yard->guest->managed.guest->pid = SCENE_HIDDEN_PID;
	by_rebalance(yard);
	scene_wait(yard->scene, has_inspected_twice);
	assert_non_null(yard->guest->managed.running);
	assert_non_null(strstr(yard->guest->managed.problem, "its files cannot be seen"));
	assert_int_equal(scene_asked_at(yard->scene, "bind"), -1);
	assert_int_equal(scene_asked_at(yard->scene, "move"), -1);
	assert_int_equal(hn_operation_cancel(&yard->guest->managed, "stopped by an operator", &err), 0);
	assert_null(yard->guest->managed.running);
}

/* Paused before it has begun: its threads are bound once it is inspected, its memory waits. */
static void a_pause_outlasts_the_inspection(void **state)
{
	struct yard *yard = *state;
	struct hn_error err;

	by_rebalance(yard);
	assert_int_equal(hn_operation_pause(&yard->guest->managed, true, &err), 0);
	while (yard->guest->managed.inspecting)
		scene_turn(yard->scene);
	for (uint64_t until = hn_now_ns() + HN_NS_PER_S / 2; hn_now_ns() < until;)
		scene_turn(yard->scene);
	assert_int_equal(yard->guest->memory->moved_bytes, 0);
	assert_int_equal(hn_operation_pause(&yard->guest->managed, false, &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(yard->guest->managed.operation.state, HN_OPERATION_DONE);
}

static struct hn_plan *plan_of_two_steps(const struct scene_guest *guest)
{
	struct hn_plan *plan = scene_plan_to(guest, 0, 1, BYTES);
	struct hn_action *last = hn_plan_add_action(plan, HN_ACTION_MIGRATE);

	last->to_node = 0;
	last->bytes = BYTES / 2;
	plan->actions[1].bytes = plan->actions[1].limit_bytes = BYTES / 2;
	return plan;
}

/* The second step of a long operation: its inspection is as old by then as that of one that begins. */
static void the_next_step_asks_again(void **state)
{
	struct yard *yard = *state;
	struct hn_plan *plan = plan_of_two_steps(yard->guest);
	struct hn_managed *managed = &yard->guest->managed;
	struct hn_error err;

	managed->inspected_ns = hn_now_ns();
	assert_int_equal(hn_decision_act(managed, plan, &err), 0);
	while (yard->guest->memory->moved_bytes == 0)
		scene_turn(yard->scene);
	assert_int_equal(scene_asked_at(yard->scene, "inspect"), -1);
	scene_quiet_minutes(yard->guest);
	managed->guest->pid = SCENE_PINNED_PID; /* and what it holds has changed */
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(managed->operation.state, HN_OPERATION_FAILED);
	assert_int_equal(managed->operation.moved_bytes, BYTES / 2);
	assert_int_equal(yard->guest->memory->moved_bytes, BYTES / 2);
}

/* It waits for an inspection at its start, and again a minute later, before its second step. */
static void a_wait_that_is_over_is_forgotten(void **state)
{
	struct yard *yard = *state;
	struct hn_managed *managed = &yard->guest->managed;
	struct hn_error err;

	assert_int_equal(hn_decision_act(managed, plan_of_two_steps(yard->guest), &err), 0);
	assert_true(managed->running->in_vain_since_ns > 0);
	while (yard->guest->memory->moved_bytes == 0)
		scene_turn(yard->scene);
	if (managed->running->in_vain_since_ns)
		managed->running->in_vain_since_ns -= 61 * HN_NS_PER_S;
	scene_quiet_minutes(yard->guest);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(managed->operation.state, HN_OPERATION_DONE);
	assert_int_equal(yard->guest->memory->moved_bytes, BYTES);
}

/* Its cpusets were narrowed since it was inspected: what stays for that is the reason to ask again. */
static void who_is_fenced_in_is_not_moved_out_twice(void **state)
{
	struct yard *yard = *state;
	struct hn_managed *managed = &yard->guest->managed;
	struct hn_error err;

	managed->guest->pid = SCENE_FENCED_PID;
	managed->inspected_ns = hn_now_ns();
	assert_int_equal(hn_decision_act(managed, scene_plan_to(yard->guest, 0, 1, BYTES), &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(managed->operation.stayed_bytes, BYTES);
	assert_true(hn_set_empty(&managed->guest->allowed_nodes));
	assert_true(hn_inspect_is_due(managed));
	hn_inspect_start(managed);
	while (managed->inspecting)
		scene_turn(yard->scene);
	assert_int_equal(hn_set_count(&managed->guest->allowed_nodes), 1);
	assert_true(hn_set_has(&managed->guest->allowed_nodes, 1));
	assert_false(hn_inspect_is_due(managed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_move_follows_an_inspection_on_every_road, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_has_come_to_be_held_is_not_moved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_page_that_takes_too_long_is_moved_where_that_is_allowed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_window_lets_large_pages_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_cannot_be_inspected_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pause_outlasts_the_inspection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_next_step_asks_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wait_that_is_over_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_fenced_in_is_not_moved_out_twice, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
