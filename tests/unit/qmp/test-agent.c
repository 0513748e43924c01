/* The agent: coming in step, one command at a time, and files read from a guest that may say anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "harness.h"
#include "qmp/agent.h"

#define PATIENT 5000
#define IMPATIENT 60

/* An agent with one file, and with vices. */
struct scene {
	struct event_base *base;
	struct peer *peer;
	struct hn_qmp *qmp;
	struct hn_qmp_limits limits;
	bool ready, down, done;
	int downs, syncs, answers, open_handles;
	struct hn_error why, err;
	char *text;
	size_t length;
	size_t max_bytes;

	const char *content; /* of the file, in base64 pieces that end with NULL */
	const char *const *pieces;
	size_t piece;
	const char *say; /* answer to the command of that name with this instead */
	const char *say_to;
	bool mute; /* answers nothing, not even sync */
	bool read_twice, free_in_done;
	int commands;
	char last[64];
};

static void on_file_done(const char *text, size_t length, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	assert_true((text == NULL) == (err != NULL));
	scene->answers++;
	scene->done = true;
	if (err)
		scene->err = *err;
	free(scene->text);
	scene->text = text ? strndup(text, length) : NULL;
	scene->length = length;
	if (text)
		assert_int_equal(text[length], '\0');
	if (scene->free_in_done)
		hn_qmp_free(hn_steal(scene->qmp));
}

static void on_ready(struct hn_qmp *qmp, void *context)
{
	struct scene *scene = context;

	scene->ready = true;
}

static void on_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct scene *scene = context;

	scene->down = true;
	scene->downs++;
	scene->why = *why;
	if (!strstr(why->message, "guest 'web1': agent: "))
		fail_msg("no name in '%s'", why->message);
}

static void answer_read(struct scene *scene)
{
	const char *piece = scene->pieces[scene->piece] ? scene->pieces[scene->piece++] : "";

	peer_print(scene->peer, "{\"return\": {\"count\": 1, \"buf-b64\": \"%s\", \"eof\": %s}}\n", piece,
		   scene->pieces[scene->piece] ? "false" : "true");
}

static void on_line(struct peer *peer, const char *line, bool sentinel, void *context)
{
	struct scene *scene = context;
	char *id = strstr(line, "\"id\":");

	command_id(line, scene->last);
	scene->commands++;
	if (scene->mute)
		return;
	if (strcmp(scene->last, "guest-sync-delimited") == 0) {
		assert_true(sentinel);
		scene->syncs++;
		peer_print(peer, "\xff{\"return\": %" PRIu64 "}\n", (uint64_t)strtoull(id + 5, NULL, 10));
		return;
	}
	assert_null(id); /* agents before QEMU 3.0 do not know it */
	if (strcmp(scene->last, "guest-file-close") == 0)
		scene->open_handles--;
	if (scene->say_to && strcmp(scene->last, scene->say_to) == 0) {
		peer_print(peer, "%s", scene->say);
	} else if (strcmp(scene->last, "guest-file-open") == 0) {
		scene->open_handles++;
		peer_print(peer, "{\"return\": 1000}\n");
	} else if (strcmp(scene->last, "guest-file-read") == 0) {
		assert_non_null(strstr(line, "\"handle\":1000"));
		answer_read(scene);
	} else {
		peer_print(peer, "{\"return\": {}}\n");
	}
}

static const char *const hello[] = {"aGVs", "bG8=", "AHdvcmxk", NULL};

/* Patience is long where nothing is to time out: machines that run tests may be slow. */
static void scene_start(struct scene *scene, const char *garbage, size_t length, unsigned patience_ms)
{
	const struct hn_qmp_listener listener = {.ready = on_ready, .down = on_down, .context = scene};
	int fd;

	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	scene->limits = hn_qmp_default_limits;
	scene->limits.connect_timeout_ns = 2 * patience_ms * HN_NS_PER_MS;
	scene->limits.command_timeout_ns = patience_ms * HN_NS_PER_MS;
	scene->pieces = hello;
	scene->max_bytes = 100;
	fd = peer_pair(scene->base, on_line, scene, &scene->peer);
	peer_send(scene->peer, garbage, length);
	assert_int_equal(hn_qmp_new_from_fd(scene->base, "web1", fd, HN_QMP_AGENT, &scene->limits, &listener,
					    &scene->qmp, NULL),
			 0);
}

