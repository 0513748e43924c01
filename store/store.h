#pragma once
/*
 * store - the history of this host's guests, kept on disk by a writer thread of its own.
 *
 * Nothing here blocks the caller: records are queued (HN_STORE_QUEUE_MAX of them; then the oldest samples
 * give way, decisions and moves last), written about once a second, and answers come back on the loop. A disk
 * that is full, read-only or failing is tried again after 1 s, later 30 s, while records wait in the queue; a
 * file that is damaged is set aside and another begun; a file of a newer homenode or of something else is
 * left alone and no history is kept. Each is said once.
 *
 * All functions are for the loop's thread.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "model/history.h"
#include "store/database.h"

struct event_base;
struct hn_store;

#define HN_STORE_QUEUE_MAX 8192

struct hn_store_listener {
	/* Something the operator should know: a sentence for the log. Called on the loop; may be NULL. */
	void (*said)(enum hn_log_level level, const char *sentence, void *context);
	void *context;
};

/* Starts the writer, which opens the file at path; what is wrong with that is said later. size_bytes as in
 * store/database.h. -ENOMEM, -errno of the thread. */
int hn_store_new(struct event_base *base, const char *path, uint64_t size_bytes,
		 const struct hn_store_listener *listener, struct hn_store **ret, struct hn_error *err);

/*
 * Writes what is queued and ends the writer; questions that are still open are answered with -ECANCELED
 * before it returns. A disk that hangs is waited for HN_STORE_END_SECONDS, then the writer is left behind,
 * and what it was about to answer with it. NULL is fine.
 */
#define HN_STORE_END_SECONDS 5
void hn_store_free(struct hn_store *store);
HN_CLEANUP_DEFINE(hn_store, struct hn_store *, hn_store_free);

/* Takes the record over and gives it its time; NULL (memory was short) counts as a lost sample. */
void hn_store_add(struct hn_store *store, struct hn_record *record);

/*
 * What is made of a history on the writer's thread, where it holds nobody up: make() takes the history over
 * and returns the answer, NULL when out of memory; drop() frees one that nobody takes, on any thread. Both
 * see nothing of the loop's.
 */
struct hn_store_digest {
	void *(*make)(struct hn_history *history);
	void (*drop)(void *answer);
};

/*
 * The answer, exactly once for each call that returned 0, on the loop. err is NULL when all went well;
 * answer is the caller's then: what digest made, without one a struct hn_history; NULL for hn_store_flush().
 * -EAGAIN with a sentence while the file cannot be opened, -EPROTONOSUPPORT when no history is kept,
 * -ECANCELED when the store ends.
 */
typedef void (*hn_store_done)(void *answer, const struct hn_error *err, void *context);

/* Asks for the past, with all that was added before. digest outlives the question; NULL: none. -EAGAIN when
 * too many questions are open. */
int hn_store_ask(struct hn_store *store, const struct hn_question *question,
		 const struct hn_store_digest *digest, hn_store_done done, void *context,
		 struct hn_error *err);

/* Done without an error when all that was added before is on disk, as far as the end of this process goes. */
int hn_store_flush(struct hn_store *store, hn_store_done done, void *context, struct hn_error *err);
