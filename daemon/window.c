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

static int await_end(struct hn_managed *managed);

/* That its operator opened, or that its settings have: which then may have the next one open already. */
static void on_window_end(evutil_socket_t fd, short what, void *context)
{
	struct hn_managed *managed = context;

	if (managed->window_until_ns && hn_window_left_ns(managed) == 0) {
		close_window(managed);
		return;
	}
	hn_make_up_apply_settings(managed);
	hn_window_heed(managed);
	(void)await_end(managed); /* timers may be early */
}

/* Wakes at the next end of one of the two. */
static int await_end(struct hn_managed *managed)
{
	uint64_t own = hn_window_left_ns(managed), next;
	struct timeval wait;

	next = managed->rule_until_ns > hn_now_ns() ? managed->rule_until_ns - hn_now_ns() : 0;
	if (own > 0 && (next == 0 || own < next))
		next = own;
	if (!managed->window_end)
		managed->window_end = event_new(managed->service->base, -1, 0, on_window_end, managed);
	wait = hn_timeval(next);
	return managed->window_end && (next == 0 || event_add(managed->window_end, &wait) == 0) ? 0 : -ENOMEM;
}

void hn_window_follow_rule(struct hn_managed *managed, uint64_t left_ns)
{
	if (left_ns == 0 && managed->rule_until_ns == 0)
		return;
	managed->rule_until_ns = left_ns ? hn_now_ns() + left_ns : 0;
	(void)await_end(managed); /* else the next tick sees it */
}

int hn_window_open(struct hn_managed *managed, uint64_t ns, struct hn_error *err)
{
	uint64_t before = managed->window_until_ns;

	if (ns > HN_WINDOW_MAX_NS)
		return hn_fail(err, -EINVAL,
			       "a window of more than a day is no window: set class or window of the "
			       "guest instead (homenode set)");
	if (ns == 0) {
		close_window(managed);
		return 0;
	}
	managed->window_until_ns = hn_now_ns() + ns;
	if (await_end(managed) < 0) {
		managed->window_until_ns = before;
		return hn_oom(err);
	}
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
