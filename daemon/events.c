#include "daemon/events.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/open-call.h"
#include "model/names.h"

#define KEEP_ALIVE_NS (15 * HN_NS_PER_S)
#define INPUT_MAX 4096 /* what a client says while it listens is not read */

static const char *const type_names[HN_EVENT_TYPE_COUNT] = {
	"guest-appeared", "guest-gone",       "home",    "operation-started",
	"operation-done", "operation-failed", "problem", "reservation",
	"settings",       "window",           "drain",   "gap"};

struct kept {
	uint64_t id;
	enum hn_event_type type;
	char *data; /* a line of JSON */
};

struct client {
	TAILQ_ENTRY(client) entry;
	struct hn_events *events;
	struct hn_open_call open;
};

struct hn_events {
	struct event *keep_alive;
	uint64_t next_id;
	size_t count, at; /* the ring's fill, and where the next goes */
	struct kept ring[HN_EVENTS_KEPT];
	unsigned client_count;
	TAILQ_HEAD(, client) clients;
};

const char *hn_event_type_name(enum hn_event_type type)
{
	return hn_name_of(type_names, HN_COUNT(type_names), (size_t)type);
}

static uint64_t time_of_day_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void client_free(struct client *client)
{
	TAILQ_REMOVE(&client->events->clients, client, entry);
	client->events->client_count--;
	free(client);
}

static void on_client_gone(void *context)
{
	client_free(context);
}

/* Sends what is in the buffer; a client that has left too much unread is cut off. */
static void push(struct client *client, struct evbuffer *out)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(client->open.request);
	struct evbuffer *unread = bufferevent_get_output(evhttp_connection_get_bufferevent(connection));

	if (evbuffer_get_length(unread) + evbuffer_get_length(out) > HN_EVENT_BACKLOG_MAX) {
		hn_log(HN_LOG_INFO, "events: a client that does not read is cut off");
		evhttp_connection_free(connection); /* and on_client_gone() is called */
		return;
	}
	evhttp_send_reply_chunk(client->open.request, out);
}

static void write_event(struct evbuffer *out, const struct kept *kept)
{
	evbuffer_add_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", kept->id,
			    hn_event_type_name(kept->type), kept->data);
}

static void on_keep_alive(evutil_socket_t fd, short what, void *context)
{
	struct hn_events *events = context;
	struct client *client = TAILQ_FIRST(&events->clients), *next;

	for (; client; client = next) {
		struct evbuffer *out = evbuffer_new();

		next = TAILQ_NEXT(client, entry);
		if (!out)
			return;
		evbuffer_add_printf(out, ": still here\n\n");
		push(client, out);
		evbuffer_free(out);
	}
}

int hn_events_new(struct event_base *base, struct hn_events **ret, struct hn_error *err)
{
	struct timeval every = hn_timeval(KEEP_ALIVE_NS);
	struct hn_events *events = calloc(1, sizeof(*events));

	if (!events)
		return hn_oom(err);
	TAILQ_INIT(&events->clients);
	events->next_id = time_of_day_ns() / 1000;
	events->keep_alive = event_new(base, -1, EV_PERSIST, on_keep_alive, events);
	if (!events->keep_alive || event_add(events->keep_alive, &every) < 0) {
		hn_events_free(events);
		return hn_oom(err);
	}
	*ret = events;
	return 0;
}

void hn_events_free(struct hn_events *events)
{
	if (!events)
		return;
	if (events->keep_alive)
		event_free(events->keep_alive);
	for (size_t i = 0; i < events->count; i++)
		free(events->ring[i].data);
	free(events);
}

/* The n-th oldest event that is kept. */
static const struct kept *kept_at(const struct hn_events *events, size_t n)
{
	return &events->ring[(events->at + HN_EVENTS_KEPT - events->count + n) % HN_EVENTS_KEPT];
}

static const struct kept *keep(struct hn_events *events, enum hn_event_type type, const char *data)
{
	struct kept *kept = &events->ring[events->at];
	char *copy = strdup(data);

	if (!copy)
		return NULL;
	free(kept->data);
	*kept = (struct kept){.id = events->next_id++, .type = type, .data = copy};
	events->at = (events->at + 1) % HN_EVENTS_KEPT;
	events->count += events->count < HN_EVENTS_KEPT;
	return kept;
}

