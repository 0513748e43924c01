#include "fleet/answer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static void add_header(const struct hn_fleet_call *call, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(call->request), name, value);
}

static void send_body(struct hn_fleet_call *call, int status, const char *type, const char *text,
		      size_t length)
{
	struct evbuffer *body = evbuffer_new();
	struct hn_mirror_state state = hn_mirror_state(call->service->mirror);
	char age[32];

	call->service->tally.requests++;
	call->service->tally.failures += status >= 400;
	if (!body || evbuffer_add(body, text, length) < 0) {
		evhttp_send_error(call->request, HTTP_INTERNAL, "out of memory");
	} else {
		/* how old what it stands on may be; not in the body, which is the same from every replica */
		snprintf(age, sizeof(age), "%" PRIu64,
			 state.confirmed_ns ? (hn_fleet_now_ns() - state.confirmed_ns) / HN_NS_PER_MS : 0);
		if (state.confirmed_ns)
			add_header(call, "Homenode-Age-Ms", age);
		add_header(call, "Content-Type", type);
		evhttp_send_reply(call->request, status, NULL, body);
	}
	if (body)
		evbuffer_free(body);
	call->request = NULL;
}

static void send_json(struct hn_fleet_call *call, int status, const char *type, json_object *json)
{
	size_t length = 0;
	const char *text =
		json ? json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length) : NULL;

	send_body(call, text ? status : 500, type, text ? text : "{}", text ? length : 2);
	json_object_put(json);
}

void hn_fleet_send(struct hn_fleet_call *call, int status, json_object *json)
{
	send_json(call, status, "application/json", json);
}

void hn_fleet_send_text(struct hn_fleet_call *call, const char *type, const char *text, size_t length)
{
	send_body(call, 200, type, text, length);
}

static const char *title_of(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

void hn_fleet_send_problem(struct hn_fleet_call *call, int status, const char *detail)
{
	hn_fleet_send_problem_with(call, status, detail, NULL, NULL);
}

void hn_fleet_send_problem_with(struct hn_fleet_call *call, int status, const char *detail, const char *name,
				json_object *value)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_string(json, "type", "about:blank");
		hn_json_add_string(json, "title", title_of(status));
		hn_json_add_int(json, "status", status);
		hn_json_add_string(json, "detail", detail);
		if (value)
			hn_json_add(json, name, json_object_get(value));
	}
	send_json(call, status, "application/problem+json", json);
}

void hn_fleet_send_failure(struct hn_fleet_call *call, const struct hn_error *err)
{
	int status = err->code == -EINVAL || err->code == -EPROTO || err->code == -EOPNOTSUPP ? 400
		     : err->code == -EMSGSIZE                                                 ? 413
		     : err->code == -ENOMEM                                                   ? 503
											      : 500;

	hn_fleet_send_problem(call, status, err->message);
}

bool hn_fleet_is_ready(struct hn_fleet_call *call)
{
	if (hn_mirror_state(call->service->mirror).complete)
		return true;
	hn_fleet_send_problem(call, 503, "the fleet has not been read from etcd yet; see /readyz");
	return false;
}

int hn_fleet_body(const struct hn_fleet_call *call, json_object **ret, struct hn_error *err)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(call->request);
	size_t length = evbuffer_get_length(input);
	const char *text = length ? (const char *)evbuffer_pullup(input, -1) : "";
	int r;

	if (!text)
		return hn_oom(err);
	if ((r = hn_json_parse(text, length, "the request's body", ret, err)) < 0)
		return r;
	if (json_object_is_type(*ret, json_type_object))
		return 0;
	json_object_put(*ret);
	*ret = NULL;
	return hn_fail(err, -EINVAL, "the request's body is not an object");
}

/* As in daemon/open-call.c: a request that has not been answered is ours once its connection broke. */
static void on_closed(struct evhttp_connection *connection, void *context)
{
	struct hn_fleet_call *call = context;
	struct evhttp_request *request = call->request;

	if (!request)
		return;
	call->request = NULL;
	if (!evhttp_request_get_connection(request))
		evhttp_request_free(request);
	call->gone(call->context);
}

void hn_fleet_keep(struct hn_fleet_call *call, void (*gone)(void *context), void *context)
{
	call->gone = gone;
	call->context = context;
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->request), on_closed, call);
}

void hn_fleet_answer_now(struct hn_fleet_call *call)
{
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->request), NULL, NULL);
}
