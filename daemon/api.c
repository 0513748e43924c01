#include "daemon/api.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "daemon/decision.h"
#include "daemon/guest.h"
#include "daemon/unix-listener.h"
#include "model/codec.h"

#define BODY_MAX 65536
#define HEADERS_MAX 8192
#define IDLE_SECONDS 30

struct hn_api {
	struct hn_service *service;
	struct evhttp *http;
	char *path;
};

/* A request on its way to its handler. */
struct call {
	struct hn_service *service;
	struct evhttp_request *request;
	char guest[HN_NAME_MAX]; /* from the path, decoded; "" when the route has none */
};

static void send_json(const struct call *call, int status, const char *type, json_object *json)
{
	struct evbuffer *body = evbuffer_new();
	size_t length = 0;
	const char *text =
		json ? json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length) : NULL;

	if (!body || !text) {
		evhttp_send_error(call->request, HTTP_INTERNAL, "out of memory");
	} else {
		evbuffer_add(body, text, length);
		evbuffer_add(body, "\n", 1);
		evhttp_add_header(evhttp_request_get_output_headers(call->request), "Content-Type", type);
		evhttp_send_reply(call->request, status, NULL, body);
	}
	if (body)
		evbuffer_free(body);
	json_object_put(json);
}

static const char *title_of(int status)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {{400, "Bad Request"},           {404, "Not Found"},
		      {405, "Method Not Allowed"},    {409, "Conflict"},
		      {422, "Unprocessable Content"}, {500, "Internal Server Error"},
		      {503, "Service Unavailable"}};

	for (size_t i = 0; i < HN_COUNT(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

static void send_problem(const struct call *call, int status, const char *detail)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_string(json, "type", "about:blank");
		hn_json_add_string(json, "title", title_of(status));
		hn_json_add_int(json, "status", status);
		hn_json_add_string(json, "detail", detail);
	}
	send_json(call, status, "application/problem+json", json);
}

static void send_failure(const struct call *call, const struct hn_error *err)
{
	static const struct {
		int code, status;
	} statuses[] = {{-EINVAL, 400}, {-EPROTO, 400}, {-EBUSY, 409}, {-EAGAIN, 503}};

	for (size_t i = 0; i < HN_COUNT(statuses); i++) {
		if (statuses[i].code == err->code) {
			send_problem(call, statuses[i].status, err->message);
			return;
		}
	}
	send_problem(call, 500, err->message);
}

static void get_host(const struct call *call)
{
	json_object *json;
	struct hn_error err;

	if (hn_service_refresh_host(call->service, &err) < 0) {
		send_failure(call, &err);
		return;
	}
	json = hn_host_encode(call->service->host);
	if (json)
		hn_json_add_string(json, "homenoded", HOMENODE_VERSION);
	send_json(call, 200, "application/json", json);
}

static json_object *encode_options(const struct hn_decide_options *options)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_u64(json, "keep_free_bytes", options->solver.keep_free_bytes);
		hn_json_add_u64(json, "looks", options->looks);
		hn_json_add_u64(json, "max_age_ns", options->max_age_ns);
		hn_json_add_u64(json, "tick_ns", options->tick_ns);
	}
	return json;
}

/* All that decisions are made from, to be kept and replayed. */
static void get_snapshot(const struct call *call)
{
	struct hn_decide_options options = hn_decision_options(call->service->config, false);
	struct hn_snapshot snapshot = {0};
	struct hn_error err = {0};
	json_object *json;
	size_t ignored;

	if (hn_decision_snapshot(call->service, NULL, &snapshot, &ignored, &err) < 0) {
		send_failure(call, &err);
		return;
	}
	json = hn_snapshot_encode(&snapshot);
	free(snapshot.guests);
	if (json) {
		hn_json_add(json, "options", encode_options(&options));
		hn_json_add_string(json, "homenoded", HOMENODE_VERSION);
	}
	send_json(call, 200, "application/json", json);
}

static json_object *encode_report(const struct hn_managed *managed)
{
	HN_AUTO(hn_report) struct hn_report *report = hn_managed_report(managed);

	return report ? hn_report_encode(report) : NULL;
}

static void get_guests(const struct call *call)
{
	json_object *json = json_object_new_object(), *items = json_object_new_array();
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &call->service->guests, entry)
	{
		json_object *item = encode_report(managed);

		if (items && item)
			json_object_array_add(items, item);
	}
	if (json)
		hn_json_add(json, "guests", items);
	send_json(call, 200, "application/json", json);
}

static struct hn_managed *find_guest(const struct call *call)
{
	struct hn_managed *managed = hn_managed_find(call->service, call->guest);
	char detail[HN_NAME_MAX + 80];

	if (!managed) {
		snprintf(detail, sizeof(detail), "there is no guest '%s'; `homenode guests` lists them",
			 call->guest);
		send_problem(call, 404, detail);
	}
	return managed;
}

static void get_guest(const struct call *call)
{
	const struct hn_managed *managed = find_guest(call);

	if (managed)
		send_json(call, 200, "application/json", encode_report(managed));
}

/* {"dry_run": true}; an empty body is {}. */
static int read_dry_run(const struct call *call, bool *ret, struct hn_error *err)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(call->request);
	size_t length = evbuffer_get_length(input);
	HN_AUTO(json) json_object *json = NULL;
	int r;

	*ret = false;
	if (length == 0)
		return 0;
	r = hn_json_parse((const char *)evbuffer_pullup(input, -1), length, "the request's body", &json, err);
	if (r < 0)
		return r;
	if (!json_object_is_type(json, json_type_object))
		return hn_fail(err, -EINVAL, "the request's body is not an object");
	json_object_object_foreach(json, key, value)
	{
		if (strcmp(key, "dry_run") != 0)
			return hn_fail(err, -EINVAL, "unknown member '%.40s'; known: dry_run", key);
		(void)value;
	}
	return hn_json_has(json, "dry_run") ? hn_json_get_bool(json, "dry_run", ret, err) : 0;
}