static void tell_clients(struct hn_events *events, const struct kept *kept)
{
	struct client *client = TAILQ_FIRST(&events->clients), *next;

	for (; client; client = next) {
		struct evbuffer *out = evbuffer_new();

		next = TAILQ_NEXT(client, entry);
		if (!out)
			return;
		write_event(out, kept);
		push(client, out);
		evbuffer_free(out);
	}
}

void hn_event_emit(struct hn_service *service, enum hn_event_type type, const char *guest, json_object *data)
{
	HN_AUTO(json) json_object *json = data ? data : json_object_new_object();
	const struct kept *kept;

	if (!service->events || !json || hn_json_add_string(json, "guest", guest) < 0 ||
	    hn_json_add_u64(json, "time_ns", time_of_day_ns()) < 0)
		return;
	kept = keep(service->events, type,
		    json_object_to_json_string_ext(json,
						   JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	if (kept)
		tell_clients(service->events, kept);
}

static int parse_id(const char *text, uint64_t *ret, struct hn_error *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || end == text || *end || text[0] < '0' || text[0] > '9')
		return hn_fail(err, -EINVAL, "'%.40s' is not an event's id", text);
	return 0;
}

/* What the client has seen last: the header, which clients that reconnect send, counts before the query. 1,
 * or 0 when it says neither. */
static int find_since(const struct hn_call *call, uint64_t *ret, struct hn_error *err)
{
	const char *header =
		evhttp_find_header(evhttp_request_get_input_headers(call->request), "Last-Event-ID");
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->request);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	char since[40];
	int r;

	if (header)
		return (r = parse_id(header, ret, err)) < 0 ? r : 1;
	if (!query || !*query)
		return 0;
	if ((r = hn_call_parameter(call, "since", since, sizeof(since), err)) < 0 ||
	    (r = parse_id(since, ret, err)) < 0)
		return r;
	return 1;
}

/* All that is kept behind since; of another run, and when some is gone, that is said first. 0 asks for all.
 */
static void write_past(const struct hn_events *events, uint64_t since, struct evbuffer *out)
{
	uint64_t oldest = events->count ? kept_at(events, 0)->id : events->next_id;

	if (since && (since + 1 < oldest || since >= events->next_id)) {
		evbuffer_add_printf(out,
				    "event: %s\ndata: {\"since\":%" PRIu64 ",\"oldest\":%" PRIu64 "}\n\n",
				    hn_event_type_name(HN_EVENT_GAP), since, oldest);
		since = 0;
	}
	for (size_t i = 0; i < events->count; i++)
		if (kept_at(events, i)->id > since)
			write_event(out, kept_at(events, i));
}

static void start_stream(struct client *client, const struct hn_call *call, struct evbuffer *out)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
	struct bufferevent *channel =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(call->request));

	evhttp_add_header(headers, "Content-Type", "text/event-stream");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	hn_open_call_begin(&client->open, call, on_client_gone, client);
	evhttp_send_reply_start(call->request, 200, NULL);
	bufferevent_set_timeouts(channel, NULL, NULL);
	bufferevent_setwatermark(channel, EV_READ, 0, INPUT_MAX);
	evhttp_send_reply_chunk(call->request, out);
}

int hn_events_follow(struct hn_events *events, const struct hn_call *call, struct hn_error *err)
{
	struct client *client;
	struct evbuffer *out;
	uint64_t since = 0;
	int r = find_since(call, &since, err);

	if (r < 0)
		return r;
	if (events->client_count == HN_EVENT_CLIENTS_MAX)
		return hn_fail(err, -EAGAIN, "%d clients follow the events already: as many as may",
			       HN_EVENT_CLIENTS_MAX);
	client = calloc(1, sizeof(*client));
	out = evbuffer_new();
	if (!client || !out) {
		free(client);
		if (out)
			evbuffer_free(out);
		return hn_oom(err);
	}
	client->events = events;
	TAILQ_INSERT_TAIL(&events->clients, client, entry);
	events->client_count++;
	/* a comment at once, so that the client sees that it is connected, and from where on */
	evbuffer_add_printf(out, ": events follow %" PRIu64 "\n\n", events->next_id - 1);
	if (r == 1)
		write_past(events, since, out);
	start_stream(client, call, out);
	evbuffer_free(out);
	return 0;
}
