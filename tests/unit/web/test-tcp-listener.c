/* Where is listened: addresses are those of RFC 5737 and RFC 3849, which no machine has. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "web/tcp-listener.h"

/* At a port that is free. */
static int listen_on(const char *text, int *ret_fd)
{
	struct sockaddr_storage address;
	int length = sizeof(address);

	assert_int_equal(evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &length), 0);
	((struct sockaddr_in *)&address)->sin_port = 0; /* where it is in IPv6's, too */
	return hn_tcp_listen((struct sockaddr *)&address, (socklen_t)length, 8, ret_fd);
}

static void an_address_that_is_there(void **state)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int fd, other;

	assert_int_equal(listen_on("127.0.0.1:1", &fd), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(other, (struct sockaddr *)&address, length), 0);
	close(other);
	/* nobody else's port is taken over */
	assert_int_equal(hn_tcp_listen((struct sockaddr *)&address, length, 8, &other), -EADDRINUSE);
	close(fd);
}

/* As at boot, before the network is up: whoever cannot listen then would not be there later. */
static void one_that_is_not_there_yet(void **state)
{
	int fd, on = 0;
	socklen_t length = sizeof(on);

	assert_int_equal(listen_on("203.0.113.77:1", &fd), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &length), 0);
	assert_int_equal(on, 1);
	close(fd);
}

static void one_of_ipv6(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		skip();
	close(fd);
	assert_int_equal(listen_on("[2001:db8::77]:1", &fd), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_that_is_there),
		cmocka_unit_test(one_that_is_not_there_yet),
		cmocka_unit_test(one_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
