/* Strict reading: whole documents, and members that are what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_object *read_json(const char *text)
{
	json_object *json = NULL;
	struct hn_error err = {0};

	if (hn_json_parse(text, strlen(text), "text", &json, &err) != 0)
		fail_msg("'%s' is refused: %s", text, err.message);
	return json;
}

/* A copy in memory of exactly that length, so that a reader past the end is caught by the sanitizer. */
static int parse_exactly(const char *text, size_t length, struct hn_error *err)
{
	json_object *json = NULL;
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, length);
	r = hn_json_parse(copy, length, "the reply", &json, err);
	assert_true(r == 0 || !json);
	assert_int_equal(r, r ? err->code : 0);
	json_object_put(json);
	free(copy);
	return r;
}

static const char *const document =
	"{\"a\": [1, -2.5e3, true, false, null], \"b\": {\"c\": \"\\u00e4\\n\\\"\"}, \"d\": []}";

static void reads_whole_documents(void **state)
{
	static const char *const documents[] = {"{}",     "[]",   " [1] ", "{}\n\r\t ", "\"a\"", "12",
						"-1.5e3", "true", "null",  " 7",        "0"};
	struct hn_error err = {0};

	for (size_t i = 0; i < COUNT(documents); i++)
		if (parse_exactly(documents[i], strlen(documents[i]), &err) != 0)
			fail_msg("'%s' is refused: %s", documents[i], err.message);
	assert_int_equal(parse_exactly(document, strlen(document), &err), 0);
}

static void refuses_a_document_cut_at_any_byte(void **state)
{
	for (size_t length = 0; length < strlen(document); length++) {
		struct hn_error err = {0};

		assert_int_equal(parse_exactly(document, length, &err), -EPROTO);
		assert_non_null(strstr(err.message, "the reply: "));
		assert_non_null(strstr(err.message, "ends in the middle"));
	}
}

static void refuses_what_is_not_json(void **state)
{
	static const char *const texts[] = {"x",       "[1,]",   "{\"a\" 1}", "{a:1}", "[01]", "[0x10]",
					    "[-]",     "[tRue]", "/**/[]",    "[1}",   "]",    ",",
					    "\"\\x\"", "truex",  "1 2",       "nul"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct hn_error err = {0};

		if (parse_exactly(texts[i], strlen(texts[i]), &err) != -EPROTO)
			fail_msg("'%s' is accepted", texts[i]);
		assert_non_null(strstr(err.message, "the reply: "));
	}
}

static void refuses_anything_behind_the_document(void **state)
{
	static const char *const tails[] = {"x", "{}", " 1", "\n\n]", "}", "\xff"};

	for (size_t i = 0; i < COUNT(tails); i++) {
		struct hn_error err = {0};
		char text[64];

		snprintf(text, sizeof(text), "{\"a\": 1}%s", tails[i]);
		assert_int_equal(parse_exactly(text, strlen(text), &err), -EPROTO);
	}
}

static void refuses_a_nul_anywhere(void **state)
{
	struct hn_error err = {0};
	char text[128];
	size_t length = strlen(document);

	for (size_t at = 0; at <= length; at++) {
		memcpy(text, document, at);
		text[at] = '\0';
		memcpy(text + at + 1, document + at, length - at);
		assert_int_equal(parse_exactly(text, length + 1, &err), -EPROTO);
	}
}

static int parse_nested(size_t depth, char open, char close)
{
	struct hn_error err = {0};
	char *text = malloc(2 * depth + 1);
	int r;

	assert_non_null(text);
	memset(text, open, depth);
	memset(text + depth, close, depth);
	r = parse_exactly(text, 2 * depth, &err);
	free(text);
	return r;
}

static void bounds_the_depth(void **state)
{
	struct hn_error err = {0};
	char *bomb = malloc(1 << 20);

	assert_int_equal(parse_nested(31, '[', ']'), 0);
	assert_int_equal(parse_nested(32, '[', ']'), 0);
	assert_int_equal(parse_nested(33, '[', ']'), -EPROTO);
	assert_int_equal(parse_nested(100000, '[', ']'), -EPROTO);
	assert_non_null(bomb);
	memset(bomb, '[', 1 << 20);
	assert_int_equal(parse_exactly(bomb, 1 << 20, &err), -EPROTO);
	for (size_t i = 0; i + 5 <= 1 << 20; i += 5)
		memcpy(bomb + i, "{\"a\":", 5);
	assert_int_equal(parse_exactly(bomb, 1 << 20, &err), -EPROTO);
	free(bomb);
}

static void refuses_more_than_the_parser_can_count(void **state)
{
	struct hn_error err = {0};
	json_object *json = NULL;

	assert_int_equal(hn_json_parse("{}", (size_t)INT_MAX + 1, "the reply", &json, &err), -EMSGSIZE);
	assert_non_null(strstr(err.message, "2147483648"));
	assert_null(json);
}

