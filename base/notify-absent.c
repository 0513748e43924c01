/*
 * In the place of notify.c where homenode is built without systemd.
 */
#include "base/notify.h"

void hn_notify(const char *state)
{
}

uint64_t hn_notify_watchdog_ns(void)
{
	return 0;
}
