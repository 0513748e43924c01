/*
 * api-host - the machine and the snapshot, over the API.
 */
#include <stdlib.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/decision.h"
#include "daemon/gauge.h"
#include "model/codec.h"

/* How often guests are looked at, and what that may cost. */
static json_object *encode_sampling(const struct hn_cadence *cadence)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_u64(json, "tick_ns", cadence->tick_ns);
		hn_json_add_u64(json, "tick_in_force_ns", hn_cadence_tick(cadence));
		hn_json_add_double(json, "cpu_budget", cadence->budget);
		hn_json_add_double(json, "guest_cpu_budget", cadence->guest_budget);
		hn_json_add_double(json, "cpu_share",
				   (double)cadence->demand_ns / (double)hn_cadence_tick(cadence));
	}
	return json;
}

/* The members of an activity, among the host's; none while there is no reading. */
static void add_activity(const struct hn_service *service, json_object *host)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	HN_AUTO(json) json_object *json = NULL;

	if (hn_gauge_host(service, &activity) < 0 || !activity || !(json = hn_activity_encode(activity)))
		return;
	json_object_object_foreach(json, key, value)
	{
		hn_json_add(host, key, json_object_get(value));
	}
}

void hn_api_get_host(const struct hn_call *call)
{
	json_object *json;
	struct hn_error err;

	if (hn_service_refresh_host(call->service, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	json = hn_host_encode(call->service->host);
	if (json) {
		hn_json_add(json, "sampling", encode_sampling(&call->service->cadence));
		hn_json_add_string(json, "homenoded", HOMENODE_VERSION);
		add_activity(call->service, json);
	}
	hn_call_send_json(call, 200, "application/json", json);
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
void hn_api_get_snapshot(const struct hn_call *call)
{
	struct hn_decide_options options = hn_decision_options(call->service, false);
	struct hn_snapshot snapshot = {0};
	struct hn_error err = {0};
	json_object *json;
	size_t ignored;

	if (hn_decision_snapshot(call->service, NULL, &snapshot, &ignored, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	json = hn_snapshot_encode(&snapshot);
	free(snapshot.guests);
	if (json) {
		hn_json_add(json, "options", encode_options(&options));
		hn_json_add_string(json, "homenoded", HOMENODE_VERSION);
	}
	hn_call_send_json(call, 200, "application/json", json);
}
