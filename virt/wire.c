/*
 * A wire's end on our side: commands come out of a socketpair, one at a time is made through libvirt, replies
 * go back. Whoever holds the other end is our own daemon, but what it sends is bounded all the same, and so
 * is what waits to be read by it.
 *
 * The agent's protocol has no ids: after guest-sync nothing that was asked before may be answered any more.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <libvirt/libvirt-qemu.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "virt/failure.h"
#include "virt/virt-private.h"
#include "virt/wire-text.h"

#define READ_BYTES 8192
#define COMMAND_BYTES_MAX (1u << 20)
#define WAITING_MAX 128           /* commands; then nothing is read */
#define OUT_BYTES_MAX (16u << 20) /* replies that nobody reads end the wire */
#define DEPTH_MAX 32
#define AGENT_TIMEOUT_S 5
#define SENTINEL 0xff

struct wire_job;
TAILQ_HEAD(wire_job_list, wire_job);

/* A command. The worker reads text and fills in answer or err. */
struct wire_job {
	struct hn_job job;
	TAILQ_ENTRY(wire_job) link;
	struct hn_wire *wire; /* the loop's thread only, as is id; NULL: nobody wants the answer any more */
	json_object *id;
	bool greeting;
	enum hn_virt_wire kind;
	char uuid[40];
	char *text, *answer;
	struct hn_error err;
};

struct hn_wire {
	TAILQ_ENTRY(hn_wire) link;
	struct hn_virt *virt;
	enum hn_virt_wire kind;
	char uuid[40];
	int fd;
	struct event *readable, *writable;
	struct evbuffer *out;
	struct json_tokener *tokener;
	size_t taken; /* bytes of the command at hand */
	struct wire_job_list waiting;
	unsigned waiting_count;
	struct wire_job *running;
};

static void job_free(struct wire_job *job)
{
	json_object_put(job->id);
	free(job->text);
	free(job->answer);
	free(job);
}

/* ---- the worker's thread */

static int ask(struct wire_job *job, struct hn_link *link)
{
	HN_AUTO(vir_domain) virDomainPtr domain = NULL;
	struct hn_error *err = &job->err;
	int r = 0;

	if (!hn_link_alive(link))
		r = hn_link_open(link, err);
	if (r == 0)
		r = hn_link_domain(link, job->uuid, &domain, err);
	if (r < 0)
		return r;
	hn_link_mark(link);
	virResetLastError();
	if (job->kind == HN_VIRT_MONITOR) {
		if (virDomainQemuMonitorCommand(domain, job->text, &job->answer, 0) < 0)
			return hn_virt_fail(err, "libvirt");
	} else {
		job->answer = virDomainQemuAgentCommand(domain, job->text, AGENT_TIMEOUT_S, 0);
		if (!job->answer)
			return hn_virt_fail(err, "libvirt");
	}
	return 0;
}

static void run_ask(struct hn_job *base, struct hn_link *link)
{
	struct wire_job *job = (struct wire_job *)base;

	ask(job, link);
	hn_link_explain(link, &job->err);
}

/* ---- the loop's thread */

static void drop_waiting(struct hn_wire *wire)
{
	struct wire_job *job;

	while ((job = TAILQ_FIRST(&wire->waiting))) {
		TAILQ_REMOVE(&wire->waiting, job, link);
		job_free(job);
	}
	wire->waiting_count = 0;
	if (wire->running)
		wire->running->wire = NULL;
	wire->running = NULL;
}

static void wire_free(struct hn_wire *wire)
{
	drop_waiting(wire);
	if (wire->readable)
		event_free(wire->readable);
	if (wire->writable)
		event_free(wire->writable);
	if (wire->out)
		evbuffer_free(wire->out);
	if (wire->tokener)
		json_tokener_free(wire->tokener);
	if (wire->fd >= 0)
		close(wire->fd);
	free(wire);
}
HN_CLEANUP_DEFINE(wire, struct hn_wire *, wire_free);

