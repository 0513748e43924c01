/*
 * api-window - the window in which a realtime guest may be repaired, over the API.
 */
#include <errno.h>
#include <math.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/api-call.h"
#include "daemon/window.h"

/* {"seconds": 60}; 0 closes it. */
static int read_seconds(const struct hn_call *call, uint64_t *ret_ns, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	double seconds;
	int r;

	if ((r = hn_call_body_object(call, &json, err)) < 0 ||
	    (r = hn_json_get_double(json, "seconds", &seconds, err)) < 0)
		return r == -EPROTO ? -EINVAL : r;
	if (!(seconds >= 0) || seconds > (double)HN_WINDOW_MAX_NS / (double)HN_NS_PER_S)
		return hn_fail(err, -EINVAL, "member 'seconds' is not between 0 and 86400");
	*ret_ns = (uint64_t)llround(seconds * (double)HN_NS_PER_S);
	return 0;
}

static void send_window(const struct hn_call *call, const struct hn_managed *managed)
{
	json_object *json = json_object_new_object();
	uint64_t left = hn_window_left_ns(managed);

	if (json) {
		hn_json_add_bool(json, "open", left > 0);
		hn_json_add_double(json, "seconds", (double)left / (double)HN_NS_PER_S);
	}
	hn_call_send_json(call, 200, "application/json", json);
}

void hn_api_window(const struct hn_call *call)
{
	struct hn_managed *managed = hn_call_guest(call);
	struct hn_error err;
	uint64_t ns = 0;

	if (!managed)
		return;
	if (read_seconds(call, &ns, &err) < 0 || hn_window_open(managed, ns, &err) < 0)
		hn_call_send_failure(call, &err);
	else
		send_window(call, managed);
}
