/*
 * A connection to libvirt's own test driver, which lives in this process: the same functions and the same
 * events as with a libvirtd, without one. What needs a real one is in tests/integration/test_virt.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "virt/virt.h"

#define URI "test:///default" /* one running domain, "test" */

static struct event_base *base;
static struct hn_virt *virt;
static char heard[8192]; /* a line an event */
static char last_uuid[40];
static bool free_when_told;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	size_t length = strlen(heard);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(heard + length, sizeof(heard) - length, format, arguments);
	va_end(arguments);
}

static void on_up(struct hn_virt *from, void *context)
{
	note("up\n");
}

static void on_down(struct hn_virt *from, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	note("down %s\n", why->message);
}

static void on_domain(struct hn_virt *from, const struct hn_virt_domain *domain, const char *event,
		      void *context)
{
	assert_non_null(strstr(domain->xml, domain->uuid));
	memcpy(last_uuid, domain->uuid, sizeof(last_uuid));
	note("%s %s %s\n", domain->name, event, hn_run_state_name(domain->state));
	if (free_when_told) {
		hn_virt_free(virt);
		virt = NULL;
	}
}

static void on_gone(struct hn_virt *from, const char *uuid, const char *why, void *context)
{
	assert_string_equal(uuid, last_uuid);
	note("gone %s\n", why);
}

static void on_problem(struct hn_virt *from, const struct hn_error *what, void *context)
{
	note("problem %s\n", what->message);
}

static void on_done(const struct hn_error *err, void *context)
{
	note("done %s\n", err ? err->message : "well");
}

static const struct hn_virt_listener listener = {
	.up = on_up,
	.down = on_down,
	.domain = on_domain,
	.gone = on_gone,
	.problem = on_problem,
};

static void run_for(int ms)
{
	struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(base, &delay);
	event_base_dispatch(base);
}

/* Runs the loop until the text was heard. */
static void await(const char *text)
{
	for (int i = 0; i < 500 && !strstr(heard, text); i++)
		run_for(10);
	if (!strstr(heard, text))
		fail_msg("'%s' was not heard, but:\n%s", text, heard);
}

static void forget(void)
{
	heard[0] = '\0';
}

static void connect_to(const char *uri)
{
	struct hn_virt_limits limits = hn_virt_default_limits;
	struct hn_error err;

	limits.retry_first_ns = 20 * HN_NS_PER_MS;
	limits.gather_ns = 30 * HN_NS_PER_MS;
	assert_int_equal(hn_virt_new_limited(base, uri, &limits, &listener, &virt, &err), 0);
	assert_string_equal(heard, "");
}

static void tells_what_runs_and_then_up(void **state)
{
	connect_to(URI);
	assert_false(hn_virt_connected(virt));
	await("up\n");
	assert_string_equal(heard, "test present running\nup\n");
	assert_true(hn_virt_connected(virt));
	assert_string_equal(hn_virt_uri(virt), URI);
}

static void gathers_events_of_a_domain(void **state)
{
	virConnectPtr connection = virConnectOpen(URI);
	virDomainPtr domain = virDomainLookupByName(connection, "test");

	connect_to(URI);
	await("up\n");
	forget();
	assert_int_equal(virDomainSuspend(domain), 0);
	await("test suspended paused\n");
	forget();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(virDomainResume(domain), 0);
		assert_int_equal(virDomainSuspend(domain), 0);
	}
	assert_int_equal(virDomainResume(domain), 0);
	await("\n");
	assert_string_equal(heard, "test suspended,resumed running\n");
	run_for(150);
	assert_string_equal(heard, "test suspended,resumed running\n");
	virDomainFree(domain);
	virConnectClose(connection);
}

static void tells_gone_before_started_again(void **state)
{
	virConnectPtr connection = virConnectOpen(URI);
	virDomainPtr domain = virDomainLookupByName(connection, "test");

	connect_to(URI);
	await("up\n");
	forget();
	assert_int_equal(virDomainDestroy(domain), 0);
	assert_int_equal(virDomainCreate(domain), 0);
	await("test ");
	assert_string_equal(heard, "gone stopped: destroyed\ntest started running\n");
	/* one that is told as gone and never was told as there makes no sense */
	forget();
	assert_int_equal(virDomainDestroy(domain), 0);
	await("gone");
	forget();
	assert_int_equal(virDomainCreate(domain), 0);
	assert_int_equal(virDomainDestroy(domain), 0);
	run_for(150);
	assert_string_equal(heard, "");
	assert_int_equal(virDomainCreate(domain), 0);
	await("test started running\n");
	virDomainFree(domain);
	virConnectClose(connection);
}

