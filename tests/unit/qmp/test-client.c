/* The client against a peer that is told what to do: the good cases, and all that a peer can do wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "client-scene.h"

static void greets_and_asks(void **state)
{
	struct scene scene;
	pid_t pid;
	uid_t uid;

	scene_ready(&scene);
	assert_int_equal(hn_qmp_version(scene.qmp), 70222);
	assert_int_equal(hn_qmp_peer(scene.qmp, &pid, &uid, NULL), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(uid, getuid());
	assert_int_equal(scene_execute(&scene, "query-status", 0), 0);
	scene_await_lines(&scene, 1);
	peer_print(scene.peer, "{\"return\": {\"status\": \"running\"}, \"id\": %ld}\r\n",
		   command_id(scene.lines[0], NULL));
	scene_await_replies(&scene, 1);
	assert_string_equal(scene.results[0], "{ \"status\": \"running\" }");
	assert_int_equal(scene.readies, 1);
	assert_int_equal(scene.downs, 0);
	scene_done(&scene);
}

static void replies_find_their_commands_in_any_order(void **state)
{
	struct scene scene;

	scene_ready(&scene);
	assert_int_equal(scene_execute(&scene, "a", 0), 0);
	assert_int_equal(scene_execute(&scene, "b", 0), 0);
	assert_int_equal(scene_execute(&scene, "c", 0), 0);
	scene_await_lines(&scene, 3);
	for (int i = 2; i >= 0; i--)
		peer_print(scene.peer, "{\"return\": \"%d\", \"id\": %ld}", i,
			   command_id(scene.lines[i], NULL));
	scene_await_replies(&scene, 3);
	assert_string_equal(scene.results[0], "\"2\"");
	assert_string_equal(scene.results[1], "\"1\"");
	assert_string_equal(scene.results[2], "\"0\"");
	scene_done(&scene);
}

static void passes_events_on(void **state)
{
	struct scene scene;

	scene_ready(&scene);
	peer_print(scene.peer,
		   "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 1}, \"event\": \"STOP\"}\r\n");
	while (scene.events < 1)
		run_for(scene.base, 1);
	assert_string_equal(scene.event, "STOP -");
	peer_print(scene.peer, "{\"event\": \"RESET\", \"data\": {\"guest\": true}}\r\n");
	while (scene.events < 2)
		run_for(scene.base, 1);
	assert_string_equal(scene.event, "RESET { \"guest\": true }");
	scene_done(&scene);
}

static void an_error_is_the_peers_own(void **state)
{
	struct scene scene;

	scene_ready(&scene);
	assert_int_equal(scene_execute(&scene, "dance", 0), 0);
	scene_await_lines(&scene, 1);
	peer_print(scene.peer,
		   "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\\nsuch\\u001bthing\"}, "
		   "\"id\": %ld}",
		   command_id(scene.lines[0], NULL));
	scene_await_replies(&scene, 1);
	assert_int_equal(scene.answers[0].code, -EREMOTEIO);
	assert_string_equal(scene.answers[0].message,
			    "guest 'web1': monitor: dance: CommandNotFound: no such?thing");
	assert_int_equal(scene.downs, 0);
	scene_done(&scene);
}

/* Everything a ready peer may say that ends the connection. */
static const struct {
	const char *bytes;
	const char *sentence;
} offences[] = {
	{"{\"return\": {}, \"id\": 4711}", "unknown id 4711"},
	{"{\"return\": {}}", "without an id"},
	{"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}",
	 "to no command: JSON parse error"},
	{"{\"return\": {}, \"id\": \"x\"}", "'id'"},
	{"{\"hello\": 1}", "neither"},
	{GREETING, "second greeting"},
	{"not json", "not json"},
	{"[]", "[]"},
	{"\xff{}", "\\xff"},
};

static void an_offence_ends_the_connection(void **state)
{
	for (size_t i = 0; i < HN_COUNT(offences); i++) {
		struct scene scene;

		scene_ready(&scene);
		assert_int_equal(scene_execute(&scene, "a", 0), 0);
		scene_await_lines(&scene, 1);
		peer_send(scene.peer, offences[i].bytes, strlen(offences[i].bytes));
		assert_true(run_until(scene.base, &scene.down, 20000));
		assert_int_equal(scene.downs, 1);
		assert_int_equal(scene.retry_ns[0], 0);
		assert_int_equal(scene.replies, 1);
		assert_int_equal(scene.answers[0].code, -ECONNRESET);
		assert_int_equal(scene.why.code, -EPROTO);
		if (!strstr(scene.why.message, offences[i].sentence))
			fail_msg("'%s' does not say '%s'", scene.why.message, offences[i].sentence);
		assert_int_equal(scene_execute(&scene, "b", 0), -ENOTCONN);
		run_for(scene.base, 20);
		assert_int_equal(scene.downs, 1);
		scene_done(&scene);
	}
}

