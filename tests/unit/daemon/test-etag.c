/* Entity tags: what makes one answer another, and what a client has already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/etag.h"

static bool same(const char *a, const char *b)
{
	char first[HN_ETAG_MAX], second[HN_ETAG_MAX];

	hn_etag(a, strlen(a), first);
	hn_etag(b, strlen(b), second);
	return strcmp(first, second) == 0;
}

static void test_time_that_passes_is_no_change(void **state)
{
	assert_true(same("{\"a\":1,\"age_ns\":5,\"b\":2}", "{\"a\":1,\"age_ns\":123456,\"b\":2}"));
	assert_true(same("[{\"age_ns\":1},{\"expires_in_ns\":2}]", "[{\"age_ns\":3},{\"expires_in_ns\":4}]"));
	assert_true(same("{\"age_ns\":5", "{\"age_ns\":6"));
}

static void test_everything_else_is(void **state)
{
	assert_false(same("{\"a\":1}", "{\"a\":2}"));
	assert_false(same("{\"age_ns\":5,\"b\":2}", "{\"age_ns\":5,\"b\":3}"));
	assert_false(same("{\"cost_ns\":5}", "{\"cost_ns\":6}"));
	assert_false(same("{\"expires_in_ns\":null}", "{\"expires_in_ns\":7}"));
	assert_false(same("", "{}"));
}

static void test_what_a_client_has(void **state)
{
	char tag[HN_ETAG_MAX], list[80];

	hn_etag("{}", 2, tag);
	assert_true(hn_etag_matches(tag, tag));
	assert_true(hn_etag_matches("*", tag));
	strcat(strcpy(list, "\"abc\", "), tag);
	assert_true(hn_etag_matches(list, tag));
	assert_true(hn_etag_matches(tag + 2, tag)); /* compared weakly: RFC 9110, 13.1.2 */
	assert_false(hn_etag_matches("\"abc\"", tag));
	assert_false(hn_etag_matches("", tag));
	assert_false(hn_etag_matches(NULL, tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_that_passes_is_no_change),
		cmocka_unit_test(test_everything_else_is),
		cmocka_unit_test(test_what_a_client_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
