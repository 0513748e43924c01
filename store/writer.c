/*
 * writer - the thread that has the file to itself: opens it, writes what is queued, answers, thins out, and
 * deals with what goes wrong on the way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/units.h"
#include "store/schema.h"
#include "store/store-private.h"

#define BATCH_MAX 1024
#define WRITE_EVERY_NS HN_NS_PER_S
#define TIDY_EVERY_NS (60 * HN_NS_PER_S)
#define TIDY_FIRST_NS (10 * HN_NS_PER_S)
#define RETRY_FIRST_NS HN_NS_PER_S
#define RETRY_MOST_NS (30 * HN_NS_PER_S)

struct writer {
	struct hn_store *store;
	struct hn_database *database; /* NULL while it cannot be opened */
	bool checked;                 /* the whole file has been looked through */
	bool refused;                 /* for ever: problem says why */
	struct hn_error problem;      /* code 0: none */
	uint64_t retry_ns, back_off_ns;
	uint64_t write_ns, tidy_ns; /* when it is time to */
	uint64_t lost_before;       /* when the problem began */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

__attribute__((format(printf, 3, 4))) static void say(struct writer *writer, enum hn_log_level level,
						      const char *format, ...)
{
	struct hn_store_task *task = calloc(1, sizeof(*task));
	va_list args;

	if (!task)
		return;
	task->kind = HN_TASK_SAY;
	task->level = level;
	va_start(args, format);
	vsnprintf(task->err.message, sizeof(task->err.message), format, args);
	va_end(args);
	hn_store_answer(writer->store, task);
}

static uint64_t count_lost(struct writer *writer)
{
	struct hn_store *store = writer->store;
	uint64_t lost;

	pthread_mutex_lock(&store->lock);
	lost = store->queue.lost_samples + store->queue.lost_events;
	pthread_mutex_unlock(&store->lock);
	return lost;
}

static void close_file(struct writer *writer)
{
	hn_database_close(writer->database);
	writer->database = NULL;
}

static void refuse(struct writer *writer, const struct hn_error *err)
{
	struct hn_store *store = writer->store;

	writer->refused = true;
	writer->problem = *err;
	pthread_mutex_lock(&store->lock);
	hn_queue_drop(&store->queue);
	store->queue.max = 0; /* nothing is to pile up */
	pthread_mutex_unlock(&store->lock);
	close_file(writer);
	say(writer, HN_LOG_ERROR, "no history is kept: %s", err->message);
}

static void begin_afresh(struct writer *writer, const struct hn_error *err)
{
	const char *path = writer->store->path;
	struct hn_error why = {0};

	close_file(writer);
	writer->checked = false;
	if (hn_database_set_aside(path, &why) < 0) {
		hn_error_prefix(&why, "%s is damaged and cannot be set aside", path);
		refuse(writer, &why);
		return;
	}
	say(writer, HN_LOG_WARNING,
	    "%s is damaged and was set aside as %s.bad, history begins afresh: %.200s", path, path,
	    err->message);
}

/* What keeps records from being written: said when it begins, tried again later. */
static void note_problem(struct writer *writer, const struct hn_error *err)
{
	if (writer->problem.code != err->code)
		say(writer, HN_LOG_WARNING,
		    "history cannot be written for now, is held in memory as far as it fits, and tried "
		    "again: %s",
		    err->message);
	if (!writer->problem.code) {
		writer->back_off_ns = RETRY_FIRST_NS;
		writer->lost_before = count_lost(writer);
	}
	writer->problem = *err;
	writer->retry_ns = now_ns() + writer->back_off_ns;
	writer->back_off_ns *= 2;
	if (writer->back_off_ns > RETRY_MOST_NS)
		writer->back_off_ns = RETRY_MOST_NS;
}

static void clear_problem(struct writer *writer)
{
	uint64_t lost;

	if (!writer->problem.code)
		return;
	lost = count_lost(writer) - writer->lost_before;
	writer->problem = (struct hn_error){0};
	say(writer, HN_LOG_INFO, "history is written again; %" PRIu64 " records were lost meanwhile", lost);
}

