#include "fleet/announce.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "fleet/backoff.h"

#define ANSWER_MAX 65536
#define RETRY_LEAST_MS 500
#define RETRY_MOST_MS 15000

struct said {
	char *key, *value;
	bool put; /* since the lease was granted */
};

/* Something that is tried again when it has failed. */
struct attempt {
	struct hn_backoff backoff;
	uint64_t due_ns; /* not before */
};

struct hn_announce {
	struct hn_etcd *etcd;
	struct hn_announce_events events;
	unsigned ttl_s;
	int64_t lease; /* 0 none */
	/* apart from each other: a lease is to last while nothing is put, however long that is refused */
	struct attempt keeping, putting;
	struct said topology, record;
	bool topology_changed, record_changed; /* while it was on its way */
	struct hn_etcd_call *call;
	struct event *timer;
	struct hn_random random;
	bool in_trouble;
};

static void go_on(struct hn_announce *announce);

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void set_timer(struct hn_announce *announce, uint64_t ms)
{
	struct timeval time = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	event_add(announce->timer, &time);
}

/* The timer wakes us when the lease is to be kept, or what failed to be put is tried again. */
static void rest(struct hn_announce *announce)
{
	uint64_t now = now_ns(), until = announce->putting.due_ns;

	if (announce->lease && (until <= now || announce->keeping.due_ns < until))
		until = announce->keeping.due_ns;
	set_timer(announce, until > now ? (until - now) / HN_NS_PER_MS + 1 : 0);
}

static void fail(struct hn_announce *announce, struct attempt *attempt, const struct hn_error *err)
{
	if (!announce->in_trouble)
		announce->events.trouble(err, announce->events.context);
	announce->in_trouble = true;
	attempt->due_ns = now_ns() + HN_NS_PER_MS * hn_backoff_next(&attempt->backoff, &announce->random,
								    RETRY_LEAST_MS, RETRY_MOST_MS);
	rest(announce);
}

static bool is_all_put(const struct hn_announce *announce)
{
	return announce->record.put && (announce->topology.put || !announce->topology.value);
}

/* Trouble is over when nothing is left to be put: who grants and keeps leases may still refuse that. */
static void succeed(struct hn_announce *announce)
{
	if (is_all_put(announce)) {
		announce->putting.backoff.failures = 0;
		if (announce->in_trouble)
			announce->events.trouble(NULL, announce->events.context);
		announce->in_trouble = false;
	}
	go_on(announce);
}

/* All is to be said again under another lease. */
static void lose_lease(struct hn_announce *announce)
{
	announce->lease = 0;
	announce->topology.put = announce->record.put = false;
}

static void have_lease(struct hn_announce *announce)
{
	/* three tries before it ends; not all hosts of a fleet at once */
	uint64_t third = announce->ttl_s * HN_NS_PER_S / 3;

	announce->keeping.backoff.failures = 0;
	announce->keeping.due_ns = now_ns() + third / 2 + hn_random_below(&announce->random, third / 2);
}

static void on_granted(json_object *answer, const struct hn_error *err, void *context)
{
	struct hn_announce *announce = context;
	struct hn_error none;

	announce->call = NULL;
	announce->lease = hn_etcd_number(answer, "ID");
	if (announce->lease) {
		have_lease(announce);
		succeed(announce);
	} else {
		if (answer)
			hn_fail(&none, -EPROTO, "etcd grants a lease without a number");
		fail(announce, &announce->putting, answer ? &none : err);
	}
}

static void on_kept(json_object *answer, const struct hn_error *err, void *context)
{
	struct hn_announce *announce = context;
	json_object *result;

	announce->call = NULL;
	if (!answer) {
		fail(announce, &announce->keeping, err);
		return;
	}
	if (hn_json_get_object(answer, "result", &result, NULL) == 0 && hn_etcd_number(result, "TTL") > 0)
		have_lease(announce);
	else
		lose_lease(announce);
	succeed(announce);
}

static void on_topology_put(json_object *answer, const struct hn_error *err, void *context)
{
	struct hn_announce *announce = context;

	announce->call = NULL;
	announce->topology.put = answer && !announce->topology_changed;
	announce->topology_changed = false;
	if (answer)
		succeed(announce);
	else
		fail(announce, &announce->putting, err);
}

static void on_record_put(json_object *answer, const struct hn_error *err, void *context)
{
	struct hn_announce *announce = context;

	announce->call = NULL;
	if (!answer) {
		/* "requested lease not found": etcd's data is another's, or we were away for too long */
		if (err->code == -EREMOTEIO && strstr(err->message, "lease not found"))
			lose_lease(announce);
		fail(announce, &announce->putting, err);
		return;
	}
	announce->record.put = !announce->record_changed;
	announce->record_changed = false;
	succeed(announce);
}

static json_object *finish(json_object *json, int failed)
{
	if (!failed)
		return json;
	json_object_put(json);
	return NULL;
}

static json_object *put_of(const struct said *said, int64_t lease)
{
	json_object *json = json_object_new_object();

	return finish(json, !json || hn_etcd_add_bytes(json, "key", said->key, strlen(said->key)) ||
				    hn_etcd_add_bytes(json, "value", said->value, strlen(said->value)) ||
				    (lease && hn_json_add(json, "lease", json_object_new_int64(lease))));
}

