/*
 * What systemd hears on its socket; nothing where homenode is built without it (SYSTEMD is 0 then).
 */
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
#include "base/notify.h"
#include "base/units.h"

static void test_is_told(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	HN_AUTO(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char heard[64] = "", name[64];
	socklen_t length;
	ssize_t bytes;

	/* an abstract one: "@" stands for the byte 0 in front */
	snprintf(name, sizeof(name), "@homenode-test-notify-%ld", (long)getpid());
	memcpy(address.sun_path, name, strlen(name));
	address.sun_path[0] = '\0';
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);

	setenv("NOTIFY_SOCKET", name, 1);
	hn_notify("READY=1");
	bytes = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	unsetenv("NOTIFY_SOCKET");
	hn_notify("STOPPING=1");
	assert_int_equal(bytes, SYSTEMD ? 7 : -1);
	assert_string_equal(heard, SYSTEMD ? "READY=1" : "");
	assert_int_equal(recv(fd, heard, sizeof(heard), MSG_DONTWAIT), -1);
}

static void test_watchdog(void **state)
{
	char pid[32];

	unsetenv("WATCHDOG_USEC");
	assert_int_equal(hn_notify_watchdog_ns(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(hn_notify_watchdog_ns(), SYSTEMD ? 30 * HN_NS_PER_S : 0);
	/* another process is watched */
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(hn_notify_watchdog_ns(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_is_told), cmocka_unit_test(test_watchdog)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
