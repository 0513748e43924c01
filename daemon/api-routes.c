#include "daemon/api-routes.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api-call.h"

enum {
	LOCAL = 1,    /* on the unix socket alone */
	LASTING = 2,  /* its answer has no end */
	HARMLESS = 4, /* changes nothing, whatever its method */
};

struct route {
	enum evhttp_cmd_type method;
	const char *pattern; /* one '*' stands for a name */
	void (*handle)(const struct hn_call *call);
	unsigned flags;
};

/* GET and what is harmless are for readers, everything else for operators. */
static const struct route routes[] = {
	{EVHTTP_REQ_GET, "/", hn_api_get_web, 0},
	{EVHTTP_REQ_GET, "/page/*", hn_api_get_web, 0},
	{EVHTTP_REQ_GET, "/v1/host", hn_api_get_host, 0},
	{EVHTTP_REQ_GET, "/v1/nodes/*/drain", hn_api_get_drain, 0},
	{EVHTTP_REQ_POST, "/v1/nodes/*/drain", hn_api_drain, 0},
	{EVHTTP_REQ_POST, "/v1/nodes/*/undrain", hn_api_undrain, 0},
	{EVHTTP_REQ_GET, "/v1/snapshot", hn_api_get_snapshot, 0},
	{EVHTTP_REQ_GET, "/metrics", hn_api_get_metrics, 0},
	{EVHTTP_REQ_GET, "/v1/events", hn_api_get_events, LASTING},
	{EVHTTP_REQ_GET, "/v1/checks", hn_api_get_checks, 0},
	{EVHTTP_REQ_GET, "/v1/guests", hn_api_get_guests, 0},
	{EVHTTP_REQ_GET, "/v1/guests/*", hn_api_get_guest, 0},
	{EVHTTP_REQ_GET, "/v1/guests/*/history", hn_api_get_history, 0},
	{EVHTTP_REQ_GET, "/v1/guests/*/checks", hn_api_get_guest_checks, 0},
	{EVHTTP_REQ_POST, "/v1/guests/*/window", hn_api_window, 0},
	{EVHTTP_REQ_GET, "/v1/guests/*/settings", hn_api_get_settings, 0},
	{EVHTTP_REQ_POST, "/v1/guests/*/settings", hn_api_set_settings, 0},
	{EVHTTP_REQ_GET, "/v1/guests/*/xml", hn_api_get_guest_xml, 0},
	{EVHTTP_REQ_POST, "/v1/guests/*/rebalance", hn_api_rebalance, 0},
	{EVHTTP_REQ_POST, "/v1/guests/*/operation/pause", hn_api_pause_operation, 0},
	{EVHTTP_REQ_POST, "/v1/guests/*/operation/resume", hn_api_resume_operation, 0},
	{EVHTTP_REQ_POST, "/v1/guests/*/operation/cancel", hn_api_cancel_operation, 0},
	{EVHTTP_REQ_GET, "/v1/reservations", hn_api_get_reservations, 0},
	{EVHTTP_REQ_POST, "/v1/reservations", hn_api_make_reservation, 0},
	{EVHTTP_REQ_GET, "/v1/reservations/*", hn_api_get_reservation, 0},
	{EVHTTP_REQ_DELETE, "/v1/reservations/*", hn_api_delete_reservation, 0},
	{EVHTTP_REQ_POST, "/v1/reservations/*/confirm", hn_api_confirm_reservation, 0},
	{EVHTTP_REQ_POST, "/v1/placements", hn_api_find_placement, HARMLESS},
	{EVHTTP_REQ_POST, "/v1/plans", hn_api_make_plan, 0},
	{EVHTTP_REQ_GET, "/v1/plans/*", hn_api_get_plan, 0},
	{EVHTTP_REQ_POST, "/v1/plans/*/apply", hn_api_apply_plan, 0},
	{EVHTTP_REQ_GET, "/v1/operations", hn_api_get_operations, 0},
	{EVHTTP_REQ_GET, "/v1/operations/*", hn_api_get_operation, 0},
	{EVHTTP_REQ_POST, "/v1/libvirt/*", hn_api_libvirt_hook, LOCAL},
	{EVHTTP_REQ_POST, "/v1/numad", hn_api_numad, LOCAL},
};