static void end(struct hn_wire *wire)
{
	TAILQ_REMOVE(&wire->virt->wires, wire, link);
	wire_free(wire);
}

void hn_wires_end(struct hn_virt *virt, const char *uuid)
{
	struct hn_wire *wire, *next;

	for (wire = TAILQ_FIRST(&virt->wires); wire; wire = next) {
		next = TAILQ_NEXT(wire, link);
		if (!uuid || strcmp(wire->uuid, uuid) == 0)
			end(wire);
	}
}

/* text is taken over. */
static int send_text(struct hn_wire *wire, char *text, struct hn_error *err)
{
	size_t length = strlen(text);
	int r = 0;

	if (evbuffer_get_length(wire->out) + length > OUT_BYTES_MAX)
		r = hn_fail(err, -ENOBUFS, "replies are not read");
	else if (evbuffer_add(wire->out, text, length) < 0 || event_add(wire->writable, NULL) < 0)
		r = hn_oom(err);
	free(text);
	return r;
}

static void job_done(struct hn_job *base, bool told);

/* Gives the next command to the worker. */
static int pump(struct hn_wire *wire, struct hn_error *err)
{
	struct wire_job *job = TAILQ_FIRST(&wire->waiting);
	int r;

	if (wire->running || !job)
		return 0;
	r = hn_worker_submit(wire->virt->wire_worker, &job->job, err);
	if (r < 0)
		return r;
	TAILQ_REMOVE(&wire->waiting, job, link);
	wire->waiting_count--;
	wire->running = job;
	return event_add(wire->readable, NULL) < 0 ? hn_oom(err) : 0;
}

/* text and the object of id's are taken over. */
static int enqueue(struct hn_wire *wire, char *text, json_object *id, bool greeting, struct hn_error *err)
{
	struct wire_job *job = calloc(1, sizeof(*job));

	if (!job) {
		free(text);
		json_object_put(id);
		return hn_oom(err);
	}
	job->job = (struct hn_job){.run = run_ask, .done = job_done};
	job->wire = wire;
	job->id = id;
	job->greeting = greeting;
	job->kind = wire->kind;
	job->text = text;
	memcpy(job->uuid, wire->uuid, sizeof(job->uuid));
	TAILQ_INSERT_TAIL(&wire->waiting, job, link);
	if (++wire->waiting_count >= WAITING_MAX)
		event_del(wire->readable);
	return pump(wire, err);
}

static int answer(struct hn_wire *wire, const struct wire_job *job, struct hn_error *err)
{
	char *text = NULL;
	int r;

	if (job->greeting) {
		if (job->err.code < 0) {
			*err = job->err;
			return err->code;
		}
		r = hn_wire_greeting_write(job->answer, &text, err);
	} else {
		r = job->answer ? hn_wire_reply_write(job->answer, job->id, &text, err) : -EPROTO;
		/* The client hears of what is wrong with its command, whatever that is. */
		if (r == -EPROTO)
			r = hn_wire_error_write(job->answer ? err->message : job->err.message, job->id, &text,
						err);
	}
	return r < 0 ? r : send_text(wire, text, err);
}

static void fail(struct hn_wire *wire, const struct hn_error *why)
{
	struct hn_virt *virt = wire->virt;
	struct hn_error told = *why;

	hn_error_prefix(&told, "domain %s: %s through libvirt", wire->uuid,
			wire->kind == HN_VIRT_MONITOR ? "monitor" : "agent");
	end(wire);
	if (virt->listener.problem)
		virt->listener.problem(virt, &told, virt->listener.context);
}

