#include "fleet/mirror.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "fleet/backoff.h"

#define PAGE_KEYS 200
#define PAGE_BYTES_MAX (16u << 20)
#define LINE_MAX_BYTES (64u << 20)
#define PROBE_MS 2000
#define MISCOUNTS_MAX 3
#define RETRY_LEAST_MS 200
#define RETRY_MOST_MS 5000

struct hn_mirror {
	struct hn_etcd *etcd;
	struct hn_mirror_events events;
	char prefix[128];
	struct hn_mirror_state state;
	struct hn_random random;
	struct hn_backoff backoff;
	struct event *retry, *probe_timer;
	struct hn_etcd_call *reading, *watch, *probe; /* under way */
	int64_t reading_revision;
	uint64_t cluster;
	int64_t asked_revision; /* known when the probe was sent: its answer may be older than the watch */
	int64_t keys;           /* as many as there should be */
	int64_t found;          /* a revision that the last probe saw and the watch had not told */
	unsigned miscounts;     /* probes in a row that found another number of keys */
	uint64_t probed_changes;
	bool in_trouble;
	struct hn_error ended; /* why the watch is of no more use; code 0: not known from what it told */
	char *line;            /* of the watch, begun */
	size_t line_length, line_room;
};

static void read_page(struct hn_mirror *mirror, const char *after, size_t length);
static void start_watch(struct hn_mirror *mirror);

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void set_timer(struct event *timer, unsigned ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(timer, &time);
}

static void drop_watch(struct hn_mirror *mirror)
{
	hn_etcd_cancel(hn_steal(mirror->watch));
	mirror->line_length = 0;
}

/* All is read again, after a while. */
static void start_over(struct hn_mirror *mirror, const struct hn_error *err)
{
	drop_watch(mirror);
	hn_etcd_cancel(hn_steal(mirror->reading));
	mirror->state.troubles++;
	if (!mirror->in_trouble)
		mirror->events.trouble(err, mirror->events.context);
	mirror->in_trouble = true;
	set_timer(mirror->retry,
		  hn_backoff_next(&mirror->backoff, &mirror->random, RETRY_LEAST_MS, RETRY_MOST_MS));
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct hn_mirror *mirror = context;

	if (mirror->reading || mirror->watch)
		return;
	mirror->reading_revision = 0;
	mirror->keys = 0;
	mirror->events.reading(mirror->events.context);
	read_page(mirror, "", 0);
}

/* One key's value to whoever listens; keys outside the prefix are nobody's. */
static int tell_put(struct hn_mirror *mirror, json_object *kv, char **ret_key, size_t *ret_length,
		    struct hn_error *err)
{
	HN_AUTO(memory) char *value = NULL;
	size_t length, prefix = strlen(mirror->prefix);
	int r;

	if ((r = hn_etcd_get_bytes(kv, "key", ret_key, ret_length, err)) < 0 ||
	    (r = hn_etcd_get_bytes(kv, "value", &value, &length, err)) < 0)
		return r;
	if (*ret_length > prefix && strncmp(*ret_key, mirror->prefix, prefix) == 0)
		mirror->events.put(*ret_key + prefix, value, length, mirror->events.context);
	return 0;
}

static void end_reading(struct hn_mirror *mirror, uint64_t cluster)
{
	mirror->state.revision = mirror->reading_revision;
	mirror->state.complete = true;
	mirror->state.confirmed_ns = now_ns();
	mirror->state.readings++;
	mirror->cluster = cluster;
	mirror->found = 0;
	mirror->miscounts = 0;
	mirror->events.read(mirror->events.context);
	start_watch(mirror);
}

static int take_page(struct hn_mirror *mirror, json_object *answer, char **ret_last, size_t *ret_length,
		     struct hn_error *err)
{
	json_object *kvs = NULL;
	int r = 0;

