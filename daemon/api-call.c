#include "daemon/api-call.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/keyvalq_struct.h>

#include "base/json.h"
#include "daemon/etag.h"

#define JSON_BODY_MAX 65536

/* 304 for a client that has it; false: it has not, and gets it with its tag. */
static bool spare(const struct hn_call *call, int status, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
	size_t length = evbuffer_get_length(body);
	const char *text = (const char *)evbuffer_pullup(body, -1);
	char tag[HN_ETAG_MAX];

	if (!text || status != 200 || evhttp_request_get_command(call->request) != EVHTTP_REQ_GET)
		return false;
	hn_etag(text, length, tag);
	evhttp_add_header(headers, "ETag", tag);
	evhttp_add_header(headers, "Cache-Control", "no-cache");
	if (!hn_etag_matches(
		    evhttp_find_header(evhttp_request_get_input_headers(call->request), "If-None-Match"),
		    tag))
		return false;
	evhttp_send_reply(call->request, HTTP_NOTMODIFIED, NULL, NULL);
	return true;
}

void hn_call_send_body(const struct hn_call *call, int status, const char *type, struct evbuffer *body)
{
	if (spare(call, status, body))
		return;
	evhttp_add_header(evhttp_request_get_output_headers(call->request), "Content-Type", type);
	evhttp_send_reply(call->request, status, NULL, body);
}

void hn_call_send_buffer(const struct hn_call *call, int status, const char *type, struct evbuffer *body)
{
	if (!body) {
		evhttp_send_error(call->request, HTTP_INTERNAL, "out of memory");
		return;
	}
	hn_call_send_body(call, status, type, body);
	evbuffer_free(body);
}

void hn_call_send_json(const struct hn_call *call, int status, const char *type, json_object *json)
{
	struct evbuffer *body = evbuffer_new();
	size_t length = 0;
	const char *text =
		json ? json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length) : NULL;

	if (body && text) {
		evbuffer_add(body, text, length);
		evbuffer_add(body, "\n", 1);
	} else if (body) {
		evbuffer_free(body);
		body = NULL;
	}
	hn_call_send_buffer(call, status, type, body);
	json_object_put(json);
}

static const char *title_of(int status)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {{400, "Bad Request"},
		      {403, "Forbidden"},
		      {404, "Not Found"},
		      {405, "Method Not Allowed"},
		      {409, "Conflict"},
		      {412, "Precondition Failed"},
		      {413, "Content Too Large"},
		      {422, "Unprocessable Content"},
		      {500, "Internal Server Error"},
		      {502, "Bad Gateway"},
		      {503, "Service Unavailable"}};

	for (size_t i = 0; i < HN_COUNT(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

void hn_call_send_problem(const struct hn_call *call, int status, const char *detail)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_string(json, "type", "about:blank");
		hn_json_add_string(json, "title", title_of(status));
		hn_json_add_int(json, "status", status);
		hn_json_add_string(json, "detail", detail);
	}
	hn_call_send_json(call, status, "application/problem+json", json);
}

void hn_call_send_failure(const struct hn_call *call, const struct hn_error *err)
{
	static const struct {
		int code, status;
	} statuses[] = {{-EINVAL, 400},     {-EPROTO, 400},     {-EACCES, 403},       {-ENOENT, 404},
			{-ESRCH, 404},      {-EBUSY, 409},      {-EEXIST, 409},       {-ENOSPC, 409},
			{-EPERM, 409},      {-EOPNOTSUPP, 409}, {-ESTALE, 412},       {-EMSGSIZE, 413},
			{-EREMOTEIO, 502},  {-EAGAIN, 503},     {-EKEYREJECTED, 422}, {-EIO, 503},
			{-EROFS, 503},      {-EUCLEAN, 503},    {-ECANCELED, 503},    {-ENOTCONN, 503},
			{-ECONNRESET, 503}, {-ETIMEDOUT, 503}};

	for (size_t i = 0; i < HN_COUNT(statuses); i++) {
		if (statuses[i].code == err->code) {
			hn_call_send_problem(call, statuses[i].status, err->message);
			return;
		}
	}
	hn_call_send_problem(call, 500, err->message);
}

void hn_call_send_text(const struct hn_call *call, int status, const char *type, const char *text,
		       size_t length)
{
	struct evbuffer *body = evbuffer_new();

	if (!body) {
		evhttp_send_error(call->request, HTTP_INTERNAL, "out of memory");
		return;
	}
	evbuffer_add(body, text, length);
	if (type)
		evhttp_add_header(evhttp_request_get_output_headers(call->request), "Content-Type", type);
	evhttp_send_reply(call->request, status, NULL, body);
	evbuffer_free(body);
}

bool hn_call_has_parameter(const struct hn_call *call, const char *key)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->request);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct evkeyvalq parameters = TAILQ_HEAD_INITIALIZER(parameters);
	bool found;

	if (!query || evhttp_parse_query_str(query, &parameters) < 0)
		return false;
	found = evhttp_find_header(&parameters, key) != NULL;
	evhttp_clear_headers(&parameters);
	return found;
}

int hn_call_parameter(const struct hn_call *call, const char *key, char *ret, size_t size,
		      struct hn_error *err)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->request);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL, *value;
	struct evkeyvalq parameters = TAILQ_HEAD_INITIALIZER(parameters);
	int r = 0;

	if (query && evhttp_parse_query_str(query, &parameters) < 0)
		return hn_fail(err, -EINVAL, "the query '%.80s' cannot be read", query);
	value = query ? evhttp_find_header(&parameters, key) : NULL;
	if (!value)
		r = hn_fail(err, -EINVAL, "the query lacks '%s='", key);
	else if (strlen(value) >= size)
		r = hn_fail(err, -EINVAL, "'%s' in the query is longer than %zu bytes", key, size - 1);
	else
		strcpy(ret, value);
	evhttp_clear_headers(&parameters);
	return r;
}

const char *hn_call_body(const struct hn_call *call, size_t *ret_length)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(call->request);

	*ret_length = evbuffer_get_length(input);
	return *ret_length ? (const char *)evbuffer_pullup(input, -1) : NULL;
}

int hn_call_body_object(const struct hn_call *call, json_object **ret, struct hn_error *err)
{
	size_t length;
	const char *text = hn_call_body(call, &length);
	int r;

	if (length == 0) {
		*ret = json_object_new_object();
		return *ret ? 0 : hn_oom(err);
	}
	if (length > JSON_BODY_MAX)
		return hn_fail(err, -EMSGSIZE, "a body of JSON may have %d bytes", JSON_BODY_MAX);
	if (!text)
		return hn_oom(err);
	r = hn_json_parse(text, length, "the request's body", ret, err);
	if (r == 0 && !json_object_is_type(*ret, json_type_object)) {
		json_object_put(*ret);
		*ret = NULL;
		r = hn_fail(err, -EINVAL, "the request's body is not an object");
	}
	return r;
}

int hn_call_read_dry_run(const struct hn_call *call, bool *ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_call_body_object(call, &json, err);

	*ret = false;
	if (r < 0)
		return r;
	json_object_object_foreach(json, key, value)
	{
		if (strcmp(key, "dry_run") != 0)
			return hn_fail(err, -EINVAL, "unknown member '%.40s'; known: dry_run", key);
		(void)value;
	}
	return hn_json_has(json, "dry_run") ? hn_json_get_bool(json, "dry_run", ret, err) : 0;
}