static void job_done(struct hn_job *base, bool told)
{
	struct wire_job *job = (struct wire_job *)base;
	struct hn_wire *wire = told ? job->wire : NULL;
	struct hn_error err = {0};
	int r;

	if (wire) {
		struct hn_virt *virt = wire->virt;

		hn_virt_enter(virt);
		wire->running = NULL;
		r = answer(wire, job, &err);
		if (r >= 0)
			r = pump(wire, &err);
		if (r < 0)
			fail(wire, &err);
		hn_virt_leave(virt);
	}
	job_free(job);
}

/* What needs no libvirt. 1: answered. */
static int answer_here(struct hn_wire *wire, const struct hn_wire_command *command, struct hn_error *err)
{
	bool delimited = strcmp(command->name, "guest-sync-delimited") == 0;
	json_object *number = NULL;
	char *text = NULL;
	int r;

	if (wire->kind == HN_VIRT_MONITOR) {
		if (strcmp(command->name, "qmp_capabilities") != 0)
			return 0;
		r = hn_wire_return_write(NULL, command->id, &text, err);
	} else {
		if (!delimited && strcmp(command->name, "guest-sync") != 0)
			return 0;
		drop_waiting(wire);
		if (command->arguments)
			json_object_object_get_ex(command->arguments, "id", &number);
		r = hn_wire_return_write(json_object_get(number), command->id, &text, err);
		if (r == 0 && delimited)
			r = evbuffer_add(wire->out, "\xff", 1) < 0 ? hn_oom(err) : 0;
	}
	if (r == 0)
		r = send_text(wire, hn_steal(text), err);
	free(text);
	return r < 0 ? r : 1;
}

static int take(struct hn_wire *wire, json_object *object, struct hn_error *err)
{
	struct hn_wire_command command;
	char *text;
	int r = hn_wire_command_read(object, &command, err);

	if (r < 0) {
		r = hn_wire_error_write(err->message, NULL, &text, err);
		return r < 0 ? r : send_text(wire, text, err);
	}
	r = answer_here(wire, &command, err);
	if (r != 0)
		return r;
	r = hn_wire_command_write(&command, &text, err);
	return r < 0 ? r : enqueue(wire, text, json_object_get(command.id), false, err);
}

/* How many bytes stand in front of the next command and mean nothing. */
static size_t skip(struct hn_wire *wire, const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && wire->taken == 0 && strchr(" \t\r\n\xff", bytes[i]) && bytes[i])
		i++;
	return i;
}

