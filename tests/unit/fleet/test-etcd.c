/* Whose password is read: a file that others may read gives it away. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet/etcd.h"

struct scene {
	char folder[64], beside[80], link[80];
	char file[96];        /* folder/etcd-password */
	char beside_file[96]; /* in another folder, whose name begins alike */
};

static void write_password(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	strcpy(scene->folder, "/tmp/homenode-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	snprintf(scene->beside, sizeof(scene->beside), "%s-beside", scene->folder);
	assert_int_equal(mkdir(scene->beside, 0700), 0);
	snprintf(scene->file, sizeof(scene->file), "%s/etcd-password", scene->folder);
	snprintf(scene->beside_file, sizeof(scene->beside_file), "%s/etcd-password", scene->beside);
	snprintf(scene->link, sizeof(scene->link), "%s/link", scene->folder);
	write_password(scene->file);
	write_password(scene->beside_file);
	assert_int_equal(symlink(scene->beside_file, scene->link), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(scene->link);
	unlink(scene->file);
	unlink(scene->beside_file);
	rmdir(scene->folder);
	rmdir(scene->beside);
	free(scene);
	return 0;
}

static int read_password(const char *path, mode_t mode)
{
	struct hn_etcd_options options = {0};
	struct hn_error err = {0};
	int r;

	assert_int_equal(chmod(path, mode), 0);
	r = hn_etcd_password_read(path, &options, &err);
	assert_string_equal(options.password, r < 0 ? "" : "secret");
	if (r < 0)
		assert_non_null(strstr(err.message, "others may read"));
	return r;
}

static void one_that_others_may_read_is_refused(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(read_password(scene->file, 0600), 0);
	assert_int_equal(read_password(scene->file, 0400), 0);
	assert_int_equal(read_password(scene->file, 0440), -EINVAL);
	assert_int_equal(read_password(scene->file, 0604), -EINVAL);
	assert_int_equal(read_password(scene->file, 0644), -EINVAL);
}

/* setfacl -m u:USER:r, which is what systemd does, makes 0440 of 0400. */
static void a_credential_of_systemds_is_read(void **state)
{
	struct scene *scene = *state;

	setenv("CREDENTIALS_DIRECTORY", scene->folder, 1);
	assert_int_equal(read_password(scene->file, 0440), 0);
	assert_int_equal(read_password(scene->file, 0400), 0);
	assert_int_equal(read_password(scene->file, 0460), -EINVAL);
	assert_int_equal(read_password(scene->file, 0444), -EINVAL);
	/* where it lies counts, and not how its path begins */
	assert_int_equal(read_password(scene->beside_file, 0440), -EINVAL);
	assert_int_equal(read_password(scene->link, 0440), -EINVAL);
	setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1);
	assert_int_equal(read_password(scene->file, 0440), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_that_others_may_read_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_credential_of_systemds_is_read, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
