/* The last seconds of homenoded: what it has begun is stopped, and the guests are left as it found them. */
#include "daemon/ending.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/operation.h"
#include "scene.h"

#define DEAFENING_NODE 7 /* the fake hands do not hear any more that it should end */

struct yard {
	struct scene *scene;
	struct scene_guest *guest;
	struct hn_ending *ending;
};

static int set_up(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));

	yard->scene = scene_new(DEAFENING_NODE + 1);
	yard->guest = scene_add(yard->scene, "web", 0, HN_GIB);
	*state = yard;
	return hn_ending_new(&yard->scene->service, &yard->ending, NULL);
}

static int tear_down(void **state)
{
	struct yard *yard = *state;

	hn_ending_free(yard->ending);
	scene_free(yard->scene);
	free(yard);
	return 0;
}

static int start(struct yard *yard, int node, struct hn_error *err)
{
	struct hn_plan *plan = scene_plan_to(yard->guest, node, 1, HN_GIB);
	struct hn_part none = {0};

	plan->home = hn_placement_new(DEAFENING_NODE + 1, 1);
	plan->home->cells[0].nodes = hn_set_of(node);
	return hn_operation_start(&yard->guest->managed, plan, 0, &none, err);
}

/* Runs the loop to its end; how long that took. */
static uint64_t end(struct yard *yard)
{
	uint64_t began_ns = hn_now_ns();

	hn_ending_begin(yard->ending);
	do /* a turn of the scene may have left an exit behind */
		event_base_dispatch(yard->scene->service.base);
	while (!event_base_got_break(yard->scene->service.base));
	return hn_now_ns() - began_ns;
}

static bool has_moved(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.moved_bytes > 0;
}

static bool is_widened(const struct scene *scene)
{
	return scene_asked_at(scene, "widen") >= 0;
}

static void nothing_under_way_is_not_waited_for(void **state)
{
	struct yard *yard = *state;
	struct hn_error err;

	assert_true(end(yard) < HN_ENDING_LIMIT_NS / 2);
	assert_int_equal(start(yard, 1, &err), -EBUSY);
	assert_non_null(strstr(err.message, "about to end"));
}

static void a_move_is_stopped_and_on_record(void **state)
{
	struct yard *yard = *state;
	const struct hn_operation *operation = &yard->guest->managed.operation;

	assert_int_equal(start(yard, 1, NULL), 0);
	scene_wait(yard->scene, has_moved);
	assert_true(end(yard) < HN_ENDING_LIMIT_NS);
	assert_null(yard->guest->managed.running);
	assert_int_equal(operation->state, HN_OPERATION_CANCELLED);
	assert_non_null(strstr(operation->message, "homenoded ends"));
	assert_int_equal(operation->moved_bytes, yard->guest->memory->moved_bytes);
	assert_true(operation->moved_bytes < HN_GIB);
}

static void cgroups_that_were_opened_are_closed(void **state)
{
	struct yard *yard = *state;
	struct hn_managed *managed = &yard->guest->managed;

	managed->follow_cpuset = true;
	managed->cpuset_nodes = hn_set_of(0);
	assert_int_equal(start(yard, 1, NULL), 0);
	assert_int_equal(hn_operation_pause(managed, true, NULL), 0);
	scene_wait(yard->scene, is_widened);
	assert_true(end(yard) < HN_ENDING_LIMIT_NS);
	assert_true(scene_asked_at(yard->scene, "narrow %d to 0\n", managed->guest->pid) >= 0);
	assert_null(managed->fence_back);
}

static void who_does_not_hear_is_waited_for_so_long(void **state)
{
	struct yard *yard = *state;
	uint64_t took_ns;

	assert_int_equal(start(yard, DEAFENING_NODE, NULL), 0);
	while (scene_asked_at(yard->scene, "move") < 0)
		scene_turn(yard->scene);
	took_ns = end(yard);
	assert_true(took_ns >= HN_ENDING_LIMIT_NS && took_ns < 3 * HN_ENDING_LIMIT_NS);
	assert_non_null(yard->guest->managed.running);
}

static void on_impatience(evutil_socket_t fd, short what, void *context)
{
	hn_ending_begin(context);
}

static void asked_twice_it_does_not_wait(void **state)
{
	struct yard *yard = *state;
	struct timeval soon = {.tv_usec = 100000};

	assert_int_equal(start(yard, DEAFENING_NODE, NULL), 0);
	while (scene_asked_at(yard->scene, "move") < 0)
		scene_turn(yard->scene);
	assert_int_equal(event_base_once(yard->scene->service.base, -1, EV_TIMEOUT, on_impatience,
					 yard->ending, &soon),
			 0);
	assert_true(end(yard) < HN_ENDING_LIMIT_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_under_way_is_not_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_move_is_stopped_and_on_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cgroups_that_were_opened_are_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_does_not_hear_is_waited_for_so_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(asked_twice_it_does_not_wait, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
