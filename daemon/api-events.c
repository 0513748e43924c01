/*
 * api-events - what happens, over the API, for as long as the client listens.
 */
#include "daemon/api-call.h"
#include "daemon/events.h"

void hn_api_get_events(const struct hn_call *call)
{
	struct hn_error err;

	if (hn_events_follow(call->service->events, call, &err) < 0)
		hn_call_send_failure(call, &err);
}