static void scene_ready(struct scene *scene, unsigned patience_ms)
{
	scene_start(scene, "", 0, patience_ms);
	assert_true(run_until(scene->base, &scene->ready, 20000));
}

static void scene_done(struct scene *scene)
{
	hn_qmp_free(scene->qmp);
	peer_free(scene->peer);
	free(scene->text);
	event_base_free(scene->base);
}

static void read_file(struct scene *scene)
{
	scene->done = false;
	assert_int_equal(
		hn_agent_read_file(scene->qmp, "/proc/vmstat", scene->max_bytes, on_file_done, scene, NULL),
		0);
	assert_false(scene->done);
	assert_true(run_until(scene->base, &scene->done, 20000));
	run_for(scene->base, 10); /* the close behind it */
}

static void comes_in_step_whatever_lies_in_front(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} garbage[] = {
		{"", 0},
		{"{\"return\": {}}\n", 15},
		{"half an answer of an earli", 26},
		{"\0\x80\x01{{{{[[[\"", 12},
		{"\xff{\"return\": 5}\n", 15},
		{"\xff{\"return\": 5}\n\xff{\"return\": {}}\n", 31},
		{"\xff{\"ret", 6},
		{"\xff{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\n", 67},
	};

	for (size_t i = 0; i < HN_COUNT(garbage); i++) {
		struct scene scene;

		scene_start(&scene, garbage[i].bytes, garbage[i].length, PATIENT);
		if (!run_until(scene.base, &scene.ready, 20000))
			fail_msg("garbage %zu: %s", i, scene.why.message);
		read_file(&scene);
		assert_int_equal(scene.length, 11);
		scene_done(&scene);
	}
}

static void a_silent_agent_costs_a_time_out(void **state)
{
	struct scene scene;

	scene_start(&scene, "", 0, IMPATIENT);
	scene.mute = true;
	assert_true(run_until(scene.base, &scene.down, 20000));
	assert_int_equal(scene.why.code, -ETIMEDOUT);
	assert_non_null(strstr(scene.why.message, "did not come in step"));
	assert_int_equal(scene.downs, 1);
	scene_done(&scene);
}

static void reads_a_file(void **state)
{
	struct scene scene;

	scene_ready(&scene, PATIENT);
	read_file(&scene);
	assert_int_equal(scene.answers, 1);
	assert_int_equal(scene.length, 11); /* "hello", NUL, "world" */
	assert_string_equal(scene.text, "hello");
	assert_int_equal(scene.open_handles, 0);
	scene_done(&scene);
}

static void an_empty_file_is_a_file(void **state)
{
	static const char *const empty[] = {NULL};
	struct scene scene;

	scene_ready(&scene, PATIENT);
	scene.pieces = empty;
	read_file(&scene);
	assert_int_equal(scene.length, 0);
	assert_string_equal(scene.text, "");
	assert_int_equal(scene.open_handles, 0);
	scene_done(&scene);
}

static void several_files_wait_for_each_other(void **state)
{
	struct scene scene;

	scene_ready(&scene, PATIENT);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hn_agent_read_file(scene.qmp, "/a", 100, on_file_done, &scene, NULL), 0);
	for (int i = 0; i < 1000 && scene.answers < 3; i++)
		run_for(scene.base, 1);
	run_for(scene.base, 10);
	assert_int_equal(scene.answers, 3);
	assert_int_equal(scene.open_handles, 0);
	scene_done(&scene);
}

