#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/units.h"
#include "fleet/retries.h"

#define HOUR_NS (3600 * HN_NS_PER_S)

static int set_up(void **state)
{
	return (*state = hn_retries_new()) ? 0 : -1;
}

static int tear_down(void **state)
{
	hn_retries_free(*state);
	return 0;
}

static void test_the_last_host_that_was_put(void **state)
{
	struct hn_retries *retries = *state;

	assert_null(hn_retries_find(retries, "k", 5));
	hn_retries_put(retries, "k", "a", 5);
	hn_retries_put(retries, "l", "b", 6);
	assert_string_equal(hn_retries_find(retries, "k", 7), "a");
	hn_retries_put(retries, "k", "c", 8);
	assert_string_equal(hn_retries_find(retries, "k", 9), "c");
	assert_string_equal(hn_retries_find(retries, "l", 9), "b");
}

static void test_dropped_by_its_host_alone(void **state)
{
	struct hn_retries *retries = *state;

	hn_retries_put(retries, "k", "a", 5);
	hn_retries_drop(retries, "k", "b");
	hn_retries_drop(retries, "l", "a");
	assert_string_equal(hn_retries_find(retries, "k", 6), "a");
	hn_retries_drop(retries, "k", "a");
	assert_null(hn_retries_find(retries, "k", 7));
}

static void test_forgotten_after_an_hour(void **state)
{
	struct hn_retries *retries = *state;

	hn_retries_put(retries, "k", "a", 5);
	assert_non_null(hn_retries_find(retries, "k", HOUR_NS + 4));
	assert_null(hn_retries_find(retries, "k", HOUR_NS + 5));
}

static void test_the_oldest_gives_way(void **state)
{
	struct hn_retries *retries = *state;
	char key[32];

	for (unsigned i = 0; i < 4096; i++) {
		snprintf(key, sizeof(key), "k-%u", i);
		hn_retries_put(retries, key, "a", 10 + i);
	}
	hn_retries_put(retries, "k-0", "a", 5000);
	hn_retries_put(retries, "one more", "a", 5001);
	assert_non_null(hn_retries_find(retries, "k-0", 5002));
	assert_null(hn_retries_find(retries, "k-1", 5002));
	assert_non_null(hn_retries_find(retries, "k-2", 5002));
	assert_non_null(hn_retries_find(retries, "one more", 5002));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_last_host_that_was_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dropped_by_its_host_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forgotten_after_an_hour, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_gives_way, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
