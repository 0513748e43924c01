#include "daemon/guest-calls.h"

#include <errno.h>

#include "daemon/domain.h"

/* Before it is known what the guest is made of, its XML and its threads tell. */
static bool is_untouchable(const struct hn_managed *managed)
{
	const struct hn_domain *domain = managed->domain;

	if (managed->guest)
		return hn_guest_is_untouchable(managed->guest);
	return managed->runs_realtime ||
	       (domain && domain->guest && domain->guest->class == HN_CLASS_REALTIME &&
		domain->state != HN_RUN_PAUSED);
}

int hn_guest_calls_make(struct hn_managed *managed, enum hn_call_kind kind, uint64_t count,
			struct hn_error *err)
{
	if (count > 0 && is_untouchable(managed)) {
		managed->calls.refused += count;
		hn_log(HN_LOG_INFO, "guest '%s': not touched (%s): it is realtime and runs", managed->name,
		       hn_call_kind_name(kind));
		return hn_fail(
			err, -EPERM,
			"a realtime guest is not touched while it runs: homenode window %s --for 60s opens "
			"a window for it",
			managed->name);
	}
	managed->calls.made[kind] += count;
	managed->service->tally.calls[kind] += count;
	return 0;
}
