/* Keys and values as etcd's gateway has them: expected texts are those of RFC 4648, section 10. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/etcd.h"

static int get(const char *text, char **ret, size_t *ret_length)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	struct hn_error err = {0};
	int r;

	assert_int_equal(hn_json_add_string(json, "key", text), 0);
	r = hn_etcd_get_bytes(json, "key", ret, ret_length, &err);
	if (r < 0)
		assert_non_null(strstr(err.message, "'key' is no base64"));
	return r;
}

static void bytes_go_there_and_back(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};

	for (size_t i = 0; i < HN_COUNT(pairs); i++) {
		HN_AUTO(json) json_object *json = json_object_new_object();
		HN_AUTO(memory) char *bytes = NULL;
		const char *text;
		size_t length;

		assert_int_equal(hn_etcd_add_bytes(json, "key", pairs[i][0], strlen(pairs[i][0])), 0);
		assert_int_equal(hn_json_get_string(json, "key", &text, NULL), 0);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(get(pairs[i][1], &bytes, &length), 0);
		assert_int_equal(length, strlen(pairs[i][0]));
		assert_string_equal(bytes, pairs[i][0]);
	}
}

/* Bytes that nobody has written must not be taken for some that etcd told. */
static void what_is_no_base64_is_refused(void **state)
{
	static const char *const texts[] = {"Z",        "Zg",           "Zg=",     "Zg=a",         "Z===",
					    "====",     "Zg==Zg==",     "    ",    "\t\t\t\tZm9v", "Zm9v    ",
					    " Zm9vYmF", "Zm9v\n\n\n\n", "Zm\x01v", "Zm9-"};

	for (size_t i = 0; i < HN_COUNT(texts); i++) {
		char *bytes = NULL;
		size_t length;

		if (get(texts[i], &bytes, &length) != -EPROTO)
			fail_msg("'%s' is taken", texts[i]);
		assert_null(bytes);
	}
}

/* Cluster ids are hashes of 64 bits without a sign: those of two clusters above 2^63 are two. */
static void clusters_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		uint64_t id;
	} cases[] = {
		{"{\"header\": {\"cluster_id\": \"14841639068965178418\"}}", 14841639068965178418u},
		{"{\"header\": {\"cluster_id\": \"17237436991929493444\"}}", 17237436991929493444u},
		{"{\"header\": {\"cluster_id\": \"18446744073709551615\"}}", UINT64_MAX},
		{"{\"header\": {\"cluster_id\": \"1\"}}", 1},
		{"{\"header\": {}}", 0},
		{"{}", 0},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(json) json_object *json = NULL;

		assert_int_equal(
			hn_json_parse(cases[i].text, strlen(cases[i].text), "an answer", &json, NULL), 0);
		assert_true(hn_etcd_cluster(json) == cases[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_there_and_back),
		cmocka_unit_test(what_is_no_base64_is_refused),
		cmocka_unit_test(clusters_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
