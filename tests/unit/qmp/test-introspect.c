/*
 * Introspection against transcripts of real QEMUs. What is expected stands on top of each transcript, derived
 * by hand from the command line that is there too, with thread ids and addresses from its answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "qmp/introspect.h"

struct scene {
	struct event_base *base;
	struct transcript transcript;
	struct peer *peer;
	struct hn_qmp *qmp;
	struct hn_introspection *pass;
	int answers;
	bool over;
	char *found;
	struct hn_error err;
	bool free_in_done;
	int started;
	size_t plug_at;
	size_t cancel_at; /* after so many lines, 0: not */
};

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	scene->answers++;
	scene->over = true;
	scene->pass = NULL;
	if (err)
		scene->err = *err;
	else
		scene->found = guest_describe(result->guest, result->notes, result->note_count);
	if (scene->free_in_done)
		hn_qmp_free(hn_steal(scene->qmp));
}

static void on_ready(struct hn_qmp *qmp, void *context)
{
	struct scene *scene = context;

	scene->started++;
	assert_int_equal(hn_introspect_start(qmp, "fallback", on_introspect_done, scene, &scene->pass, NULL),
			 0);
	assert_int_equal(scene->answers, 0);
}

static void on_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct scene *scene = context;

	scene->over = true;
}

static void scene_open(struct scene *scene, const char *name, size_t chunk)
{
	const struct hn_qmp_listener listener = {.ready = on_ready, .down = on_down, .context = scene};
	int fd;

	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	transcript_load(name, &scene->transcript);
	fd = peer_pair(scene->base, transcript_answer, &scene->transcript, &scene->peer);
	scene->peer->chunk = chunk;
	assert_int_equal(hn_qmp_new_from_fd(scene->base, "fallback", fd, HN_QMP_MONITOR, NULL, &listener,
					    &scene->qmp, NULL),
			 0);
	peer_send(scene->peer, GREETING, strlen(GREETING));
}

static void scene_close(struct scene *scene)
{
	hn_qmp_free(scene->qmp);
	peer_free(scene->peer);
	transcript_free(&scene->transcript);
	free(scene->found);
	event_base_free(scene->base);
}

static const char *const transcripts[] = {
	"two-cells",    "no-numa", "three-cells",   "auto-node",      "legacy-mem",     "legacy-names",
	"virtio-mem",   "booted",  "kvm",           "memory-backend", "hva-9.1",        "sev-5.2",
	"arm-virt-8.2", "bare",    "two-cells-5.2", "dimm-5.2",       "two-cells-10.0", "dimm-10.0",
};

static void replay(size_t chunk)
{
	for (size_t i = 0; i < sizeof(transcripts) / sizeof(transcripts[0]); i++) {
		struct scene scene;

		scene_open(&scene, transcripts[i], chunk);
		assert_true(run_until(scene.base, &scene.over, 20000));
		if (!scene.found)
			print_error("%s: %s\n", transcripts[i], scene.err.message);
		assert_non_null(scene.found);
		if (strcmp(scene.found, scene.transcript.expected ? scene.transcript.expected : "") != 0)
			print_error("%s.qmp:\n%s", transcripts[i], scene.found);
		assert_string_equal(scene.found, scene.transcript.expected);
		assert_int_equal(scene.answers, 1);
		scene_close(&scene);
	}
}

static void finds_what_the_command_line_says(void **state)
{
	replay(0);
}

static void in_pieces_too(void **state)
{
	replay(700);
}

static void byte_by_byte(void **state)
{
	struct scene scene;

	scene_open(&scene, "bare", 1);
	assert_true(run_until(scene.base, &scene.over, 20000));
	assert_string_equal(scene.found, scene.transcript.expected);
	scene_close(&scene);
}

static void hanging_up_at_any_byte(void **state)
{
	bool whole = false;

	for (size_t at = 1; !whole; at++) {
		struct scene scene;

		scene_open(&scene, "sev-5.2", 0);
		scene.peer->hang_up_at = at;
		assert_true(run_until(scene.base, &scene.over, 20000));
		whole = scene.found != NULL;
		assert_int_equal(scene.answers, scene.started);
		if (scene.answers && !whole) {
			assert_int_equal(scene.err.code, -ECONNRESET);
			assert_non_null(strstr(scene.err.message, "guest 'fallback'"));
		}
		scene_close(&scene);
	}
}

/* Replaces the answer to a command. */
static void forge(struct scene *scene, const char *command, const char *answer)
{
	for (size_t i = 0; i < scene->transcript.count; i++) {
		struct exchange *exchange = &scene->transcript.exchanges[i];

		if (!strstr(json_object_to_json_string(exchange->sent), command))
			continue;
		free(exchange->answer);
		exchange->answer = strdup(answer);
	}
}

