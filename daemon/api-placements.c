/*
 * api-placements - where a guest that is to come would go, over the API. Nothing is kept for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/arrival.h"
#include "daemon/decision.h"
#include "daemon/newcomer.h"
#include "model/codec.h"
#include "policy/fit.h"

#define MORE_MAX 64 /* some five times the work of the first, see policy/fit.h */

static int read_wanted(const struct hn_call *call, struct hn_guest **ret, unsigned *ret_more,
		       struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	uint64_t more = 0;
	int r;

	if ((r = hn_call_body_object(call, &json, err)) < 0 ||
	    (hn_json_has(json, "more") && (r = hn_json_get_u64(json, "more", &more, err)) < 0))
		return r;
	if (more > MORE_MAX)
		return hn_fail(err, -EINVAL, "member 'more' is more than %d", MORE_MAX);
	*ret_more = (unsigned)more;
	return hn_newcomer_read(call->service, json, "more", ret, err);
}

/* What hn_fit() has given the newcomer and its copies; the rest is the service's. */
static void free_from(struct hn_snapshot *snapshot, size_t newcomer)
{
	hn_placement_free(snapshot->guests[newcomer].home);
	for (size_t i = newcomer + 1; i < snapshot->guest_count; i++) {
		hn_guest_free(snapshot->guests[i].guest);
		hn_placement_free(snapshot->guests[i].home);
	}
	free(snapshot->guests);
}

static int answer(const struct hn_call *call, struct hn_fit_answer **ret, struct hn_error *err)
{
	const struct hn_decide_options options = hn_decision_options(call->service, true);
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_snapshot snapshot;
	size_t index;
	unsigned more = 0;
	int r;

	hn_arrival_expire(call->service);
	if ((r = read_wanted(call, &guest, &more, err)) < 0 ||
	    (r = hn_decision_snapshot_with(call->service, guest, &snapshot, &index, err)) < 0)
		return r;
	r = hn_fit(&snapshot, index, &options.solver, more, ret, err);
	free_from(&snapshot, index);
	return r;
}

void hn_api_find_placement(const struct hn_call *call)
{
	HN_AUTO(hn_fit_answer) struct hn_fit_answer *found = NULL;
	struct hn_error err;

	if (answer(call, &found, &err) < 0)
		hn_call_send_failure(call, &err);
	else
		hn_call_send_json(call, 200, "application/json",
				  hn_fit_answer_encode(found, call->service->host->name));
}
