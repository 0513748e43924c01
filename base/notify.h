#pragma once
/*
 * notify - a service tells systemd, which started it, how it is (sd_notify(3)). Where nobody listens, or
 * homenode was built without systemd, nothing is told and nobody watches.
 */
#include <stdint.h>

/* A line of sd_notify(3)'s: "READY=1", "STOPPING=1", "WATCHDOG=1". */
void hn_notify(const char *state);

/* Within how many nanoseconds "WATCHDOG=1" has to be told again and again; 0: nobody watches. */
uint64_t hn_notify_watchdog_ns(void);