static void acts(void **state)
{
	virConnectPtr connection = virConnectOpen(URI);
	virDomainPtr domain = virDomainLookupByName(connection, "test");
	char *text;

	connect_to(URI);
	await("up\n");
	forget();
	assert_int_equal(
		hn_virt_set_metadata(virt, last_uuid, "hn", "urn:homenode", "<x/>", on_done, NULL, NULL), 0);
	assert_string_equal(heard, "");
	await("done well\n");
	text = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "urn:homenode",
				    VIR_DOMAIN_AFFECT_LIVE);
	assert_non_null(text);
	free(text);

	forget();
	assert_int_equal(
		hn_virt_set_metadata(virt, last_uuid, "hn", "urn:homenode", NULL, on_done, NULL, NULL), 0);
	await("done well\n");
	assert_null(virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "urn:homenode",
					 VIR_DOMAIN_AFFECT_LIVE));
	virDomainFree(domain);
	virConnectClose(connection);
}

static void refuses(void **state)
{
	struct hn_virt_pin pin = {.kind = HN_VIRT_VCPU, .number = 999, .cpus = hn_set_of(0)};
	struct hn_virt_pin nowhere = {.kind = HN_VIRT_EMULATOR};
	struct hn_error err;
	int fd;

	connect_to(URI);
	assert_int_equal(hn_virt_pin(virt, "x", &pin, 1, false, on_done, NULL, &err), -ENOTCONN);
	await("up\n");
	forget();
	assert_int_equal(hn_virt_pin(virt, last_uuid, &nowhere, 1, false, on_done, NULL, &err), -EINVAL);
	assert_int_equal(hn_virt_pin(virt, last_uuid, &pin, 1101, false, on_done, NULL, &err), -EINVAL);
	assert_int_equal(hn_virt_set_nodes(virt, last_uuid, &nowhere.cpus, false, on_done, NULL, &err),
			 -EINVAL);
	assert_int_equal(hn_virt_wire_open(virt, "nobody", HN_VIRT_MONITOR, &fd, &err), -ENOENT);
	run_for(20);
	assert_string_equal(heard, "");
	assert_int_equal(hn_virt_pin(virt, last_uuid, &pin, 1, false, on_done, NULL, &err), 0);
	await("done domain test: vCPU 999 could not be pinned to CPUs 0 (0 of 1 had been): ");
	forget();
	assert_int_equal(hn_virt_pin(virt, "00000000-1111-4222-8333-444444444444", &pin, 1, false, on_done,
				     NULL, &err),
			 0);
	await("done domain 00000000-1111-4222-8333-444444444444: Domain not found\n");
}

static void forgets_replies(void **state)
{
	struct hn_error err;
	int mine, other;

	connect_to(URI);
	await("up\n");
	forget();
	assert_int_equal(hn_virt_set_metadata(virt, last_uuid, "hn", "urn:a", "<x/>", on_done, &mine, &err),
			 0);
	hn_virt_forget(virt, &other);
	await("done well\n");
	forget();
	assert_int_equal(hn_virt_set_metadata(virt, last_uuid, "hn", "urn:a", "<x/>", on_done, &mine, &err),
			 0);
	hn_virt_forget(virt, &mine);
	run_for(100);
	assert_null(strstr(heard, "done"));
}

static void a_monitor_that_libvirt_has_not_ends_its_wire(void **state)
{
	struct hn_error err;
	char byte;
	int fd;

	connect_to(URI);
	await("up\n");
	forget();
	assert_int_equal(hn_virt_wire_open(virt, last_uuid, HN_VIRT_MONITOR, &fd, &err), 0);
	await("problem domain ");
	assert_non_null(strstr(heard, "monitor through libvirt: "));
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	close(fd);
}

static void read_wire(int fd, char *text, size_t size, const char *until)
{
	size_t length = 0;

	text[0] = '\0';
	for (int i = 0; i < 300 && !strstr(text, until); i++) {
		ssize_t more;

		run_for(5);
		more = recv(fd, text + length, size - 1 - length, MSG_DONTWAIT);
		if (more > 0)
			length += (size_t)more;
		text[length] = '\0';
	}
}

