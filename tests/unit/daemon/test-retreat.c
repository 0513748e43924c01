/* Threads of guests whose move is given up, of those that were to change places as well. */
#include "daemon/retreat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/bound-threads.h"
#include "daemon/migration.h"
#include "daemon/operation.h"
#include "policy/swap.h"
#include "scene.h"

#define STEP_BYTES (32 * HN_MIB)

struct yard {
	struct scene *scene;
	struct scene_guest *guests[2]; /* "a" on node 0, "b" on node 1: CPUs 0-3 and 4-7 */
};

static int set_up(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));

	yard->scene = scene_new(8);
	yard->guests[0] = scene_add(yard->scene, "a", 0, 2 * STEP_BYTES);
	yard->guests[1] = scene_add(yard->scene, "b", 1, 2 * STEP_BYTES);
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

/* Two steps each, in turn. A mover to node 7 is deaf. */
static void begin_swap(struct yard *yard, int second_to)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = calloc(1, sizeof(*swap));
	struct hn_managed *const guests[2] = {&yard->guests[0]->managed, &yard->guests[1]->managed};
	struct hn_error err;

	swap->plans[0] = scene_plan_to(yard->guests[0], 1, 2, STEP_BYTES);
	swap->plans[1] = scene_plan_to(yard->guests[1], second_to, 2, STEP_BYTES);
	swap->turn_count = 4;
	swap->turns = calloc(4, sizeof(*swap->turns));
	for (size_t i = 0; i < 4; i++)
		swap->turns[i] = (struct hn_plan_turn){i % 2, 1 + i / 2};
	assert_int_equal(hn_exchange_begin(guests, swap, &err), 0);
}

/* Where its thread was last allowed to run, by what the hands were asked. */
static void assert_bound_to(const struct scene_guest *guest, const char *cpus)
{
	char *asked = scene_asked(guest->scene), begin[40], *at = asked, *last = NULL, found[60] = "";

	snprintf(begin, sizeof(begin), "bind %d to ", guest->managed.guest->threads[0].tid);
	for (; (at = strstr(at, begin)); at++)
		last = at + strlen(begin);
	if (last)
		sscanf(last, "%59s", found);
	free(asked);
	assert_string_equal(found, cpus);
}

/* And the second is bound, for which the first does not wait. */
static bool first_moves(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.moved_bytes > 0 &&
	       scene->guests[1]->managed.operation.threads_bound > 0;
}

/* The second has not moved a page: back. The first is in a step, which it ends: both. */
static void one_that_waits_is_cancelled(void **state)
{
	struct yard *yard = *state;
	const struct hn_operation *first = &yard->guests[0]->managed.operation;
	const struct hn_operation *second = &yard->guests[1]->managed.operation;
	struct hn_error err;

	begin_swap(yard, 0);
	scene_wait(yard->scene, first_moves);
	assert_bound_to(yard->guests[0], "4-7");
	assert_bound_to(yard->guests[1], "0-3");
	assert_int_equal(hn_operation_cancel(&yard->guests[1]->managed, "stopped by an operator", &err), 0);
	assert_int_equal(hn_operation_cancel(&yard->guests[1]->managed, "stopped by an operator", &err),
			 0); /* it is at it */
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(second->state, HN_OPERATION_CANCELLED);
	assert_string_equal(second->message, "stopped by an operator; 1 threads may run where they did");
	assert_bound_to(yard->guests[1], "4-7");
	assert_int_equal(yard->guests[1]->memory->on_node[1], 2 * STEP_BYTES);
	assert_int_equal(first->state, HN_OPERATION_CANCELLED);
	assert_int_equal(first->moved_bytes, STEP_BYTES);
	assert_int_equal(yard->guests[0]->memory->on_node[1], STEP_BYTES);
	assert_non_null(strstr(first->message,
			       "has given up; 1 threads may run where they did and where they "
			       "were to"));
	assert_bound_to(yard->guests[0], "0-7");
}

static bool second_moves(const struct scene *scene)
{
	const struct hn_migration *migration = TAILQ_FIRST(&scene->service.migrations);

	return migration && migration->managed == &scene->guests[1]->managed;
}

