/* Requests to a socket that a thread of the test serves, or nobody. */
#include "hooks/daemon-call.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
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

#include "hooks/deadline.h"
#include "tests/unit/host/tree.h"

#define MS INT64_C(1000000)
#define SLACK_MS 400 /* of a busy machine; every limit under test is told from no limit at all */

struct scene {
	struct tree tree;
	char path[128];
	int listener;
	const char *answer; /* NULL: takes the connection and says nothing */
	size_t answer_length;
	char request[65536]; /* what came, with a NUL */
	pthread_t thread;
};

static void scene_init(struct scene *scene, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(scene, 0, sizeof(*scene));
	tree_init(&scene->tree);
	snprintf(scene->path, sizeof(scene->path), "%s/socket", scene->tree.root);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->path);
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(scene->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(scene->listener, backlog), 0);
}

static void scene_done(struct scene *scene)
{
	close(scene->listener);
	tree_done(&scene->tree);
}

/* Reads until the body's last byte, "</domain>", or the end; answers byte by byte, so that pieces are met. */
static void *serve(void *context)
{
	struct scene *scene = context;
	int fd = accept(scene->listener, NULL, NULL);
	size_t length = 0;

	while (!strstr(scene->request, "</domain>")) {
		ssize_t got = read(fd, scene->request + length, sizeof(scene->request) - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	for (size_t i = 0; i < scene->answer_length; i++)
		if (send(fd, scene->answer + i, 1, MSG_NOSIGNAL) < 0)
			break;
	if (!scene->answer)
		read(fd, &length, 1) /* until the other side has enough */;
	close(fd);
	return NULL;
}

static void answer_with(struct scene *scene, const char *answer)
{
	scene->answer = answer;
	scene->answer_length = answer ? strlen(answer) : 0;
	assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
}

static int ask(struct scene *scene, unsigned ms, struct http_answer *ret)
{
	static char buffer[4096];
	struct daemon_request request = {.socket = scene->path,
					 .target = "/v1/libvirt/prepare?guest=a",
					 .type = "application/xml",
					 .body = "<domain></domain>",
					 .length = 17};

	return daemon_ask(&request, deadline_in_ms(ms), buffer, sizeof(buffer), ret);
}

static void a_request_is_complete_http(void **state)
{
	struct http_answer answer;
	struct scene scene;

	scene_init(&scene, 5);
	answer_with(&scene, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\n0-1\n");
	assert_int_equal(ask(&scene, 5000, &answer), 0);
	pthread_join(scene.thread, NULL);
	assert_int_equal(answer.status, 200);
	assert_memory_equal(answer.body, "0-1\n", 4);
	assert_string_equal(scene.request, "POST /v1/libvirt/prepare?guest=a HTTP/1.1\r\nHost: homenoded\r\n"
					   "Connection: close\r\nContent-Type: application/xml\r\n"
					   "Content-Length: 17\r\n\r\n<domain></domain>");
	scene_done(&scene);
}

static void check_asked(const char *said, int expected)
{
	struct http_answer answer;
	struct scene scene;

	scene_init(&scene, 5);
	answer_with(&scene, said);
	assert_int_equal(ask(&scene, 5000, &answer), expected);
	pthread_join(scene.thread, NULL);
	scene_done(&scene);
}

static void half_an_answer_is_none(void **state)
{
	check_asked("", -ECONNRESET);
	check_asked("HTTP/1.1 200 OK\r\nContent-Le", -ECONNRESET);
	check_asked("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0-1", -ECONNRESET);
	check_asked("220 mail.example.org ESMTP\r\n\r\n", -EPROTO);
	check_asked("HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n", -EMSGSIZE);
}

static void check_lasted(int64_t start, unsigned least_ms)
{
	int64_t took = deadline_now() - start;

	assert_true(took >= (int64_t)least_ms * MS);
	assert_true(took <= (int64_t)(least_ms + SLACK_MS) * MS);
}

static void silence_ends_with_the_deadline(void **state)
{
	struct http_answer answer;
	struct scene scene;
	int64_t start;

	scene_init(&scene, 5);
	answer_with(&scene, NULL);
	start = deadline_now();
	assert_int_equal(ask(&scene, 60, &answer), -ETIMEDOUT);
	check_lasted(start, 60);
	pthread_join(scene.thread, NULL);
	scene_done(&scene);
}

static void a_full_backlog_ends_with_the_deadline(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct http_answer answer;
	struct scene scene;
	int64_t start;
	int waiting[8], full = 0;

	scene_init(&scene, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene.path);
	for (int i = 0; i < 8; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		full += connect(waiting[i], (struct sockaddr *)&address, sizeof(address)) < 0 &&
			errno == EAGAIN;
	}
	assert_true(full > 0);
	start = deadline_now();
	assert_int_equal(ask(&scene, 40, &answer), -ETIMEDOUT);
	check_lasted(start, 40);
	for (int i = 0; i < 8; i++)
		close(waiting[i]);
	scene_done(&scene);
}

static void nobody_is_known_at_once(void **state)
{
	struct http_answer answer;
	struct scene scene;
	char path[128];
	int64_t start = deadline_now();

	scene_init(&scene, 5);
	close(scene.listener);
	assert_int_equal(ask(&scene, 5000, &answer), -ECONNREFUSED);
	snprintf(path, sizeof(path), "%s", scene.path);
	unlink(path);
	assert_int_equal(ask(&scene, 5000, &answer), -ENOENT);
	memset(scene.path, 'x', sizeof(scene.path) - 1);
	assert_int_equal(ask(&scene, 5000, &answer), -ENAMETOOLONG);
	check_lasted(start, 0);
	scene.listener = -1;
	tree_done(&scene.tree);
}

/* Nobody reads, and all of it is in the socket. */
static void what_is_told_needs_no_reader(void **state)
{
	static char body[100000];
	struct daemon_request request = {.target = "/v1/libvirt/started",
					 .type = "application/xml",
					 .body = body,
					 .length = sizeof(body)};
	char got[4096];
	size_t length = 0;
	struct scene scene;
	ssize_t piece;
	int fd;

	memset(body, 'b', sizeof(body));
	scene_init(&scene, 5);
	request.socket = scene.path;
	assert_int_equal(daemon_tell(&request, deadline_in_ms(1000)), 0);
	fd = accept(scene.listener, NULL, NULL);
	while ((piece = read(fd, got, sizeof(got))) > 0)
		length += (size_t)piece;
	close(fd);
	assert_int_equal(length,
			 sizeof(body) + strlen("POST /v1/libvirt/started HTTP/1.1\r\nHost: homenoded\r\n"
					       "Connection: close\r\nContent-Type: application/xml\r\n"
					       "Content-Length: 100000\r\n\r\n"));
	scene_done(&scene);
}

static void targets_are_encoded(void **state)
{
	char target[32] = "/v1?guest=";

	assert_int_equal(daemon_target_add(target, sizeof(target), "a-1._~"), 0);
	assert_string_equal(target, "/v1?guest=a-1._~");
	assert_int_equal(daemon_target_add(target, sizeof(target), " &/\xc3\xa9"), 0);
	assert_string_equal(target, "/v1?guest=a-1._~%20%26%2F%C3%A9");
	assert_int_equal(strlen(target), sizeof(target) - 1);
	assert_int_equal(daemon_target_add(target, sizeof(target), "b"), -E2BIG);
	target[30] = '\0';
	assert_int_equal(daemon_target_add(target, sizeof(target), "b\r"), -E2BIG);
	assert_int_equal(strlen(target), 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_complete_http),
		cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(silence_ends_with_the_deadline),
		cmocka_unit_test(a_full_backlog_ends_with_the_deadline),
		cmocka_unit_test(nobody_is_known_at_once),
		cmocka_unit_test(what_is_told_needs_no_reader),
		cmocka_unit_test(targets_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
