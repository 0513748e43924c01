/* The cgroups of a guest whose memory moves: opened for it, closed to its home, or put back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/operation.h"
#include "scene.h"

struct yard {
	struct scene *scene;
	struct scene_guest *guest;
};

/* On node 0, and allowed no other, but its operator lets that follow. */
static int set_up(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));

	yard->scene = scene_new(2);
	yard->guest = scene_add(yard->scene, "web", 0, HN_GIB);
	yard->guest->managed.follow_cpuset = true;
	yard->guest->managed.cpuset_nodes = hn_set_of(0);
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

static struct hn_plan *plan_to_1(const struct yard *yard)
{
	struct hn_plan *plan = scene_plan_to(yard->guest, 1, 1, HN_GIB);

	plan->home = hn_placement_new(2, 1);
	plan->home->cells[0].nodes = hn_set_of(1);
	return plan;
}

static void begin_that(struct yard *yard, struct hn_plan *plan)
{
	struct hn_part none = {0};

	assert_int_equal(hn_operation_start(&yard->guest->managed, plan, 0, &none, NULL), 0);
}

static void begin(struct yard *yard)
{
	begin_that(yard, plan_to_1(yard));
}

static bool is_widened(const struct scene *scene)
{
	return scene_asked_at(scene, "widen %d to 0-1", scene->guests[0]->managed.guest->pid) >= 0;
}

static bool is_narrowed_to_0(const struct scene *scene)
{
	return scene_asked_at(scene, "narrow %d to 0\n", scene->guests[0]->managed.guest->pid) >= 0;
}

static bool is_narrowed_to_1(const struct scene *scene)
{
	return scene_asked_at(scene, "narrow %d to 1\n", scene->guests[0]->managed.guest->pid) >= 0;
}

static bool has_moved(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.moved_bytes > 0;
}

static bool has_ended(const struct scene *scene)
{
	return !scene->guests[0]->managed.running;
}

static bool allows_0(const struct scene *scene)
{
	return hn_set_equal(&scene->guests[0]->managed.cpuset_nodes, &(struct hn_set[]){hn_set_of(0)}[0]);
}

static bool allows_1(const struct scene *scene)
{
	return hn_set_has(&scene->guests[0]->managed.cpuset_nodes, 1);
}

static void they_are_closed_to_its_home(void **state)
{
	struct yard *yard = *state;

	begin(yard);
	scene_wait(yard->scene, is_widened);
	scene_wait(yard->scene, is_narrowed_to_1);
	scene_wait(yard->scene, has_ended);
	assert_int_equal(yard->guest->managed.operation.state, HN_OPERATION_DONE);
	assert_true(scene_asked_at(yard->scene, "move") > scene_asked_at(yard->scene, "widen"));
}

static void of_one_that_moved_nothing_they_are_put_back(void **state)
{
	struct yard *yard = *state;

	begin(yard);
	assert_int_equal(hn_operation_pause(&yard->guest->managed, true, NULL), 0);
	scene_wait(yard->scene, is_widened);
	assert_int_equal(hn_operation_cancel(&yard->guest->managed, "enough", NULL), 0);
	scene_wait(yard->scene, has_ended);
	assert_int_equal(yard->guest->managed.operation.moved_bytes, 0);
	scene_wait(yard->scene, is_narrowed_to_0);
	scene_wait(yard->scene, allows_0);
}

/* The next, which has no threads to bind first, may begin before they are: it opens them after that. */
static void the_next_opens_what_is_being_put_back(void **state)
{
	struct yard *yard = *state;
	struct hn_plan *memory_only = plan_to_1(yard);
	struct hn_managed *managed = &yard->guest->managed;
	struct hn_set there = hn_set_of(1);
	char *asked;
	const char *narrow;

	begin(yard);
	assert_int_equal(hn_operation_pause(managed, true, NULL), 0);
	scene_wait(yard->scene, allows_1);
	assert_int_equal(hn_operation_cancel(managed, "enough", NULL), 0);
	scene_wait(yard->scene, has_ended);
	assert_non_null(managed->fence_back);
	memory_only->actions[0] = memory_only->actions[--memory_only->action_count];
	begin_that(yard, memory_only);
	scene_wait(yard->scene, has_ended);
	assert_int_equal(managed->operation.state, HN_OPERATION_DONE);
	asked = scene_asked(yard->scene);
	narrow = strstr(asked, "narrow");
	assert_non_null(narrow);
	assert_non_null(strstr(narrow, "widen"));
	assert_ptr_equal(strstr(asked, "move"), strstr(narrow, "move"));
	free(asked);
	assert_true(hn_set_equal(&managed->cpuset_nodes, &there));
}

/* Its domain may be gone by the time of the answer, which is for nobody then. */
static void of_one_that_goes_meanwhile_nothing_is_waited_for(void **state)
{
	struct yard *yard = *state;
	struct hn_managed *managed = &yard->guest->managed;

	begin(yard);
	assert_int_equal(hn_operation_pause(managed, true, NULL), 0);
	scene_wait(yard->scene, is_widened);
	assert_int_equal(hn_operation_cancel(managed, "enough", NULL), 0);
	scene_wait(yard->scene, has_ended);
	assert_non_null(managed->fence_back);
	hn_operation_abandon(managed, "it is gone");
	assert_null(managed->fence_back);
}

static void where_part_has_moved_they_stay_open(void **state)
{
	struct yard *yard = *state;

	begin(yard);
	scene_wait(yard->scene, has_moved);
	assert_int_equal(hn_operation_cancel(&yard->guest->managed, "enough", NULL), 0);
	scene_wait(yard->scene, has_ended);
	assert_non_null(strstr(yard->guest->managed.operation.message, "stay open for node 0-1"));
	assert_int_equal(scene_asked_at(yard->scene, "narrow"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_are_closed_to_its_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_one_that_moved_nothing_they_are_put_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_next_opens_what_is_being_put_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_one_that_goes_meanwhile_nothing_is_waited_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(where_part_has_moved_they_stay_open, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