static void an_oversized_message_ends_the_connection(void **state)
{
	struct scene scene;
	char bytes[5000];

	scene_init(&scene);
	scene.limits.message_bytes = 4096;
	scene_start(&scene);
	assert_true(run_until(scene.base, &scene.ready, 20000));
	memset(bytes, ' ', sizeof(bytes));
	bytes[0] = '{';
	peer_send(scene.peer, bytes, sizeof(bytes));
	assert_true(run_until(scene.base, &scene.down, 20000));
	assert_int_equal(scene.why.code, -EMSGSIZE);
	scene_done(&scene);
}

static void a_bad_start_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		bool negotiate;
		int code;
		const char *sentence;
	} starts[] = {
		{"", true, -ETIMEDOUT, ": another client may hold this monitor"},
		{GREETING, false, -ETIMEDOUT, "qmp_capabilities was not answered"},
		{"{\"event\": \"STOP\"}", true, -EPROTO, "no greeting"},
		{"{\"return\": {}, \"id\": 1}", true, -EPROTO, "no greeting"},
		{GREETING "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no way\"}, \"id\": 1}",
		 false, -EPROTO, "qmp_capabilities: GenericError: no way"},
		{GREETING "{\"event\": \"STOP\"}{\"return\": {}, \"id\": 99}", false, -EPROTO,
		 "something else"},
		{"SSH-2.0-OpenSSH", false, -EPROTO, "SSH-2.0"},
	};

	for (size_t i = 0; i < HN_COUNT(starts); i++) {
		struct scene scene;

		scene_init(&scene);
		scene.greet = false;
		scene.negotiate = starts[i].negotiate;
		if (starts[i].code == -ETIMEDOUT)
			scene.limits.connect_timeout_ns = 50 * HN_NS_PER_MS;
		scene_start(&scene);
		peer_send(scene.peer, starts[i].bytes, strlen(starts[i].bytes));
		assert_true(run_until(scene.base, &scene.down, 20000));
		assert_int_equal(scene.readies, 0);
		assert_int_equal(scene.why.code, starts[i].code);
		if (!strstr(scene.why.message, starts[i].sentence))
			fail_msg("start %zu: '%s'", i, scene.why.message);
		scene_done(&scene);
	}
}

static void a_late_reply_does_no_harm(void **state)
{
	struct scene scene;

	scene_ready(&scene);
	assert_int_equal(scene_execute(&scene, "slow", 30), 0);
	assert_int_equal(scene_execute(&scene, "quick", 0), 0);
	scene_await_lines(&scene, 2);
	scene_await_replies(&scene, 1);
	assert_int_equal(scene.answers[0].code, -ETIMEDOUT);
	assert_non_null(
		strstr(scene.answers[0].message, "guest 'web1': monitor: slow was not answered within "));
	peer_print(scene.peer,
		   "{\"return\": \"late\", \"id\": %ld}\r\n{\"return\": \"in time\", \"id\": %ld}\r\n",
		   command_id(scene.lines[0], NULL), command_id(scene.lines[1], NULL));
	scene_await_replies(&scene, 2);
	assert_string_equal(scene.results[1], "\"in time\"");
	/* a second reply to the same id is one too many */
	peer_print(scene.peer, "{\"return\": \"late\", \"id\": %ld}\r\n", command_id(scene.lines[0], NULL));
	assert_true(run_until(scene.base, &scene.down, 20000));
	assert_int_equal(scene.replies, 2);
	scene_done(&scene);
}

static void three_time_outs_in_a_row_are_enough(void **state)
{
	struct scene scene;

	scene_ready(&scene);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(scene_execute(&scene, "a", 10), 0);
		assert_false(scene.down);
		scene_await_replies(&scene, i + 1);
		assert_int_equal(scene.answers[i].code, -ETIMEDOUT);
	}
	assert_true(run_until(scene.base, &scene.down, 100));
	assert_int_equal(scene.why.code, -ETIMEDOUT);
	assert_int_equal(scene.replies, 3);
	scene_done(&scene);
}

