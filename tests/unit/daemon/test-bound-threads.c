/* Which threads are where homenode has bound them: noted when an operation binds them, and held against
 * looks. */
#include "daemon/bound-threads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/operation.h"
#include "scene.h"

/* The guest's thread, after a look. */
static bool is_ours(struct scene_guest *guest)
{
	scene_look(guest);
	hn_bound_threads_heed(&guest->managed);
	return guest->managed.guest->threads[0].ours;
}

static void bind_to(struct scene_guest *guest, int node)
{
	struct hn_part none = {0};
	struct hn_error err;

	if (hn_operation_start(&guest->managed, scene_plan_to(guest, node, 0, 0), 0, &none, &err) < 0)
		fail_msg("%s", err.message);
	scene_wait(guest->scene, scene_is_idle);
}

static void a_thread_is_ours_where_it_was_bound(void **state)
{
	struct scene *scene = scene_new(2);
	struct scene_guest *guest = scene_add(scene, "web", 0, HN_GIB);

	assert_false(is_ours(guest)); /* whoever put it there */
	bind_to(guest, 1);
	assert_false(is_ours(guest)); /* the look was under way already */
	scene_put_thread(guest, 1);
	assert_true(is_ours(guest));
	hn_set_remove(&guest->cpus, SCENE_NODE_CPUS); /* somebody narrows it */
	assert_false(is_ours(guest));
	scene_put_thread(guest, 0);
	assert_false(is_ours(guest));
	bind_to(guest, 0);
	assert_true(is_ours(guest));
	assert_int_equal(guest->managed.bound_count, 1); /* bound twice, noted once */
	hn_bound_threads_forget(&guest->managed);
	assert_false(is_ours(guest));
	scene_free(scene);
}

/* Its number may be another's one day. */
static void a_thread_that_has_ended_is_forgotten(void **state)
{
	struct scene *scene = scene_new(2);
	struct scene_guest *guest = scene_add(scene, "web", 0, HN_GIB);
	pid_t tid = guest->managed.guest->threads[0].tid;

	bind_to(guest, 0);
	assert_true(is_ours(guest));
	guest->managed.guest->threads[0].tid = tid + 1;
	assert_false(is_ours(guest));
	guest->managed.guest->threads[0].tid = tid;
	assert_false(is_ours(guest));
	assert_int_equal(guest->managed.bound_count, 0);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_is_ours_where_it_was_bound),
		cmocka_unit_test(a_thread_that_has_ended_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