#define REFUSED "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}"

/* One answer that is wrong, and what is found then: NULL: the pass fails; else a line that must be there. */
static const struct {
	const char *command, *answer, *line;
} forgeries[] = {
	{"query-status", REFUSED, NULL},
	{"query-status", "{\"return\": {}}", NULL},
	{"query-cpus-fast", REFUSED, NULL},
	{"query-cpus-fast", "{\"return\": {}}", NULL},
	{"query-cpus-fast", "{\"return\": [7]}", NULL},
	{"query-cpus-fast", "{\"return\": [{\"cpu-index\": 0, \"thread-id\": 0}]}", NULL},
	{"query-cpus-fast", "{\"return\": [{\"cpu-index\": -1, \"thread-id\": 5}]}", NULL},
	{"query-cpus-fast", "{\"return\": [{\"cpu-index\": 0, \"thread-id\": 99999999999}]}", NULL},
	{"query-cpus-fast", "{\"return\": []}", "cell 0 memory 2048M vcpus -"},
	{"query-cpus-fast", "{\"return\": [{\"cpu-index\": 3, \"thread-id\": 5}]}",
	 "thread 5 vcpu 3 cell 1 'CPU 3'"},
	{"query-cpus-fast", "{\"return\": [{\"cpu-index\": 9, \"thread-id\": 5}]}",
	 "thread 5 vcpu 9 cell 0 'CPU 9'"},
	{"query-cpus-fast", "{\"return\": [{\"cpu-index\": 9999, \"thread-id\": 5}]}",
	 "note guest 'fallback': vCPU 9999 is beyond the 2048 that are supported"},
	{"query-name", "{\"return\": {\"name\": \"a\\nb\"}}", "guest a b uuid"},
	{"query-name", REFUSED, "guest fallback uuid"},
	{"query-iothreads", REFUSED, "note guest 'fallback': monitor: query-iothreads: GenericError: no"},
	{"query-memdev", REFUSED,
	 "backend zulu cell -1 bytes 2048M page 4K host 0x7f6a57e00000 policy - movable"},
	{"query-memdev", "{\"return\": [{\"id\": \"zulu\"}]}", "query-memdev: member 'size' is missing"},
	{"query-memory-devices", REFUSED, "the memory backends do not fit the sizes of the NUMA nodes"},
	{"query-memory-devices", "{\"return\": [{\"type\": \"new\", \"data\": {\"node\": 1}}]}",
	 "backend zulu cell -1 bytes 2048M"},
	{"info numa", REFUSED, "backend extra cell 2 bytes 1024M"},
	{"info numa", "{\"return\": \"2 nodes\\r\\nnode 0 size: 1 MB\\r\\nnode 1 size: 2 MB\\r\\n\"}",
	 "their cells are unknown"},
	{"info numa", "{\"return\": 7}", "info numa: the answer is no text"},
	{"info ramblock", REFUSED,
	 "backend mike cell 1 bytes 3072M page 0K host 0x7f6997c00000 policy default movable"},
	{"info mtree", REFUSED, "backend mike cell -1 bytes 3072M page 4K host 0x0 policy default movable"},
	{"info mtree", REFUSED,
	 "note guest 'fallback': backend 'mike' is not in the memory tree: no host address"},
	{"gpa2hva 0x80000000", REFUSED, "backend mike cell 1 bytes 3072M page 4K host 0x0"},
	{"gpa2hva 0x80000000", "{\"return\": \"No memory\\r\\n\"}",
	 "note guest 'fallback': backend 'mike': gpa2hva says 'No memory'"},
	{"gpa2hva 0x80000000", "{\"return\": {}}", "backend 'mike': gpa2hva answers with no text"},
	{"gpa2hva 0x80000000",
	 "{\"return\": \"Host virtual address for 0x80000000 (other) is 0x7f6997c00000\"}",
	 "note guest 'fallback': backend 'mike': at 0x80000000 now lies 'other'"},
	{"gpa2hva 0x100000000", "{\"return\": \"Host virtual address for 0x100000000 (mike) is 0x7000\"}",
	 "note guest 'fallback': backend 'mike' seems to be in several places"},
	{"confidential", "{\"return\": \"/objects/tdx0\"}", "policy default encrypted"},
};

static void a_wrong_answer_costs_what_it_would_have_told(void **state)
{
	for (size_t i = 0; i < HN_COUNT(forgeries); i++) {
		struct scene scene;

		scene_open(&scene, "three-cells", 0);
		forge(&scene, forgeries[i].command, forgeries[i].answer);
		assert_true(run_until(scene.base, &scene.over, 20000));
		assert_int_equal(scene.answers, 1);
		if ((scene.found != NULL) != (forgeries[i].line != NULL) ||
		    (scene.found && !strstr(scene.found, forgeries[i].line)))
			fail_msg("forgery %zu: %s", i, scene.found ? scene.found : scene.err.message);
		if (!scene.found && !strstr(scene.err.message, "guest 'fallback'"))
			fail_msg("no name in '%s'", scene.err.message);
		scene_close(&scene);
	}
}

