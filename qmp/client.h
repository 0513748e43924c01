#pragma once
/*
 * client - an asynchronous QMP connection on libevent: greeting, capabilities, commands with ids and
 * time-outs, events.
 *
 * It never blocks, never believes a size, and never gives up by itself: after a hang-up or a protocol error
 * it closes, tells, and tries again with back-off (1 s doubling to 60 s, with jitter) until it is freed. All
 * callbacks run on the event loop's thread. Any callback may free the client.
 *
 * The guest agent speaks the same JSON without greeting and capabilities, and is brought in step with
 * guest-sync-delimited instead (HN_QMP_AGENT). An agent that does not answer costs a time-out, no more.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

struct event_base;
struct hn_qmp;

enum hn_qmp_flavour {
	HN_QMP_MONITOR,
	HN_QMP_AGENT,
};

struct hn_qmp_limits {
	uint64_t connect_timeout_ns;            /* connect, greeting and capabilities (or sync) together */
	uint64_t command_timeout_ns;            /* a command without one of its own */
	size_t message_bytes;                   /* largest message accepted */
	size_t pending_commands;                /* most commands sent and unanswered, or waiting to be sent */
	uint64_t retry_first_ns, retry_most_ns; /* back-off; retry_first_ns 0: do not reconnect */
};
/* 5 s, 5 s, 4 MiB, 64, 1 s, 60 s */
extern const struct hn_qmp_limits hn_qmp_default_limits;

/* What the owner hears. Each may be NULL; context is passed back. */
struct hn_qmp_listener {
	/* Greeting and capabilities (or sync) are through; commands can be sent. */
	void (*ready)(struct hn_qmp *qmp, void *context);
	/*
	 * The connection is gone or never came: the sentence says why. Pending commands have been answered
	 * with -ECONNRESET before. It will try again in retry_ns; 0: not at all.
	 */
	void (*down)(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context);
	/* An event; data is borrowed for the call, NULL without. */
	void (*event)(struct hn_qmp *qmp, const char *name, json_object *data, void *context);
	void *context;
};

/*
 * Answer to a command: result is borrowed for the call and NULL on failure; err then tells: -EREMOTEIO (the
 * peer's own error, "class: desc"), -ETIMEDOUT, -ECONNRESET, -EPROTO, -ECANCELED (the client is being freed).
 */
typedef void (*hn_qmp_reply)(struct hn_qmp *qmp, json_object *result, const struct hn_error *err,
			     void *context);

/*
 * Starts connecting to the unix socket at path; outcome through listener, never from inside this call.
 * name goes into sentences. limits NULL: the defaults.
 */
int hn_qmp_new(struct event_base *base, const char *name, const char *path, enum hn_qmp_flavour flavour,
	       const struct hn_qmp_limits *limits, const struct hn_qmp_listener *listener,
	       struct hn_qmp **ret, struct hn_error *err);

/*
 * The same on a connected socket, which it takes over in any case; it never reconnects. For tests and for
 * sockets handed over.
 */
int hn_qmp_new_from_fd(struct event_base *base, const char *name, int fd, enum hn_qmp_flavour flavour,
		       const struct hn_qmp_limits *limits, const struct hn_qmp_listener *listener,
		       struct hn_qmp **ret, struct hn_error *err);

/*
 * Who connects where this process may not (EACCES): start() begins, and later calls hn_qmp_opened() with the
 * connection or the reason why there is none, unless cancel() is called on its *ret before.
 */
struct hn_qmp_opener {
	int (*start)(void *context, const char *path, struct hn_qmp *qmp, void **ret, struct hn_error *err);
	void (*cancel)(void *opening);
	void *context;
};
/* opener is borrowed for the client's life. Call it right after hn_qmp_new(). */
void hn_qmp_set_opener(struct hn_qmp *qmp, const struct hn_qmp_opener *opener);

/* fd is taken over in any case; -1: err says why. */
void hn_qmp_opened(struct hn_qmp *qmp, int fd, const struct hn_error *err);

/* Pending commands are answered with -ECANCELED first; listener is not called. NULL is fine. */
void hn_qmp_free(struct hn_qmp *qmp);
HN_CLEANUP_DEFINE(hn_qmp, struct hn_qmp *, hn_qmp_free);

bool hn_qmp_ready(const struct hn_qmp *qmp);

/* What its sentences begin with: "guest 'web1': monitor". */
const char *hn_qmp_label(const struct hn_qmp *qmp);

/*
 * Sends a command; arguments may be NULL and are taken over in any case. timeout_ns 0: the limits'. The reply
 * comes exactly once if 0 is returned. -ENOTCONN when not ready, -ENOBUFS with too many pending, -ENOMEM.
 */
int hn_qmp_execute(struct hn_qmp *qmp, const char *command, json_object *arguments, uint64_t timeout_ns,
		   hn_qmp_reply reply, void *context, struct hn_error *err);

/* Credentials of the process that listens on the socket (SO_PEERCRED). -ENOTCONN when not connected. */
int hn_qmp_peer(const struct hn_qmp *qmp, pid_t *ret_pid, uid_t *ret_uid, struct hn_error *err);

/* QEMU's version from the greeting: 70222 for 7.2.22 (major * 10000 + minor * 100 + micro); 0 unknown. */
int hn_qmp_version(const struct hn_qmp *qmp);