	if (!mirror->reading_revision)
		mirror->reading_revision = hn_etcd_header(answer, "revision");
	if (json_object_object_get_ex(answer, "kvs", &kvs) && !json_object_is_type(kvs, json_type_array))
		return hn_fail(err, -EPROTO, "etcd's answer has no array of keys");
	for (size_t i = 0; kvs && r == 0 && i < json_object_array_length(kvs); i++) {
		free(*ret_last);
		*ret_last = NULL;
		r = tell_put(mirror, json_object_array_get_idx(kvs, i), ret_last, ret_length, err);
		mirror->keys++;
	}
	return r;
}

static void on_page(json_object *answer, const struct hn_error *failure, void *context)
{
	struct hn_mirror *mirror = context;
	HN_AUTO(memory) char *last = NULL;
	struct hn_error err = {0};
	json_object *more = NULL;
	size_t length = 0;

	mirror->reading = NULL;
	if (!answer || take_page(mirror, answer, &last, &length, &err) < 0) {
		start_over(mirror, failure ? failure : &err);
		return;
	}
	if (last && json_object_object_get_ex(answer, "more", &more) && json_object_get_boolean(more))
		read_page(mirror, last, length + 1); /* the NUL behind makes it the next possible key */
	else
		end_reading(mirror, hn_etcd_cluster(answer));
}

static void read_page(struct hn_mirror *mirror, const char *from, size_t length)
{
	json_object *body = json_object_new_object();
	struct hn_error err = {0};

	if (body && (hn_etcd_add_bytes(body, "key", length ? from : mirror->prefix,
				       length ? length : strlen(mirror->prefix)) ||
		     hn_etcd_add_prefix(body, mirror->prefix) || hn_json_add_int(body, "limit", PAGE_KEYS) ||
		     hn_json_add(body, "revision", json_object_new_int64(mirror->reading_revision)))) {
		json_object_put(body);
		body = NULL;
	}
	if (hn_etcd_ask(mirror->etcd, "/v3/kv/range", body, PAGE_BYTES_MAX, on_page, mirror, &mirror->reading,
			&err) < 0)
		start_over(mirror, &err);
}

static int take_event(struct hn_mirror *mirror, json_object *event, struct hn_error *err)
{
	HN_AUTO(memory) char *key = NULL;
	const char *type = "";
	json_object *kv;
	size_t length, prefix = strlen(mirror->prefix);
	int r = hn_json_get_object(event, "kv", &kv, err);

	if (r < 0)
		return r;
	mirror->state.changes++;
	if (hn_json_get_string(event, "type", &type, NULL) == 0 && strcmp(type, "DELETE") == 0) {
		r = hn_etcd_get_bytes(kv, "key", &key, &length, err);
		if (r == 0 && length > prefix && strncmp(key, mirror->prefix, prefix) == 0)
			mirror->events.gone(key + prefix, mirror->events.context);
		mirror->keys -= r == 0;
		return r;
	}
	mirror->keys += hn_etcd_number(kv, "version") == 1;
	return tell_put(mirror, kv, &key, &length, err);
}

static int watch_ended(json_object *result, struct hn_error *err)
{
	int64_t compacted = hn_etcd_number(result, "compact_revision");
	const char *why;

	if (hn_json_get_string(result, "cancel_reason", &why, NULL) < 0)
		why = "no reason is given";
	if (compacted)
		return hn_fail(err, -ESTALE, "etcd has ended the watch: %.200s (compacted at %" PRId64 ")",
			       why, compacted);
	return hn_fail(err, -ESTALE, "etcd has ended the watch: %.200s", why);
}

