/* Whose process a domain's is: anyone can start a program that calls itself the QEMU with some uuid. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/census.h"
#include "daemon/domain.h"
#include "scene.h"

#define WEB "11111111-2222-3333-4444-555555555555"
#define DB "99999999-2222-3333-4444-555555555555"

static size_t seen(const struct scene *scene)
{
	const struct hn_qemu_process *qemus;

	return hn_census_all(scene->service.census, &qemus);
}

static bool has_looked(const struct scene *scene)
{
	return seen(scene) > 0;
}

/* The census of these processes, a line each. */
static struct scene *scene_of(const char *lines)
{
	struct scene *scene = scene_new(2);
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "%s/qemus", scene->folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(lines, file) >= 0);
	assert_int_equal(fclose(file), 0);
	scene->config.libvirt_uri[0] = '\0';
	assert_int_equal(hn_virts_new(&scene->service, &scene->service.virts, NULL), 0);
	assert_int_equal(hn_census_new(&scene->service, &scene->service.census, NULL), 0);
	scene_wait(scene, has_looked);
	return scene;
}

static void scene_over(struct scene *scene)
{
	hn_census_free(scene->service.census);
	hn_virts_free(scene->service.virts);
	scene->service.census = NULL;
	scene->service.virts = NULL;
	scene_free(scene);
}

static int found_pid(const struct scene *scene, const char *uuid, const struct hn_process *known)
{
	const struct hn_qemu_process *qemu = NULL;
	struct hn_error err;
	int r = hn_census_find(scene->service.census, uuid, known, &qemu, &err);

	return r < 0 ? r : qemu->process.pid;
}

static void the_newest_of_one_user_is_it(void **state)
{
	struct scene *scene = scene_of("100 5 64055 " WEB "\n101 9 64055 " WEB "\n102 7 64055 " WEB
				       "\n103 8 1000 " DB "\n");

	assert_int_equal(found_pid(scene, WEB, NULL), 101);
	assert_int_equal(found_pid(scene, DB, NULL), 103);
	assert_int_equal(found_pid(scene, "", NULL), -ENOENT);
	assert_true(hn_census_is(scene->service.census, WEB, NULL, 101));
	assert_false(hn_census_is(scene->service.census, WEB, NULL, 100));
	scene_over(scene);
}

static void the_one_that_is_known_stays_it(void **state)
{
	struct scene *scene = scene_of("100 5 64055 " WEB "\n101 9 64055 " WEB "\n102 10 1000 " WEB "\n");

	assert_int_equal(found_pid(scene, WEB, &(struct hn_process){100, 5}), 100);
	/* its number belongs to another */
	assert_int_equal(found_pid(scene, WEB, &(struct hn_process){100, 4}), -EEXIST);
	scene_over(scene);
}

static void of_several_users_none_is_believed(void **state)
{
	struct scene *scene = scene_of("100 5 64055 " WEB "\n101 9 1000 " WEB "\n");
	const struct hn_qemu_process *qemu;
	struct hn_error err;

	assert_int_equal(hn_census_find(scene->service.census, WEB, NULL, &qemu, &err), -EEXIST);
	assert_non_null(strstr(err.message, "101 of user 1000"));
	assert_false(hn_census_is(scene->service.census, WEB, NULL, 101));
	scene_over(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_of_one_user_is_it),
		cmocka_unit_test(the_one_that_is_known_stays_it),
		cmocka_unit_test(of_several_users_none_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
