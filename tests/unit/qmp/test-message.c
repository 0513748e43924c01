/* One object: what it says, and what a command looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "harness.h"
#include "qmp/message.h"

static int read_text(const char *text, struct hn_message *ret, json_object **ret_object, struct hn_error *err)
{
	*ret_object = json_tokener_parse(text);
	assert_non_null(*ret_object);
	return hn_message_read(*ret_object, ret, err);
}

static void reads_a_greeting(void **state)
{
	HN_AUTO(json) json_object *object = NULL;
	struct hn_message message;

	assert_int_equal(read_text(GREETING, &message, &object, NULL), 0);
	assert_int_equal(message.kind, HN_MESSAGE_GREETING);
	assert_int_equal(message.version, 70222);
}

static void a_greeting_may_have_no_version(void **state)
{
	static const char *const greetings[] = {
		"{\"QMP\": {}}",
		"{\"QMP\": {\"version\": 7}}",
		"{\"QMP\": {\"version\": {\"qemu\": {\"major\": -1, \"minor\": 0, \"micro\": 0}}}}",
		"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 9, \"minor\": 2000000000, \"micro\": 0}}}}",
	};

	for (size_t i = 0; i < HN_COUNT(greetings); i++) {
		HN_AUTO(json) json_object *object = NULL;
		struct hn_message message;

		assert_int_equal(read_text(greetings[i], &message, &object, NULL), 0);
		assert_int_equal(message.version, 0);
	}
}

static void reads_replies(void **state)
{
	HN_AUTO(json) json_object *object = NULL;
	HN_AUTO(json) json_object *error = NULL;
	struct hn_message message;

	assert_int_equal(read_text("{\"return\": {}, \"id\": 12}", &message, &object, NULL), 0);
	assert_int_equal(message.kind, HN_MESSAGE_RETURN);
	assert_true(message.has_id && message.id == 12 && message.body);
	assert_int_equal(
		read_text("{\"error\": {\"class\": \"C\", \"desc\": \"d\"}}", &message, &error, NULL), 0);
	assert_int_equal(message.kind, HN_MESSAGE_ERROR);
	assert_false(message.has_id);
	assert_string_equal(message.name, "C");
	assert_string_equal(message.text, "d");
}

static void reads_events(void **state)
{
	HN_AUTO(json) json_object *object = NULL;
	HN_AUTO(json) json_object *bare = NULL;
	struct hn_message message;

	assert_int_equal(
		read_text("{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}",
			  &message, &bare, NULL),
		0);
	assert_int_equal(message.kind, HN_MESSAGE_EVENT);
	assert_string_equal(message.name, "STOP");
	assert_null(message.body);
	assert_int_equal(
		read_text("{\"event\": \"RESET\", \"data\": {\"guest\": true}}", &message, &object, NULL), 0);
	assert_non_null(message.body);
}

static void refuses_what_is_none_of_them(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"hello\": 1}",
		"{\"return\": 1, \"error\": {\"class\": \"C\", \"desc\": \"d\"}}",
		"{\"return\": 1, \"event\": \"STOP\"}",
		"{\"return\": null}",
		"{\"return\": 1, \"id\": \"text\"}",
		"{\"return\": 1, \"id\": -1}",
		"{\"error\": 1}",
		"{\"error\": {}}",
		"{\"error\": {\"class\": \"C\"}}",
		"{\"error\": {\"class\": 1, \"desc\": \"d\"}}",
		"{\"event\": 1}",
		"{\"event\": \"E\", \"data\": []}",
		"{\"event\": \"a\\u0000b\"}",
		"{\"QMP\": 1}",
	};

	for (size_t i = 0; i < HN_COUNT(wrong); i++) {
		HN_AUTO(json) json_object *object = NULL;
		struct hn_message message;
		struct hn_error err = {0};

		if (read_text(wrong[i], &message, &object, &err) != -EPROTO)
			fail_msg("accepted: %s", wrong[i]);
		assert_true(err.message[0] != '\0');
	}
}

static void writes_commands(void **state)
{
	HN_AUTO(memory) char *bare = NULL;
	HN_AUTO(memory) char *full = NULL;
	json_object *arguments = json_object_new_object();

	assert_int_equal(hn_message_command("stop", NULL, 0, &bare, NULL), 0);
	assert_string_equal(bare, "{\"execute\":\"stop\"}\n");
	hn_json_add_string(arguments, "path", "/a/b");
	assert_int_equal(hn_message_command("qom-get", arguments, 3, &full, NULL), 0);
	assert_string_equal(full, "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/a/b\"},\"id\":3}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_greeting),
		cmocka_unit_test(a_greeting_may_have_no_version),
		cmocka_unit_test(reads_replies),
		cmocka_unit_test(reads_events),
		cmocka_unit_test(refuses_what_is_none_of_them),
		cmocka_unit_test(writes_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
