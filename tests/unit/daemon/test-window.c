/* Windows end, and what is under way in them with them. */
#include "daemon/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/fence.h"
#include "daemon/make-up.h"
#include "daemon/operation.h"
#include "scene.h"

static void start(struct scene_guest *guest, struct hn_plan *plan)
{
	struct hn_part none = {0};
	struct hn_error err;

	if (hn_operation_start(&guest->managed, plan, 0, &none, &err) < 0)
		fail_msg("%s", err.message);
}

static bool first_moves(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.moved_bytes > 0;
}

static bool first_is_open(const struct scene *scene)
{
	return scene_asked_at(scene, "widen") >= 0 && scene->guests[0]->managed.running &&
	       hn_set_has(&scene->guests[0]->managed.cpuset_nodes, 1);
}

/* A realtime guest in its window, whose cgroups allow node 0 and are to follow it to node 1. */
static struct scene_guest *add_fenced(struct scene *scene, struct hn_plan **ret_plan)
{
	struct scene_guest *guest = scene_add(scene, "web", 0, HN_GIB);
	struct hn_plan *plan = scene_plan_to(guest, 1, 1, HN_GIB);

	guest->managed.follow_cpuset = true;
	guest->managed.cpuset_nodes = hn_set_of(0);
	plan->home = hn_placement_new(2, 1);
	plan->home->cells[0].nodes = hn_set_of(1);
	guest->managed.guest->class = HN_CLASS_REALTIME;
	guest->managed.guest->state = HN_RUN_RUNNING;
	guest->managed.guest->window_open = true;
	*ret_plan = plan;
	return guest;
}

static void close_it(struct scene_guest *guest)
{
	guest->managed.guest->window_open = false;
	hn_window_heed(&guest->managed);
	assert_null(guest->managed.running);
}

/* Some of its memory is on the other node: they stay open, and that is said. */
static void cgroups_that_stay_open_are_told_of(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_plan *plan;
	struct scene_guest *guest = add_fenced(scene, &plan);

	start(guest, plan);
	scene_wait(scene, first_moves);
	close_it(guest);
	assert_non_null(strstr(guest->managed.operation.message, "its cgroups stay open"));
	assert_true(hn_set_empty(&guest->managed.fence_owed));
	scene_free(scene);
}

/* None is: they are put back when the guest may be touched again, and not before. */
static void cgroups_are_put_back_in_the_next_window(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_plan *plan;
	struct scene_guest *guest = add_fenced(scene, &plan);

	start(guest, plan);
	scene_wait(scene, first_is_open);
	assert_int_equal(guest->managed.operation.moved_bytes, 0);
	close_it(guest);
	assert_non_null(strstr(guest->managed.operation.message, "its cgroups stay open"));
	hn_fence_heed(&guest->managed);
	assert_null(guest->managed.fence_back);
	guest->managed.guest->window_open = true;
	hn_fence_heed(&guest->managed);
	while (guest->managed.fence_back)
		scene_turn(scene);
	assert_true(scene_asked_at(scene, "narrow") > scene_asked_at(scene, "widen"));
	assert_true(hn_set_empty(&guest->managed.fence_owed));
	assert_false(hn_set_has(&guest->managed.cpuset_nodes, 1));
	scene_free(scene);
}

/* Unless the next move has been to where they were opened for. */
static void the_next_move_closes_what_was_left_open(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_set there = hn_set_of(1);
	struct hn_plan *plan, *again;
	struct scene_guest *guest = add_fenced(scene, &plan);

	again = hn_plan_copy(plan);
	start(guest, plan);
	scene_wait(scene, first_is_open);
	close_it(guest);
	assert_false(hn_set_empty(&guest->managed.fence_owed));
	guest->managed.guest->window_open = true;
	start(guest, again);
	scene_wait(scene, scene_is_idle);
	assert_int_equal(guest->managed.operation.state, HN_OPERATION_DONE);
	hn_fence_heed(&guest->managed);
	assert_null(guest->managed.fence_back);
	assert_true(hn_set_equal(&guest->managed.cpuset_nodes, &there));
	scene_free(scene);
}

/* A window of its settings that ends: nothing waits for the next tick. */
static void the_end_of_a_daily_window_is_heeded(void **state)
{
	struct scene *scene = scene_new(2);
	struct scene_guest *guest = scene_add(scene, "web", 0, HN_GIB);

	guest->managed.guest->class = HN_CLASS_REALTIME;
	guest->managed.runs_realtime = true; /* which the settings, applied anew, would take back */
	guest->managed.guest->state = HN_RUN_RUNNING;
	guest->managed.guest->window_open = true;
	start(guest, scene_plan_to(guest, 1, 1, HN_GIB));
	hn_window_follow_rule(&guest->managed, HN_NS_PER_S / 2);
	assert_non_null(guest->managed.running);
	scene_wait(scene, scene_is_idle);
	assert_int_equal(guest->managed.operation.state, HN_OPERATION_CANCELLED);
	assert_non_null(strstr(guest->managed.operation.message, "no window is open for it"));
	scene_free(scene);
}

/* The shorter of the two ends and the other holds. */
static void two_windows_end_one_by_one(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_managed *managed = &scene_add(scene, "web", 0, HN_GIB)->managed;
	struct hn_error err;

	managed->runs_realtime = true;
	assert_int_equal(hn_window_open(managed, 3600 * HN_NS_PER_S, &err), 0);
	hn_window_follow_rule(managed, HN_NS_PER_S / 5);
	while (managed->rule_until_ns)
		scene_turn(scene);
	assert_true(managed->guest->window_open);
	assert_int_equal(hn_window_open(managed, HN_NS_PER_S / 5, &err), 0);
	assert_true(managed->guest->window_open);
	while (managed->guest->window_open)
		scene_turn(scene);
	assert_int_equal(managed->window_until_ns, 0);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroups_that_stay_open_are_told_of),
		cmocka_unit_test(cgroups_are_put_back_in_the_next_window),
		cmocka_unit_test(the_next_move_closes_what_was_left_open),
		cmocka_unit_test(the_end_of_a_daily_window_is_heeded),
		cmocka_unit_test(two_windows_end_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
