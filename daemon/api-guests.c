/*
 * api-guests - the guests and what is done about them, over the API.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/decision.h"
#include "daemon/guest.h"
#include "daemon/page.h"
#include "model/codec.h"

static json_object *encode_report(const void *thing)
{
	HN_AUTO(hn_report) struct hn_report *report = hn_managed_report(thing);

	return report ? hn_report_encode(report) : NULL;
}

static int write_report(struct evbuffer *out, const void *thing)
{
	return hn_page_write_json(out, encode_report(thing));
}

void hn_api_get_guests(const struct hn_call *call)
{
	HN_AUTO(memory) struct hn_page_item *items = NULL;
	const struct hn_managed *managed;
	struct hn_page page;
	struct hn_error err;
	size_t count = 0;

	TAILQ_FOREACH(managed, &call->service->guests, entry)
	count++;
	items = calloc(count + 1, sizeof(*items));
	if ((items ? hn_page_read(call, &page, &err) : hn_oom(&err)) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	count = 0;
	TAILQ_FOREACH(managed, &call->service->guests, entry)
	items[count++] = (struct hn_page_item){managed->name, managed};
	hn_page_send(call, &page, "guests", items, count, write_report);
}

struct hn_managed *hn_call_guest(const struct hn_call *call)
{
	struct hn_managed *managed = hn_managed_find(call->service, call->name);
	char detail[HN_NAME_MAX + 80];

	if (!managed) {
		snprintf(detail, sizeof(detail), "there is no guest '%s'; `homenode guests` lists them",
			 call->name);
		hn_call_send_problem(call, 404, detail);
	}
	return managed;
}

void hn_api_get_guest(const struct hn_call *call)
{
	const struct hn_managed *managed = hn_call_guest(call);

	if (managed)
		hn_call_send_json(call, 200, "application/json", encode_report(managed));
}

static void send_plan(const struct hn_call *call, int status, const struct hn_plan *plan, uint64_t operation)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add(json, "plan", hn_plan_encode(plan));
		hn_json_add_u64(json, "operation", operation);
	}
	hn_call_send_json(call, status, "application/json", json);
}

void hn_api_rebalance(const struct hn_call *call)
{
	struct hn_managed *managed = hn_call_guest(call);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *copy = NULL;
	struct hn_error err = {0};
	bool dry_run;

	if (!managed)
		return;
	if (hn_call_read_dry_run(call, &dry_run, &err) < 0 || hn_decision_now(managed, &plan, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	if (dry_run || plan->verdict == HN_VERDICT_AT_HOME) {
		send_plan(call, 200, plan, 0);
	} else if (plan->verdict != HN_VERDICT_ACT) {
		hn_call_send_problem(call, 409, plan->reason);
	} else if (!(copy = hn_plan_copy(plan))) {
		hn_call_send_problem(call, 503, "out of memory");
	} else if (hn_decision_act(managed, hn_steal(copy), &err) < 0) {
		hn_call_send_failure(call, &err);
	} else {
		send_plan(call, 202, plan, managed->operation.id);
	}
}
