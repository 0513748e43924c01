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
#include "model/request.h"

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

static void assert_too_many_cells(const char *text, unsigned cells, const char *what)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};
	int r = read_text(text, &guest, &err);

	if (r == 0)
		assert_int_equal(guest->cell_count, cells);
	else if (!strstr(err.message, what))
		fail_msg("%s", err.message);
	assert_int_equal(r, cells > HN_REQUEST_CELLS_MAX ? -EINVAL : 0);
}

/* By sizes or as a domain: an answer about more would keep everybody else waiting. */
static void more_cells_than_can_be_asked_about_are_refused(void **state)
{
	for (unsigned cells = HN_REQUEST_CELLS_MAX; cells <= HN_REQUEST_CELLS_MAX + 1; cells++) {
		char text[16384];
		size_t used;

		snprintf(text, sizeof(text),
			 "{\"name\":\"n\",\"vcpus\":200,\"memory_bytes\":1099511627776,\"cells\":%u}", cells);
		assert_too_many_cells(text, cells, "cells: 65 is not within 1 and 64");
		used = (size_t)snprintf(text, sizeof(text),
					"{\"domain\":\"<domain type='kvm'><name>n</name><vcpu>%u</vcpu>"
					"<memory unit='MiB'>%u</memory><cpu><numa>",
					cells, cells);
		for (unsigned i = 0; i < cells; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "<cell id='%u' cpus='%u' memory='1' unit='MiB'/>", i, i);
		snprintf(text + used, sizeof(text) - used, "</numa></cpu></domain>\"}");
		assert_too_many_cells(text, cells, "it has 65 cells: 64 at most");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_make_a_guest),
		cmocka_unit_test(unknown_members_are_refused),
		cmocka_unit_test(more_cells_than_can_be_asked_about_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
