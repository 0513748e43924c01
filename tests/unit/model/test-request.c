/* Guests that are asked for by their sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "model/request.h"

static void sizes_are_divided_and_nothing_is_lost(void **state)
{
	struct hn_request request = {.vcpus = 7, .memory_bytes = 1001 * HN_MIB, .cells = 3};
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_set all = {0}, expected;
	struct hn_error err = {0};
	uint64_t least = UINT64_MAX, most = 0;

	assert_int_equal(hn_request_guest(&request, "g", &guest, &err), 0);
	assert_int_equal(guest->cell_count, 3);
	assert_int_equal(hn_set_count(&guest->cells[0].vcpus), 3);
	assert_int_equal(hn_set_count(&guest->cells[1].vcpus), 2);
	assert_int_equal(hn_set_count(&guest->cells[2].vcpus), 2);
	for (size_t i = 0; i < 3; i++) {
		uint64_t bytes = guest->cells[i].memory_bytes;

		hn_set_or(&all, &guest->cells[i].vcpus);
		least = bytes < least ? bytes : least;
		most = bytes > most ? bytes : most;
		assert_int_equal(bytes % 4096, 0);
	}
	assert_int_equal(hn_set_parse("0-6", &expected, &err), 0);
	assert_true(hn_set_equal(&all, &expected));
	assert_int_equal(hn_guest_memory_bytes(guest), 1001 * HN_MIB);
	assert_true(most - least <= 4096);
}

static void huge_pages_are_not_divided(void **state)
{
	struct hn_request request = {
		.vcpus = 2, .memory_bytes = 3 * HN_GIB, .cells = 2, .page_bytes = HN_GIB};
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_request_guest(&request, "g", &guest, &err), 0);
	assert_int_equal(guest->cells[0].memory_bytes, 2 * HN_GIB);
	assert_int_equal(guest->cells[1].memory_bytes, HN_GIB);
	assert_int_equal(guest->cells[1].page_bytes, HN_GIB);
}

static void what_no_guest_can_be_is_refused_by_name_and_value(void **state)
{
	static const struct {
		struct hn_request request;
		const char *field, *value;
	} wrong[] = {
		{{.vcpus = 0, .memory_bytes = HN_GIB, .cells = 1}, "vcpus", "0"},
		{{.vcpus = 1025, .memory_bytes = HN_GIB, .cells = 1}, "vcpus", "1025"},
		{{.vcpus = 4, .memory_bytes = HN_GIB, .cells = 0}, "cells", "0"},
		{{.vcpus = 4, .memory_bytes = HN_GIB, .cells = 5}, "cells", "5"},
		{{.vcpus = 128, .memory_bytes = HN_GIB, .cells = 65}, "cells", "65 is not within 1 and 64"},
		{{.vcpus = 4, .memory_bytes = 0, .cells = 1}, "memory", "0"},
		{{.vcpus = 4, .memory_bytes = 3 * HN_MIB, .cells = 4}, "memory", "3145728"},
		{{.vcpus = 4, .memory_bytes = UINT64_MAX, .cells = 4}, "memory", "18446744073709551615"},
		{{.vcpus = 4, .memory_bytes = HN_GIB, .cells = 1, .page_bytes = 3 * HN_MIB},
		 "hugepages",
		 "3145728"},
		{{.vcpus = 4, .memory_bytes = HN_GIB, .cells = 1, .page_bytes = 512}, "hugepages", "512"},
		{{.vcpus = 4, .memory_bytes = HN_GIB + 1, .cells = 1, .page_bytes = 2 * HN_MIB},
		 "memory",
		 "1073741825"},
		{{.vcpus = 4, .memory_bytes = HN_GIB, .cells = 2, .page_bytes = HN_GIB}, "memory", "2 cells"},
		{{.vcpus = 1, .memory_bytes = HN_GIB, .cells = 1, .class = HN_CLASS_COUNT}, "class", "3"},
	};

	for (size_t i = 0; i < HN_COUNT(wrong); i++) {
		struct hn_guest *guest = NULL;
		struct hn_error err = {0};

		assert_int_equal(hn_request_guest(&wrong[i].request, "g", &guest, &err), -EINVAL);
		assert_null(guest);
		if (strncmp(err.message, wrong[i].field, strlen(wrong[i].field)) != 0 ||
		    !strstr(err.message, wrong[i].value))
			fail_msg("%zu: \"%s\" does not name %s and %s", i, err.message, wrong[i].field,
				 wrong[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_divided_and_nothing_is_lost),
		cmocka_unit_test(huge_pages_are_not_divided),
		cmocka_unit_test(what_no_guest_can_be_is_refused_by_name_and_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
