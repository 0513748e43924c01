/*
 * The worker is owned by two: the loop and the thread. A thread stuck in a call of libvirt may outlive the
 * loop's interest in it, so the memory goes with the last of the two.
 */
#include "virt/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "virt/events.h"
#include "virt/link.h"

#define GRACE_NS (HN_NS_PER_S / 2)

TAILQ_HEAD(job_list, hn_job);

struct hn_worker {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job_list queue, finished;
	unsigned jobs;     /* submitted and not yet told */
	uint64_t since_ns; /* of the call under way, 0: idle */
	bool stopping, late;
	unsigned owners;
	int result_fd;

	struct hn_link *link; /* the thread's own */

	/* the loop's own */
	pthread_t thread;
	struct event *results, *watch;
	uint64_t limit_ns;
	bool freed;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void forget_all(struct job_list *list)
{
	struct hn_job *job;

	while ((job = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, job, next);
		job->done(job, false);
	}
}

/* One owner less. */
static void disown(struct hn_worker *worker)
{
	bool last;

	pthread_mutex_lock(&worker->lock);
	last = --worker->owners == 0;
	pthread_mutex_unlock(&worker->lock);
	if (!last)
		return;
	forget_all(&worker->queue);
	forget_all(&worker->finished);
	pthread_mutex_destroy(&worker->lock);
	pthread_cond_destroy(&worker->wake);
	if (worker->result_fd >= 0)
		close(worker->result_fd);
	free(worker);
}

void hn_worker_mark(struct hn_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->since_ns = now_ns();
	pthread_mutex_unlock(&worker->lock);
}

bool hn_worker_late(struct hn_worker *worker)
{
	bool late;

	pthread_mutex_lock(&worker->lock);
	late = worker->late;
	pthread_mutex_unlock(&worker->lock);
	return late;
}

/* ---- the thread */

/* NULL when it is time to end. */
static struct hn_job *await_job(struct hn_worker *worker)
{
	struct hn_job *job = NULL;

	pthread_mutex_lock(&worker->lock);
	while (!worker->stopping && TAILQ_EMPTY(&worker->queue))
		pthread_cond_wait(&worker->wake, &worker->lock);
	if (!worker->stopping) {
		job = TAILQ_FIRST(&worker->queue);
		TAILQ_REMOVE(&worker->queue, job, next);
		worker->since_ns = now_ns();
		worker->late = false;
	}
	pthread_mutex_unlock(&worker->lock);
	return job;
}

static void finish_job(struct hn_worker *worker, struct hn_job *job)
{
	uint64_t one = 1;
	ssize_t written;

	pthread_mutex_lock(&worker->lock);
	worker->since_ns = 0;
	TAILQ_INSERT_TAIL(&worker->finished, job, next);
	pthread_mutex_unlock(&worker->lock);
	written = write(worker->result_fd, &one, sizeof(one));
	(void)written;
}

static void *work(void *context)
{
	struct hn_worker *worker = context;
	struct hn_job *job;

	while ((job = await_job(worker))) {
		job->run(job, worker->link);
		finish_job(worker, job);
	}
	hn_link_free(worker->link);
	disown(worker);
	return NULL;
}

/* ---- the loop */

static struct hn_job *take_finished(struct hn_worker *worker)
{
	struct hn_job *job;

