/*
 * pthread_clockjoin_np() as ThreadSanitizer of clang 14 understands it, which does not know that function and
 * takes the thread for one that lives on. Loaded before the others by ./test threads.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>

int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock, const struct timespec *end)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct timespec now;
	int r;

	while ((r = pthread_tryjoin_np(thread, ret)) == EBUSY) {
		clock_gettime(clock, &now);
		if (now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec))
			return ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return r;
}
