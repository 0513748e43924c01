/* The stream of events over a real socket: what is kept, resumed, lost, and who is cut off. */
#include "daemon/events.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/api.h"
#include "daemon/guest.h"
#include "daemon/operation.h"
#include "daemon/regulator.h"

#define TEXT_MAX (4u << 20)

struct scene {
	struct hn_service service;
	struct hn_config config;
	char folder[64], path[100];
	char *text; /* what a client has received */
	size_t length;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct hn_error err;

	if (!scene || !(scene->text = calloc(1, TEXT_MAX + 1)))
		return -1;
	hn_log_set_level(HN_LOG_ERROR);
	snprintf(scene->folder, sizeof(scene->folder), "/tmp/homenode-test-XXXXXX");
	if (!mkdtemp(scene->folder))
		return -1;
	snprintf(scene->path, sizeof(scene->path), "%s/s.sock", scene->folder);
	scene->service.base = event_base_new();
	hn_config_init(&scene->config);
	scene->service.config = &scene->config;
	*state = scene;
	if (hn_events_new(scene->service.base, &scene->service.events, &err) < 0)
		return -1;
	return hn_api_new(&scene->service, scene->path, &scene->service.api, &err);
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	hn_api_free(scene->service.api);
	hn_events_free(scene->service.events);
	event_base_free(scene->service.base);
	hn_config_done(&scene->config);
	rmdir(scene->folder);
	free(scene->text);
	free(scene);
	return 0;
}

static void turn(struct scene *scene)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(scene->service.base, EVLOOP_NONBLOCK);
}

