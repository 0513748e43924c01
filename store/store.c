#include "store/store-private.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TASKS_MAX 64

static void read_boot(char *buffer, size_t size)
{
	HN_AUTO(file) FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || !fgets(buffer, (int)size, file))
		*buffer = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
}

static void task_free(struct hn_store_task *task)
{
	if (task->answer && task->digest)
		task->digest->drop(task->answer);
	else
		hn_history_free(task->answer);
	free(task);
}

void hn_store_dispose(struct hn_store *store)
{
	struct hn_store_task *task;

	while ((task = TAILQ_FIRST(&store->tasks))) {
		TAILQ_REMOVE(&store->tasks, task, link);
		task_free(task);
	}
	while ((task = TAILQ_FIRST(&store->back))) {
		TAILQ_REMOVE(&store->back, task, link);
		task_free(task);
	}
	hn_queue_done(&store->queue);
	if (store->event)
		event_free(store->event);
	if (store->wake_fd >= 0)
		close(store->wake_fd);
	pthread_cond_destroy(&store->call);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

/* What a task came back with goes to whom it belongs. */
static void deliver(struct hn_store *store, struct hn_store_task *task)
{
	if (task->kind == HN_TASK_SAY) {
		if (store->listener.said)
			store->listener.said(task->level, task->err.message, store->listener.context);
	} else {
		pthread_mutex_lock(&store->lock);
		store->task_count--;
		pthread_mutex_unlock(&store->lock);
		task->done(hn_steal(task->answer), task->err.code ? &task->err : NULL, task->context);
	}
	task_free(task);
}

static struct hn_store_task *take_back(struct hn_store *store)
{
	struct hn_store_task *task;

	pthread_mutex_lock(&store->lock);
	task = TAILQ_FIRST(&store->back);
	if (task)
		TAILQ_REMOVE(&store->back, task, link);
	pthread_mutex_unlock(&store->lock);
	return task;
}

static void on_answers_ready(evutil_socket_t fd, short what, void *context)
{
	struct hn_store *store = context;
	struct hn_store_task *task;
	eventfd_t count;

	(void)eventfd_read(fd, &count);
	while ((task = take_back(store)))
		deliver(store, task);
}

void hn_store_answer(struct hn_store *store, struct hn_store_task *task)
{
	pthread_mutex_lock(&store->lock);
	TAILQ_INSERT_TAIL(&store->back, task, link);
	pthread_mutex_unlock(&store->lock);
	(void)eventfd_write(store->wake_fd, 1);
}

/* The daemon's signals are the loop's matter. */
static int start_writer(struct hn_store *store, struct hn_error *err)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&store->writer, NULL, hn_store_write_on, store);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_setname_np(store->writer, "store");
	return r == 0 ? 0 : hn_fail_errno(err, -r, "cannot start the store's thread");
}

int hn_store_new(struct event_base *base, const char *path, uint64_t size_bytes,
		 const struct hn_store_listener *listener, struct hn_store **ret, struct hn_error *err)
{
	struct hn_store *store = calloc(1, sizeof(*store));
	pthread_condattr_t monotonic;
	int r;

	if (!store)
		return hn_oom(err);
	store->size_bytes = size_bytes;
	store->listener = *listener;
	read_boot(store->boot, sizeof(store->boot));
	hn_queue_init(&store->queue, HN_STORE_QUEUE_MAX);
	TAILQ_INIT(&store->tasks);
	TAILQ_INIT(&store->back);
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&store->call, &monotonic);
	pthread_condattr_destroy(&monotonic);
	store->path = strdup(path);
	store->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (store->wake_fd >= 0)
		store->event = event_new(base, store->wake_fd, EV_READ | EV_PERSIST, on_answers_ready, store);
	r = store->path && store->event && event_add(store->event, NULL) == 0 ? start_writer(store, err)
									      : hn_oom(err);
	if (r < 0) {
		hn_store_dispose(store);
		return r;
	}
	*ret = store;
	return 0;
}

/* Everything that is still open is answered; the writer has ended or is stuck with none of it. */
static void cancel_tasks(struct hn_store *store)
{
	struct hn_store_task *task;

	for (;;) {
		pthread_mutex_lock(&store->lock);
		task = TAILQ_FIRST(&store->tasks);
		if (task)
			TAILQ_REMOVE(&store->tasks, task, link);
		pthread_mutex_unlock(&store->lock);
		if (!task)
			return;
		hn_fail(&task->err, -ECANCELED, "homenoded is about to end");
		deliver(store, task);
	}
}

void hn_store_free(struct hn_store *store)
{
	struct timespec limit;
	struct hn_store_task *task;

	if (!store)
		return;
	pthread_mutex_lock(&store->lock);
	store->stopping = true;
	pthread_cond_signal(&store->call);
	pthread_mutex_unlock(&store->lock);
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += HN_STORE_END_SECONDS;
	if (pthread_clockjoin_np(store->writer, NULL, CLOCK_MONOTONIC, &limit) == 0) {
		while ((task = take_back(store)))
			deliver(store, task);
		cancel_tasks(store);
		hn_store_dispose(store);
		return;
	}
	cancel_tasks(store);
	pthread_detach(store->writer);
	event_free(store->event); /* the rest is the writer's when the disk lets it go */
	pthread_mutex_lock(&store->lock);
	store->event = NULL;
	store->abandoned = true;
	pthread_mutex_unlock(&store->lock);
}

void hn_store_add(struct hn_store *store, struct hn_record *record)
{
	struct hn_moment now = hn_moment_now();

	if (record)
		record->time_ns = now.wall_ns;
	pthread_mutex_lock(&store->lock);
	hn_queue_add(&store->queue, record, now.uptime_ns);
	if (store->queue.count == 1 || store->queue.count == HN_STORE_QUEUE_MAX / 2)
		pthread_cond_signal(&store->call);
	pthread_mutex_unlock(&store->lock);
}

static int add_task(struct hn_store *store, const struct hn_store_task *model, struct hn_error *err)
{
	struct hn_store_task *task = malloc(sizeof(*task));
	bool full;

	if (!task)
		return hn_oom(err);
	*task = *model;
	pthread_mutex_lock(&store->lock);
	full = store->task_count >= TASKS_MAX;
	if (!full) {
		store->task_count++;
		TAILQ_INSERT_TAIL(&store->tasks, task, link);
		pthread_cond_signal(&store->call);
	}
	pthread_mutex_unlock(&store->lock);
	if (!full)
		return 0;
	free(task);
	return hn_fail(err, -EAGAIN, "%d questions about the past are waiting already: try again later",
		       TASKS_MAX);
}

int hn_store_ask(struct hn_store *store, const struct hn_question *question,
		 const struct hn_store_digest *digest, hn_store_done done, void *context,
		 struct hn_error *err)
{
	return add_task(store,
			&(struct hn_store_task){.kind = HN_TASK_ASK,
						.question = *question,
						.digest = digest,
						.done = done,
						.context = context},
			err);
}

int hn_store_flush(struct hn_store *store, hn_store_done done, void *context, struct hn_error *err)
{
	return add_task(
		store, &(struct hn_store_task){.kind = HN_TASK_FLUSH, .done = done, .context = context}, err);
}
