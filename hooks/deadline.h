#pragma once
/*
 * deadline - moments of CLOCK_MONOTONIC, in ns, until which somebody is willing to wait.
 */
#include <stdint.h>

int64_t deadline_now(void);
int64_t deadline_in_ms(unsigned ms);
int64_t deadline_earlier(int64_t a, int64_t b);

/* Waits until fd is ready for events (as of poll(2)) or broken. 0, -ETIMEDOUT, or -errno. */
int deadline_poll(int fd, short events, int64_t deadline);

/* Sleeps for pause_ns, or until the deadline if that is sooner. 0, or -ETIMEDOUT when it had passed already.
 */
int deadline_pause(int64_t pause_ns, int64_t deadline);
