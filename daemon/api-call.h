#pragma once
/*
 * api-call - one request of the API on its way to its handler, and the ways to answer it. For the api-*.c
 * files alone; each answers a call exactly once.
 */
#include <event2/http.h>
#include <json-c/json.h>
#include <stddef.h>

#include "base/error.h"
#include "daemon/peer.h"
#include "daemon/service.h"
#include "model/guest.h"

struct hn_managed;

struct hn_call {
	struct hn_service *service;
	struct evhttp_request *request;
	const struct hn_peer *peer; /* who asks; while the handler runs */
	char name[HN_NAME_MAX];     /* what '*' stands for in the route, decoded; "" without */
};

/* The JSON is taken over; NULL: out of memory. What a GET gets with 200 carries an ETag, and is 304 without a
 * body for a client that has it already. */
void hn_call_send_json(const struct hn_call *call, int status, const char *type, json_object *json);
/* The same with JSON that is text already; the buffer is taken over. */
void hn_call_send_buffer(const struct hn_call *call, int status, const char *type, struct evbuffer *body);
/* A text of any type; NULL and 0 with status 204. */
void hn_call_send_text(const struct hn_call *call, int status, const char *type, const char *text,
		       size_t length);
/* What the buffer holds, which is taken out of it without a copy. */
void hn_call_send_body(const struct hn_call *call, int status, const char *type, struct evbuffer *body);
/* A problem document (RFC 9457) with that sentence. */
void hn_call_send_problem(const struct hn_call *call, int status, const char *detail);
/* The same, with the status that belongs to the error's code. */
void hn_call_send_failure(const struct hn_call *call, const struct hn_error *err);

/* A parameter of the query, decoded, into size bytes. -EINVAL when it is missing, too long, or no text. */
int hn_call_parameter(const struct hn_call *call, const char *key, char *ret, size_t size,
		      struct hn_error *err);
/* Whether the query has it at all. */
bool hn_call_has_parameter(const struct hn_call *call, const char *key);
/* The body's bytes, in one piece; NULL when empty. Borrowed until the answer. */
const char *hn_call_body(const struct hn_call *call, size_t *ret_length);
/* The body as a JSON object; an empty body is {}. -EINVAL, -EPROTO. */
int hn_call_body_object(const struct hn_call *call, json_object **ret, struct hn_error *err);
/* The same, and nothing in it but {"dry_run": true}. */
int hn_call_read_dry_run(const struct hn_call *call, bool *ret, struct hn_error *err);

/* A route's handler. The routes are a table in api-routes.c. */
void hn_api_get_web(const struct hn_call *call);
void hn_api_get_host(const struct hn_call *call);
void hn_api_get_drain(const struct hn_call *call);
void hn_api_drain(const struct hn_call *call);
void hn_api_undrain(const struct hn_call *call);
void hn_api_get_events(const struct hn_call *call);
void hn_api_get_metrics(const struct hn_call *call);
void hn_api_get_checks(const struct hn_call *call);
void hn_api_get_snapshot(const struct hn_call *call);
void hn_api_get_guests(const struct hn_call *call);
void hn_api_get_guest(const struct hn_call *call);
void hn_api_rebalance(const struct hn_call *call);
void hn_api_pause_operation(const struct hn_call *call);
void hn_api_resume_operation(const struct hn_call *call);
void hn_api_cancel_operation(const struct hn_call *call);
void hn_api_get_history(const struct hn_call *call);
void hn_api_get_guest_xml(const struct hn_call *call);
void hn_api_get_guest_checks(const struct hn_call *call);
void hn_api_window(const struct hn_call *call);
void hn_api_get_settings(const struct hn_call *call);
void hn_api_set_settings(const struct hn_call *call);
void hn_api_get_reservations(const struct hn_call *call);
void hn_api_make_reservation(const struct hn_call *call);
void hn_api_get_reservation(const struct hn_call *call);
void hn_api_confirm_reservation(const struct hn_call *call);
void hn_api_delete_reservation(const struct hn_call *call);
void hn_api_find_placement(const struct hn_call *call);
void hn_api_make_plan(const struct hn_call *call);
void hn_api_get_plan(const struct hn_call *call);
void hn_api_apply_plan(const struct hn_call *call);
void hn_api_get_operations(const struct hn_call *call);
void hn_api_get_operation(const struct hn_call *call);
void hn_api_libvirt_hook(const struct hn_call *call);
void hn_api_numad(const struct hn_call *call);

/* The guest that the route names, or NULL: 404 has been answered. */
struct hn_managed *hn_call_guest(const struct hn_call *call);
