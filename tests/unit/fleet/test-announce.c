/* What a host says, against an etcd of a few lines that refuses what it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "fleet/announce.h"

#define TTL_S 2 /* so the lease is kept alive every two thirds of a second at least */

struct scene {
	struct event_base *base;
	struct evhttp *server;
	struct hn_etcd *etcd;
	struct hn_announce *announce;
	bool full;                                   /* it puts nothing */
	bool deaf;                                   /* it keeps no lease */
	uint64_t kept_ns, longest_ns;                /* when the lease was last kept; longest without that */
	unsigned grants, keeps, topologies, records; /* that were asked for */
	unsigned troubles, ends;                     /* that were told */
};

static void answer(struct evhttp_request *request, int status, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	evbuffer_add(body, text, strlen(text));
	evhttp_send_reply(request, status, NULL, body);
	evbuffer_free(body);
}

static void keep(struct scene *scene)
{
	struct timespec time;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (uint64_t)time.tv_sec * HN_NS_PER_S + (uint64_t)time.tv_nsec;
	if (scene->kept_ns && now - scene->kept_ns > scene->longest_ns)
		scene->longest_ns = now - scene->kept_ns;
	scene->kept_ns = now;
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct scene *scene = context;
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

	if (strcmp(path, "/v3/lease/grant") == 0) {
		scene->grants++;
		keep(scene);
		answer(request, 200, "{\"ID\": \"7\", \"TTL\": \"2\"}");
	} else if (strcmp(path, "/v3/lease/keepalive") == 0 && scene->deaf) {
		scene->keeps++;
		answer(request, 503, "{\"error\": \"etcdserver: no leader\", \"code\": 14}");
	} else if (strcmp(path, "/v3/lease/keepalive") == 0) {
		scene->keeps++;
		keep(scene);
		answer(request, 200, "{\"result\": {\"ID\": \"7\", \"TTL\": \"2\"}}");
	} else {
		scene->topologies += strcmp(path, "/v3/kv/txn") == 0;
		scene->records += strcmp(path, "/v3/kv/put") == 0;
		answer(request, scene->full ? 500 : 200,
		       scene->full ? "{\"error\": \"etcdserver: mvcc: database space exceeded\", \"code\": 8}"
				   : "{}");
	}
}

static void on_trouble(const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	scene->troubles += err != NULL;
	scene->ends += err == NULL;
}

static void serve(struct scene *scene, struct hn_etcd_options *ret)
{
	struct evhttp_bound_socket *bound;
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	scene->server = evhttp_new(scene->base);
	evhttp_set_gencb(scene->server, on_request, scene);
	bound = evhttp_bind_socket_with_handle(scene->server, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length),
			 0);
	snprintf(ret->endpoints[0], sizeof(ret->endpoints[0]), "http://127.0.0.1:%d",
		 ntohs(address.sin_port));
	ret->endpoint_count = 1;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct hn_announce_events events = {.trouble = on_trouble, .context = scene};
	struct hn_etcd_options options = {0};

	scene->base = event_base_new();
	serve(scene, &options);
	assert_int_equal(hn_etcd_new(scene->base, &options, &scene->etcd, NULL), 0);
	assert_int_equal(hn_announce_new(scene->base, scene->etcd, TTL_S, &events, &scene->announce, NULL),
			 0);
	assert_int_equal(hn_announce_topology(scene->announce, "/t", "{}", NULL), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	hn_announce_free(scene->announce);
	hn_etcd_free(scene->etcd);
	evhttp_free(scene->server);
	event_base_free(scene->base);
	free(scene);
	return 0;
}

static void run(struct scene *scene, long ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(scene->base, &time);
	event_base_dispatch(scene->base);
}

/* Until a count is there; a test that waits in vain is ended by its time. */
static void run_until(struct scene *scene, const unsigned *count, unsigned least)
{
	while (*count < least)
		run(scene, 10);
}

/* An etcd whose space is used up grants leases and keeps them, and puts nothing. */
static void one_trouble_while_nothing_is_put(void **state)
{
	struct scene *scene = *state;

	scene->full = true;
	assert_int_equal(hn_announce_record(scene->announce, "/h", "{}", NULL), 0);
	run(scene, 2500);
	assert_int_equal(scene->grants, 1);
	assert_true(scene->keeps > 0);
	assert_int_equal(scene->troubles, 1);
	assert_int_equal(scene->ends, 0);
	/* tried again after a quarter of a second at least, then after twice as long each time */
	assert_in_range(scene->topologies, 2, 4);
	scene->full = false;
	run_until(scene, &scene->ends, 1);
	assert_int_equal(scene->troubles, 1);
	assert_int_equal(scene->records, 1);
}

/* However long it is until the next try to put something: after three and a half seconds that is two at
 * least, as long as the lease lasts. */
static void the_lease_lasts_while_nothing_is_put(void **state)
{
	struct scene *scene = *state;
	unsigned keeps;

	scene->full = true;
	assert_int_equal(hn_announce_record(scene->announce, "/h", "{}", NULL), 0);
	run(scene, 8000);
	assert_int_equal(scene->grants, 1);
	assert_in_range(scene->longest_ns, 1, TTL_S * HN_NS_PER_S - 1);
	/* one that cannot be kept is tried again soon, too: after 0.5 s, then 1 s at most */
	scene->deaf = true;
	keeps = scene->keeps;
	run(scene, 2200);
	assert_in_range(scene->keeps, keeps + 2, keeps + 5);
}

/* Nobody tells a host that its topology was deleted: it puts it again, if absent, when it is told to. */
static void the_topology_is_put_again(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(hn_announce_record(scene->announce, "/h", "{}", NULL), 0);
	run_until(scene, &scene->records, 1);
	run_until(scene, &scene->keeps, scene->keeps + 2);
	assert_int_equal(scene->topologies, 1);
	hn_announce_topology_again(scene->announce);
	run_until(scene, &scene->topologies, 2);
	run_until(scene, &scene->keeps, scene->keeps + 2);
	assert_int_equal(scene->topologies, 2);
	assert_int_equal(scene->records, 1);
	assert_int_equal(scene->grants, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_trouble_while_nothing_is_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_lease_lasts_while_nothing_is_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_topology_is_put_again, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
