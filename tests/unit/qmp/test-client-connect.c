/* With a real socket: connecting, backing off, and coming back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "client-scene.h"

struct server {
	struct scene *scene;
	struct evconnlistener *listener;
	char folder[64], path[96];
	int accepted;
	bool hang_up;
};

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
			  int length, void *context)
{
	struct server *server = context;

	server->accepted++;
	peer_free(server->scene->peer);
	server->scene->peer = peer_new(server->scene->base, fd, scene_on_line, server->scene);
	if (server->hang_up)
		peer_hang_up(server->scene->peer);
	else if (server->scene->greet)
		peer_send(server->scene->peer, GREETING, strlen(GREETING));
}

static void server_init(struct server *server, struct scene *scene)
{
	memset(server, 0, sizeof(*server));
	server->scene = scene;
	strcpy(server->folder, "/tmp/homenode-qmp-XXXXXX");
	assert_non_null(mkdtemp(server->folder));
	snprintf(server->path, sizeof(server->path), "%s/qmp", server->folder);
}

static void server_listen(struct server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
	server->listener =
		evconnlistener_new_bind(server->scene->base, on_connection, server, LEV_OPT_CLOSE_ON_FREE, 1,
					(struct sockaddr *)&address, sizeof(address));
	assert_non_null(server->listener);
}

static void server_done(struct server *server)
{
	if (server->listener)
		evconnlistener_free(server->listener);
	unlink(server->path);
	rmdir(server->folder);
}

static void scene_connect(struct scene *scene, const char *path)
{
	const struct hn_qmp_listener listener = scene_listener(scene);

	scene->limits.retry_first_ns = 20 * HN_NS_PER_MS;
	scene->limits.retry_most_ns = 90 * HN_NS_PER_MS;
	assert_int_equal(hn_qmp_new(scene->base, "web1", path, HN_QMP_MONITOR, &scene->limits, &listener,
				    &scene->qmp, NULL),
			 0);
	assert_int_equal(scene->downs + scene->readies, 0);
}

static void await_downs(struct scene *scene, int count)
{
	for (int i = 0; i < 3000 && scene->downs < count; i++)
		run_for(scene->base, 1);
	assert_true(scene->downs >= count);
}

static void backs_off_and_comes_back(void **state)
{
	static const uint64_t most_ms[] = {20, 40, 80, 90, 90};
	struct server server;
	struct scene scene;
	uint64_t began;
	uint64_t sum = 0;

	scene_init(&scene);
	server_init(&server, &scene);
	scene_connect(&scene, server.path);
	began = monotonic_ms();
	await_downs(&scene, 5);
	for (int i = 0; i < 5; i++) {
		assert_in_range(scene.retry_ns[i], most_ms[i] * HN_NS_PER_MS * 3 / 4,
				most_ms[i] * HN_NS_PER_MS);
		sum += i < 4 ? scene.retry_ns[i] / HN_NS_PER_MS : 0;
	}
	assert_true(monotonic_ms() - began >= sum);
	assert_int_equal(scene.why.code, -ENOENT);
	assert_non_null(strstr(scene.why.message, server.path));
	server_listen(&server);
	assert_true(run_until(scene.base, &scene.ready, 20000));
	server_done(&server);
	scene_done(&scene);
}

static void comes_back_after_a_hang_up(void **state)
{
	struct server server;
	struct scene scene;

	scene_init(&scene);
	server_init(&server, &scene);
	server_listen(&server);
	scene_connect(&scene, server.path);
	for (int i = 1; i <= 3; i++) {
		assert_true(run_until(scene.base, &scene.ready, 20000));
		scene.ready = false;
		run_for(scene.base, 100); /* longer than any pause: it starts from the first again */
		assert_int_equal(scene_execute(&scene, "a", 0), 0);
		peer_hang_up(scene.peer);
		await_downs(&scene, i);
		assert_int_equal(scene.replies, i);
		assert_true(scene.retry_ns[i - 1] <= 20 * HN_NS_PER_MS);
	}
	assert_int_equal(scene.readies, 3);
	server_done(&server);
	scene_done(&scene);
}

static void a_peer_that_hangs_up_at_once_is_not_hurried(void **state)
{
	struct server server;
	struct scene scene;

	scene_init(&scene);
	server_init(&server, &scene);
	server.hang_up = true;
	server_listen(&server);
	scene_connect(&scene, server.path);
	await_downs(&scene, 5);
	assert_true(scene.retry_ns[4] > 60 * HN_NS_PER_MS);
	assert_string_equal(scene.why.message, "guest 'web1': monitor: it hung up without a greeting");
	server_done(&server);
	scene_done(&scene);
}

static void a_held_monitor_says_so(void **state)
{
	struct server server;
	struct scene scene;

	scene_init(&scene);
	scene.greet = false;
	scene.limits.connect_timeout_ns = 30 * HN_NS_PER_MS;
	server_init(&server, &scene);
	server_listen(&server);
	evconnlistener_disable(
		server.listener); /* connections end in the backlog, as with QEMU's second client */
	scene_connect(&scene, server.path);
	await_downs(&scene, 1);
	assert_int_equal(scene.why.code, -ETIMEDOUT);
	assert_non_null(strstr(scene.why.message, "another client may hold this monitor"));
	server_done(&server);
	scene_done(&scene);
}

static void a_full_backlog_says_so(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct server server;
	struct scene scene;
	int fds[8];
	int count = 0;

	scene_init(&scene);
	server_init(&server, &scene);
	server_listen(&server);
	evconnlistener_disable(server.listener);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server.path);
	do {
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (connect(fds[count++], (struct sockaddr *)&address, sizeof(address)) == 0 && count < 8);
	scene_connect(&scene, server.path);
	await_downs(&scene, 1);
	assert_int_equal(scene.why.code, -EAGAIN);
	assert_non_null(strstr(scene.why.message, "another client may hold it"));
	while (count > 0)
		close(fds[--count]);
	server_done(&server);
	scene_done(&scene);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	struct hn_error err = {0};
	struct hn_qmp *qmp = NULL;
	struct scene scene;
	char path[200];

	scene_init(&scene);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(hn_qmp_new(scene.base, "web1", path, HN_QMP_MONITOR, NULL, NULL, &qmp, &err),
			 -ENAMETOOLONG);
	assert_null(qmp);
	assert_non_null(strstr(err.message, "guest 'web1'"));
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backs_off_and_comes_back),
		cmocka_unit_test(comes_back_after_a_hang_up),
		cmocka_unit_test(a_peer_that_hangs_up_at_once_is_not_hurried),
		cmocka_unit_test(a_held_monitor_says_so),
		cmocka_unit_test(a_full_backlog_says_so),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