/* Sizes that would wrap when they are summed up, pages that there are none of, a vCPU in two cells. */
static void a_guest_that_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *command, *answer, *sentence;
	} cases[] = {
		{"query-memdev", "{\"return\": [{\"id\": \"zulu\", \"size\": 9223372036854775808}]}",
		 "backend 'zulu': bytes 9223372036854775808"},
		{"info ramblock", "{\"return\": \" zulu  3 KiB 0x0 0x80000000 0x80000000\\r\\n\"}",
		 "backend 'zulu': page_bytes 3072"},
		{"query-cpus-fast",
		 "{\"return\": [{\"cpu-index\": 0, \"thread-id\": 5, \"props\": {\"node-id\": 0}}, "
		 "{\"cpu-index\": 0, \"thread-id\": 6, \"props\": {\"node-id\": 1}}]}",
		 "cell 1: vcpus has vCPU 0, which another cell has too"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct scene scene;

		scene_open(&scene, "three-cells", 0);
		forge(&scene, cases[i].command, cases[i].answer);
		assert_true(run_until(scene.base, &scene.over, 20000));
		assert_int_equal(scene.answers, 1);
		if (scene.found || !strstr(scene.err.message, cases[i].sentence))
			fail_msg("case %zu: %s", i, scene.found ? scene.found : scene.err.message);
		assert_int_equal(scene.err.code, -EINVAL);
		scene_close(&scene);
	}
}

/* A DIMM that is plugged in when so many commands have been answered: none of it is there before. */
static void on_line_then_plug(struct peer *peer, const char *line, bool sentinel, void *context)
{
	static const char *const before[][2] = {
		{"query-memory-devices", "{\"return\": []}"},
		{"info numa", "{\"return\": \"4 nodes\\r\\nnode 0 size: 2048 MB\\r\\nnode 1 size: 3072 "
			      "MB\\r\\nnode 2 size: "
			      "1024 MB\\r\\nnode 3 size: 0 MB\\r\\n\"}"},
		{"info mtree",
		 "{\"return\": \"FlatView #0\\r\\n AS \\\"memory\\\", root: system\\r\\n"
		 "  0000000000000000-000000007fffffff (prio 0, ram): zulu\\r\\n"
		 "  0000000080000000-00000000bfffffff (prio 0, ram): mike\\r\\n"
		 "  0000000100000000-000000017fffffff (prio 0, ram): mike @0000000040000000\\r\\n"
		 "  0000000180000000-00000001bfffffff (prio 0, ram): alpha\\r\\n\"}"},
	};
	struct scene *scene = context;

	for (size_t i = 0; i < HN_COUNT(before); i++)
		if (peer->lines <= scene->plug_at && strstr(line, before[i][0])) {
			peer_print(peer, "%.*s, \"id\": %ld}\r\n", (int)strlen(before[i][1]) - 1,
				   before[i][1], command_id(line, NULL));
			return;
		}
	transcript_answer(peer, line, sentinel, &scene->transcript);
}

/* Whenever it is: what was there at the start is known as before. QEMU has no event for what is plugged in,
 * so that the next pass may be a minute away. */
static void plugging_in_during_a_pass_confuses_no_cells(void **state)
{
	for (size_t at = 0; at < 20; at++) {
		struct scene scene;

		scene_open(&scene, "three-cells", 0);
		scene.plug_at = at;
		scene.peer->on_line = on_line_then_plug;
		scene.peer->context = &scene;
		assert_true(run_until(scene.base, &scene.over, 20000));
		if (!scene.found || !strstr(scene.found, "backend zulu cell 0 bytes 2048M") ||
		    !strstr(scene.found, "backend mike cell 1 bytes 3072M") ||
		    !strstr(scene.found, "backend alpha cell 2 bytes 1024M"))
			fail_msg("after %zu answers: %s", at, scene.found ? scene.found : scene.err.message);
		scene_close(&scene);
	}
}

/* The answer of so many entries to one command; what the pass says of it. */
static void flood(const char *command, const char *entry, size_t count, const char *expected)
{
	char *answer = malloc(count * (strlen(entry) + 1) + 32), *end = stpcpy(answer, "{\"return\": [");
	struct scene scene;

	for (size_t i = 0; i < count; i++) {
		end = stpcpy(end, entry);
		*end++ = i + 1 < count ? ',' : ']';
	}
	stpcpy(end, "}");
	scene_open(&scene, "three-cells", 0);
	forge(&scene, command, answer);
	assert_true(run_until(scene.base, &scene.over, 20000));
	assert_non_null(strstr(scene.found ? scene.found : scene.err.message, expected));
	scene_close(&scene);
	free(answer);
}