/* Every getter behind one signature: 0 or what it returned. */
static int get_string(json_object *json, struct hn_error *err)
{
	const char *value;

	return hn_json_get_string(json, "m", &value, err);
}

static int get_u64(json_object *json, struct hn_error *err)
{
	uint64_t value;

	return hn_json_get_u64(json, "m", &value, err);
}

static int get_int(json_object *json, struct hn_error *err)
{
	int value;

	return hn_json_get_int(json, "m", &value, err);
}

static int get_double(json_object *json, struct hn_error *err)
{
	double value;

	return hn_json_get_double(json, "m", &value, err);
}

static int get_bool(json_object *json, struct hn_error *err)
{
	bool value;

	return hn_json_get_bool(json, "m", &value, err);
}

static int get_array(json_object *json, struct hn_error *err)
{
	json_object *value;

	return hn_json_get_array(json, "m", &value, err);
}

static int get_object(json_object *json, struct hn_error *err)
{
	json_object *value;

	return hn_json_get_object(json, "m", &value, err);
}

#define GETTERS 7

static int (*const getters[GETTERS])(json_object *json, struct hn_error *err) = {
	get_string, get_u64, get_int, get_double, get_bool, get_array, get_object,
};

static void a_getter_takes_its_own_type_only(void **state)
{
	/* accepted by: string, u64, int, double, bool, array, object */
	static const struct {
		const char *text;
		bool accepted[GETTERS];
	} cases[] = {
		{"{\"m\": \"a\"}", {true}},
		{"{\"m\": \"\"}", {true}},
		{"{\"m\": \"7\"}", {true}},
		{"{\"m\": 7}", {false, true, true, true}},
		{"{\"m\": 0}", {false, true, true, true}},
		{"{\"m\": -7}", {false, false, true, true}},
		{"{\"m\": 7.0}", {false, false, false, true}},
		{"{\"m\": 2147483647}", {false, true, true, true}},
		{"{\"m\": 2147483648}", {false, true, false, true}},
		{"{\"m\": -2147483648}", {false, false, true, true}},
		{"{\"m\": -2147483649}", {false, false, false, true}},
		{"{\"m\": 18446744073709551615}", {false, true, false, true}},
		{"{\"m\": 1e999}", {false}},
		{"{\"m\": -1e999}", {false}},
		{"{\"m\": NaN}", {false}},
		{"{\"m\": Infinity}", {false}},
		{"{\"m\": true}", {false, false, false, false, true}},
		{"{\"m\": []}", {false, false, false, false, false, true}},
		{"{\"m\": {}}", {false, false, false, false, false, false, true}},
		{"{\"m\": null}", {false}},
		{"{\"m\": \"a\\u0000b\"}", {false}},
		{"{\"n\": 7}", {false}},
		{"{}", {false}},
		{"[]", {false}},
		{"\"m\"", {false}},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		HN_AUTO(json) json_object *json = read_json(cases[i].text);

		for (size_t getter = 0; getter < GETTERS; getter++) {
			struct hn_error err = {0};
			int r = getters[getter](json, &err);

			if (r != (cases[i].accepted[getter] ? 0 : -EPROTO))
				fail_msg("getter %zu of %s gives %d", getter, cases[i].text, r);
			if (r < 0)
				assert_non_null(strstr(err.message, "'m'"));
			assert_int_equal(getters[getter](json, NULL), r);
		}
	}
}

static void nothing_is_not_an_object(void **state)
{
	for (size_t getter = 0; getter < GETTERS; getter++) {
		struct hn_error err = {0};

		assert_int_equal(getters[getter](NULL, &err), -EPROTO);
		assert_non_null(strstr(err.message, "'m'"));
	}
	assert_false(hn_json_has(NULL, "m"));
}

static void has_means_there_and_not_null(void **state)
{
	HN_AUTO(json) json_object *json = read_json("{\"a\": null, \"b\": 0, \"c\": false}");
	HN_AUTO(json) json_object *array = read_json("[]");

	assert_false(hn_json_has(json, "a"));
	assert_true(hn_json_has(json, "b"));
	assert_true(hn_json_has(json, "c"));
	assert_false(hn_json_has(json, "d"));
	assert_false(hn_json_has(array, "a"));
}