static void take_failure(struct writer *writer, const struct hn_error *err)
{
	if (err->code == -EUCLEAN)
		begin_afresh(writer, err);
	else if (err->code == -EPROTONOSUPPORT)
		refuse(writer, err);
	else
		note_problem(writer, err);
}

static int open_once(struct writer *writer, struct hn_error *err)
{
	struct hn_store *store = writer->store;
	const struct hn_database_options options = {.path = store->path,
						    .size_bytes = store->size_bytes,
						    .boot = store->boot,
						    .now = hn_moment_now(),
						    .check = !writer->checked};
	int from = 0, r = hn_database_open(&options, &writer->database, &from, err);

	if (r < 0)
		return r;
	writer->checked = true;
	if (from && from < HN_SCHEMA_VERSION)
		say(writer, HN_LOG_INFO, "%s: schema %d became %d", store->path, from, HN_SCHEMA_VERSION);
	return 0;
}

/* 0, or what is wrong is taken note of. */
static int open_file(struct writer *writer)
{
	struct hn_error err = {0};
	int r = 0;

	/* twice: what is set aside leaves room for another */
	for (int i = 0; i < 2 && !writer->database && !writer->refused; i++)
		if ((r = open_once(writer, &err)) < 0)
			take_failure(writer, &err);
	return writer->database ? 0 : r < 0 ? r : writer->problem.code;
}

static size_t take_batch(struct hn_store *store, struct hn_entry **batch)
{
	size_t count = 0;

	pthread_mutex_lock(&store->lock);
	while (count < BATCH_MAX && (batch[count] = hn_queue_take(&store->queue)))
		count++;
	pthread_mutex_unlock(&store->lock);
	return count;
}

static void give_back(struct hn_store *store, struct hn_entry **batch, size_t count)
{
	pthread_mutex_lock(&store->lock);
	while (count > 0)
		hn_queue_return(&store->queue, batch[--count]);
	pthread_mutex_unlock(&store->lock);
}

static void free_batch(struct hn_entry **batch, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hn_entry_free(batch[i]);
}

/* 1 when there may be more to write. */
static int write_batch(struct writer *writer)
{
	struct hn_entry *batch[BATCH_MAX];
	size_t count = take_batch(writer->store, batch);
	struct hn_error err = {0};
	int r;

	if (count == 0)
		return 0;
	r = hn_database_write(writer->database, batch, count, &err);
	if (r == 0) {
		free_batch(batch, count);
		return 1;
	}
	if (r == -EINVAL) { /* trying again would not help, and keep all others waiting */
		say(writer, HN_LOG_ERROR, "%zu records of history are lost: %s", count, err.message);
		free_batch(batch, count);
		return 1;
	}
	give_back(writer->store, batch, count);
	take_failure(writer, &err);
	/* on with another file, if this one was set aside */
	return r == -EUCLEAN && open_file(writer) == 0 ? 1 : r;
}

/* A connection that met these stays as it is. */
static bool needs_reopening(int code)
{
	return code == -EROFS || code == -EIO || code == -EACCES;
}

/* Writes what is queued. 0 when all of it is on disk. */
static int write_queue(struct writer *writer, bool last)
{
	int r;

	if (writer->problem.code && !writer->refused && now_ns() < writer->retry_ns && !last)
		return writer->problem.code;
	if (needs_reopening(writer->problem.code))
		close_file(writer);
	r = open_file(writer);
	if (r < 0)
		return r;
	while ((r = write_batch(writer)) > 0)
		;
	if (r == 0) /* with nothing to write, too: what comes next will tell */
		clear_problem(writer);
	writer->write_ns = now_ns() + WRITE_EVERY_NS;
	return r;
}

