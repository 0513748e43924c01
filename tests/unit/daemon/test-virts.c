/* Which libvirts are connected to: that of the host, and one a container, whoever in it shows the way. What
 * connects is stood in for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/domain.h"
#include "daemon/guest.h"
#include "virt/virt.h"

#define MOST (HN_VIRTS_MAX + 8)

static struct line {
	char uri[200];
	bool made, up;
	unsigned number; /* of all that were made */
} lines[MOST];
static unsigned made;

int __wrap_hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		       struct hn_virt **ret, struct hn_error *err);
void __wrap_hn_virt_free(struct hn_virt *virt);
bool __wrap_hn_virt_connected(const struct hn_virt *virt);

int __wrap_hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		       struct hn_virt **ret, struct hn_error *err)
{
	size_t free_one = 0;

	while (lines[free_one].made)
		free_one++;
	assert_true(free_one < MOST);
	lines[free_one] = (struct line){.made = true, .up = true, .number = ++made};
	snprintf(lines[free_one].uri, sizeof(lines[free_one].uri), "%s", uri);
	*ret = (struct hn_virt *)&lines[free_one];
	return 0;
}

void __wrap_hn_virt_free(struct hn_virt *virt)
{
	((struct line *)virt)->made = false;
}

bool __wrap_hn_virt_connected(const struct hn_virt *virt)
{
	return ((const struct line *)virt)->up;
}

static struct line *line_to(const char *socket)
{
	for (size_t i = 0; i < MOST; i++)
		if (lines[i].made && strstr(lines[i].uri, socket))
			return &lines[i];
	return NULL;
}

static size_t line_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < MOST; i++)
		count += lines[i].made;
	return count;
}

struct place {
	struct hn_service service;
	struct hn_config config;
	struct hn_virts *virts;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	memset(lines, 0, sizeof(lines));
	made = 0;
	TAILQ_INIT(&place->service.guests);
	place->service.config = &place->config;
	strcpy(place->config.libvirt_uri, "qemu:///system");
	*state = place;
	return hn_virts_new(&place->service, &place->virts, NULL);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	hn_virts_free(place->virts);
	free(place);
	return line_count() == 0 ? 0 : -1;
}

static void two_in_one_container_have_one(void **state)
{
	const struct hn_virts_socket both[] = {{"/proc/10/root/sock", {10, 1}, 1, 7},
					       {"/proc/11/root/sock", {11, 1}, 1, 7}};
	struct place *place = *state;
	const struct line *line;

	hn_virts_keep(place->virts, both, 2);
	assert_int_equal(line_count(), 2); /* with the host's */
	line = line_to("/proc/10/root/sock");
	assert_non_null(line);
	/* the first of them ends: the other one's domains stay known */
	hn_virts_keep(place->virts, &both[1], 1);
	assert_ptr_equal(line_to("/proc/10/root/sock"), line);
	assert_int_equal(line_count(), 2);
	hn_virts_keep(place->virts, NULL, 0);
	assert_int_equal(line_count(), 1);
	assert_non_null(line_to("qemu:///system"));
}

/* What was found below /proc/10 cannot be found there again. */
static void one_that_is_down_is_found_by_another_way(void **state)
{
	const struct hn_virts_socket both[] = {{"/proc/10/root/sock", {10, 1}, 1, 7},
					       {"/proc/11/root/sock", {11, 1}, 1, 7}};
	struct place *place = *state;

	hn_virts_keep(place->virts, both, 2);
	line_to("/proc/10/")->up = false;
	hn_virts_keep(place->virts, both, 2); /* it is tried again by itself */
	assert_non_null(line_to("/proc/10/"));
	hn_virts_keep(place->virts, &both[1], 1);
	assert_null(line_to("/proc/10/"));
	assert_non_null(line_to("/proc/11/"));
	assert_int_equal(line_count(), 2);
}

static void containers_differ_by_device_or_inode(void **state)
{
	const struct hn_virts_socket all[] = {{"/proc/10/root/sock", {10, 1}, 1, 7},
					      {"/proc/11/root/sock", {11, 1}, 2, 7},
					      {"/proc/12/root/sock", {12, 1}, 1, 8}};
	struct place *place = *state;

	hn_virts_keep(place->virts, all, HN_COUNT(all));
	assert_int_equal(line_count(), 1 + HN_COUNT(all));
	/* another process has the number of one that has ended */
	hn_virts_keep(place->virts, &(struct hn_virts_socket){"/proc/10/root/sock", {10, 2}, 3, 7}, 1);
	assert_int_equal(line_count(), 2);
	assert_true(line_to("/proc/10/")->number > 3);
}

/* Its socket is another file then. Its domains, and what is being done to them, are no news. */
static void a_libvirt_that_starts_anew_keeps_its_connection(void **state)
{
	struct hn_virts_socket one = {"/proc/10/root/sock", {10, 1}, 1, 7};
	struct place *place = *state;
	const struct line *line;

	hn_virts_keep(place->virts, &one, 1);
	line = line_to("/proc/10/");
	line_to("/proc/10/")->up = false;
	one.inode = 8;
	hn_virts_keep(place->virts, &one, 1);
	assert_ptr_equal(line_to("/proc/10/"), line);
	assert_int_equal(line->number, 2);
	assert_int_equal(line_count(), 2);
}

static void there_is_a_limit(void **state)
{
	struct hn_virts_socket all[MOST];
	char paths[MOST][40];
	struct place *place = *state;

	for (size_t i = 0; i < MOST; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/proc/%zu/root/sock", 100 + i);
		all[i] = (struct hn_virts_socket){paths[i], {(pid_t)(100 + i), 1}, 1, i};
	}
	hn_virts_keep(place->virts, all, MOST);
	assert_int_equal(line_count(), HN_VIRTS_MAX);
	/* whose turn it is not finds room when others have gone */
	hn_virts_keep(place->virts, all + MOST - 2, 2);
	assert_int_equal(line_count(), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_in_one_container_have_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_down_is_found_by_another_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(containers_differ_by_device_or_inode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_libvirt_that_starts_anew_keeps_its_connection, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(there_is_a_limit, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