	pthread_mutex_lock(&worker->lock);
	job = TAILQ_FIRST(&worker->finished);
	if (job) {
		TAILQ_REMOVE(&worker->finished, job, next);
		worker->jobs--;
	}
	pthread_mutex_unlock(&worker->lock);
	return job;
}

static void on_results(evutil_socket_t fd, short what, void *context)
{
	struct hn_worker *worker = context;
	struct hn_job *job;
	uint64_t count;
	ssize_t length = read(fd, &count, sizeof(count));

	(void)length;
	pthread_mutex_lock(&worker->lock);
	worker->owners++; /* a job's end may free the worker */
	pthread_mutex_unlock(&worker->lock);
	while (!worker->freed && (job = take_finished(worker)))
		job->done(job, true);
	disown(worker);
}

static void on_watch(evutil_socket_t fd, short what, void *context)
{
	struct hn_worker *worker = context;
	bool late;

	pthread_mutex_lock(&worker->lock);
	late = worker->since_ns && now_ns() - worker->since_ns > worker->limit_ns;
	worker->late = worker->late || late;
	pthread_mutex_unlock(&worker->lock);
	if (late)
		hn_events_shut(worker->thread);
}

static int start(struct hn_worker *worker, struct event_base *base, struct hn_error *err)
{
	struct timeval period = {.tv_sec = (time_t)(worker->limit_ns / 8 / HN_NS_PER_S),
				 .tv_usec = (suseconds_t)(worker->limit_ns / 8 % HN_NS_PER_S / 1000)};
	int r;

	worker->result_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->result_fd < 0)
		return hn_fail_errno(err, -errno, "cannot make an eventfd for libvirt's worker");
	worker->results = event_new(base, worker->result_fd, EV_READ | EV_PERSIST, on_results, worker);
	worker->watch = event_new(base, -1, EV_PERSIST, on_watch, worker);
	if (!worker->results || !worker->watch || event_add(worker->results, NULL) < 0 ||
	    event_add(worker->watch, &period) < 0)
		return hn_oom(err);
	r = pthread_create(&worker->thread, NULL, work, worker);
	return r ? hn_fail_errno(err, -r, "cannot start libvirt's worker") : 0;
}

static void free_events(struct hn_worker *worker)
{
	if (worker->results)
		event_free(hn_steal(worker->results));
	if (worker->watch)
		event_free(hn_steal(worker->watch));
}

int hn_worker_new(struct event_base *base, struct hn_link *link, uint64_t limit_ns, struct hn_worker **ret,
		  struct hn_error *err)
{
	struct hn_worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker) {
		hn_link_free(link);
		return hn_oom(err);
	}
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	TAILQ_INIT(&worker->queue);
	TAILQ_INIT(&worker->finished);
	worker->link = link;
	worker->limit_ns = limit_ns;
	worker->owners = 2;
	hn_link_set_worker(link, worker);
	r = start(worker, base, err);
	if (r < 0) {
		free_events(worker);
		hn_link_free(link);
		worker->owners = 1;
		disown(worker);
		return r;
	}
	*ret = worker;
	return 0;
}

/* Whether the thread has ended. */
static bool join_within(pthread_t thread, uint64_t ns)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	ns += (uint64_t)end.tv_nsec;
	end.tv_sec += (time_t)(ns / HN_NS_PER_S);
	end.tv_nsec = (long)(ns % HN_NS_PER_S);
	return pthread_timedjoin_np(thread, NULL, &end) == 0;
}

void hn_worker_free(struct hn_worker *worker)
{
	struct job_list queue = TAILQ_HEAD_INITIALIZER(queue);

	if (!worker)
		return;
	worker->freed = true;
	free_events(worker);
	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	TAILQ_CONCAT(&queue, &worker->queue, next);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	forget_all(&queue);
	if (!join_within(worker->thread, GRACE_NS)) {
		hn_events_shut(worker->thread);
		if (!join_within(worker->thread, GRACE_NS))
			pthread_detach(worker->thread);
	}
	disown(worker);
}

int hn_worker_submit(struct hn_worker *worker, struct hn_job *job, struct hn_error *err)
{
	int r = 0;

	pthread_mutex_lock(&worker->lock);
	if (worker->jobs >= HN_WORKER_JOBS_MAX) {
		r = -EBUSY;
	} else {
		worker->jobs++;
		TAILQ_INSERT_TAIL(&worker->queue, job, next);
		pthread_cond_signal(&worker->wake);
	}
	pthread_mutex_unlock(&worker->lock);
	return r < 0 ? hn_fail(err, r, "%d calls into libvirt wait already", HN_WORKER_JOBS_MAX) : 0;
}