/* A client that has asked, and been heard. */
static int ask(struct scene *scene, const char *query, const char *header)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[300];

	strcpy(address.sun_path, scene->path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(request, sizeof(request), "GET /v1/events%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, header);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	turn(scene);
	return fd;
}

/* All that has come for the client; true when the connection has ended. */
static bool receive(struct scene *scene, int fd)
{
	ssize_t got;

	scene->length = 0;
	do {
		turn(scene);
		got = read(fd, scene->text + scene->length, TEXT_MAX - scene->length);
		if (got > 0)
			scene->length += (size_t)got;
	} while (got > 0);
	scene->text[scene->length] = '\0';
	return got == 0 || errno == ECONNRESET;
}

static unsigned count(const char *text, const char *what)
{
	unsigned times = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		times++;
	return times;
}

/* An event with so many bytes of text. */
static void emit(struct scene *scene, const char *guest, size_t bytes)
{
	json_object *json = json_object_new_object();
	char *text = calloc(1, bytes + 1);

	assert_non_null(text);
	memset(text, 'x', bytes);
	hn_json_add_string(json, "problem", text);
	hn_event_emit(&scene->service, HN_EVENT_PROBLEM, guest, json);
	free(text);
}

/* The id of the n-th event received, from 0. */
static unsigned long long id_of(const struct scene *scene, unsigned n)
{
	const char *at = scene->text;

	while ((at = strstr(at, "id: ")) && n--)
		at += 4;
	assert_non_null(at);
	return strtoull(at + 4, NULL, 10);
}

static void a_client_hears_what_follows(void **state)
{
	struct scene *scene = *state;
	int fd;

	emit(scene, "before", 1);
	fd = ask(scene, "", "");
	assert_false(receive(scene, fd));
	assert_non_null(strstr(scene->text, "HTTP/1.1 200"));
	assert_non_null(strstr(scene->text, "Content-Type: text/event-stream\r\n"));
	assert_null(strstr(scene->text, "before"));
	emit(scene, "web \"1\"\n", 3);
	hn_event_emit(&scene->service, HN_EVENT_GUEST_GONE, "db", NULL);
	assert_false(receive(scene, fd));
	assert_non_null(strstr(scene->text, "\nevent: problem\ndata: {\"problem\":\"xxx\",\"guest\":\"web "
					    "\\\"1\\\"\\n\",\"time_ns\":"));
	assert_non_null(strstr(scene->text, "\nevent: guest-gone\ndata: {\"guest\":\"db\",\"time_ns\":"));
	assert_true(id_of(scene, 1) == id_of(scene, 0) + 1);
	close(fd);
	turn(scene);
}

static void a_client_goes_on_where_it_was(void **state)
{
	static const char *const ways[] = {"query", "header"};
	struct scene *scene = *state;
	unsigned long long second;
	int fd;

	for (int i = 0; i < 5; i++)
		emit(scene, (const char *[]){"g0", "g1", "g2", "g3", "g4"}[i], 1);
	fd = ask(scene, "?since=0", "");
	receive(scene, fd);
	assert_int_equal(count(scene->text, "id: "), 5);
	assert_int_equal(count(scene->text, "event: gap"), 0);
	second = id_of(scene, 1);
	close(fd);
	for (size_t i = 0; i < HN_COUNT(ways); i++) {
		char query[60], header[60];

		snprintf(query, sizeof(query), "?since=%llu", i ? 1 : second);
		snprintf(header, sizeof(header), "Last-Event-ID: %llu\r\n", second);
		fd = ask(scene, query, i ? header : "");
		receive(scene, fd);
		assert_int_equal(count(scene->text, "id: "), 3);
		assert_null(strstr(scene->text, "\"g1\""));
		assert_non_null(strstr(scene->text, "\"g2\""));
		assert_int_equal(count(scene->text, "event: gap"), 0);
		close(fd);
	}
}

static void what_is_lost_is_said(void **state)
{
	struct scene *scene = *state;
	unsigned long long first;
	char query[60];
	int fd = ask(scene, "", "");

	emit(scene, "first", 1);
	receive(scene, fd);
	first = id_of(scene, 0);
	close(fd);
	for (int i = 0; i < HN_EVENTS_KEPT; i++)
		emit(scene, "later", 1);
	/* "first" is gone, but whoever has seen it has missed nothing */
	snprintf(query, sizeof(query), "?since=%llu", first);
	fd = ask(scene, query, "");
	receive(scene, fd);
	assert_int_equal(count(scene->text, "event: gap"), 0);
	assert_int_equal(count(scene->text, "id: "), HN_EVENTS_KEPT);
	assert_true(id_of(scene, 0) == first + 1);
	close(fd);
	emit(scene, "latest", 1);
	fd = ask(scene, query, "");
	receive(scene, fd);
	assert_int_equal(count(scene->text, "event: gap"), 1);
	assert_int_equal(count(scene->text, "id: "), HN_EVENTS_KEPT);
	close(fd);
	/* an id of the future: the clock was set back between two runs */
	snprintf(query, sizeof(query), "?since=%llu", first + 1000000000);
	fd = ask(scene, query, "");
	receive(scene, fd);
	assert_int_equal(count(scene->text, "event: gap"), 1);
	assert_int_equal(count(scene->text, "id: "), HN_EVENTS_KEPT);
	close(fd);
}

static void who_does_not_read_is_cut_off(void **state)
{
	struct scene *scene = *state;
	int slow = ask(scene, "", ""), quick = ask(scene, "", "");
	unsigned sent = 0, heard = 0;

	for (; sent < 400; sent++) { /* 4 MiB */
		emit(scene, "g", 10240);
		assert_false(receive(scene, quick));
		heard += count(scene->text, "event: problem");
	}
	assert_int_equal(heard, sent);
	assert_true(receive(scene, slow)); /* ended */
	assert_true(scene->length < HN_EVENT_BACKLOG_MAX + (1u << 20));
	assert_true(count(scene->text, "event: problem") < sent);
	emit(scene, "g", 1);
	assert_false(receive(scene, quick));
	assert_int_equal(count(scene->text, "event: problem"), 1);
	close(slow);
	close(quick);
}

static void clients_are_limited_and_make_room_when_they_go(void **state)
{
	struct scene *scene = *state;
	int fds[HN_EVENT_CLIENTS_MAX], fd;

	for (int i = 0; i < HN_EVENT_CLIENTS_MAX; i++) {
		fds[i] = ask(scene, "", "");
		assert_false(receive(scene, fds[i]));
		assert_non_null(strstr(scene->text, " 200 "));
	}
	fd = ask(scene, "", "");
	receive(scene, fd);
	assert_non_null(strstr(scene->text, " 503 "));
	assert_non_null(strstr(scene->text, "64 clients"));
	close(fd);
	close(fds[7]);
	turn(scene);
	fds[7] = ask(scene, "", "");
	receive(scene, fds[7]);
	assert_non_null(strstr(scene->text, " 200 "));
	for (int i = 0; i < HN_EVENT_CLIENTS_MAX; i++)
		close(fds[i]);
	emit(scene, "nobody hears", 1);
	turn(scene);
}

static void bad_ids_are_refused(void **state)
{
	static const char *const queries[] = {"?since=",   "?since=x",  "?since=-1",
					      "?since=1x", "?since= 1", "?since=99999999999999999999999",
					      "?sinc=1"};
	struct scene *scene = *state;

	for (size_t i = 0; i < HN_COUNT(queries); i++) {
		int fd = ask(scene, queries[i], "");

		receive(scene, fd);
		if (!strstr(scene->text, " 400 "))
			fail_msg("%s: %s", queries[i], scene->text);
		close(fd);
	}
}

static void ignore_tick(evutil_socket_t fd, short what, void *context)
{
}

/* One operation that has nothing to do, and one whose guest goes while it waits for its turn. */
static void operations_are_told_and_counted(void **state)
{
	struct scene *scene = *state;
	struct hn_managed managed = {.service = &scene->service, .name = "web"};
	struct hn_plan *plan = hn_plan_new();
	struct hn_action *action;
	struct hn_part none = {0};
	struct hn_error err;
	int fd = ask(scene, "", "");

	TAILQ_INIT(&scene->service.guests);
	TAILQ_INIT(&scene->service.migrations);
	TAILQ_INIT(&scene->service.stuck);
	TAILQ_INIT(&scene->service.reservations.list);
	scene->service.host = hn_host_new("host", 2, 2);
	scene->service.host_refreshed_ns = hn_now_ns();
	assert_int_equal(hn_admission_new(&scene->service, &scene->service.admission, &err), 0);
	assert_int_equal(hn_regulator_new(&scene->service, &scene->service.regulator, &err), 0);
	managed.guest = hn_guest_new("web");
	managed.inspected_ns = hn_now_ns();
	managed.tick = event_new(scene->service.base, -1, 0, ignore_tick, NULL);
	assert_int_equal(hn_operation_start(&managed, plan, 0, &none, &err), 0);
	assert_null(managed.running);
	scene->config.at_once = 0; /* as many as may run */
	plan = hn_plan_new();
	snprintf(plan->reason, sizeof(plan->reason), "because");
	action = hn_plan_add_action(plan, HN_ACTION_MIGRATE);
	action->bytes = 4096;
	assert_int_equal(hn_operation_start(&managed, plan, 0, &none, &err), 0);
	assert_non_null(managed.running);
	assert_non_null(strstr(managed.operation.message, "waits for another migration"));
	hn_operation_abandon(&managed, "the guest is gone");
	receive(scene, fd);
	assert_int_equal(count(scene->text, "event: operation-started"), 2);
	assert_non_null(
		strstr(scene->text, "event: operation-done\ndata: {\"operation\":1,\"outcome\":\"done\""));
	assert_non_null(
		strstr(scene->text,
		       "\"outcome\":\"running\",\"to_move_bytes\":4096,\"moved_bytes\":0,\"stayed_bytes\":0,"
		       "\"elapsed_ns\":0,\"message\":\"because\",\"guest\":\"web\""));
	assert_non_null(strstr(scene->text,
			       "event: operation-failed\ndata: {\"operation\":2,\"outcome\":\"cancelled\""));
	assert_int_equal(scene->service.tally.operations[HN_OPERATION_DONE], 1);
	assert_int_equal(scene->service.tally.operations[HN_OPERATION_CANCELLED], 1);
	assert_int_equal(scene->service.tally.operations[HN_OPERATION_FAILED], 0);
	event_free(managed.tick);
	hn_regulator_free(scene->service.regulator);
	hn_admission_free(scene->service.admission);
	hn_host_free(scene->service.host);
	hn_guest_free(managed.guest);
	close(fd);
}

/* A problem is told when it changes, and when it is over, and no other time. */
static void problems_are_told_once(void **state)
{
	struct scene *scene = *state;
	struct hn_managed managed = {.service = &scene->service, .name = "web"};
	int fd = ask(scene, "", "");
	struct hn_error err;

	hn_fail(&err, -EIO, "guest 'web': monitor: gone");
	hn_managed_set_problem(&managed, NULL);
	hn_managed_set_problem(&managed, &err);
	hn_managed_set_problem(&managed, &err);
	hn_managed_set_problem(&managed, NULL);
	hn_managed_set_problem(&managed, NULL);
	receive(scene, fd);
	assert_int_equal(count(scene->text, "event: problem"), 2);
	assert_int_equal(count(scene->text, "{\"problem\":\"monitor: gone\","), 1);
	assert_int_equal(count(scene->text, "{\"problem\":\"\","), 1);
	close(fd);
}

/* A daemon that ends closes streams; tear_down() does it with a client there. */
static void clients_outlive_the_service(void **state)
{
	struct scene *scene = *state;
	struct hn_error err;
	int fd = ask(scene, "", "");

	hn_api_free(scene->service.api);
	scene->service.api = NULL;
	emit(scene, "g", 1);
	assert_true(receive(scene, fd));
	close(fd);
	assert_int_equal(hn_api_new(&scene->service, scene->path, &scene->service.api, &err), 0);
	(void)ask(scene, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_client_hears_what_follows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_client_goes_on_where_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_lost_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_does_not_read_is_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clients_are_limited_and_make_room_when_they_go, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(bad_ids_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(operations_are_told_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(problems_are_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clients_outlive_the_service, set_up, tear_down),
	};

	signal(SIGPIPE, SIG_IGN); /* as homenoded does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
