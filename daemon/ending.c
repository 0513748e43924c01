#include "daemon/ending.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/units.h"
#include "daemon/guest.h"
#include "daemon/operation.h"

#define POLL_NS (10 * HN_NS_PER_MS)

struct hn_ending {
	struct hn_service *service;
	struct event *due;
	uint64_t until_ns;
};

static void stop_operations(struct hn_service *service)
{
	struct hn_managed *managed;
	struct hn_error err;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->running &&
	    hn_operation_cancel(managed, "homenoded ends; it is planned anew when it is there again", &err) <
		    0)
		hn_log(HN_LOG_WARNING, "guest '%s': %s", managed->name, err.message);
}

static bool is_idle(const struct hn_service *service)
{
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->running || managed->fence_back)
		return false;
	return true;
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	const struct hn_ending *ending = context;

	if (is_idle(ending->service) || hn_now_ns() >= ending->until_ns)
		event_base_loopbreak(ending->service->base);
}

void hn_ending_begin(struct hn_ending *ending)
{
	struct timeval every = hn_timeval(POLL_NS);

	if (ending->service->ends) {
		event_base_loopbreak(ending->service->base);
		return;
	}
	ending->service->ends = true;
	ending->until_ns = hn_now_ns() + HN_ENDING_LIMIT_NS;
	stop_operations(ending->service);
	event_add(ending->due, &every);
	on_due(-1, 0, ending);
}

int hn_ending_new(struct hn_service *service, struct hn_ending **ret, struct hn_error *err)
{
	struct hn_ending *ending = calloc(1, sizeof(*ending));

	if (!ending)
		return hn_oom(err);
	ending->service = service;
	ending->due = event_new(service->base, -1, EV_PERSIST, on_due, ending);
	if (!ending->due) {
		free(ending);
		return hn_oom(err);
	}
	*ret = ending;
	return 0;
}

void hn_ending_free(struct hn_ending *ending)
{
	if (!ending)
		return;
	event_free(ending->due);
	free(ending);
}
