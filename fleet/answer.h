#pragma once
/*
 * answer - one request to homenode-fleetd, and the ways to answer it; for the api-*.c files. Each answers
 * once.
 */
#include <event2/http.h>

#include "base/json.h"
#include "fleet/service.h"

struct hn_fleet_call {
	struct hn_fleet_service *service;
	struct evhttp_request *request; /* NULL once its client is gone */
	bool may_act;                   /* its client may reserve */
	void (*gone)(void *context);    /* while the answer is still to come */
	void *context;
};

/* The JSON is taken over; NULL: out of memory. */
void hn_fleet_send(struct hn_fleet_call *call, int status, json_object *json);
void hn_fleet_send_text(struct hn_fleet_call *call, const char *type, const char *text, size_t length);
/* A problem document (RFC 9457). */
void hn_fleet_send_problem(struct hn_fleet_call *call, int status, const char *detail);
/* With a member of that name besides; the value stays the caller's, NULL: none. */
void hn_fleet_send_problem_with(struct hn_fleet_call *call, int status, const char *detail, const char *name,
				json_object *value);
void hn_fleet_send_failure(struct hn_fleet_call *call, const struct hn_error *err);

/* Whether all has been read from etcd once; if not, that is the answer (503). */
bool hn_fleet_is_ready(struct hn_fleet_call *call);

/* The body as an object. -EINVAL, -EPROTO. */
int hn_fleet_body(const struct hn_fleet_call *call, json_object **ret, struct hn_error *err);

/* The answer comes later: gone(context) is called when the client does not wait for it; call lives till then.
 */
void hn_fleet_keep(struct hn_fleet_call *call, void (*gone)(void *context), void *context);
/* It is about to be answered. */
void hn_fleet_answer_now(struct hn_fleet_call *call);

/* Handlers; the routes are a table in listener.c. */
void hn_fleet_api_web(struct hn_fleet_call *call);
void hn_fleet_api_rank(struct hn_fleet_call *call);
void hn_fleet_api_count(struct hn_fleet_call *call);
void hn_fleet_api_hosts(struct hn_fleet_call *call);
void hn_fleet_api_host(struct hn_fleet_call *call);
void hn_fleet_api_defragment(struct hn_fleet_call *call);
void hn_fleet_api_reserve(struct hn_fleet_call *call);
void hn_fleet_api_metrics(struct hn_fleet_call *call);
void hn_fleet_api_healthz(struct hn_fleet_call *call);
void hn_fleet_api_readyz(struct hn_fleet_call *call);