/* Matches a raw path and copies what '*' stands for, decoded. */
static bool match_path(const char *pattern, const char *path, char *name, size_t size)
{
	const char *star = strchr(pattern, '*');
	size_t head = star ? (size_t)(star - pattern) : 0, length = strlen(path), tail;
	char raw[3 * HN_NAME_MAX], *decoded;
	size_t decoded_length;
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
	decoded = evhttp_uridecode(raw, 0, &decoded_length);
	/* a NUL in the middle would make another name of it */
	fits = decoded && strlen(decoded) == decoded_length && decoded_length < size;
	if (fits)
		strcpy(name, decoded);
	free(decoded);
	return fits;
}

/* The route, or NULL: none, or *ret_known, but not by this method. */
static const struct route *find_route(struct hn_call *call, bool *ret_known)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	*ret_known = false;
	for (size_t i = 0; path && i < HN_COUNT(routes); i++) {
		if (!match_path(routes[i].pattern, path, call->name, sizeof(call->name)))
			continue;
		*ret_known = true;
		if (routes[i].method == evhttp_request_get_command(call->request))
			return &routes[i];
	}
	return NULL;
}

/* Two that read a body's length differently would not agree on where the next request begins. */
static bool is_ambiguous(struct evhttp_request *request)
{
	const struct evkeyval *header;
	unsigned lengths = 0;

	TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next)
	lengths += strcasecmp(header->key, "Content-Length") == 0 ||
		   strcasecmp(header->key, "Transfer-Encoding") == 0;
	return lengths > 1;
}

/*
 * Browsers tell whose page's script it is that changes something. Ours only looks, and another's, which found
 * the way here by a forwarded port or by the certificate that the browser holds, must not act.
 */
static bool is_of_page(struct evhttp_request *request)
{
	return evhttp_find_header(evhttp_request_get_input_headers(request), "Origin") != NULL;
}

static void refuse(const struct hn_call *call, enum hn_role least)
{
	const struct hn_peer *peer = call->peer;
	char detail[320];

	if (least == HN_ROLE_OPERATOR && peer && peer->role == HN_ROLE_READER)
		snprintf(detail, sizeof(detail),
			 "a reader may ask and change nothing; %s, see operators in [api] of homenode.conf",
			 peer->local ? "operators act" : "OU=homenode-operator in a certificate acts");
	else if (peer && peer->local)
		snprintf(detail, sizeof(detail),
			 "%s may not use the API: root may, and the groups that operators and readers in "
			 "[api] of homenode.conf name",
			 peer->place);
	else
		snprintf(detail, sizeof(detail),
			 "the certificate has neither OU=homenode-reader nor OU=homenode-operator in its "
			 "subject");
	hn_refusals_tell(&call->service->refusals, hn_now_ns(), peer ? peer->name : "a client",
			 peer && peer->role == HN_ROLE_READER ? "a reader that wanted to act"
							      : "neither reader nor operator");
	hn_call_send_problem(call, 403, detail);
}

void hn_api_route(struct hn_service *service, struct hn_connections *connections,
		  struct evhttp_request *request)
{
	struct hn_call call = {.service = service, .request = request};
	bool known;
	const struct route *route = find_route(&call, &known);
	bool asks =
		evhttp_request_get_command(request) == EVHTTP_REQ_GET || (route && route->flags & HARMLESS);
	enum hn_role least = asks ? HN_ROLE_READER : HN_ROLE_OPERATOR;

	call.peer = hn_connections_ask(connections, request, route && route->flags & LASTING);
	if (is_ambiguous(request)) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
		hn_call_send_problem(&call, 400, "more than one header tells how long the body is");
	} else if (!call.peer || call.peer->role < least) {
		refuse(&call, least);
	} else if (least == HN_ROLE_OPERATOR && is_of_page(request)) {
		hn_call_send_problem(
			&call, 403,
			"a browser may look and change nothing: the request has an Origin header");
	} else if (route && route->flags & LOCAL && !call.peer->local) {
		hn_call_send_problem(&call, 403, "this is answered on the unix socket alone");
	} else if (route) {
		route->handle(&call);
	} else if (known) {
		hn_call_send_problem(&call, 405, "that path is there, but not for this method");
	} else {
		hn_call_send_problem(&call, 404,
				     "no such path; see docs/api.md: /v1/host, /v1/snapshot, /v1/guests, "
				     "/v1/guests/NAME");
	}
}
