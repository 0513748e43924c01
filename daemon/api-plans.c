/*
 * api-plans - a plan for a guest first, and then that plan and no other carried out, over the API.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/decision.h"
#include "daemon/guest.h"
#include "daemon/plans.h"
#include "model/codec.h"

static json_object *encode(const struct hn_kept_plan *kept)
{
	json_object *json = json_object_new_object(), *plan = hn_plan_encode(kept->plan);
	uint64_t now = hn_now_ns();
	char digest[20];

	if (!json || !plan) {
		json_object_put(json);
		json_object_put(plan);
		return NULL;
	}
	snprintf(digest, sizeof(digest), "%016" PRIx64, hn_world_digest(kept->world));
	hn_json_add_string(json, "id", kept->id);
	hn_json_add_string(json, "guest", kept->guest);
	hn_json_add_string(json, "digest", digest);
	hn_json_add_u64(json, "expires_in_ns", kept->until_ns > now ? kept->until_ns - now : 0);
	hn_json_add_u64(json, "operation", kept->operation);
	hn_json_add(json, "plan", plan);
	return json;
}

static void send_plan(const struct hn_call *call, int status, const struct hn_kept_plan *kept)
{
	char path[40];

	if (status == 201) {
		snprintf(path, sizeof(path), "/v1/plans/%s", kept->id);
		evhttp_add_header(evhttp_request_get_output_headers(call->request), "Location", path);
	}
	hn_call_send_json(call, status, "application/json", encode(kept));
}

/* {"guest": NAME} */
static int read_guest(const struct hn_call *call, struct hn_managed **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	const char *name;
	int r = hn_call_body_object(call, &json, err);

	if (r < 0)
		return r;
	json_object_object_foreach(json, key, value)
	{
		(void)value;
		if (strcmp(key, "guest") != 0)
			return hn_fail(err, -EINVAL, "unknown member '%.40s'; known: guest", key);
	}
	if ((r = hn_json_get_string(json, "guest", &name, err)) < 0)
		return r;
	*ret = hn_managed_find(call->service, name);
	return *ret ? 0
		    : hn_fail(err, -ENOENT, "there is no guest '%.100s'; `homenode guests` lists them", name);
}

static int make(const struct hn_call *call, struct hn_kept_plan **ret, struct hn_error *err)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	HN_AUTO(hn_world) struct hn_world *world = NULL;
	struct hn_managed *managed;
	int r;

	if ((r = read_guest(call, &managed, err)) < 0 || (r = hn_decision_now(managed, &plan, err)) < 0 ||
	    (r = hn_world_of(managed, &world, err)) < 0)
		return r;
	return hn_plans_keep(&call->service->plans, managed->name, hn_steal(plan), hn_steal(world),
			     hn_now_ns(), ret, err);
}

void hn_api_make_plan(const struct hn_call *call)
{
	struct hn_kept_plan *kept;
	struct hn_error err;

	if (make(call, &kept, &err) < 0)
		hn_call_send_failure(call, &err);
	else
		send_plan(call, 201, kept);
}

static struct hn_kept_plan *find(const struct hn_call *call)
{
	struct hn_kept_plan *kept = hn_plans_find(&call->service->plans, call->name, hn_now_ns());
	char detail[HN_NAME_MAX + 100];

	if (!kept) {
		snprintf(detail, sizeof(detail), "there is no plan '%s': plans are kept for %d minutes",
			 call->name, HN_PLAN_LIFE_S / 60);
		hn_call_send_problem(call, 404, detail);
	}
	return kept;
}

void hn_api_get_plan(const struct hn_call *call)
{
	const struct hn_kept_plan *kept = find(call);

	if (kept)
		send_plan(call, 200, kept);
}

static int check(const struct hn_kept_plan *kept, struct hn_managed *managed, struct hn_error *err)
{
	HN_AUTO(hn_world) struct hn_world *now = NULL;
	int r;

	if (kept->operation)
		return hn_fail(err, -EEXIST, "the plan has been applied already, by operation %" PRIu64,
			       kept->operation);
	if (!managed)
		return hn_fail(err, -ESTALE, "the guest '%s' is gone", kept->guest);
	if (managed->running)
		return hn_fail(err, -EBUSY, "operation %" PRIu64 " on it is still under way",
			       managed->operation.id);
	if ((r = hn_world_of(managed, &now, err)) < 0 ||
	    (r = hn_world_compare(kept->world, now, managed, kept->plan, err)) < 0)
		return r;
	if (kept->plan->verdict == HN_VERDICT_AT_HOME || kept->plan->verdict == HN_VERDICT_ACT)
		return 0;
	return hn_fail(err, -EOPNOTSUPP, "%s", kept->plan->reason);
}

void hn_api_apply_plan(const struct hn_call *call)
{
	struct hn_kept_plan *kept = find(call);
	struct hn_managed *managed;
	struct hn_plan *copy;
	struct hn_error err;

	if (!kept)
		return;
	managed = hn_managed_find(call->service, kept->guest);
	if (check(kept, managed, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	if (kept->plan->verdict == HN_VERDICT_AT_HOME) {
		send_plan(call, 200, kept);
		return;
	}
	copy = hn_plan_copy(kept->plan);
	if ((copy ? hn_decision_act(managed, copy, &err) : hn_oom(&err)) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	kept->operation = managed->operation.id;
	send_plan(call, 202, kept);
}
