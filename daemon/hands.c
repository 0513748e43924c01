#include "daemon/hands.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/hands-channel.h"
#include "daemon/hands-process.h"

#define RESPAWN_AFTER_NS HN_NS_PER_S

struct pending {
	TAILQ_ENTRY(pending) entry;
	uint64_t id;
	enum hn_hands_type type;
	hn_hands_progress progress;
	hn_hands_reply reply;
	void *context;
};

TAILQ_HEAD(pending_list, pending);

struct hn_hands {
	struct event_base *base;
	char *program;
	char role[160];
	uint64_t watchdog_ns;
	struct hn_hands_process process;
	int pidfd;  /* of the process, or of the last one; -1: none */
	pid_t told; /* its pid, by its own word */
	struct bufferevent *connection;
	struct event *watchdog;
	struct pending_list pending;
	uint64_t next_id;
	uint64_t spawned_ns;
	unsigned depth; /* callbacks on the stack */
	bool doomed;    /* freed from inside a callback */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void destroy(struct hn_hands *hands)
{
	hn_cleanup_fd(&hands->pidfd);
	free(hands->program);
	free(hands);
}

static void enter(struct hn_hands *hands)
{
	hands->depth++;
}

/* True when the hands are gone. */
static bool leave(struct hn_hands *hands)
{
	if (--hands->depth > 0 || !hands->doomed)
		return hands->doomed;
	destroy(hands);
	return true;
}

static void drop_process(struct hn_hands *hands)
{
	/* first: a child that ends by itself, for want of a connection, leaves its number to others */
	hn_hands_process_kill(&hands->process);
	hands->process.pid = 0;
	if (hands->connection)
		bufferevent_free(hands->connection);
	hands->connection = NULL;
	if (hands->watchdog)
		event_free(hands->watchdog);
	hands->watchdog = NULL;
}

/* A forgotten request has no reply function any more. */
static void answer(struct pending *pending, int result, const void *body, size_t length,
		   const struct hn_error *err)
{
	if (pending->reply)
		pending->reply(result, body, length, err, pending->context);
	free(pending);
}

static void arm_watchdog(struct hn_hands *hands)
{
	struct timeval wait = {.tv_sec = (time_t)(hands->watchdog_ns / HN_NS_PER_S),
			       .tv_usec = (suseconds_t)(hands->watchdog_ns % HN_NS_PER_S / 1000)};

	if (TAILQ_EMPTY(&hands->pending))
		event_del(hands->watchdog);
	else
		event_add(hands->watchdog, &wait);
}

/* Gives the process up and tells everyone who waited. */
static void fail_all(struct hn_hands *hands, int result, const char *what)
{
	struct hn_error err;
	uint64_t last = hands->next_id;
	struct pending *pending;

	hn_fail(&err, result, "homenode-host for %s (pid %d) %s", hands->role, (int)hands->told, what);
	hn_log(HN_LOG_WARNING, "%s", err.message);
	drop_process(hands);
	/* what a reply asks anew has a later id and is not to be failed */
	while (!hands->doomed && (pending = TAILQ_FIRST(&hands->pending)) && pending->id <= last) {
		TAILQ_REMOVE(&hands->pending, pending, entry);
		answer(pending, err.code, NULL, 0, &err);
		if (err.code == -ETIMEDOUT)
			err.code = -EAGAIN; /* what waited behind it has not hung */
	}
	/* it went behind these, and is waited for from now on */
	if (!hands->doomed && hands->connection)
		arm_watchdog(hands);
}

static void on_watchdog_expired(evutil_socket_t fd, short what, void *context)
{
	struct hn_hands *hands = context;
	char text[64];

	enter(hands);
	snprintf(text, sizeof(text), "has been silent for %.1f s and was given up",
		 (double)hands->watchdog_ns / (double)HN_NS_PER_S);
	fail_all(hands, -ETIMEDOUT, text);
	leave(hands);
}

/* A reply's failure sentence follows what else the body holds: the books of a move. */
static void deliver(struct hn_hands *hands, struct pending *pending, const struct hn_hands_header *header,
		    const char *body)
{
	size_t books = header->type == HN_HANDS_MOVE && header->length >= sizeof(struct hn_move_progress)
			       ? sizeof(struct hn_move_progress)
			       : 0;
	/* what the hands do not understand is no fault of who has asked the brain */
	int result = header->result == -EPROTO ? -EIO : header->result;
	struct hn_error err = {.code = result};

	TAILQ_REMOVE(&hands->pending, pending, entry);
	if (result == 0) {
		answer(pending, 0, body, header->length, NULL);
		return;
	}
	snprintf(err.message, sizeof(err.message), "%.*s", (int)(header->length - books), body + books);
	answer(pending, result, body, books, &err);
}

/* One message that has fully arrived. -EPROTO when it is not what is due. */
static int take_message(struct hn_hands *hands, const struct hn_hands_header *header, const char *body)
{
	struct pending *first = TAILQ_FIRST(&hands->pending);

	if (!first || header->id != first->id)
		return -EPROTO;
	if (header->type == HN_HANDS_PROGRESS) {
		struct hn_move_progress progress;

		if (header->length != sizeof(progress))
			return -EPROTO;
		memcpy(&progress, body, sizeof(progress));
		if (first->progress)
			first->progress(&progress, first->context);
		return 0;
	}
	if (header->type != (uint32_t)first->type || header->result > 0)
		return -EPROTO;
	deliver(hands, first, header, body);
	return 0;
}

static void on_connection_readable(struct bufferevent *connection, void *context)
{
	struct hn_hands *hands = context;
	struct evbuffer *input = bufferevent_get_input(connection);
	struct hn_hands_header header;

	enter(hands);
	while (!hands->doomed && hands->connection == connection &&
	       evbuffer_copyout(input, &header, sizeof(header)) == (ssize_t)sizeof(header)) {
		char *body;
		int r;

		if (header.magic != HN_HANDS_MAGIC || header.length > HN_HANDS_BODY_MAX) {
			fail_all(hands, -EIO, "sent something that is not its protocol");
			break;
		}
		if (evbuffer_get_length(input) < sizeof(header) + header.length)
			break;
		evbuffer_drain(input, sizeof(header));
		body = malloc((size_t)header.length + 1);
		if (!body) {
			fail_all(hands, -ENOMEM, "sent a reply there is no memory for");
			break;
		}
		evbuffer_remove(input, body, header.length);
		body[header.length] = '\0';
		r = take_message(hands, &header, body);
		free(body);
		if (r < 0 && !hands->doomed)
			fail_all(hands, -EIO, "sent an answer nobody asked for");
		else if (!hands->doomed && hands->connection)
			arm_watchdog(hands);
	}
	leave(hands);
}

static void on_connection_event(struct bufferevent *connection, short what, void *context)
{
	struct hn_hands *hands = context;

	enter(hands);
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		fail_all(hands, -ECONNRESET, "has ended unexpectedly");
	leave(hands);
}

static void know_process(struct hn_hands *hands, pid_t pid)
{
	hn_cleanup_fd(&hands->pidfd);
	hands->told = pid;
	hands->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/* Its number, before it can be stuck; or it is of another version, and whatever was sent with this is lost.
 */
static void on_hello(int result, const void *body, size_t length, const struct hn_error *err, void *context)
{
	struct hn_hands *hands = context;
	struct hn_hands_hello hello;

	if (!hands->connection)
		return;
	if (result == 0 && length == sizeof(hello)) {
		memcpy(&hello, body, sizeof(hello));
		know_process(hands, hello.pid);
		return;
	}
	fail_all(hands, -EIO, result < 0 ? err->message : "does not say hello as it should");
}

static int say_hello(struct hn_hands *hands, struct hn_error *err)
{
	const struct hn_hands_hello hello = {.version = HOMENODE_VERSION, .pid = getpid()};

	return hn_hands_request(hands, HN_HANDS_HELLO, &(struct hn_hands_part){&hello, sizeof(hello)}, 1,
				NULL, on_hello, hands, err);
}

static int connect_process(struct hn_hands *hands, struct hn_error *err)
{
	int r;

	if (hands->spawned_ns && now_ns() < hands->spawned_ns + RESPAWN_AFTER_NS)
		return hn_fail(err, -EAGAIN,
			       "homenode-host for %s has just died; it is started again in a moment",
			       hands->role);
	hands->spawned_ns = now_ns();
	if ((r = hn_hands_process_start(hands->program, &hands->process, err)) < 0)
		return r == -EAGAIN || !err ? r : (err->code = -EIO); /* no fault of who asks for something */
	hands->connection = bufferevent_socket_new(hands->base, hands->process.fd,
						   BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	hands->watchdog = event_new(hands->base, -1, 0, on_watchdog_expired, hands);
	if (!hands->connection || !hands->watchdog) {
		if (!hands->connection)
			close(hands->process.fd);
		drop_process(hands);
		return hn_oom(err);
	}
	bufferevent_setcb(hands->connection, on_connection_readable, NULL, on_connection_event, hands);
	bufferevent_enable(hands->connection, EV_READ | EV_WRITE);
	know_process(hands, hands->process.pid);
	r = say_hello(hands, err);
	if (r < 0)
		drop_process(hands);
	return r;
}

int hn_hands_new(struct event_base *base, const char *program, const char *role, uint64_t watchdog_ns,
		 struct hn_hands **ret, struct hn_error *err)
{
	struct hn_hands *hands = calloc(1, sizeof(*hands));

	if (!hands || !(hands->program = strdup(program))) {
		free(hands);
		return hn_oom(err);
	}
	hands->base = base;
	hands->pidfd = -1;
	hands->watchdog_ns = watchdog_ns;
	snprintf(hands->role, sizeof(hands->role), "%s", role);
	TAILQ_INIT(&hands->pending);
	*ret = hands;
	return 0;
}

void hn_hands_free(struct hn_hands *hands)
{
	struct pending *pending;

	if (!hands || hands->doomed)
		return;
	drop_process(hands);
	while ((pending = TAILQ_FIRST(&hands->pending))) {
		TAILQ_REMOVE(&hands->pending, pending, entry);
		free(pending);
	}
	hands->doomed = true;
	if (hands->depth == 0)
		destroy(hands);
}

int hn_hands_request(struct hn_hands *hands, enum hn_hands_type type, const struct hn_hands_part *parts,
		     size_t part_count, hn_hands_progress progress, hn_hands_reply reply, void *context,
		     struct hn_error *err)
{
	struct hn_hands_header header = {.magic = HN_HANDS_MAGIC, .type = type};
	struct pending *pending;
	int r = hands->connection ? 0 : connect_process(hands, err);

	if (r < 0)
		return r;
	header.id = ++hands->next_id; /* behind the hello's */
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return hn_oom(err);
	for (size_t i = 0; i < part_count; i++)
		header.length += (uint32_t)parts[i].length;
	*pending = (struct pending){
		.id = header.id, .type = type, .progress = progress, .reply = reply, .context = context};
	TAILQ_INSERT_TAIL(&hands->pending, pending, entry);
	bufferevent_write(hands->connection, &header, sizeof(header));
	for (size_t i = 0; i < part_count; i++)
		bufferevent_write(hands->connection, parts[i].data, parts[i].length);
	if (TAILQ_FIRST(&hands->pending) == pending)
		arm_watchdog(hands);
	return 0;
}

void hn_hands_forget(struct hn_hands *hands, const void *context)
{
	struct pending *pending;

	TAILQ_FOREACH(pending, &hands->pending, entry)
	{
		if (pending->context == context) {
			pending->reply = NULL;
			pending->progress = NULL;
		}
	}
}

void hn_hands_tell(struct hn_hands *hands, enum hn_hands_type type, const void *body, size_t length)
{
	struct hn_hands_header header = {.magic = HN_HANDS_MAGIC, .type = type, .length = (uint32_t)length};

	if (!hands->connection)
		return;
	bufferevent_write(hands->connection, &header, sizeof(header));
	bufferevent_write(hands->connection, body, length);
}

void hn_hands_cancel(struct hn_hands *hands)
{
	hn_hands_tell(hands, HN_HANDS_CANCEL, NULL, 0);
}

pid_t hn_hands_pid(const struct hn_hands *hands)
{
	return hands->connection ? hands->told : 0;
}

int hn_hands_take_pidfd(struct hn_hands *hands, pid_t *ret_pid)
{
	int pidfd = hands->pidfd;

	hands->pidfd = -1;
	*ret_pid = hands->told;
	return pidfd;
}
