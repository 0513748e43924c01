/*
 * api-operation - a guest's operation paused, resumed and cancelled, over the API.
 */
#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/guest.h"
#include "daemon/operation.h"

/* {"operation": 7}, which is on its way to it. */
static void answer(const struct hn_call *call, const struct hn_managed *managed, int r,
		   const struct hn_error *err)
{
	json_object *json;

	if (r < 0) {
		hn_call_send_failure(call, err);
		return;
	}
	json = json_object_new_object();
	if (json)
		hn_json_add_u64(json, "operation", managed->operation.id);
	hn_call_send_json(call, 202, "application/json", json);
}

static void pause_or_resume(const struct hn_call *call, bool pause)
{
	struct hn_managed *managed = hn_call_guest(call);
	struct hn_error err = {0};

	if (managed)
		answer(call, managed, hn_operation_pause(managed, pause, &err), &err);
}

void hn_api_pause_operation(const struct hn_call *call)
{
	pause_or_resume(call, true);
}

void hn_api_resume_operation(const struct hn_call *call)
{
	pause_or_resume(call, false);
}

void hn_api_cancel_operation(const struct hn_call *call)
{
	struct hn_managed *managed = hn_call_guest(call);
	struct hn_error err = {0};

	if (managed)
		answer(call, managed, hn_operation_cancel(managed, "stopped by an operator", &err), &err);
}