static void what_is_added_is_read_back(void **state)
{
	HN_AUTO(json) json_object *json = json_object_new_object(), *read = NULL;
	struct hn_error err = {0};
	const char *text, *string;
	uint64_t most, none;
	int least;
	double third;
	bool yes, no;

	assert_int_equal(hn_json_add_string(json, "string", "\"\n\\\xc3\xa4"), 0);
	assert_int_equal(hn_json_add_u64(json, "most", UINT64_MAX), 0);
	assert_int_equal(hn_json_add_u64(json, "none", 0), 0);
	assert_int_equal(hn_json_add_int(json, "least", INT_MIN), 0);
	assert_int_equal(hn_json_add_double(json, "third", 1.0 / 3), 0);
	assert_int_equal(hn_json_add_bool(json, "yes", true), 0);
	assert_int_equal(hn_json_add_bool(json, "no", false), 0);
	assert_int_equal(hn_json_add_string(json, "null string", NULL), 0);
	assert_int_equal(hn_json_add(json, "null", NULL), 0);
	assert_int_equal(hn_json_add(json, "array", json_object_new_array()), 0);
	text = json_object_to_json_string(json);
	assert_int_equal(hn_json_parse(text, strlen(text), "text", &read, &err), 0);
	assert_int_equal(hn_json_get_string(read, "string", &string, &err), 0);
	assert_string_equal(string, "\"\n\\\xc3\xa4");
	assert_int_equal(hn_json_get_u64(read, "most", &most, &err), 0);
	assert_true(most == UINT64_MAX);
	assert_int_equal(hn_json_get_u64(read, "none", &none, &err), 0);
	assert_true(none == 0);
	assert_int_equal(hn_json_get_int(read, "least", &least, &err), 0);
	assert_int_equal(least, INT_MIN);
	assert_int_equal(hn_json_get_double(read, "third", &third, &err), 0);
	assert_true(third == 1.0 / 3);
	assert_int_equal(hn_json_get_bool(read, "yes", &yes, &err), 0);
	assert_int_equal(hn_json_get_bool(read, "no", &no, &err), 0);
	assert_true(yes && !no);
	assert_false(hn_json_has(read, "null") || hn_json_has(read, "null string"));
	assert_int_equal(json_object_object_length(read), 10);
}

/* With so much of ASCII in front of it and behind it. */
static void assert_utf8(const char *text, const char *written, int ascii)
{
	HN_AUTO(json) json_object *object = json_object_new_object(), *back = NULL;
	char given[100], expected[100], whole[120];
	struct hn_error err;
	const char *value;

	snprintf(given, sizeof(given), "%.*s%s%.*s", ascii, "abcdefghijklmnopqrst", text, ascii,
		 "abcdefghijklmnopqrst");
	snprintf(expected, sizeof(expected), "%.*s%s%.*s", ascii, "abcdefghijklmnopqrst", written, ascii,
		 "abcdefghijklmnopqrst");
	assert_int_equal(hn_json_add_string(object, "a", given), 0);
	assert_int_equal(hn_json_get_string(object, "a", &value, &err), 0);
	assert_string_equal(value, expected);
	snprintf(whole, sizeof(whole), "{\"a\":\"%s\"}", given);
	assert_int_equal(hn_json_parse(whole, strlen(whole), "test", &back, &err),
			 strcmp(text, written) == 0 ? 0 : -EPROTO);
}

/* The texts that are none are Unicode's own examples (3.9, tables 3-8 to 3-10) and RFC 3629's. */
static void what_is_no_utf8_is_neither_read_nor_written(void **state)
{
	static const struct {
		const char *text, *written;
	} texts[] = {
		{"", ""},
		{"plain", "plain"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xe2\x82\xac \xf0\x9f\x90\xa7 \xf4\x8f\xbf\xbf",
		 "\xe2\x82\xac \xf0\x9f\x90\xa7 \xf4\x8f\xbf\xbf"},
		{"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"},
		{"\xff", "?"},
		{"a\x80z", "a?z"},
		{"\xc0\xaf", "??"},
		{"\xe0\x80\xaf", "???"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xf8", "?"},
		{"cut \xe2\x82", "cut ??"},
		{"cut \xf0\x9f\x90", "cut ???"},
		{"\xc3\xc3\xbc\xbc", "?\xc3\xbc?"},
		{"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
		 "A",
		 "????"
		 "??"
		 "??"
		 "A"},
	};

	for (size_t i = 0; i < HN_COUNT(texts); i++)
		for (int before = 0; before < 20; before++) /* which are taken eight at a time */
			assert_utf8(texts[i].text, texts[i].written, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_documents),
		cmocka_unit_test(refuses_a_document_cut_at_any_byte),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_anything_behind_the_document),
		cmocka_unit_test(refuses_a_nul_anywhere),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(refuses_more_than_the_parser_can_count),
		cmocka_unit_test(a_getter_takes_its_own_type_only),
		cmocka_unit_test(nothing_is_not_an_object),
		cmocka_unit_test(has_means_there_and_not_null),
		cmocka_unit_test(what_is_added_is_read_back),
		cmocka_unit_test(what_is_no_utf8_is_neither_read_nor_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