/* One message of the watch; an error: it is of no more use. */
static int take_message(struct hn_mirror *mirror, const char *line, size_t length, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	json_object *result, *events = NULL;
	int64_t revision;
	int r = hn_json_parse(line, length, "etcd's watch", &json, err);

	if (r < 0)
		return r;
	if (hn_json_get_object(json, "result", &result, NULL) < 0)
		return hn_fail(err, -EREMOTEIO, "etcd's watch says: %.200s",
			       json_object_to_json_string(json));
	if (hn_json_has(result, "canceled"))
		return watch_ended(result, err);
	if (json_object_object_get_ex(result, "events", &events) &&
	    !json_object_is_type(events, json_type_array))
		return hn_fail(err, -EPROTO, "etcd's watch has no array of events");
	for (size_t i = 0; events && r == 0 && i < json_object_array_length(events); i++)
		r = take_event(mirror, json_object_array_get_idx(events, i), err);
	revision = hn_etcd_header(result, "revision");
	if (r == 0 && events && revision > mirror->state.revision)
		mirror->state.revision = revision;
	mirror->backoff.failures = 0;
	if (mirror->in_trouble)
		mirror->events.trouble(NULL, mirror->events.context);
	mirror->in_trouble = false;
	return r;
}

static bool keep_piece(struct hn_mirror *mirror, const char *data, size_t length)
{
	size_t room = mirror->line_room ? mirror->line_room : 4096;
	char *grown;

	while (room < mirror->line_length + length && room < LINE_MAX_BYTES)
		room *= 2;
	if (room < mirror->line_length + length || !(grown = realloc(mirror->line, room)))
		return false;
	mirror->line = grown;
	mirror->line_room = room;
	memcpy(mirror->line + mirror->line_length, data, length);
	mirror->line_length += length;
	return true;
}

static bool on_watch_piece(const char *data, size_t length, void *context)
{
	struct hn_mirror *mirror = context;

	while (length > 0) {
		const char *end = memchr(data, '\n', length);
		size_t part = end ? (size_t)(end - data) + 1 : length;

		if (!keep_piece(mirror, data, part)) {
			hn_fail(&mirror->ended, -EMSGSIZE,
				"etcd's watch tells of more than %u bytes at once, or memory is short",
				LINE_MAX_BYTES);
			return false;
		}
		data += part;
		length -= part;
		if (!end)
			break;
		part = mirror->line_length;
		mirror->line_length = 0;
		if (take_message(mirror, mirror->line, part, &mirror->ended) < 0)
			return false;
	}
	return true;
}

static void on_watch_end(json_object *answer, const struct hn_error *err, void *context)
{
	struct hn_mirror *mirror = context;

	mirror->watch = NULL;
	start_over(mirror, mirror->ended.code ? &mirror->ended : err);
}

static void start_watch(struct hn_mirror *mirror)
{
	json_object *body = json_object_new_object(), *create = json_object_new_object();
	struct hn_error err = {0};

	if (!body || !create || hn_etcd_add_bytes(create, "key", mirror->prefix, strlen(mirror->prefix)) ||
	    hn_etcd_add_prefix(create, mirror->prefix) ||
	    hn_json_add(create, "start_revision", json_object_new_int64(mirror->state.revision + 1)) ||
	    hn_json_add(body, "create_request", json_object_get(create))) {
		json_object_put(body);
		body = NULL;
	}
	json_object_put(create);
	mirror->ended = (struct hn_error){0};
	if (hn_etcd_stream(mirror->etcd, "/v3/watch", body, on_watch_piece, on_watch_end, mirror,
			   &mirror->watch, &err) < 0)
		start_over(mirror, &err);
}

/* What the cluster says it has, against what the watch has told. The watch may be a little late: until the
 * next probe for a change, for a few for the number of keys. */