static int feed(struct hn_wire *wire, const char *bytes, size_t length, struct hn_error *err)
{
	while (length > 0) {
		HN_AUTO(json) json_object *object = NULL;
		size_t used = skip(wire, bytes, length);
		enum json_tokener_error error;
		const char *sentinel;
		size_t plain;

		bytes += used;
		length -= used;
		if (length == 0)
			return 0;
		sentinel = memchr(bytes, SENTINEL, length);
		plain = sentinel ? (size_t)(sentinel - bytes) : length;
		if (plain == 0) { /* in the middle of a command: it is given up */
			json_tokener_reset(wire->tokener);
			wire->taken = 0;
			continue;
		}
		object = json_tokener_parse_ex(wire->tokener, bytes, (int)plain);
		error = json_tokener_get_error(wire->tokener);
		if (error != json_tokener_success && error != json_tokener_continue)
			return hn_fail(err, -EPROTO, "a command is not JSON: %s",
				       json_tokener_error_desc(error));
		used = error == json_tokener_continue ? plain : json_tokener_get_parse_end(wire->tokener);
		wire->taken = error == json_tokener_continue ? wire->taken + used : 0;
		bytes += used;
		length -= used;
		if (wire->taken > COMMAND_BYTES_MAX)
			return hn_fail(err, -EMSGSIZE, "a command has more than %u bytes", COMMAND_BYTES_MAX);
		if (error == json_tokener_success) {
			int r = take(wire, object, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static void on_wire_readable(evutil_socket_t fd, short what, void *context)
{
	struct hn_wire *wire = context;
	struct hn_virt *virt = wire->virt;
	struct hn_error err = {0};
	char bytes[READ_BYTES];
	ssize_t length = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		end(wire); /* its owner is through with it */
		return;
	}
	hn_virt_enter(virt);
	if (feed(wire, bytes, (size_t)length, &err) < 0)
		fail(wire, &err);
	hn_virt_leave(virt);
}

static void on_wire_writable(evutil_socket_t fd, short what, void *context)
{
	struct hn_wire *wire = context;

	while (evbuffer_get_length(wire->out) > 0) {
		struct evbuffer_iovec piece;
		ssize_t length;

		if (evbuffer_peek(wire->out, -1, NULL, &piece, 1) < 1)
			return;
		length = send(fd, piece.iov_base, piece.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (length < 0) {
			end(wire);
			return;
		}
		evbuffer_drain(wire->out, (size_t)length);
	}
	event_del(wire->writable);
}

/* ---- opening */

static int start_wire_worker(struct hn_virt *virt, struct hn_error *err)
{
	struct hn_link *link;

	if (virt->wire_worker)
		return 0;
	link = hn_link_new(virt->uri, (int)virt->limits.keepalive_s, virt->limits.keepalive_count, NULL);
	return link ? hn_worker_new(virt->base, link, virt->limits.call_ns, &virt->wire_worker, err)
		    : hn_oom(err);
}

static int wire_new(struct hn_virt *virt, const char *uuid, enum hn_virt_wire kind, int fd,
		    struct hn_wire **ret, struct hn_error *err)
{
	HN_AUTO(wire) struct hn_wire *wire = calloc(1, sizeof(*wire));

	if (!wire) {
		close(fd);
		return hn_oom(err);
	}
	wire->fd = fd;
	wire->virt = virt;
	wire->kind = kind;
	snprintf(wire->uuid, sizeof(wire->uuid), "%s", uuid);
	TAILQ_INIT(&wire->waiting);
	wire->out = evbuffer_new();
	wire->tokener = json_tokener_new_ex(DEPTH_MAX);
	wire->readable = event_new(virt->base, fd, EV_READ | EV_PERSIST, on_wire_readable, wire);
	wire->writable = event_new(virt->base, fd, EV_WRITE | EV_PERSIST, on_wire_writable, wire);
	if (!wire->out || !wire->tokener || !wire->readable || !wire->writable ||
	    event_add(wire->readable, NULL) < 0)
		return hn_oom(err);
	json_tokener_set_flags(wire->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	*ret = hn_steal(wire);
	return 0;
}

/* QEMU's version is in the greeting. */
static int greet(struct hn_wire *wire, struct hn_error *err)
{
	char *question;

	if (wire->kind != HN_VIRT_MONITOR)
		return 0;
	question = strdup("{\"execute\":\"query-version\"}");
	return question ? enqueue(wire, question, NULL, true, err) : hn_oom(err);
}

int hn_virt_wire_open(struct hn_virt *virt, const char *uuid, enum hn_virt_wire kind, int *ret_fd,
		      struct hn_error *err)
{
	HN_AUTO(wire) struct hn_wire *wire = NULL;
	int fds[2];
	int r;

	if (!hn_virt_connected(virt))
		return hn_fail(err, -ENOTCONN, "libvirt at %s is not connected", virt->uri);
	if (!hn_domains_has(virt, uuid))
		return hn_fail(err, -ENOENT, "no domain %s runs at libvirt", uuid);
	r = start_wire_worker(virt, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return hn_fail_errno(err, -errno, "cannot make a socket pair");
	r = wire_new(virt, uuid, kind, fds[0], &wire, err);
	if (r == 0)
		r = greet(wire, err);
	if (r < 0) {
		close(fds[1]);
		return r;
	}
	TAILQ_INSERT_TAIL(&virt->wires, wire, link);
	wire = NULL;
	*ret_fd = fds[1];
	return 0;
}
