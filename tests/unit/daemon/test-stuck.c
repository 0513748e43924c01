/* A mover that does not end when it is killed, as behind a thread of a realtime class: nothing is moved
 * meanwhile. */
#include "daemon/stuck.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/decision.h"
#include "daemon/operation.h"
#include "scene.h"
#include "tests/unit/child.h"

/* Stands in for one that is stuck: nobody has killed it. */
static pid_t start_stuck(struct hn_service *service, const char *guest)
{
	pid_t pid = child_fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	hn_stuck_add(service, (int)syscall(SYS_pidfd_open, pid, 0), pid, guest);
	return pid;
}

static void rebalance(struct scene_guest *guest)
{
	struct hn_plan *plan = NULL;
	struct hn_error err;

	assert_int_equal(hn_decision_now(&guest->managed, &plan, &err), 0);
	assert_int_equal(plan->verdict, HN_VERDICT_ACT);
	assert_int_equal(hn_decision_act(&guest->managed, plan, &err), 0);
}

static bool first_waits(const struct scene *scene)
{
	return strstr(scene->guests[0]->managed.operation.message, "waits");
}

static bool first_waits_for_stuck(const struct scene *scene)
{
	return strstr(scene->guests[0]->managed.operation.message, "stuck in the kernel");
}

static void nothing_moves_until_it_has_ended(void **state)
{
	struct scene *scene = scene_new(2);
	struct scene_guest *guest = scene_add(scene, "web", 1, 64 * HN_MIB);
	pid_t stuck = start_stuck(&scene->service, "old");

	assert_false(scene->service.host->fifo_hazard); /* it may be ending */
	scene_put_thread(guest, 0);
	scene_look(guest);
	rebalance(guest);
	scene_wait(scene, first_waits);
	assert_non_null(strstr(guest->managed.operation.message, "the mover of 'old'"));
	assert_non_null(strstr(guest->managed.operation.message, "is about to end"));
	scene_wait(scene, first_waits_for_stuck);
	assert_true(scene->service.host->fifo_hazard);
	for (int i = 0; i < 60; i++) /* it asks again every second */
		scene_turn(scene);
	assert_int_equal(scene_asked_at(scene, "move"), -1);
	kill(stuck, SIGKILL);
	scene_wait(scene, scene_is_idle);
	assert_int_equal(guest->managed.operation.state, HN_OPERATION_DONE);
	assert_int_equal(guest->memory->on_node[0], 64 * HN_MIB);
	assert_false(scene->service.host->fifo_hazard);
	scene_free(scene);
}

static bool nobody_is_left(const struct scene *scene)
{
	assert_false(scene->service.host->fifo_hazard);
	return TAILQ_EMPTY(&scene->service.stuck);
}

/* One that was killed and has ended is not remembered. */
static void who_ends_when_killed_holds_nobody_up(void **state)
{
	struct scene *scene = scene_new(2);
	pid_t pid = child_fork();
	int pidfd;

	if (pid == 0)
		_exit(0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd >= 0)
		hn_stuck_add(&scene->service, pidfd, pid, "web");
	scene_wait(scene, nobody_is_left);
	assert_false(scene->service.host->fifo_hazard);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_moves_until_it_has_ended),
		cmocka_unit_test(who_ends_when_killed_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
