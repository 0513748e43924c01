#pragma once
/*
 * store-private - what the loop's side (store.c) and the writer (writer.c) share.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/queue.h"
#include "store/store.h"

/* A question or a flush, on its way to the writer and back; or a sentence, on its way back. */
struct hn_store_task {
	TAILQ_ENTRY(hn_store_task) link;
	enum { HN_TASK_ASK, HN_TASK_FLUSH, HN_TASK_SAY } kind;
	struct hn_question question;
	hn_store_done done;
	void *context;
	const struct hn_store_digest *digest; /* NULL: the history is the answer */
	void *answer;
	enum hn_log_level level;
	struct hn_error err; /* code 0: none; of a sentence, its text */
};
TAILQ_HEAD(hn_store_tasks, hn_store_task);

struct hn_store {
	/* set once */
	char *path;
	char boot[HN_UUID_MAX];
	uint64_t size_bytes;
	struct hn_store_listener listener;
	struct event *event;
	int wake_fd; /* eventfd: something is in back */
	pthread_t writer;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t call;  /* something for the writer, CLOCK_MONOTONIC */
	struct hn_queue queue;
	struct hn_store_tasks tasks, back;
	size_t task_count; /* open, wherever they are */
	bool stopping;
	bool abandoned; /* the loop's side is gone: the writer frees the store when it gets there */
};

/* The writer thread. */
void *hn_store_write_on(void *store);

/* Frees what is left when both sides are done. */
void hn_store_dispose(struct hn_store *store);

/* Puts a task into back and wakes the loop. Takes the lock. */
void hn_store_answer(struct hn_store *store, struct hn_store_task *task);
