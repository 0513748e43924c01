#include "hooks/deadline.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int64_t deadline_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t deadline_in_ms(unsigned ms)
{
	return deadline_now() + ms * NS_PER_MS;
}

int64_t deadline_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int deadline_poll(int fd, short events, int64_t deadline)
{
	struct pollfd watched = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline - deadline_now();
		struct timespec wait = timespec_of(left > 0 ? left : 0);
		int ready = ppoll(&watched, 1, &wait, NULL);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (left <= 0)
			return -ETIMEDOUT;
	}
}

int deadline_pause(int64_t pause_ns, int64_t deadline)
{
	int64_t left = deadline - deadline_now();
	struct timespec wait;

	if (left <= 0)
		return -ETIMEDOUT;
	wait = timespec_of(deadline_earlier(pause_ns, left));
	clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
	return 0;
}