static void lists_longer_than_any_guests_are_refused(void **state)
{
	flood("query-cpus-fast", "{\"cpu-index\": 0, \"thread-id\": 5}", 4097,
	      "query-cpus-fast: the list has 4097 entries where no guest has more than 4096");
	flood("query-iothreads", "{\"id\": \"a\", \"thread-id\": 5}", 1025,
	      "query-iothreads: the list has 1025 entries where no guest has more than 1024");
	flood("query-memdev", "{\"id\": \"a\", \"size\": 1}", 1025,
	      "query-memdev: the list has 1025 entries");
	flood("query-memory-devices", "{\"type\": \"dimm\", \"data\": {}}", 1025,
	      "query-memory-devices: the list has 1025 entries");
	/* as many as that are taken, and told with all else */
	flood("query-memdev", "{\"id\": \"a\", \"size\": 1}", 1024, "thread ");
}

static void on_line_then_cancel(struct peer *peer, const char *line, bool sentinel, void *context)
{
	struct scene *scene = context;

	if (scene->cancel_at && peer->lines == scene->cancel_at)
		hn_introspect_cancel(hn_steal(scene->pass));
	transcript_answer(peer, line, sentinel, &scene->transcript);
}

static void a_cancelled_pass_says_nothing(void **state)
{
	for (size_t at = 2; at <= 14; at++) { /* the first is qmp_capabilities, the last gpa2hva */
		for (int freeing = 0; freeing < 2; freeing++) {
			struct scene scene;

			scene_open(&scene, "sev-5.2", 0);
			scene.peer->on_line = on_line_then_cancel;
			scene.peer->context = &scene;
			scene.cancel_at = at;
			for (int i = 0; i < 1000 && scene.peer->lines < at && !scene.over; i++)
				run_for(scene.base, 1);
			if (freeing)
				hn_qmp_free(hn_steal(scene.qmp));
			run_for(scene.base, 10);
			assert_int_equal(scene.answers, 0);
			scene_close(&scene);
		}
	}
	hn_introspect_cancel(NULL);
}

static void freeing_the_client_ends_the_pass(void **state)
{
	struct scene scene;

	scene_open(&scene, "no-numa", 1);
	for (int i = 0; i < 5000 && scene.peer->lines < 4; i++)
		run_for(scene.base, 1);
	hn_qmp_free(hn_steal(scene.qmp));
	assert_int_equal(scene.answers, 1);
	assert_int_equal(scene.err.code, -ECANCELED);
	hn_introspect_cancel(scene.pass); /* NULL by now */
	scene_close(&scene);
}

static void the_answer_may_free_the_client(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct scene scene;

		scene_open(&scene, "kvm", 0);
		scene.free_in_done = true;
		if (i)
			forge(&scene, "query-status", REFUSED);
		assert_true(run_until(scene.base, &scene.over, 20000));
		run_for(scene.base, 5);
		assert_null(scene.qmp);
		assert_int_equal(scene.answers, 1);
		scene_close(&scene);
	}
}

static void needs_a_ready_client(void **state)
{
	struct hn_introspection *pass = NULL;
	struct hn_error err = {0};
	struct scene scene;

	scene_open(&scene, "kvm", 0);
	assert_int_equal(hn_introspect_start(scene.qmp, "x", on_introspect_done, &scene, &pass, &err),
			 -ENOTCONN);
	assert_null(pass);
	scene_close(&scene);
}

static void knows_the_events_that_matter(void **state)
{
	assert_true(hn_introspect_event_matters("DEVICE_DELETED"));
	assert_true(hn_introspect_event_matters("RESUME"));
	assert_true(hn_introspect_event_matters("MEMORY_DEVICE_SIZE_CHANGE"));
	assert_false(hn_introspect_event_matters("RTC_CHANGE"));
	assert_false(hn_introspect_event_matters(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_command_line_says),
		cmocka_unit_test(in_pieces_too),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(hanging_up_at_any_byte),
		cmocka_unit_test(a_guest_that_cannot_be_is_refused),
		cmocka_unit_test(plugging_in_during_a_pass_confuses_no_cells),
		cmocka_unit_test(lists_longer_than_any_guests_are_refused),
		cmocka_unit_test(a_wrong_answer_costs_what_it_would_have_told),
		cmocka_unit_test(a_cancelled_pass_says_nothing),
		cmocka_unit_test(freeing_the_client_ends_the_pass),
		cmocka_unit_test(the_answer_may_free_the_client),
		cmocka_unit_test(needs_a_ready_client),
		cmocka_unit_test(knows_the_events_that_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