static void a_file_may_be_as_large_as_allowed_and_no_larger(void **state)
{
	for (size_t max = 9; max <= 12; max++) {
		struct scene scene;

		scene_ready(&scene, PATIENT);
		scene.max_bytes = max;
		read_file(&scene);
		if (max >= 11)
			assert_int_equal(scene.length, 11);
		else
			assert_int_equal(scene.err.code, -EFBIG);
		assert_int_equal(scene.answers, 1);
		assert_int_equal(scene.open_handles, 0);
		scene_done(&scene);
	}
}

/* What the agent says to a command, and what becomes of the file. */
static const struct {
	const char *to, *say;
	int code;
	bool opened;
} answers[] = {
	{"guest-file-open", "{\"error\": {\"class\": \"GenericError\", \"desc\": \"failed to open\"}}\n",
	 -EREMOTEIO, false},
	{"guest-file-open", "{\"return\": \"x\"}\n", -EPROTO, false},
	{"guest-file-read", "{\"error\": {\"class\": \"GenericError\", \"desc\": \"failed to read\"}}\n",
	 -EREMOTEIO, true},
	{"guest-file-read", "{\"return\": 7}\n", -EPROTO, true},
	{"guest-file-read", "{\"return\": {}}\n", -EPROTO, true},
	{"guest-file-read", "{\"return\": {\"count\": 4, \"buf-b64\": \"aGVs\"}}\n", -EPROTO, true},
	{"guest-file-read", "{\"return\": {\"count\": 4, \"buf-b64\": \"a$Vs\", \"eof\": true}}\n", -EPROTO,
	 true},
	{"guest-file-read", "{\"return\": {\"count\": 1, \"buf-b64\": \"YQ==\", \"eof\": false}}\n", -EPROTO,
	 true},
	{"guest-file-read", "", -ETIMEDOUT, true},
	{"guest-file-open", "", -ETIMEDOUT, false},
};

static void what_goes_wrong_is_told_once_and_the_file_closed(void **state)
{
	for (size_t i = 0; i < HN_COUNT(answers); i++) {
		struct scene scene;

		scene_ready(&scene, answers[i].code == -ETIMEDOUT ? IMPATIENT : PATIENT);
		scene.say_to = answers[i].to;
		scene.say = answers[i].say;
		scene.max_bytes = 1000;
		read_file(&scene);
		assert_int_equal(scene.answers, 1);
		if (scene.err.code != answers[i].code)
			fail_msg("answer %zu: %s", i, scene.err.message);
		if (!strstr(scene.err.message, "guest 'web1'"))
			fail_msg("no name in '%s'", scene.err.message);
		assert_string_equal(scene.last, answers[i].opened ? "guest-file-close"
						: *answers[i].say ? "guest-file-open"
								  : "guest-sync-delimited");
		assert_int_equal(scene.open_handles, 0);
		scene_done(&scene);
	}
}

static void after_a_time_out_it_is_brought_in_step_again(void **state)
{
	struct scene scene;

	scene_ready(&scene, IMPATIENT);
	scene.say_to = "guest-file-open";
	scene.say = "";
	read_file(&scene);
	assert_int_equal(scene.err.code, -ETIMEDOUT);
	assert_true(hn_qmp_ready(scene.qmp));
	assert_int_equal(scene.syncs, 2);
	/* the late answer must not be taken for that to the next command */
	peer_print(scene.peer, "{\"return\": 4711}\n");
	scene.say_to = NULL;
	run_for(scene.base, 5);
	assert_int_equal(scene.downs, 1); /* in step, nothing was asked: whatever comes now is an offence */
	scene_done(&scene);
}

