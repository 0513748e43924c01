#include "silent-hands.h"

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

#include "base/cleanup.h"
#include "daemon/hands-channel.h"

#define CONNECTIONS_MAX 16

static void say_hello(int fd)
{
	const struct hn_hands_hello hello = {.version = HOMENODE_VERSION, .pid = getpid()};
	HN_AUTO(memory) void *body = NULL;
	struct hn_hands_header header;
	struct hn_error err;

	if (hn_hands_read(fd, &header, &body, &err) > 0)
		hn_hands_write(fd, HN_HANDS_HELLO, header.id, 0,
			       &(struct hn_hands_part){&hello, sizeof(hello)}, 1);
}

static void *serve(void *context)
{
	const struct silent_hands *hands = context;
	int fds[CONNECTIONS_MAX];
	size_t count = 0;

	while (count < CONNECTIONS_MAX && (fds[count] = accept(hands->fd, NULL, NULL)) >= 0)
		say_hello(fds[count++]);
	while (count > 0)
		close(fds[--count]);
	return NULL;
}

void silent_hands_start(struct silent_hands *hands)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*hands = (struct silent_hands){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	snprintf(hands->path, sizeof(hands->path), "/tmp/homenode-silent-%d", (int)getpid());
	strcpy(address.sun_path, hands->path);
	unlink(hands->path);
	assert_int_equal(bind(hands->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(hands->fd, CONNECTIONS_MAX), 0);
	assert_int_equal(pthread_create(&hands->thread, NULL, serve, hands), 0);
}

void silent_hands_stop(struct silent_hands *hands)
{
	shutdown(hands->fd, SHUT_RDWR); /* ends accept() */
	pthread_join(hands->thread, NULL);
	close(hands->fd);
	unlink(hands->path);
}
