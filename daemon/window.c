#include "daemon/window.h"

#include <errno.h>
#include <event2/event.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/events.h"
#include "daemon/make-up.h"
#include "daemon/operation.h"

static void tell(const struct hn_managed *managed)
{
	uint64_t left = hn_window_left_ns(managed);
	json_object *json = json_object_new_object();

	hn_log(HN_LOG_INFO, "guest '%s': its window is %s", managed->name, left ? "open" : "closed");
	if (json) {
		hn_json_add_string(json, "state", left > 0 ? "open" : "closed");
		hn_json_add_double(json, "seconds", (double)left / (double)HN_NS_PER_S);
	}
	hn_event_emit(managed->service, HN_EVENT_WINDOW, managed->name, json);
}

static void close_window(struct hn_managed *managed)
{
	managed->window_until_ns = 0;
	hn_make_up_apply_settings(managed);
	hn_window_heed(managed);
	tell(managed);
}

static void on_window_end(evutil_socket_t fd, short what, void *context)
{
	close_window(context);
}

int hn_window_open(struct hn_managed *managed, uint64_t ns, struct hn_error *err)
{
	struct timeval wait = hn_timeval(ns);

	if (ns > HN_WINDOW_MAX_NS)
		return hn_fail(err, -EINVAL,
			       "a window of more than a day is no window: set class or window of the "
			       "guest instead (homenode set)");
	if (!managed->window_end)
		managed->window_end = event_new(managed->service->base, -1, 0, on_window_end, managed);
	if (!managed->window_end || (ns > 0 && event_add(managed->window_end, &wait) < 0))
		return hn_oom(err);
	if (ns == 0) {
		event_del(managed->window_end);
		close_window(managed);
		return 0;
	}
	managed->window_until_ns = hn_now_ns() + ns;
	hn_make_up_apply_settings(managed);
	tell(managed);
	return 0;
}

uint64_t hn_window_left_ns(const struct hn_managed *managed)
{
	uint64_t now = hn_now_ns();

	return managed->window_until_ns > now ? managed->window_until_ns - now : 0;
}

void hn_window_heed(struct hn_managed *managed)
{
	if (managed->running && managed->guest && hn_guest_is_untouchable(managed->guest))
		hn_operation_abandon(managed, "it is a realtime guest, and no window is open for it");
}