static void an_agents_wire(void **state)
{
	static const char sync[] = "\xff{\"execute\":\"guest-info\"}{\"execute\":\"guest-sync-delimited\","
				   "\"arguments\":{\"id\":77}}\n";
	static const char half[] = "{\"execute\":\"gue\xff{\"execute\":\"guest-ping\"}";
	struct hn_error err;
	char text[1024];
	int fd;

	connect_to(URI);
	await("up\n");
	assert_int_equal(hn_virt_wire_open(virt, last_uuid, HN_VIRT_AGENT, &fd, &err), 0);
	assert_int_equal(write(fd, sync, sizeof(sync) - 1), (ssize_t)sizeof(sync) - 1);
	read_wire(fd, text, sizeof(text), "77}\n");
	/* what was asked before the sync is not answered behind it */
	assert_string_equal(text, "\xff{\"return\":77}\n");
	assert_int_equal(write(fd, half, sizeof(half) - 1), (ssize_t)sizeof(half) - 1);
	read_wire(fd, text, sizeof(text), "\n");
	assert_non_null(strstr(text, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"libvirt: "));
	assert_int_equal(write(fd, "{]", 2), 2);
	forget();
	await("problem domain ");
	assert_non_null(strstr(heard, "a command is not JSON"));
	assert_int_equal(recv(fd, text, 1, 0), 0);
	close(fd);
}

static void a_wire_ends_with_its_owner_and_the_connection(void **state)
{
	struct hn_error err;
	char byte;
	int fds[2];

	connect_to(URI);
	await("up\n");
	for (int i = 0; i < 2; i++)
		assert_int_equal(hn_virt_wire_open(virt, last_uuid, HN_VIRT_AGENT, &fds[i], &err), 0);
	close(fds[0]);
	run_for(20);
	hn_virt_free(virt);
	virt = NULL;
	assert_int_equal(recv(fds[1], &byte, 1, 0), 0);
	close(fds[1]);
}

static void may_be_freed_from_a_callback(void **state)
{
	free_when_told = true;
	connect_to(URI);
	await("present");
	run_for(50);
	assert_null(virt);
	assert_string_equal(heard, "test present running\n");
}

static void may_be_freed_at_once(void **state)
{
	connect_to(URI);
	hn_virt_free(virt);
	virt = NULL;
	run_for(50);
	assert_string_equal(heard, "");
}

static void on_done_ask_again(const struct hn_error *err, void *context)
{
	struct hn_virt *from = context;
	struct hn_error why;

	on_done(err, NULL);
	assert_int_equal(hn_virt_set_metadata(from, last_uuid, "hn", "urn:a", NULL, on_done, NULL, &why),
			 -ENOTCONN);
}

/* Whoever waits for an answer, such as a request over HTTP, gets one. */
static void what_is_due_is_answered_when_it_is_freed(void **state)
{
	struct hn_error err;

	connect_to(URI);
	await("up\n");
	forget();
	assert_int_equal(
		hn_virt_set_metadata(virt, last_uuid, "hn", "urn:a", "<x/>", on_done_ask_again, virt, &err),
		0);
	hn_virt_free(virt);
	virt = NULL;
	assert_string_equal(heard, "done the connection to libvirt at " URI " was given up\n");
	run_for(50);
	assert_null(strstr(strchr(heard, '\n'), "done"));
}

static void says_once_why_it_cannot_connect(void **state)
{
	connect_to("test:///no/such/file");
	await("down cannot connect to libvirt at test:///no/such/file: ");
	forget();
	run_for(300);
	assert_string_equal(heard, "");
	assert_false(hn_virt_connected(virt));
}

static int begin(void **state)
{
	base = event_base_new();
	free_when_told = false;
	forget();
	return base ? 0 : -1;
}

static int end(void **state)
{
	hn_virt_free(virt);
	virt = NULL;
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_what_runs_and_then_up, begin, end),
		cmocka_unit_test_setup_teardown(gathers_events_of_a_domain, begin, end),
		cmocka_unit_test_setup_teardown(tells_gone_before_started_again, begin, end),
		cmocka_unit_test_setup_teardown(acts, begin, end),
		cmocka_unit_test_setup_teardown(refuses, begin, end),
		cmocka_unit_test_setup_teardown(forgets_replies, begin, end),
		cmocka_unit_test_setup_teardown(a_monitor_that_libvirt_has_not_ends_its_wire, begin, end),
		cmocka_unit_test_setup_teardown(an_agents_wire, begin, end),
		cmocka_unit_test_setup_teardown(a_wire_ends_with_its_owner_and_the_connection, begin, end),
		cmocka_unit_test_setup_teardown(may_be_freed_from_a_callback, begin, end),
		cmocka_unit_test_setup_teardown(may_be_freed_at_once, begin, end),
		cmocka_unit_test_setup_teardown(what_is_due_is_answered_when_it_is_freed, begin, end),
		cmocka_unit_test_setup_teardown(says_once_why_it_cannot_connect, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
