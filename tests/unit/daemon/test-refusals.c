/* Refusals: counted all, said once a minute, and bounded whoever comes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/refusals.h"

static char path[] = "/tmp/homenode-test-XXXXXX";
static int stderr_before;

static int set_up(void **state)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	stderr_before = dup(STDERR_FILENO);
	hn_log_set_level(HN_LOG_WARNING);
	return fd < 0 || dup2(fd, STDERR_FILENO) < 0 || close(fd) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
	return unlink(path);
}

/* Lines that have been logged with that in them. */
static unsigned lines(const char *word)
{
	FILE *file = fopen(path, "r");
	char line[1024];
	unsigned count = 0;

	while (fgets(line, sizeof(line), file))
		count += strstr(line, word) != NULL;
	fclose(file);
	return count;
}

static void test_the_same_once_a_minute(void **state)
{
	struct hn_refusals refusals = {0};
	uint64_t now = 1000 * HN_NS_PER_S;

	for (int i = 0; i < 50; i++)
		hn_refusals_tell(&refusals, now + (uint64_t)i * HN_NS_PER_S, "mallory", "no certificate");
	assert_int_equal(lines("mallory is refused: no certificate"), 1);
	hn_refusals_tell(&refusals, now + 61 * HN_NS_PER_S, "mallory", "no certificate");
	assert_int_equal(lines("mallory is refused: no certificate"), 2);
	assert_int_equal(lines("and 49 times more"), 1);
	assert_int_equal(refusals.total, 51);
}

static void test_others_are_said_too(void **state)
{
	struct hn_refusals refusals = {0};

	hn_refusals_tell(&refusals, 1, "mallory", "no certificate");
	hn_refusals_tell(&refusals, 1, "mallory", "another authority");
	hn_refusals_tell(&refusals, 1, "eve", "no certificate");
	assert_int_equal(lines("is refused"), 3);
}

static void test_a_crowd_is_bounded(void **state)
{
	struct hn_refusals refusals = {0};
	char who[20];

	for (int i = 0; i < 10000; i++) {
		snprintf(who, sizeof(who), "peer %d", i);
		hn_refusals_tell(&refusals, 1, who, "why");
	}
	assert_int_equal(lines("is refused"), HN_REFUSALS_KEPT);
	assert_int_equal(refusals.total, 10000);
	hn_refusals_tell(&refusals, 61 * HN_NS_PER_S, "peer 10000", "why");
	assert_int_equal(lines("peer 10000 is refused"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_same_once_a_minute, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_are_said_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_crowd_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
