/*
 * What the brain learns from the hello of hands that a service manager has started: which process they are,
 * so that it can tell when one that is stuck ends, and that they are of its own version.
 */
#include <errno.h>
#include <event2/event.h>
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

#include "base/units.h"
#include "daemon/hands-channel.h"
#include "daemon/hands.h"

#define LIMIT_NS (10 * HN_NS_PER_S)

struct manager {
	char folder[40], path[60];
	int listener;
	const char *version; /* of the hands it starts */
	pthread_t thread;
	struct event_base *base;
	struct hn_hands *hands;
	bool over;
	int result;
	struct hn_error err;
};

/* Answers hello as hands of that version do, and one more request, which it does not heed when it has
 * refused. */
static void *serve(void *context)
{
	const struct manager *manager = context;
	struct hn_hands_hello mine = {.pid = getpid()};
	int fd = accept(manager->listener, NULL, NULL);
	struct hn_hands_header header;
	struct hn_error err;
	void *body = NULL;

	strcpy(mine.version, manager->version);
	while (hn_hands_read(fd, &header, &body, &err) > 0) {
		const struct hn_hands_hello *theirs = body;
		bool same = header.type != HN_HANDS_HELLO || strcmp(theirs->version, mine.version) == 0;

		free(body);
		hn_hands_write(fd, header.type, header.id, same ? 0 : -EPROTO,
			       &(struct hn_hands_part){&mine, sizeof(mine)}, 1);
		if (!same)
			break;
	}
	close(fd);
	return NULL;
}

static void start(struct manager *manager, const char *version)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*manager = (struct manager){.version = version, .folder = "/tmp/homenode-greeting-XXXXXX"};
	assert_non_null(mkdtemp(manager->folder));
	snprintf(manager->path, sizeof(manager->path), "%s/socket", manager->folder);
	strcpy(address.sun_path, manager->path);
	manager->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(manager->listener, 1), 0);
	assert_int_equal(pthread_create(&manager->thread, NULL, serve, manager), 0);
	manager->base = event_base_new();
	assert_int_equal(
		hn_hands_new(manager->base, manager->path, "a test", LIMIT_NS, &manager->hands, NULL), 0);
}

static void stop(struct manager *manager)
{
	hn_hands_free(manager->hands);
	event_base_loop(manager->base, EVLOOP_NONBLOCK); /* closes the connection */
	pthread_join(manager->thread, NULL);
	event_base_free(manager->base);
	close(manager->listener);
	unlink(manager->path);
	rmdir(manager->folder);
}

static void on_reply(int result, const void *body, size_t length, const struct hn_error *err, void *context)
{
	struct manager *manager = context;

	manager->over = true;
	manager->result = result;
	if (err)
		manager->err = *err;
}

static void ask(struct manager *manager)
{
	assert_int_equal(
		hn_hands_request(manager->hands, HN_HANDS_FIND, NULL, 0, NULL, on_reply, manager, NULL), 0);
	while (!manager->over)
		event_base_loop(manager->base, EVLOOP_ONCE);
}

static void their_process_is_known(void **state)
{
	struct manager manager;
	struct pollfd ended = {.events = POLLIN};
	pid_t pid;

	start(&manager, HOMENODE_VERSION);
	assert_int_equal(hn_hands_pid(manager.hands), 0);
	ask(&manager);
	assert_int_equal(manager.result, 0);
	assert_int_equal(hn_hands_pid(manager.hands), getpid());
	ended.fd = hn_hands_take_pidfd(manager.hands, &pid);
	assert_true(ended.fd >= 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(poll(&ended, 1, 0), 0);
	close(ended.fd);
	assert_int_equal(hn_hands_take_pidfd(manager.hands, &pid), -1);
	stop(&manager);
}

static void those_of_another_version_are_not_worked_with(void **state)
{
	struct manager manager;

	start(&manager, "0.0.1");
	ask(&manager);
	assert_int_equal(manager.result, -EIO);
	stop(&manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(their_process_is_known),
		cmocka_unit_test(those_of_another_version_are_not_worked_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