/* A peer that swallows every second command never misses three in a row. */
static void too_many_unanswered_are_enough_too(void **state)
{
	struct scene scene;
	int rounds = 0;

	scene_init(&scene);
	scene.limits.pending_commands = 8;
	scene_start(&scene);
	assert_true(run_until(scene.base, &scene.ready, 20000));
	for (; rounds < 10 && !scene.down; rounds++) {
		int lines = scene.line_count;

		assert_int_equal(scene_execute(&scene, "swallowed", 5), 0);
		scene_await_replies(&scene, 2 * rounds + 1);
		if (scene.down)
			break;
		assert_int_equal(scene_execute(&scene, "served", 0), 0);
		scene_await_lines(&scene, lines + 2);
		peer_print(scene.peer, "{\"return\": {}, \"id\": %ld}",
			   command_id(scene.lines[lines + 1], NULL));
		scene_await_replies(&scene, 2 * rounds + 2);
	}
	assert_true(scene.down);
	assert_int_equal(rounds, 4);
	scene_done(&scene);
}

static void bounds_what_is_pending(void **state)
{
	struct scene scene;

	scene_init(&scene);
	scene.limits.pending_commands = 3;
	scene_start(&scene);
	assert_int_equal(scene_execute(&scene, "early", 0), -ENOTCONN);
	assert_true(run_until(scene.base, &scene.ready, 20000));
	for (int i = 0; i < 3; i++)
		assert_int_equal(scene_execute(&scene, "a", 0), 0);
	assert_int_equal(scene_execute(&scene, "a", 0), -ENOBUFS);
	peer_hang_up(scene.peer);
	assert_true(run_until(scene.base, &scene.down, 20000));
	assert_int_equal(scene.replies, 3);
	scene_done(&scene);
}

static int execute_large(struct scene *scene, size_t bytes)
{
	json_object *arguments = json_object_new_object();
	char *text = calloc(1, bytes + 1);

	memset(text, 'x', bytes);
	hn_json_add_string(arguments, "text", text);
	free(text);
	return hn_qmp_execute(scene->qmp, "large", arguments, 50 * HN_NS_PER_MS, scene_on_reply, scene, NULL);
}

static void a_peer_that_never_reads_costs_little(void **state)
{
	struct scene scene;
	int accepted = 0;

	scene_init(&scene);
	scene.limits.message_bytes = HN_MIB;
	scene_start(&scene);
	assert_true(run_until(scene.base, &scene.ready, 20000));
	event_del(scene.peer->readable);
	assert_int_equal(execute_large(&scene, 2 * HN_MIB), -ENOBUFS);
	while (accepted < 64 && execute_large(&scene, 200 * HN_KIB) == 0)
		accepted++;
	assert_in_range(accepted, 1, 5); /* of 1 MiB, and nothing was written yet */
	assert_true(run_until(scene.base, &scene.down, 20000));
	assert_int_equal(scene.replies, accepted);
	scene_done(&scene);
}

static void nobody_needs_to_listen(void **state)
{
	struct scene scene;
	struct hn_qmp *qmp;
	int fd;

	scene_init(&scene);
	fd = peer_pair(scene.base, scene_on_line, &scene, &scene.peer);
	assert_int_equal(hn_qmp_new_from_fd(scene.base, "web1", fd, HN_QMP_MONITOR, NULL, NULL, &qmp, NULL),
			 0);
	peer_send(scene.peer, GREETING "{\"event\": \"STOP\"}", strlen(GREETING "{\"event\": \"STOP\"}"));
	run_for(scene.base, 10);
	assert_true(hn_qmp_ready(qmp));
	peer_hang_up(scene.peer);
	run_for(scene.base, 10);
	assert_false(hn_qmp_ready(qmp));
	hn_qmp_free(qmp);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greets_and_asks),
		cmocka_unit_test(replies_find_their_commands_in_any_order),
		cmocka_unit_test(passes_events_on),
		cmocka_unit_test(an_error_is_the_peers_own),
		cmocka_unit_test(an_offence_ends_the_connection),
		cmocka_unit_test(an_oversized_message_ends_the_connection),
		cmocka_unit_test(a_bad_start_ends_the_connection),
		cmocka_unit_test(a_late_reply_does_no_harm),
		cmocka_unit_test(three_time_outs_in_a_row_are_enough),
		cmocka_unit_test(too_many_unanswered_are_enough_too),
		cmocka_unit_test(bounds_what_is_pending),
		cmocka_unit_test(a_peer_that_never_reads_costs_little),
		cmocka_unit_test(nobody_needs_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