static int compare(struct hn_mirror *mirror, json_object *answer, struct hn_error *err)
{
	json_object *kvs = NULL;
	bool newer =
		json_object_object_get_ex(answer, "kvs", &kvs) && kvs && json_object_array_length(kvs) > 0;
	/* one that still tells of changes has only fallen behind, and reading all again would not make it
	 * faster */
	bool alive = mirror->state.changes != mirror->probed_changes;
	bool lags = mirror->found > mirror->state.revision && !alive;

	if (hn_etcd_cluster(answer) != mirror->cluster ||
	    hn_etcd_header(answer, "revision") < mirror->asked_revision)
		return hn_fail(err, -ESTALE, "etcd's data is not what it was");
	mirror->miscounts =
		alive || hn_etcd_number(answer, "count") == mirror->keys ? 0 : mirror->miscounts + 1;
	mirror->probed_changes = mirror->state.changes;
	if (lags || mirror->miscounts >= MISCOUNTS_MAX)
		return hn_fail(err, -ESTALE, "etcd's watch is behind");
	mirror->found = newer ? hn_etcd_number(json_object_array_get_idx(kvs, 0), "mod_revision") : 0;
	if (mirror->found <= mirror->state.revision && !mirror->miscounts)
		mirror->state.confirmed_ns = now_ns();
	return 0;
}

static void on_probe_answer(json_object *answer, const struct hn_error *failure, void *context)
{
	struct hn_mirror *mirror = context;
	struct hn_error err = {0};

	mirror->probe = NULL;
	set_timer(mirror->probe_timer, PROBE_MS);
	if (!mirror->watch)
		return; /* it is being read anyway */
	if (!answer || compare(mirror, answer, &err) < 0)
		start_over(mirror, answer ? &err : failure);
}

static void on_probe(evutil_socket_t fd, short what, void *context)
{
	struct hn_mirror *mirror = context;
	json_object *body = json_object_new_object();
	struct hn_error err = {0};

	set_timer(mirror->probe_timer, PROBE_MS);
	if (!mirror->probe)
		mirror->asked_revision = mirror->state.revision;
	if (mirror->probe || !mirror->watch ||
	    (body &&
	     (hn_etcd_add_bytes(body, "key", mirror->prefix, strlen(mirror->prefix)) ||
	      hn_etcd_add_prefix(body, mirror->prefix) || hn_json_add_int(body, "limit", 1) ||
	      hn_json_add_bool(body, "keys_only", true) ||
	      hn_json_add(body, "min_mod_revision", json_object_new_int64(mirror->state.revision + 1)))))
		json_object_put(body);
	else
		hn_etcd_ask(mirror->etcd, "/v3/kv/range", body, 65536, on_probe_answer, mirror,
			    &mirror->probe, &err);
}

int hn_mirror_new(struct event_base *base, struct hn_etcd *etcd, const char *prefix,
		  const struct hn_mirror_events *events, struct hn_mirror **ret, struct hn_error *err)
{
	struct hn_mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror)
		return hn_oom(err);
	mirror->etcd = etcd;
	mirror->events = *events;
	mirror->random.state = now_ns() ^ ((uint64_t)getpid() << 32);
	mirror->retry = evtimer_new(base, on_retry, mirror);
	mirror->probe_timer = evtimer_new(base, on_probe, mirror);
	if (!mirror->retry || !mirror->probe_timer || strlen(prefix) >= sizeof(mirror->prefix)) {
		hn_mirror_free(mirror);
		return hn_fail(err, -EINVAL, "the prefix '%.40s' is too long, or memory is short", prefix);
	}
	strcpy(mirror->prefix, prefix);
	set_timer(mirror->retry, 0);
	set_timer(mirror->probe_timer, PROBE_MS);
	*ret = mirror;
	return 0;
}

void hn_mirror_free(struct hn_mirror *mirror)
{
	if (!mirror)
		return;
	drop_watch(mirror);
	hn_etcd_cancel(mirror->reading);
	hn_etcd_cancel(mirror->probe);
	if (mirror->retry)
		event_free(mirror->retry);
	if (mirror->probe_timer)
		event_free(mirror->probe_timer);
	free(mirror->line);
	free(mirror);
}

struct hn_mirror_state hn_mirror_state(const struct hn_mirror *mirror)
{
	return mirror->state;
}
