/* Settings written over the API: all of the element each time, so that one waits for the other. What libvirt
 * does is stood in for. */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/api.h"
#include "daemon/domain.h"
#include "scene.h"

#define UUID "6f6f6f6f-0000-4000-8000-000000000001"

static struct {
	unsigned calls;
	char element[400];
	hn_virt_done done;
	void *context;
} libvirt;

int __wrap_hn_virt_set_metadata(struct hn_virt *virt, const char *uuid, const char *key,
				const char *namespace_uri, const char *element, hn_virt_done done,
				void *context, struct hn_error *err);

int __wrap_hn_virt_set_metadata(struct hn_virt *virt, const char *uuid, const char *key,
				const char *namespace_uri, const char *element, hn_virt_done done,
				void *context, struct hn_error *err)
{
	libvirt.calls++;
	snprintf(libvirt.element, sizeof(libvirt.element), "%s", element);
	libvirt.done = done;
	libvirt.context = context;
	return 0;
}

struct desk {
	struct scene *scene;
	struct hn_domain domain;
	struct hn_managed *managed;
	struct sockaddr_un address;
};

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	struct hn_error err = {0};

	memset(&libvirt, 0, sizeof(libvirt));
	desk->scene = scene_new(2);
	desk->managed = &scene_add(desk->scene, "web", 0, HN_GIB)->managed;
	desk->managed->domain = &desk->domain;
	snprintf(desk->domain.uuid, sizeof(desk->domain.uuid), UUID);
	desk->address.sun_family = AF_UNIX;
	snprintf(desk->address.sun_path, sizeof(desk->address.sun_path), "%s/api", desk->scene->folder);
	if (hn_api_new(&desk->scene->service, desk->address.sun_path, &desk->scene->service.api, &err) < 0)
		fail_msg("%s", err.message);
	*state = desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;

	hn_api_free(desk->scene->service.api);
	desk->managed->domain = NULL;
	scene_free(desk->scene);
	free(desk);
	return 0;
}

/* A request is on its way; the socket that its answer comes by. */
static int post(const struct desk *desk, const char *body)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&desk->address, sizeof(desk->address)), 0);
	assert_true(dprintf(fd,
			    "POST /v1/guests/web/settings HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			    strlen(body), body) > 0);
	return fd;
}

static void assert_answer(const struct desk *desk, int fd, const char *status, const char *detail)
{
	uint64_t until = hn_now_ns() + 20 * HN_NS_PER_S;
	size_t length = 0;
	char text[4000];
	ssize_t got = -1;

	while (got != 0) {
		assert_true(hn_now_ns() < until);
		scene_turn(desk->scene);
		got = recv(fd, text + length, sizeof(text) - length - 1, MSG_DONTWAIT);
		length += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	text[length] = '\0';
	if (!strstr(text, status) || !strstr(text, detail))
		fail_msg("neither %s nor '%s': %s", status, detail, text);
}

static void wait_for_call(const struct desk *desk, unsigned number)
{
	while (libvirt.calls < number)
		scene_turn(desk->scene);
	assert_int_equal(libvirt.calls, number);
}

static void two_at_once_do_not_undo_each_other(void **state)
{
	const struct desk *desk = *state;
	const struct hn_error failure = {.code = -EREMOTEIO, .message = "libvirt does not want to"};
	int first = post(desk, "{\"mode\": \"off\"}"), second;

	wait_for_call(desk, 1);
	second = post(desk, "{\"class\": \"dedicated\"}");
	assert_answer(desk, second, " 409 ", "other settings are being written");
	assert_int_equal(libvirt.calls, 1);
	libvirt.done(NULL, libvirt.context);
	assert_answer(desk, first, " 200 ", "\"mode\":\"off\"");

	second = post(desk, "{\"class\": \"dedicated\"}");
	wait_for_call(desk, 2);
	assert_non_null(strstr(libvirt.element, "mode='off'"));
	assert_non_null(strstr(libvirt.element, "class='dedicated'"));
	libvirt.done(&failure, libvirt.context);
	assert_answer(desk, second, " 502 ", "libvirt does not want to");

	/* a client that hangs up leaves nothing in the way */
	second = post(desk, "{\"near\": \"db\"}");
	wait_for_call(desk, 3);
	close(second);
	scene_turn(desk->scene);
	libvirt.done(NULL, libvirt.context);
	assert_null(desk->domain.setting);
	assert_string_equal(desk->domain.wishes.settings.near, "db");
}

static void what_cannot_be_read_is_not_written_over(void **state)
{
	struct desk *desk = *state;
	char why[] = "line 3: <guest>: unknown setting 'mod'";

	desk->domain.unread = why;
	assert_answer(desk, post(desk, "{\"mode\": \"off\"}"), " 409 ", "unknown setting 'mod'");
	assert_int_equal(libvirt.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_at_once_do_not_undo_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_written_over, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