/* {"compare": [nobody has made it], "success": [put]} */
static json_object *put_if_absent(const struct said *said)
{
	json_object *json = json_object_new_object(), *compare = json_object_new_object();
	json_object *compares = json_object_new_array(), *successes = json_object_new_array();
	json_object *success = json_object_new_object(), *put = put_of(said, 0);
	int failed = !json || !compare || !compares || !successes || !success || !put ||
		     hn_json_add_string(compare, "target", "CREATE") ||
		     hn_json_add_string(compare, "result", "EQUAL") ||
		     hn_json_add_string(compare, "create_revision", "0") ||
		     hn_etcd_add_bytes(compare, "key", said->key, strlen(said->key)) ||
		     hn_json_add(success, "request_put", json_object_get(put)) ||
		     json_object_array_add(compares, json_object_get(compare)) ||
		     json_object_array_add(successes, json_object_get(success)) ||
		     hn_json_add(json, "compare", json_object_get(compares)) ||
		     hn_json_add(json, "success", json_object_get(successes));

	json_object_put(compare);
	json_object_put(compares);
	json_object_put(successes);
	json_object_put(success);
	json_object_put(put);
	return finish(json, failed);
}

static json_object *lease_body(const char *key, int64_t value)
{
	json_object *json = json_object_new_object();

	return finish(json, !json || hn_json_add(json, key, json_object_new_int64(value)));
}

static int put_topology(struct hn_announce *announce, struct hn_error *err)
{
	announce->topology_changed = false;
	return hn_etcd_ask(announce->etcd, "/v3/kv/txn", put_if_absent(&announce->topology), ANSWER_MAX,
			   on_topology_put, announce, &announce->call, err);
}

static int put_record(struct hn_announce *announce, struct hn_error *err)
{
	announce->record_changed = false;
	return hn_etcd_ask(announce->etcd, "/v3/kv/put", put_of(&announce->record, announce->lease),
			   ANSWER_MAX, on_record_put, announce, &announce->call, err);
}

static int keep_lease(struct hn_announce *announce, struct hn_error *err)
{
	return hn_etcd_ask(announce->etcd, "/v3/lease/keepalive", lease_body("ID", announce->lease),
			   ANSWER_MAX, on_kept, announce, &announce->call, err);
}

/* What is missing of all that is to be said. */
static int put_next(struct hn_announce *announce, struct hn_error *err)
{
	if (!announce->lease)
		return hn_etcd_ask(announce->etcd, "/v3/lease/grant", lease_body("TTL", announce->ttl_s),
				   ANSWER_MAX, on_granted, announce, &announce->call, err);
	if (announce->topology.value && !announce->topology.put)
		return put_topology(announce, err);
	return put_record(announce, err);
}

/* The next thing to be done, if any. */
static void go_on(struct hn_announce *announce)
{
	uint64_t now = now_ns();
	struct hn_error err = {0};

	if (announce->call || !announce->record.value)
		return;
	if (announce->lease && now >= announce->keeping.due_ns) {
		if (keep_lease(announce, &err) < 0)
			fail(announce, &announce->keeping, &err);
	} else if (now < announce->putting.due_ns || (announce->lease && is_all_put(announce)))
		rest(announce);
	else if (put_next(announce, &err) < 0)
		fail(announce, &announce->putting, &err);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	go_on(context);
}

int hn_announce_new(struct event_base *base, struct hn_etcd *etcd, unsigned ttl_s,
		    const struct hn_announce_events *events, struct hn_announce **ret, struct hn_error *err)
{
	struct hn_announce *announce = calloc(1, sizeof(*announce));

	if (!announce)
		return hn_oom(err);
	announce->etcd = etcd;
	announce->events = *events;
	announce->ttl_s = ttl_s;
	announce->random.state = now_ns() ^ ((uint64_t)getpid() << 32);
	announce->timer = evtimer_new(base, on_timer, announce);
	if (!announce->timer) {
		free(announce);
		return hn_oom(err);
	}
	*ret = announce;
	return 0;
}

void hn_announce_free(struct hn_announce *announce)
{
	if (!announce)
		return;
	hn_etcd_cancel(announce->call);
	event_free(announce->timer);
	free(announce->topology.key);
	free(announce->topology.value);
	free(announce->record.key);
	free(announce->record.value);
	free(announce);
}

static int say(struct said *said, const char *key, const char *value, struct hn_error *err)
{
	char *new_key = strdup(key), *new_value = strdup(value);

	if (!new_key || !new_value) {
		free(new_key);
		free(new_value);
		return hn_oom(err);
	}
	free(said->key);
	free(said->value);
	*said = (struct said){.key = new_key, .value = new_value};
	return 0;
}

int hn_announce_topology(struct hn_announce *announce, const char *key, const char *value,
			 struct hn_error *err)
{
	int r = say(&announce->topology, key, value, err);

	if (r == 0)
		announce->topology_changed = announce->call != NULL;
	return r;
}

void hn_announce_topology_again(struct hn_announce *announce)
{
	announce->topology.put = false; /* as soon as the lease is kept */
}

int hn_announce_record(struct hn_announce *announce, const char *key, const char *value, struct hn_error *err)
{
	int r = say(&announce->record, key, value, err);

	if (r < 0)
		return r;
	announce->record_changed = announce->call != NULL;
	/* in trouble the timer decides when it is tried again */
	if (!announce->in_trouble)
		go_on(announce);
	return 0;
}