static void send_plan(const struct call *call, int status, const struct hn_plan *plan, uint64_t operation)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add(json, "plan", hn_plan_encode(plan));
		hn_json_add_u64(json, "operation", operation);
	}
	send_json(call, status, "application/json", json);
}

static void post_rebalance(const struct call *call)
{
	struct hn_managed *managed = find_guest(call);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *copy = NULL;
	struct hn_error err = {0};
	bool dry_run;

	if (!managed)
		return;
	if (read_dry_run(call, &dry_run, &err) < 0 || hn_decision_now(managed, &plan, &err) < 0) {
		send_failure(call, &err);
		return;
	}
	if (dry_run || plan->verdict == HN_VERDICT_AT_HOME) {
		send_plan(call, 200, plan, 0);
	} else if (plan->verdict != HN_VERDICT_ACT) {
		send_problem(call, 409, plan->reason);
	} else if (!(copy = hn_plan_copy(plan))) {
		send_problem(call, 503, "out of memory");
	} else if (hn_decision_act(managed, hn_steal(copy), &err) < 0) {
		send_failure(call, &err);
	} else {
		send_plan(call, 202, plan, managed->operation.id);
	}
}

static const struct {
	enum evhttp_cmd_type method;
	const char *pattern; /* one '*' stands for a guest's name */
	void (*handle)(const struct call *call);
} routes[] = {
	{EVHTTP_REQ_GET, "/v1/host", get_host},
	{EVHTTP_REQ_GET, "/v1/snapshot", get_snapshot},
	{EVHTTP_REQ_GET, "/v1/guests", get_guests},
	{EVHTTP_REQ_GET, "/v1/guests/*", get_guest},
	{EVHTTP_REQ_POST, "/v1/guests/*/rebalance", post_rebalance},
};

/* Matches a raw path and copies what '*' stands for, decoded. */
static bool match_path(const char *pattern, const char *path, char *name, size_t size)
{
	const char *star = strchr(pattern, '*');
	size_t head = star ? (size_t)(star - pattern) : 0, length = strlen(path), tail;
	char raw[3 * HN_NAME_MAX], *decoded;
	bool fits;

	*name = '\0';
	if (!star)
		return strcmp(pattern, path) == 0;
	tail = strlen(star + 1);
	if (length <= head + tail || strncmp(path, pattern, head) != 0 ||
	    strcmp(path + length - tail, star + 1) != 0)
		return false;
	length -= head + tail;
	if (length >= sizeof(raw) || memchr(path + head, '/', length))
		return false;
	memcpy(raw, path + head, length);
	raw[length] = '\0';
	decoded = evhttp_uridecode(raw, 0, NULL);
	fits = decoded && strlen(decoded) < size;
	if (fits)
		strcpy(name, decoded);
	free(decoded);
	return fits;
}

static void on_request_received(struct evhttp_request *request, void *context)
{
	struct hn_api *api = context;
	struct call call = {.service = api->service, .request = request};
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	bool known = false;

	for (size_t i = 0; path && i < HN_COUNT(routes); i++) {
		if (!match_path(routes[i].pattern, path, call.guest, sizeof(call.guest)))
			continue;
		known = true;
		if (routes[i].method == evhttp_request_get_command(request)) {
			routes[i].handle(&call);
			return;
		}
	}
	if (known)
		send_problem(&call, 405, "that path is there, but not for this method");
	else
		send_problem(&call, 404,
			     "no such path; see docs/api.md: /v1/host, /v1/snapshot, /v1/guests, "
			     "/v1/guests/NAME");
}

static int listen_http(struct hn_api *api, struct hn_error *err)
{
	struct evconnlistener *listener;
	int fd, r = hn_unix_listen(api->path, &fd, err);

	if (r < 0)
		return r;
	listener = evconnlistener_new(api->service->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!listener) {
		close(fd);
		return hn_oom(err);
	}
	if (!evhttp_bind_listener(api->http, listener)) {
		evconnlistener_free(listener);
		return hn_oom(err);
	}
	return 0;
}

int hn_api_new(struct hn_service *service, const char *path, struct hn_api **ret, struct hn_error *err)
{
	struct hn_api *api = calloc(1, sizeof(*api));
	int r = 0;

	if (!api)
		return hn_oom(err);
	api->service = service;
	api->http = evhttp_new(service->base);
	if (!api->http)
		r = hn_oom(err);
	if (r == 0) {
		evhttp_set_max_body_size(api->http, BODY_MAX);
		evhttp_set_max_headers_size(api->http, HEADERS_MAX);
		evhttp_set_timeout(api->http, IDLE_SECONDS);
		evhttp_set_allowed_methods(api->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
		evhttp_set_gencb(api->http, on_request_received, api);
		/* the path is set only once the socket is ours to remove */
		api->path = strdup(path);
		r = api->path ? listen_http(api, err) : hn_oom(err);
		if (r < 0) {
			free(api->path);
			api->path = NULL;
		}
	}
	if (r < 0) {
		hn_api_free(api);
		return r;
	}
	*ret = api;
	return 0;
}

void hn_api_free(struct hn_api *api)
{
	if (!api)
		return;
	if (api->http)
		evhttp_free(api->http);
	if (api->path)
		unlink(api->path);
	free(api->path);
	free(api);
}
