/* Guests that clients tell of: which members there are, and that any other is refused. */
#include "daemon/newcomer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/units.h"

#define LIMIT_S 60

static int read_text(const char *text, struct hn_guest **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	struct hn_config config;
	struct hn_service service = {.config = &config};
	int r;

	hn_config_init(&config);
	assert_int_equal(hn_json_parse(text, strlen(text), "test", &json, err), 0);
	alarm(LIMIT_S);
	r = hn_newcomer_read(&service, json, "more ttl_seconds", ret, err);
	alarm(0);
	hn_config_done(&config);
	return r;
}

static void sizes_make_a_guest(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err;

	assert_int_equal(read_text("{\"name\":\"n\",\"vcpus\":4,\"memory_bytes\":2147483648,\"cells\":2,"
				   "\"ttl_seconds\":60,\"more\":1}",
				   &guest, &err),
			 0);
	assert_string_equal(guest->name, "n");
	assert_int_equal(guest->cell_count, 2);
	assert_int_equal(hn_guest_vcpu_count(guest), 4);
	assert_int_equal(hn_guest_memory_bytes(guest), 2 * HN_GIB);
}

static void unknown_members_are_refused(void **state)
{
	static const char *const members[] = {"", " ", "nam", "names", "e", "name uuid", "ttl", "seconds"};
	struct hn_guest *guest = NULL;
	struct hn_error err;
	char text[200];

	for (size_t i = 0; i < HN_COUNT(members); i++) {
		snprintf(text, sizeof(text),
			 "{\"name\":\"n\",\"vcpus\":1,\"memory_bytes\":1073741824,\"%s\":0}", members[i]);
		assert_int_equal(read_text(text, &guest, &err), -EINVAL);
		assert_non_null(strstr(err.message, "unknown member"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_make_a_guest),
		cmocka_unit_test(unknown_members_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
