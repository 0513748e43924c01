/* The order of findings, their JSON, and docs/checks.md against the table in the code. */
#include "model/checkup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/codec.h"

static void findings_are_in_the_order_of_the_checks(void **state)
{
	struct hn_checkup checkup = {0};

	hn_checkup_put(&checkup, HN_CHECK_SWAP, HN_FINDING_OK, "none");
	hn_checkup_put(&checkup, HN_CHECK_NODES, HN_FINDING_NOTE, "%d", 1);
	hn_checkup_put(&checkup, HN_CHECK_KSM, HN_FINDING_FAIL, "x");
	assert_int_equal(checkup.count, 3);
	assert_int_equal(checkup.findings[0].check, HN_CHECK_NODES);
	assert_int_equal(checkup.findings[1].check, HN_CHECK_KSM);
	assert_int_equal(checkup.findings[2].check, HN_CHECK_SWAP);
	assert_string_equal(checkup.findings[0].found, "1");
	assert_null(hn_checkup_find(&checkup, HN_CHECK_THP));
}

static void a_second_finding_replaces_the_first_and_its_remedy(void **state)
{
	struct hn_checkup checkup = {0};

	hn_finding_mend(hn_checkup_put(&checkup, HN_CHECK_SWAP, HN_FINDING_WARNING, "much"), "swapoff");
	assert_string_equal(hn_checkup_find(&checkup, HN_CHECK_SWAP)->remedy, "swapoff");
	hn_checkup_put(&checkup, HN_CHECK_SWAP, HN_FINDING_OK, "none");
	assert_int_equal(checkup.count, 1);
	assert_int_equal(checkup.findings[0].verdict, HN_FINDING_OK);
	assert_string_equal(checkup.findings[0].remedy, "");
}

static void all_checks_fit_and_have_words(void **state)
{
	struct hn_checkup checkup = {0};

	for (int i = HN_CHECK_COUNT - 1; i >= 0; i--) {
		enum hn_check back = HN_CHECK_COUNT;

		hn_checkup_put(&checkup, (enum hn_check)i, HN_FINDING_OK, "%d", i);
		assert_int_equal(hn_check_parse(hn_check_name((enum hn_check)i), &back, NULL), 0);
		assert_int_equal(back, i);
		assert_true(strlen(hn_check_subject((enum hn_check)i)) > 3);
		assert_int_equal(hn_check_why((enum hn_check)i)[strlen(hn_check_why((enum hn_check)i)) - 1],
				 '.');
	}
	assert_int_equal(checkup.count, HN_CHECK_COUNT);
	for (int i = 0; i < HN_CHECK_COUNT; i++)
		assert_int_equal(checkup.findings[i].check, i);
}

static void json_there_and_back(void **state)
{
	struct hn_checkup checkup = {0}, back;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err;
	json_object *items;
	const char *why;

	hn_finding_mend(hn_checkup_put(&checkup, HN_CHECK_KSM, HN_FINDING_UNKNOWN, "a \"b\""), "c > d");
	hn_checkup_put(&checkup, HN_CHECK_NODES, HN_FINDING_OK, "2");
	json = hn_checkup_encode(&checkup);
	assert_non_null(json);
	assert_int_equal(hn_checkup_decode(json, &back, &err), 0);
	assert_memory_equal(&back, &checkup, sizeof(back));
	assert_int_equal(hn_json_get_array(json, "checks", &items, &err), 0);
	assert_int_equal(hn_json_get_string(json_object_array_get_idx(items, 1), "why", &why, &err), 0);
	assert_string_equal(why, hn_check_why(HN_CHECK_KSM));
}

static void bad_json_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"{}", "'checks' is missing"},
		{"{\"checks\":[{\"verdict\":\"ok\",\"found\":\"\",\"remedy\":\"\"}]}", "'name' is missing"},
		{"{\"checks\":[{\"name\":\"x\",\"verdict\":\"ok\",\"found\":\"\",\"remedy\":\"\"}]}",
		 "unknown check 'x'"},
		{"{\"checks\":[{\"name\":\"swap\",\"verdict\":\"bad\",\"found\":\"\",\"remedy\":\"\"}]}",
		 "unknown verdict 'bad'"},
		{"{\"checks\":[{\"name\":\"swap\",\"verdict\":\"ok\",\"found\":1,\"remedy\":\"\"}]}",
		 "checks[0]: member 'found' is not of type string"},
		{"{\"checks\":[{\"name\":\"swap\",\"verdict\":\"ok\",\"found\":\"\",\"remedy\":\"\"},"
		 "{\"name\":\"swap\",\"verdict\":\"ok\",\"found\":\"\",\"remedy\":\"\"}]}",
		 "checks[1]: check 'swap' is there twice"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(json) json_object *json = NULL;
		struct hn_checkup checkup = {.count = 77};
		struct hn_error err;

		assert_int_equal(hn_json_parse(cases[i].text, strlen(cases[i].text), "x", &json, &err), 0);
		assert_int_equal(hn_checkup_decode(json, &checkup, &err), -EPROTO);
		if (!strstr(err.message, cases[i].said))
			fail_msg("'%s' does not say \"%s\"", err.message, cases[i].said);
		assert_int_equal(checkup.count, 77);
	}
}

/* Its table is what `homenode check --list` prints. */
static void the_page_has_the_table_of_the_code(void **state)
{
	const char *source = getenv("HOMENODE_SOURCE");
	char path[4096], page[65536], row[1024];
	unsigned rows = 0;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "%s/docs/checks.md", source ? source : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(page, 1, sizeof(page) - 1, file);
	page[length] = '\0';
	fclose(file);
	for (unsigned i = 0; i < HN_CHECK_COUNT; i++) {
		snprintf(row, sizeof(row), "\n| `%s` | %s | %s |\n", hn_check_name((enum hn_check)i),
			 hn_check_subject((enum hn_check)i), hn_check_why((enum hn_check)i));
		if (!strstr(page, row))
			fail_msg("docs/checks.md lacks the row%s", row);
	}
	for (const char *at = page; (at = strstr(at, "\n| `")); at++)
		rows++;
	assert_int_equal(rows, HN_CHECK_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_in_the_order_of_the_checks),
		cmocka_unit_test(a_second_finding_replaces_the_first_and_its_remedy),
		cmocka_unit_test(all_checks_fit_and_have_words),
		cmocka_unit_test(json_there_and_back),
		cmocka_unit_test(bad_json_is_refused_with_its_place),
		cmocka_unit_test(the_page_has_the_table_of_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
