/*
 * Every allocation of the modules fails once, in turn: nothing may crash, leak, hang or answer other than
 * once. The linker's --wrap sends the calls of the static libraries here; the harness is in a shared library
 * and keeps the real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "harness.h"
#include "qmp/agent.h"
#include "qmp/introspect.h"

static long countdown; /* the allocation that fails, 0: none */

static bool fails(void)
{
	return countdown > 0 && --countdown == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *array, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *array, size_t count, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *array, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(array, count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;
	int r;

	if (fails())
		return -1;
	va_start(args, format);
	r = vasprintf(ret, format, args);
	va_end(args);
	return r;
}

struct scene {
	struct event_base *base;
	struct peer *peer;
	struct transcript transcript;
	struct hn_introspection *pass;
	int started, answers;
	bool over, found;
};

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	scene->answers++;
	scene->over = true;
	scene->found = result != NULL;
	assert_true((result == NULL) != (err == NULL));
}

static void on_file_done(const char *text, size_t length, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	scene->answers++;
	scene->over = true;
	scene->found = text != NULL;
}

static void on_monitor_ready(struct hn_qmp *qmp, void *context)
{
	struct scene *scene = context;

	if (hn_introspect_start(qmp, "g", on_introspect_done, scene, &scene->pass, NULL) == 0)
		scene->started++;
	else
		scene->over = true;
}

static void on_agent_ready(struct hn_qmp *qmp, void *context)
{
	struct scene *scene = context;

	if (hn_agent_read_file(qmp, "/a", 100, on_file_done, scene, NULL) == 0)
		scene->started++;
	else
		scene->over = true;
}

static void on_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	((struct scene *)context)->over = true;
}

static void on_agent_line(struct peer *peer, const char *line, bool sentinel, void *context)
{
	char name[64];
	const char *id = strstr(line, "\"id\":");

	command_id(line, name);
	if (sentinel)
		peer_print(peer, "\xff{\"return\": %ld}\n", atol(id + 5));
	else if (strcmp(name, "guest-file-open") == 0)
		peer_print(peer, "{\"return\": 1}\n");
	else if (strcmp(name, "guest-file-read") == 0)
		peer_print(peer, "{\"return\": {\"count\": 2, \"buf-b64\": \"aGk=\", \"eof\": true}}\n");
	else
		peer_print(peer, "{\"return\": {}}\n");
}

/* One run in which the n-th allocation fails. False: there were fewer, and all went well. */
static bool run(enum hn_qmp_flavour flavour, const char *transcript, long n)
{
	struct scene scene = {.base = event_base_new()};
	const struct hn_qmp_listener listener = {
		.ready = flavour == HN_QMP_AGENT ? on_agent_ready : on_monitor_ready,
		.down = on_down,
		.context = &scene,
	};
	struct hn_qmp_limits limits = hn_qmp_default_limits;
	struct hn_qmp *qmp = NULL;
	bool failed;
	int fd;

	limits.command_timeout_ns = limits.connect_timeout_ns = 5 * HN_NS_PER_S;
	transcript_load(transcript, &scene.transcript);
	fd = peer_pair(scene.base, flavour == HN_QMP_AGENT ? on_agent_line : transcript_answer,
		       &scene.transcript, &scene.peer);
	countdown = n;
	if (hn_qmp_new_from_fd(scene.base, "g", fd, flavour, &limits, &listener, &qmp, NULL) == 0) {
		if (flavour == HN_QMP_MONITOR)
			peer_send(scene.peer, GREETING, strlen(GREETING));
		if (!run_until(scene.base, &scene.over, 20000))
			fail_msg("allocation %ld: hangs", n);
	}
	hn_qmp_free(qmp);
	failed = countdown == 0;
	countdown = 0;
	assert_int_equal(scene.answers, scene.started);
	assert_true(failed || scene.found);
	peer_free(scene.peer);
	transcript_free(&scene.transcript);
	event_base_free(scene.base);
	return failed;
}

static void a_pass_survives_any_failure(void **state)
{
	long n = 1;

	while (run(HN_QMP_MONITOR, "three-cells", n))
		n++;
	assert_true(n > 50);
	for (n = 1; run(HN_QMP_MONITOR, "bare", n); n++)
		;
}

static void a_file_survives_any_failure(void **state)
{
	long n = 1;

	while (run(HN_QMP_AGENT, "bare", n))
		n++;
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pass_survives_any_failure),
		cmocka_unit_test(a_file_survives_any_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