/* A step that fails: its mover is deaf and given up. */
static void a_step_fails(void **state)
{
	struct yard *yard = *state;
	struct hn_error err;

	begin_swap(yard, 7);
	scene_wait(yard->scene, second_moves);
	assert_bound_to(yard->guests[1], "28-31");
	assert_int_equal(hn_operation_cancel(&yard->guests[1]->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_bound_to(yard->guests[1], "4-7");
	assert_bound_to(yard->guests[0], "0-7");
}

/* Who is through when the other gives up is where it should be, and so are its threads. */
static void who_is_through_stays(void **state)
{
	struct yard *yard = *state;
	struct hn_error err;

	begin_swap(yard, 0);
	while (yard->guests[0]->managed.running)
		scene_turn(yard->scene);
	assert_int_equal(hn_operation_cancel(&yard->guests[1]->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(yard->guests[0]->managed.operation.state, HN_OPERATION_DONE);
	assert_bound_to(yard->guests[0], "4-7");
	assert_bound_to(yard->guests[1], "0-7");
}

static void a_swap_that_is_done_binds_nobody_back(void **state)
{
	struct yard *yard = *state;

	begin_swap(yard, 0);
	scene_wait(yard->scene, scene_is_idle);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(yard->guests[i]->managed.operation.state, HN_OPERATION_DONE);
		assert_int_equal(yard->guests[i]->memory->on_node[1 - i], 2 * STEP_BYTES);
		assert_bound_to(yard->guests[i], i ? "0-3" : "4-7");
	}
}

/* It is its turn, and nobody is in its way. */
static bool second_is_held(const struct scene *scene)
{
	const struct hn_running_operation *running = scene->guests[1]->managed.running;

	return running && running->held && TAILQ_EMPTY(&scene->service.migrations);
}

/* Its turn came while it was paused, and it was cancelled: a resume begins nothing any more. */
static void who_retreats_is_not_resumed(void **state)
{
	struct yard *yard = *state;
	struct hn_managed *second = &yard->guests[1]->managed;
	struct hn_error err;

	begin_swap(yard, 0);
	scene_wait(yard->scene, first_moves);
	assert_int_equal(hn_operation_pause(second, true, &err), 0);
	scene_wait(yard->scene, second_is_held);
	assert_int_equal(hn_operation_cancel(second, "stopped by an operator", &err), 0);
	assert_int_equal(hn_operation_pause(second, false, &err), 0);
	assert_null(second->running->migration);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(second->operation.state, HN_OPERATION_CANCELLED);
	assert_string_equal(second->operation.message,
			    "stopped by an operator; 1 threads may run where they did");
	assert_int_equal(yard->guests[1]->memory->on_node[1], 2 * STEP_BYTES);
	assert_bound_to(yard->guests[1], "4-7");
}

/* Where its operator has put it is not where homenode has bound it, though it was bound back to there. */
static void who_is_bound_back_is_not_ours(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *second = yard->guests[1];
	struct hn_error err;

	second->cpus = hn_set_of(5);
	scene_look(second);
	begin_swap(yard, 0);
	scene_wait(yard->scene, first_moves);
	hn_bound_threads_heed(&second->managed);
	assert_int_equal(hn_operation_cancel(&second->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_bound_to(second, "5");
	scene_look(second);
	hn_bound_threads_heed(&second->managed);
	assert_false(second->managed.guest->threads[0].ours);
}

/* homenode has bound its thread to that node. */
static void make_ours(struct scene_guest *guest, int node)
{
	struct hn_plan *plan = scene_plan_to(guest, node, 0, 0);

	hn_bound_threads_note(&guest->managed, plan);
	hn_plan_free(plan);
	scene_put_thread(guest, (size_t)node);
	scene_look(guest);
}

static void assert_ours(struct scene_guest *guest)
{
	scene_look(guest);
	hn_bound_threads_heed(&guest->managed);
	assert_true(guest->managed.guest->threads[0].ours);
}

/* But where homenode had bound it before is where it has bound it. */
static void who_was_ours_is_ours_again(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *second = yard->guests[1];
	struct hn_error err;

	make_ours(second, 1);
	assert_ours(second);
	begin_swap(yard, 0);
	scene_wait(yard->scene, first_moves);
	assert_int_equal(hn_operation_cancel(&second->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_bound_to(second, "4-7");
	assert_ours(second);
}

static void start(struct scene_guest *guest, int node, unsigned steps, uint64_t step_bytes)
{
	struct hn_part none = {0};
	struct hn_error err;

	if (hn_operation_start(&guest->managed, scene_plan_to(guest, node, steps, step_bytes), 0, &none,
			       &err) < 0)
		fail_msg("%s", err.message);
}

/* The same when it is called off before anybody has said that it is bound. */
static void who_was_ours_is_ours_though_it_was_being_bound(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *second = yard->guests[1];
	struct hn_error err;

	make_ours(second, 1);
	start(second, 0, 1, STEP_BYTES);
	assert_non_null(second->managed.running->binding);
	assert_int_equal(hn_operation_cancel(&second->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_bound_to(second, "4-7");
	assert_ours(second);
}

/* As an inspection does that finds a VFIO device. */
static void what_comes_to_hold_the_memory_sends_the_threads_back(void **state)
{
	struct yard *yard = *state;
	const struct hn_operation *second = &yard->guests[1]->managed.operation;

	begin_swap(yard, 0);
	scene_wait(yard->scene, first_moves);
	yard->guests[1]->managed.seizures++;
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(second->state, HN_OPERATION_FAILED);
	assert_non_null(strstr(second->message, "something has come to hold its memory"));
	assert_bound_to(yard->guests[1], "4-7");
	assert_bound_to(yard->guests[0], "0-7");
}

static bool first_is_bound(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.threads_bound > 0;
}

/* One that moves by itself, to a node whose mover is deaf: of its memory nothing has followed. */
static void alone_its_threads_go_back_to_all_of_its_memory(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *first = yard->guests[0];
	struct hn_error err;

	start(first, 7, 1, STEP_BYTES);
	scene_wait(yard->scene, first_is_bound);
	assert_bound_to(first, "28-31");
	assert_int_equal(hn_operation_cancel(&first->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_string_equal(first->managed.operation.message,
			    "stopped by an operator; 1 threads may run where they did");
	assert_bound_to(first, "0-3");
}

static bool first_has_moved(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.moved_bytes > 0;
}

/* And stay with what has. */
static void alone_its_threads_stay_with_a_part_of_its_memory(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *first = yard->guests[0];
	struct hn_error err;

	start(first, 1, 2, STEP_BYTES);
	scene_wait(yard->scene, first_has_moved);
	assert_int_equal(hn_operation_cancel(&first->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(first->managed.operation.state, HN_OPERATION_CANCELLED);
	assert_bound_to(first, "4-7");
}

static bool first_waits_for_room(const struct scene *scene)
{
	return strstr(scene->guests[0]->managed.operation.message, "waits for room");
}

/* Threads do not go ahead to where there is no room for the memory, nor paused. */
static void threads_wait_for_room_too(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *first = yard->guests[0];
	struct hn_error err;

	scene_add(yard->scene, "fat", 1, SCENE_NODE_BYTES - 3 * STEP_BYTES);
	scene_count_free(yard->scene);
	start(first, 1, 1, 2 * STEP_BYTES);
	scene_wait(yard->scene, first_waits_for_room);
	assert_int_equal(scene_asked_at(yard->scene, "bind"), -1);
	assert_int_equal(hn_operation_pause(&first->managed, true, &err), 0);
	scene_remove(yard->guests[1]);
	scene_count_free(yard->scene);
	for (int i = 0; i < 60; i++) /* it would ask again every second */
		scene_turn(yard->scene);
	assert_int_equal(scene_asked_at(yard->scene, "bind"), -1);
	assert_int_equal(hn_operation_pause(&first->managed, false, &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(first->managed.operation.state, HN_OPERATION_DONE);
	assert_bound_to(first, "4-7");
}

/* The word to stop crosses the mover's last: what is left of the plan is not begun. */
static void a_cancel_that_comes_late_is_heeded(void **state)
{
	struct yard *yard = *state;
	struct scene_guest *first = yard->guests[0];
	struct hn_error err;

	start(first, 1, 2, STEP_BYTES);
	scene_wait(yard->scene, first_has_moved);
	while (first->memory->on_node[1] < STEP_BYTES)
		usleep(1000);
	usleep(100 * 1000); /* it has answered by then, and nobody has read that: either way the end is one */
	assert_int_equal(hn_operation_cancel(&first->managed, "stopped by an operator", &err), 0);
	scene_wait(yard->scene, scene_is_idle);
	assert_int_equal(first->managed.operation.state, HN_OPERATION_CANCELLED);
	assert_string_equal(first->managed.operation.message, "stopped by an operator");
	assert_int_equal(first->memory->on_node[1], STEP_BYTES);
}

/* The guest ends while its threads are bound back. */
static void a_guest_may_end_at_it(void **state)
{
	struct yard *yard = *state;
	struct hn_error err;

	begin_swap(yard, 0);
	scene_wait(yard->scene, first_moves);
	assert_int_equal(hn_operation_cancel(&yard->guests[1]->managed, "stopped by an operator", &err), 0);
	assert_non_null(yard->guests[1]->managed.running);
	scene_remove(yard->guests[1]);
	scene_wait(yard->scene, scene_is_idle);
	assert_bound_to(yard->guests[0], "0-7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_that_waits_is_cancelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_step_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_through_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_swap_that_is_done_binds_nobody_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_retreats_is_not_resumed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_bound_back_is_not_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_was_ours_is_ours_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_was_ours_is_ours_though_it_was_being_bound, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_comes_to_hold_the_memory_sends_the_threads_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(alone_its_threads_go_back_to_all_of_its_memory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(alone_its_threads_stay_with_a_part_of_its_memory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(threads_wait_for_room_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cancel_that_comes_late_is_heeded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_may_end_at_it, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
