#include "base/notify.h"

#include <systemd/sd-daemon.h>

void hn_notify(const char *state)
{
	sd_notify(0, state);
}

uint64_t hn_notify_watchdog_ns(void)
{
	uint64_t limit_us;

	return sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us * 1000 : 0;
}