static void answer_question(struct writer *writer, struct hn_store_task *task)
{
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	struct hn_store *store = writer->store;
	int r;

	if (!writer->database) {
		task->err = writer->problem;
		if (!writer->refused)
			task->err.code = -EAGAIN;
		return;
	}
	r = hn_database_ask(writer->database, &task->question, hn_moment_now().uptime_ns, &history,
			    &task->err);
	if (r < 0) {
		if (r == -EUCLEAN)
			take_failure(writer, &task->err);
		return;
	}
	snprintf(history->problem, sizeof(history->problem), "%s",
		 writer->problem.code ? writer->problem.message : "");
	pthread_mutex_lock(&store->lock);
	history->lost = store->queue.lost_samples;
	pthread_mutex_unlock(&store->lock);
	task->answer = task->digest ? task->digest->make(hn_steal(history)) : hn_steal(history);
	if (!task->answer)
		hn_oom(&task->err);
}

static void answer_tasks(struct writer *writer, struct hn_store_tasks *tasks, int written)
{
	struct hn_store_task *task;

	while ((task = TAILQ_FIRST(tasks))) {
		TAILQ_REMOVE(tasks, task, link);
		if (task->kind == HN_TASK_ASK)
			answer_question(writer, task);
		else if (written < 0)
			task->err = writer->problem;
		hn_store_answer(writer->store, task);
	}
}

/* Whether somebody waits for the writer. */
static bool is_called(struct hn_store *store)
{
	bool called;

	pthread_mutex_lock(&store->lock);
	called = store->stopping || !TAILQ_EMPTY(&store->tasks);
	pthread_mutex_unlock(&store->lock);
	return called;
}

static void tidy(struct writer *writer)
{
	struct hn_moment now = hn_moment_now();
	struct hn_error err = {0};
	int r = 1;

	if (!writer->database || writer->problem.code || now_ns() < writer->tidy_ns)
		return;
	while (r > 0 && !is_called(writer->store))
		r = hn_database_tidy(writer->database, &now, &err);
	if (r < 0)
		take_failure(writer, &err);
	if (r <= 0)
		writer->tidy_ns = now_ns() + TIDY_EVERY_NS;
}

/* When there is something to do even if nobody calls. With the lock. */
static uint64_t next_time(const struct writer *writer)
{
	uint64_t next = writer->tidy_ns;

	if (writer->refused)
		return UINT64_MAX;
	if (writer->problem.code)
		return writer->retry_ns;
	if (!writer->database)
		return 0;
	if (writer->store->queue.count && writer->write_ns < next)
		next = writer->write_ns;
	return writer->store->queue.count >= HN_STORE_QUEUE_MAX / 2 ? 0 : next;
}

/* Waits for work and takes the tasks that are there; false when it was the last time. */
static bool wait_for_work(struct writer *writer, struct hn_store_tasks *ret)
{
	struct hn_store *store = writer->store;
	uint64_t next;
	bool going;

	pthread_mutex_lock(&store->lock);
	while (!store->stopping && TAILQ_EMPTY(&store->tasks) && (next = next_time(writer)) > now_ns()) {
		struct timespec until = {.tv_sec = (time_t)(next / HN_NS_PER_S),
					 .tv_nsec = (long)(next % HN_NS_PER_S)};

		if (next == UINT64_MAX)
			pthread_cond_wait(&store->call, &store->lock);
		else
			pthread_cond_timedwait(&store->call, &store->lock, &until);
	}
	TAILQ_CONCAT(ret, &store->tasks, link);
	going = !store->stopping;
	pthread_mutex_unlock(&store->lock);
	return going;
}

void *hn_store_write_on(void *context)
{
	struct hn_store *store = context;
	struct writer writer = {.store = store, .tidy_ns = now_ns() + TIDY_FIRST_NS};
	bool going = true, abandoned;

	while (going) {
		struct hn_store_tasks tasks = TAILQ_HEAD_INITIALIZER(tasks);

		going = wait_for_work(&writer, &tasks);
		answer_tasks(&writer, &tasks, write_queue(&writer, !going));
		if (going)
			tidy(&writer);
	}
	close_file(&writer);
	pthread_mutex_lock(&store->lock);
	abandoned = store->abandoned;
	pthread_mutex_unlock(&store->lock);
	if (abandoned)
		hn_store_dispose(store);
	return NULL;
}
