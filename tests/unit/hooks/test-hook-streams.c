/* What comes in and goes out, bounded, whole or not at all. */
#include "hooks/hook-streams.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hooks/deadline.h"

#define MS INT64_C(1000000)
#define SLACK_MS 400

static void all_is_read_up_to_the_last_byte_of_room(void **state)
{
	char buffer[8];
	size_t length;
	int fds[2];

	for (int size = 0; size <= 9; size++) {
		assert_int_equal(pipe(fds), 0);
		assert_int_equal(write(fds[1], "123456789", (size_t)size), size);
		close(fds[1]);
		assert_int_equal(stream_read(fds[0], buffer, sizeof(buffer), deadline_in_ms(5000), &length),
				 size <= 8 ? 0 : -EMSGSIZE);
		if (size <= 8) {
			assert_int_equal(length, size);
			assert_memory_equal(buffer, "12345678", (size_t)size);
		}
		close(fds[0]);
	}
}

static void what_does_not_end_is_given_up(void **state)
{
	int64_t start = deadline_now(), took;
	char buffer[8];
	size_t length;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "1", 1), 1);
	assert_int_equal(stream_read(fds[0], buffer, sizeof(buffer), deadline_in_ms(50), &length),
			 -ETIMEDOUT);
	took = deadline_now() - start;
	assert_true(took >= 50 * MS && took <= (50 + SLACK_MS) * MS);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(stream_read(fds[0], buffer, sizeof(buffer), deadline_in_ms(50), &length), -EBADF);
}

/* Nobody reads before all is written: it must have room. */
static void a_pipe_takes_it_whole(void **state)
{
	enum { LENGTH = 900000 };
	char *data = malloc(LENGTH), *got = malloc(LENGTH + 1);
	size_t length;
	int fds[2];

	for (size_t i = 0; i < LENGTH; i++)
		data[i] = (char)(i * 7 + i / 256);
	for (int before = 0; before <= 5000; before += 5000) {
		assert_int_equal(pipe(fds), 0);
		assert_int_equal(write(fds[1], data, (size_t)before), before);
		assert_int_equal(stream_write(fds[1], data, LENGTH - 5000, deadline_in_ms(5000)), 0);
		close(fds[1]);
		assert_int_equal(stream_read(fds[0], got, LENGTH + 1, deadline_in_ms(5000), &length), 0);
		assert_int_equal(length, LENGTH - 5000 + before);
		assert_memory_equal(got + before, data, LENGTH - 5000);
		close(fds[0]);
	}
	free(data);
	free(got);
}

static void a_pipe_too_small_gets_nothing(void **state)
{
	static char data[8 << 20], got[16];
	size_t length = 99;
	uid_t user = geteuid();
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	/* root may have pipes of any size */
	assert_true(user != 0 || seteuid(65534) == 0);
	assert_int_equal(stream_write(fds[1], data, sizeof(data), deadline_in_ms(5000)), -ENOSPC);
	assert_int_equal(seteuid(user), 0);
	close(fds[1]);
	assert_int_equal(stream_read(fds[0], got, sizeof(got), deadline_in_ms(5000), &length), 0);
	assert_int_equal(length, 0);
	close(fds[0]);
}

static void nobody_listens(void **state)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(stream_write(fds[1], "<domain/>", 9, deadline_in_ms(5000)), -EPIPE);
	close(fds[1]);
	assert_int_equal(stream_write(fds[1], "<domain/>", 9, deadline_in_ms(5000)), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_read_up_to_the_last_byte_of_room),
		cmocka_unit_test(what_does_not_end_is_given_up),
		cmocka_unit_test(a_pipe_takes_it_whole),
		cmocka_unit_test(a_pipe_too_small_gets_nothing),
		cmocka_unit_test(nobody_listens),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
