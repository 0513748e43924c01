/* The address at which a host is asked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fleet/host-api.h"

static int url_of(const char *api, char *url, size_t size)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = hn_fleet_record_new("h", 1);
	struct hn_error err = {0};
	int r;

	assert_non_null(record);
	snprintf(record->api, sizeof(record->api), "%s", api);
	r = hn_fleet_host_url(record, "/v1/host", url, size, &err);
	assert_int_equal(r < 0, err.message[0] != '\0');
	return r;
}

static void hosts_are_asked_where_they_say(void **state)
{
	char url[200];

	assert_int_equal(url_of("https://h:9443", url, sizeof(url)), 0);
	assert_string_equal(url, "https://h:9443/v1/host");
	assert_int_equal(url_of("http://127.0.0.1:9178", url, sizeof(url)), 0);
	assert_string_equal(url, "http://127.0.0.1:9178/v1/host");
	assert_int_equal(url_of("http://[::1]:9178/x", url, sizeof(url)), 0);
	assert_string_equal(url, "http://[::1]:9178/x/v1/host");
}

static void nobody_else_is_asked_in_the_clear(void **state)
{
	static const char *const apis[] = {"",
					   "h:9443",
					   "http://h:9443",
					   "ftp://h",
					   "http://127.0.0.1",
					   "http://127.0.0.1:",
					   "http://127.0.0.1:80@example.org",
					   "http://127.0.0.1:@example.org",
					   "http://127.0.0.1:80:x@example.org/",
					   "http://[::1]:80@example.org",
					   "http://127.0.0.1.example.org:80"};
	char url[200];

	for (size_t i = 0; i < HN_COUNT(apis); i++)
		assert_int_equal(url_of(apis[i], url, sizeof(url)), -EINVAL);
}

static void a_cut_address_is_none(void **state)
{
	char url[22];

	assert_int_equal(url_of("https://h:9443", url, sizeof(url)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_asked_where_they_say),
		cmocka_unit_test(nobody_else_is_asked_in_the_clear),
		cmocka_unit_test(a_cut_address_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