static void a_late_answer_in_front_of_the_sync_is_dropped(void **state)
{
	struct scene scene;

	scene_ready(&scene, IMPATIENT);
	scene.mute = true;
	assert_int_equal(hn_agent_read_file(scene.qmp, "/a", 100, on_file_done, &scene, NULL), 0);
	assert_true(run_until(scene.base, &scene.done, 20000));
	assert_int_equal(scene.err.code, -ETIMEDOUT);
	/* commands given now wait for the sync */
	assert_true(hn_qmp_ready(scene.qmp));
	assert_int_equal(hn_agent_read_file(scene.qmp, "/b", 100, on_file_done, &scene, NULL), 0);
	run_for(scene.base, 5);
	assert_string_equal(scene.last, "guest-sync-delimited");
	peer_print(scene.peer, "{\"return\": 4711}\n");
	scene.mute = false;
	run_for(scene.base, 4 * IMPATIENT); /* the sync itself went unanswered */
	assert_int_equal(scene.downs, 1);
	assert_int_equal(scene.answers, 2);
	assert_int_equal(scene.err.code, -ECONNRESET);
	scene_done(&scene);
}

static void freeing_while_a_file_is_read(void **state)
{
	struct scene scene;

	scene_ready(&scene, PATIENT);
	scene.say_to = "guest-file-read";
	scene.say = "";
	assert_int_equal(hn_agent_read_file(scene.qmp, "/a", 100, on_file_done, &scene, NULL), 0);
	run_for(scene.base, 10);
	hn_qmp_free(hn_steal(scene.qmp));
	assert_int_equal(scene.answers, 1);
	assert_int_equal(scene.err.code, -ECANCELED);
	run_for(scene.base, 10);
	scene_done(&scene);
}

static void the_answer_may_free_the_client(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct scene scene;

		scene_ready(&scene, PATIENT);
		scene.free_in_done = true;
		scene.say_to = i ? "guest-file-read" : NULL;
		scene.say = "{\"return\": 7}\n";
		assert_int_equal(hn_agent_read_file(scene.qmp, "/a", 100, on_file_done, &scene, NULL), 0);
		assert_true(run_until(scene.base, &scene.done, 20000));
		run_for(scene.base, 10);
		assert_int_equal(scene.answers, 1);
		assert_null(scene.qmp);
		scene_done(&scene);
	}
}

static void hanging_up_at_any_byte(void **state)
{
	for (size_t at = 1;; at++) {
		struct scene scene;
		int asked = 0;
		bool read;

		scene_start(&scene, "\x80garbage\xff{\"return\": 1}\n", 23, PATIENT);
		scene.peer->hang_up_at = at;
		for (int i = 0; i < 1000 && !scene.ready && !scene.down; i++)
			run_for(scene.base, 1);
		if (hn_qmp_ready(scene.qmp))
			asked = hn_agent_read_file(scene.qmp, "/a", 100, on_file_done, &scene, NULL) == 0;
		for (int i = 0; i < 1000 && !scene.done && !scene.down; i++)
			run_for(scene.base, 1);
		assert_int_equal(scene.answers, asked);
		read = scene.text != NULL;
		assert_true(read || scene.downs == 1);
		scene_done(&scene);
		if (read)
			break;
	}
}

static void is_not_asked_before_it_is_ready(void **state)
{
	struct hn_error err = {0};
	struct scene scene;

	scene_start(&scene, "", 0, PATIENT);
	assert_int_equal(hn_agent_read_file(scene.qmp, "/a", 100, on_file_done, &scene, &err), -ENOTCONN);
	assert_int_equal(scene.answers, 0);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_in_step_whatever_lies_in_front),
		cmocka_unit_test(a_silent_agent_costs_a_time_out),
		cmocka_unit_test(reads_a_file),
		cmocka_unit_test(an_empty_file_is_a_file),
		cmocka_unit_test(several_files_wait_for_each_other),
		cmocka_unit_test(a_file_may_be_as_large_as_allowed_and_no_larger),
		cmocka_unit_test(what_goes_wrong_is_told_once_and_the_file_closed),
		cmocka_unit_test(after_a_time_out_it_is_brought_in_step_again),
		cmocka_unit_test(a_late_answer_in_front_of_the_sync_is_dropped),
		cmocka_unit_test(freeing_while_a_file_is_read),
		cmocka_unit_test(the_answer_may_free_the_client),
		cmocka_unit_test(hanging_up_at_any_byte),
		cmocka_unit_test(is_not_asked_before_it_is_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
