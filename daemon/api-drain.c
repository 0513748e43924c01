/*
 * api-drain - a node emptied of guests, and given back to them, over the API.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/chronicle.h"
#include "daemon/draining.h"
#include "daemon/guest.h"
#include "model/codec.h"

/* What is planned for a node, with what it was planned from. */
struct draft {
	struct hn_drain drain;
	struct hn_snapshot snapshot;
};

static void draft_done(const struct hn_service *service, struct draft *draft)
{
	hn_drain_done(&draft->drain);
	free(draft->snapshot.guests);
	if (draft->snapshot.host != service->host)
		hn_host_free(draft->snapshot.host);
}

/* The node that the route names, by index; -1: 404 has been answered. */
static int find_node(const struct hn_call *call)
{
	const struct hn_host *host = call->service->host;
	char detail[HN_NAME_MAX + 80], *end;
	long id = strtol(call->name, &end, 10);
	int index = *end || end == call->name || id < 0 || id >= HN_SET_MAX
			    ? -1
			    : hn_host_node_index(host, (int)id);

	if (index < 0) {
		snprintf(detail, sizeof(detail), "there is no node '%s'; `homenode host` lists them",
			 call->name);
		hn_call_send_problem(call, 404, detail);
	}
	return index;
}

static json_object *encode_leaving(struct hn_service *service, const struct draft *draft,
				   const struct hn_leaving *leaving)
{
	const struct hn_guest *guest = draft->snapshot.guests[leaving->guest].guest;
	const struct hn_managed *managed = hn_managed_find(service, guest->name);
	json_object *json = json_object_new_object();

	if (!json)
		return NULL;
	hn_json_add_string(json, "guest", guest->name);
	hn_json_add_u64(json, "memory_bytes", leaving->lingering.bytes);
	hn_json_add_u64(json, "fixed_bytes", leaving->lingering.fixed_bytes);
	hn_json_add_u64(json, "threads", leaving->lingering.threads);
	hn_json_add_double(json, "price", managed ? hn_chronicle_price(managed, leaving->plan) : 0);
	hn_json_add_u64(json, "operation", managed && managed->running ? managed->operation.id : 0);
	hn_json_add_bool(json, "given_up",
			 managed && !managed->running && managed->drain_tries >= HN_DRAIN_TRIES);
	hn_json_add(json, "plan", hn_plan_encode(leaving->plan));
	return json;
}

static void send_drain(const struct hn_call *call, int status, size_t node, const struct draft *draft)
{
	const struct hn_node *what = &call->service->host->nodes[node];
	json_object *json = json_object_new_object(), *guests = json_object_new_array();
	uint64_t bytes = 0;

	for (size_t i = 0; guests && i < draft->drain.count; i++) {
		bytes += draft->drain.guests[i].lingering.bytes;
		json_object_array_add(guests, encode_leaving(call->service, draft, &draft->drain.guests[i]));
	}
	if (!json || !guests) {
		json_object_put(json);
		json_object_put(guests);
		json = NULL;
	} else {
		hn_json_add_int(json, "node", what->id);
		hn_json_add_bool(json, "draining", what->draining);
		hn_json_add_bool(json, "empty",
				 draft->drain.count == 0 && hn_draining_is_empty(call->service, node));
		hn_json_add_u64(json, "memory_bytes", bytes);
		hn_json_add(json, "guests", guests);
	}
	hn_call_send_json(call, status, "application/json", json);
}

void hn_api_get_drain(const struct hn_call *call)
{
	int node = find_node(call);
	struct draft draft;
	struct hn_error err;

	if (node < 0)
		return;
	if (hn_draining_plan(call->service, (size_t)node, &draft.drain, &draft.snapshot, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	send_drain(call, 200, (size_t)node, &draft);
	draft_done(call->service, &draft);
}

void hn_api_drain(const struct hn_call *call)
{
	struct hn_service *service = call->service;
	int node = find_node(call);
	struct draft draft;
	struct hn_error err;
	unsigned begun = 0;
	bool dry_run;
	int r;

	if (node < 0)
		return;
	if ((r = hn_call_read_dry_run(call, &dry_run, &err)) < 0 ||
	    (r = hn_draining_check(service, (size_t)node, &err)) < 0 ||
	    (r = hn_draining_plan(service, (size_t)node, &draft.drain, &draft.snapshot, &err)) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	if (!dry_run)
		r = hn_draining_begin(service, (size_t)node, &draft.drain, &draft.snapshot, &begun, &err);
	if (r < 0)
		hn_call_send_failure(call, &err);
	else
		send_drain(call, begun ? 202 : 200, (size_t)node, &draft);
	draft_done(service, &draft);
}

void hn_api_undrain(const struct hn_call *call)
{
	int node = find_node(call);
	json_object *json;
	struct hn_error err;

	if (node < 0)
		return;
	if (hn_draining_end(call->service, (size_t)node, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	json = json_object_new_object();
	if (json) {
		hn_json_add_int(json, "node", call->service->host->nodes[node].id);
		hn_json_add_bool(json, "draining", false);
	}
	hn_call_send_json(call, 200, "application/json", json);
}
