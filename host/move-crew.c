#include "host/move-crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"

/* One call, which all of the crew know. */
struct call {
	pid_t pid;
	int flags;
	uint64_t began_ns;
};

struct mate {
	struct hn_move_crew *crew;
	pthread_t thread;
	struct hn_move_span *span; /* to be made, NULL: none */
};

struct hn_move_crew {
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t changed;
	struct call call;
	bool ends;
	size_t started;
	struct mate mates[HN_LANES - 1];
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time = {0};

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * HN_NS_PER_S + (uint64_t)time.tv_nsec;
}

/* The time a lane waited for its CPU before it began counts as well. */
static void span_make(const struct call *call, struct hn_move_span *span)
{
	uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	span->answer = syscall(SYS_move_pages, call->pid, span->count, span->pages, span->nodes, span->status,
			       call->flags);
	if (span->answer < 0)
		span->answer = errno == EINVAL ? -ESRCH : -errno; /* EINVAL: it has given up its memory */
	span->wall_ns = clock_ns(CLOCK_MONOTONIC) - call->began_ns;
	span->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
}

static void *mate_run(void *context)
{
	struct mate *mate = context;
	struct hn_move_crew *crew = mate->crew;

	pthread_mutex_lock(&crew->lock);
	while (!crew->ends) {
		if (!mate->span) {
			pthread_cond_wait(&crew->changed, &crew->lock);
			continue;
		}
		pthread_mutex_unlock(&crew->lock);
		span_make(&crew->call, mate->span);
		pthread_mutex_lock(&crew->lock);
		mate->span = NULL;
		pthread_cond_broadcast(&crew->changed);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

void hn_move_crew_free(struct hn_move_crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->ends = true;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	for (size_t i = 0; i < crew->started; i++)
		pthread_join(crew->mates[i].thread, NULL);
	pthread_cond_destroy(&crew->changed);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

struct hn_move_crew *hn_move_crew_new(void)
{
	HN_AUTO(hn_move_crew) struct hn_move_crew *crew = calloc(1, sizeof(*crew));
	sigset_t all, before;
	int r = 0;

	if (!crew)
		return NULL;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; crew->started < HN_COUNT(crew->mates) && !r; crew->started += !r) {
		struct mate *mate = &crew->mates[crew->started];

		mate->crew = crew;
		r = pthread_create(&mate->thread, NULL, mate_run, mate);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? NULL : hn_steal(crew);
}

unsigned hn_move_crew_most(void)
{
	struct hn_set cpus = {0};
	long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(cpus.words), cpus.words);
	int count = bytes > 0 ? hn_set_count(&cpus) : 1;

	return count < HN_LANES ? (unsigned)count : HN_LANES;
}

static void run_alone(const struct call *call, struct hn_move_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		span_make(call, &spans[i]);
		if (i > 0)
			spans[i].cpu_ns = 0;
	}
}

static bool mates_at_work(const struct hn_move_crew *crew)
{
	for (size_t i = 0; i < crew->started; i++)
		if (crew->mates[i].span)
			return true;
	return false;
}

void hn_move_crew_run(struct hn_move_crew *crew, pid_t pid, struct hn_move_span *spans, size_t count,
		      int flags)
{
	const struct call call = {.pid = pid, .flags = flags, .began_ns = clock_ns(CLOCK_MONOTONIC)};

	if (!crew || count == 1) {
		run_alone(&call, spans, count);
		return;
	}
	pthread_mutex_lock(&crew->lock);
	crew->call = call;
	for (size_t i = 1; i < count; i++)
		crew->mates[i - 1].span = &spans[i];
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	span_make(&call, &spans[0]);
	pthread_mutex_lock(&crew->lock);
	while (mates_at_work(crew))
		pthread_cond_wait(&crew->changed, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}
