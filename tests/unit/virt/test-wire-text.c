/* What goes over a wire, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "virt/wire-text.h"

static json_object *parse(const char *text)
{
	json_object *object = json_tokener_parse(text);

	assert_non_null(object);
	return object;
}

static void check_command(const char *sent, const char *passed_on)
{
	HN_AUTO(json) json_object *object = parse(sent);
	struct hn_wire_command command;
	struct hn_error err;
	char *text;

	assert_int_equal(hn_wire_command_read(object, &command, &err), 0);
	assert_int_equal(hn_wire_command_write(&command, &text, &err), 0);
	assert_string_equal(text, passed_on);
	free(text);
}

static void commands_lose_their_id(void **state)
{
	check_command("{\"execute\": \"query-name\", \"id\": 7}", "{\"execute\":\"query-name\"}");
	check_command("{\"id\": {\"a\": [1]}, \"execute\": \"x\", \"arguments\": {\"path\": \"/a\", \"n\": "
		      "18446744073709551615}}",
		      "{\"execute\":\"x\",\"arguments\":{\"path\":\"/a\",\"n\":18446744073709551615}}");
	check_command("{\"exec-oob\": \"x\"}", "{\"exec-oob\":\"x\"}");
}

static void refuses_what_is_no_command(void **state)
{
	static const char *const wrong[] = {
		"[]", "{}", "{\"execute\": 1}", "{\"execute\": \"x\", \"arguments\": []}", "\"x\"",
	};

	for (size_t i = 0; i < HN_COUNT(wrong); i++) {
		HN_AUTO(json) json_object *object = parse(wrong[i]);
		struct hn_wire_command command;
		struct hn_error err = {0};

		assert_int_equal(hn_wire_command_read(object, &command, &err), -EPROTO);
		assert_true(err.message[0]);
	}
}

static void check_reply(const char *got, const char *id, const char *expected)
{
	HN_AUTO(json) json_object *number = id ? parse(id) : NULL;
	struct hn_error err;
	char *text;

	assert_int_equal(hn_wire_reply_write(got, number, &text, &err), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void replies_get_the_clients_id(void **state)
{
	check_reply("{\"return\": {\"a\": 1}, \"id\": \"libvirt-7\"}", "3",
		    "{\"return\":{\"a\":1},\"id\":3}\n");
	check_reply("{\"return\": [], \"id\": \"libvirt-7\"}\r\n", NULL, "{\"return\":[]}\n");
	check_reply("{\"id\": \"libvirt-7\", \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}}",
		    "\"x\"", "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"no\"},\"id\":\"x\"}\n");
}

static void replies_are_ascii(void **state)
{
	/* UTF-8 of e acute, the euro sign, a clef beyond the first plane; then half a character */
	check_reply("{\"return\": \"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"}", NULL,
		    "{\"return\":\"\\u00e9\\u20ac\\ud834\\udd1e\"}\n");
	check_reply("{\"return\": \"a/\\\"b\\u0007\"}", NULL, "{\"return\":\"a/\\\"b\\u0007\"}\n");
}

static void error_sentences_may_have_any_bytes(void **state)
{
	struct hn_error err;
	char *text;

	assert_int_equal(hn_wire_error_write("libvirt: \xff\"\n", NULL, &text, &err), 0);
	assert_string_equal(
		text, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"libvirt: \\ufffd\\\"\\n\"}}\n");
	free(text);
}

static void refuses_what_is_no_reply(void **state)
{
	static const char *const wrong[] = {
		"", "{", "[]", "{}", "{\"event\": \"RESUME\"}", "{\"return\": null}"};

	for (size_t i = 0; i < HN_COUNT(wrong); i++) {
		struct hn_error err = {0};
		char *text = NULL;

		assert_int_equal(hn_wire_reply_write(wrong[i], NULL, &text, &err), -EPROTO);
		assert_null(text);
	}
}

static void greets_with_the_version(void **state)
{
	struct hn_error err;
	char *text;

	assert_int_equal(
		hn_wire_greeting_write("{\"return\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7},"
				       "\"package\":\"Debian\"},\"id\":\"libvirt-9\"}",
				       &text, &err),
		0);
	assert_string_equal(text, "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7},"
				  "\"package\":\"Debian\"},\"capabilities\":[]}}\n");
	free(text);
	assert_int_equal(hn_wire_greeting_write("{\"return\":{}}", &text, &err), -EPROTO);
	assert_int_equal(hn_wire_greeting_write("{\"error\":{}}", &text, &err), -EPROTO);
	assert_int_equal(hn_wire_greeting_write("{\"return\":1}", &text, &err), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_lose_their_id),
		cmocka_unit_test(refuses_what_is_no_command),
		cmocka_unit_test(replies_get_the_clients_id),
		cmocka_unit_test(replies_are_ascii),
		cmocka_unit_test(error_sentences_may_have_any_bytes),
		cmocka_unit_test(refuses_what_is_no_reply),
		cmocka_unit_test(greets_with_the_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
