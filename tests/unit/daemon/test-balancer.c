/* Kernel NUMA balancing: off while somebody is enforced, and restored, by whoever can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/balancer.h"
#include "scene.h"

struct yard {
	struct scene *scene;
	struct scene_guest *guest;
};

static void path_of(const struct scene *scene, const char *name, char path[static 80])
{
	snprintf(path, 80, "%s/%s", scene->folder, name);
}

static bool is_there(const struct scene *scene, const char *name)
{
	char path[80];

	path_of(scene, name, path);
	return access(path, F_OK) == 0;
}

/* The kernel's setting, as the fake hands have it. */
static int setting_of(const struct scene *scene)
{
	HN_AUTO(file) FILE *file = NULL;
	char path[80];
	int value = 1;

	path_of(scene, "balancing", path);
	file = fopen(path, "re");
	if (file)
		assert_int_equal(fscanf(file, "%d", &value), 1);
	return value;
}

static bool is_off(const struct scene *scene)
{
	return setting_of(scene) == 0 && is_there(scene, "kernel-balancing");
}

static bool is_restored(const struct scene *scene)
{
	return setting_of(scene) == 1 && !is_there(scene, "kernel-balancing");
}

static void lock(const struct scene *scene, bool locked)
{
	char path[80];

	path_of(scene, "locked", path);
	if (locked)
		fclose(fopen(path, "we"));
	else
		unlink(path);
}

static int set_up(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));

	yard->scene = scene_new(2);
	yard->scene->config.balancing = HN_BALANCING_OFF_WHILE_ENFORCING;
	yard->scene->service.host->kernel_balancing = true;
	yard->guest = scene_add(yard->scene, "web", 0, HN_GIB);
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

static void it_is_off_while_a_guest_is_enforced(void **state)
{
	struct yard *yard = *state;
	struct scene *scene = yard->scene;

	hn_balancer_update(scene->service.balancer);
	scene_wait(scene, is_off);
	assert_false(scene->service.host->kernel_balancing);
	yard->guest->managed.guest->mode = HN_MODE_OBSERVE;
	hn_balancer_update(scene->service.balancer);
	scene_wait(scene, is_restored);
}

static void it_is_restored_in_the_end(void **state)
{
	struct yard *yard = *state;
	struct scene *scene = yard->scene;

	hn_balancer_update(scene->service.balancer);
	scene_wait(scene, is_off);
	hn_balancer_free(hn_steal(scene->service.balancer));
	assert_true(is_restored(scene));
}

static void what_cannot_be_restored_is_left_to_the_next(void **state)
{
	struct yard *yard = *state;
	struct scene *scene = yard->scene;

	hn_balancer_update(scene->service.balancer);
	scene_wait(scene, is_off);
	lock(scene, true);
	hn_balancer_free(hn_steal(scene->service.balancer));
	assert_true(is_off(scene));
	lock(scene, false);
	yard->guest->managed.guest->mode = HN_MODE_OBSERVE;
	assert_int_equal(hn_balancer_new(&scene->service, &scene->service.balancer, NULL), 0);
	hn_balancer_update(scene->service.balancer);
	scene_wait(scene, is_restored);
}

static void what_is_refused_is_not_asked_for_at_each_look(void **state)
{
	struct yard *yard = *state;
	struct scene *scene = yard->scene;
	HN_AUTO(memory) char *asked = NULL;

	lock(scene, true);
	hn_balancer_update(scene->service.balancer);
	for (int i = 0; i < 20; i++) {
		usleep(20000);
		scene_turn(scene);
		hn_balancer_update(scene->service.balancer);
	}
	asked = scene_asked(scene);
	assert_non_null(strstr(asked, "balancing 0"));
	assert_null(strstr(strstr(asked, "balancing 0") + 1, "balancing 0"));
	assert_true(scene->service.host->kernel_balancing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_off_while_a_guest_is_enforced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_restored_in_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_restored_is_left_to_the_next, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_refused_is_not_asked_for_at_each_look, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
