#pragma once
/*
 * hands - the brain's end of one homenode-host process: starts it, asks it, and replaces it when it is stuck
 * or dead.
 *
 * Requests are answered in order. A process that neither answers nor reports progress for the watchdog's time
 * is given up (and killed, if it is our child); what it was at is answered with -ETIMEDOUT, what waited
 * behind that with -EAGAIN; the next request starts another. All callbacks run on the loop's thread, and may
 * free the hands.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "daemon/hands-protocol.h"

struct event_base;
struct hn_hands;

/* body is borrowed, 8-byte aligned and of length bytes; err is NULL exactly when result is 0. Once per
 * request. */
typedef void (*hn_hands_reply)(int result, const void *body, size_t length, const struct hn_error *err,
			       void *context);
typedef void (*hn_hands_progress)(const struct hn_move_progress *progress, void *context);

/*
 * program is the path of homenode-host, or of a socket where one is started for each connection; role goes
 * into sentences ("queries", "moving web-17"). No process is started before the first request.
 */
int hn_hands_new(struct event_base *base, const char *program, const char *role, uint64_t watchdog_ns,
		 struct hn_hands **ret, struct hn_error *err);

/* Kills the process; what is pending is never answered. NULL is fine. */
void hn_hands_free(struct hn_hands *hands);
HN_CLEANUP_DEFINE(hn_hands, struct hn_hands *, hn_hands_free);

struct hn_hands_part; /* daemon/hands-channel.h */

/* Sends a request whose body comes in parts. -EAGAIN while a process that died is not yet to be replaced,
 * -errno. */
int hn_hands_request(struct hn_hands *hands, enum hn_hands_type type, const struct hn_hands_part *parts,
		     size_t part_count, hn_hands_progress progress, hn_hands_reply reply, void *context,
		     struct hn_error *err);

/* Replies to requests made with that context are dropped from now on: it is about to be freed. */
void hn_hands_forget(struct hn_hands *hands, const void *context);

/* A word to the move that is running, without a reply of its own. Nothing while there is no process. */
void hn_hands_tell(struct hn_hands *hands, enum hn_hands_type type, const void *body, size_t length);

/* Asks a running move to stop; its reply still comes, with -ECANCELED. */
void hn_hands_cancel(struct hn_hands *hands);

/* The process, 0 while there is none or it has not said its name yet. For tests and for people. */
pid_t hn_hands_pid(const struct hn_hands *hands);

/*
 * A pidfd of the process, also of one that has just been given up, the caller's to close; -1 when there was
 * none or it never said its name.
 */
int hn_hands_take_pidfd(struct hn_hands *hands, pid_t *ret_pid);
