/*
 * The life of a connection:
 *
 *     DOWN -> GREETING -> CAPABILITIES -> READY            a monitor
 *     DOWN -> SYNC -> READY <-> RESYNC                     an agent
 *
 * Whatever goes wrong, at any point, ends in hn_client_lost(): the socket is closed, every command is
 * answered, the listener hears one sentence, and a timer is set for the next try. The same timer bounds the
 * way from connect to READY, because QEMU serves one client a monitor: a second one is connected by the
 * kernel and then hears nothing, for ever.
 *
 * Every entry from the event loop stands between enter and leave. A client freed by a callback in between is
 * silent at once and loses its memory with the outermost leave.
 */
#include "qmp/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "qmp/client-private.h"

const struct hn_qmp_limits hn_qmp_default_limits = {
	.connect_timeout_ns = 5 * HN_NS_PER_S,
	.command_timeout_ns = 5 * HN_NS_PER_S,
	.message_bytes = 4 * HN_MIB,
	.pending_commands = 64,
	.retry_first_ns = HN_NS_PER_S,
	.retry_most_ns = 60 * HN_NS_PER_S,
};

static void destroy(struct hn_qmp *qmp)
{
	if (qmp->timer)
		event_free(qmp->timer);
	if (qmp->deadline)
		event_free(qmp->deadline);
	if (qmp->fd >= 0)
		close(qmp->fd);
	free(qmp->name);
	free(qmp->path);
	free(qmp);
}

void hn_client_enter(struct hn_qmp *qmp)
{
	qmp->entered++;
}

void hn_client_leave(struct hn_qmp *qmp)
{
	if (--qmp->entered == 0 && qmp->freed)
		destroy(qmp);
}

void hn_client_set_timer(struct hn_qmp *qmp, uint64_t ns)
{
	struct timeval delay = hn_client_timeval(ns);

	event_add(qmp->timer, &delay);
}

/* The pause before the next try: doubling, and up to a quarter less by chance, lest all be called at once. */
static uint64_t back_off(struct hn_qmp *qmp)
{
	uint64_t pause = qmp->limits.retry_first_ns;

	if (pause == 0)
		return 0;
	for (unsigned i = 0; i < qmp->failures && pause < qmp->limits.retry_most_ns; i++)
		pause *= 2;
	if (pause > qmp->limits.retry_most_ns)
		pause = qmp->limits.retry_most_ns;
	return pause - hn_random_below(&qmp->chance, pause / 4 + 1);
}

static void disconnect(struct hn_qmp *qmp)
{
	qmp->state = CLIENT_DOWN;
	if (qmp->opening)
		qmp->opener->cancel(hn_steal(qmp->opening));
	hn_channel_free(hn_steal(qmp->channel));
	event_del(qmp->timer);
	memset(&qmp->peer, 0, sizeof(qmp->peer));
	qmp->version = 0;
}

void hn_client_lost(struct hn_qmp *qmp, const struct hn_error *why)
{
	uint64_t now = hn_client_now_ns();
	struct hn_error told = *why;
	struct hn_error reset;

	hn_client_enter(qmp);
	disconnect(qmp);
	/* A connection that lasted was a success; one that fails as soon as it is ready is not hurried. */
	if (qmp->ready_since_ns && now - qmp->ready_since_ns >= qmp->retry_ns)
		qmp->failures = 0;
	qmp->ready_since_ns = 0;
	qmp->retry_ns = back_off(qmp);
	qmp->failures++;
	hn_error_prefix(&told, "%s", qmp->name);
	reset = told;
	reset.code = -ECONNRESET;
	hn_client_answer_all(qmp, &reset);
	if (!qmp->freed && qmp->retry_ns)
		hn_client_set_timer(qmp, qmp->retry_ns);
	if (!qmp->freed && qmp->listener.down)
		qmp->listener.down(qmp, &told, qmp->retry_ns, qmp->listener.context);
	hn_client_leave(qmp);
}

static int on_channel_message(json_object *object, void *context, struct hn_error *err)
{
	struct hn_qmp *qmp = context;
	struct hn_message message;
	int r = hn_message_read(object, &message, err);

	hn_client_enter(qmp);
	if (r == 0)
		r = hn_client_take(qmp, &message, err);
	hn_client_leave(qmp);
	return r;
}

static void on_channel_end(const struct hn_error *why, void *context)
{
	struct hn_qmp *qmp = context;
	struct hn_error told = *why;

	if (told.code == -ECONNRESET && qmp->state == CLIENT_GREETING)
		hn_fail(&told, -ECONNRESET, "it hung up without a greeting");
	hn_client_lost(qmp, &told);
}

static int open_socket(const struct hn_qmp *qmp, int *ret, struct hn_error *err)
{
	HN_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return hn_fail_errno(err, -errno, "cannot make a socket");
	memcpy(address.sun_path, qmp->path, strlen(qmp->path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		/* A unix socket is connected at once or not at all; EAGAIN is a full backlog. */
		if (errno == EAGAIN)
			return hn_fail(err, -EAGAIN, "too many wait at %s: another client may hold it",
				       qmp->path);
		return hn_fail_errno(err, -errno, "cannot connect to %s", qmp->path);
	}
	*ret = fd;
	fd = -1;
	return 0;
}

static int ask_opener(struct hn_qmp *qmp, struct hn_error *err)
{
	int r = qmp->opener->start(qmp->opener->context, qmp->path, qmp, &qmp->opening, err);

	if (r < 0)
		return r;
	qmp->state = CLIENT_OPENING;
	hn_client_set_timer(qmp, qmp->limits.connect_timeout_ns);
	return 0;
}

static int start(struct hn_qmp *qmp, struct hn_error *err)
{
	const struct hn_channel_owner owner = {on_channel_message, on_channel_end, qmp};
	socklen_t length = sizeof(qmp->peer);
	int fd = qmp->fd;
	int r = 0;

	qmp->fd = -1;
	if (fd < 0)
		r = open_socket(qmp, &fd, err);
	if (r == -EACCES && qmp->opener)
		return ask_opener(qmp, err);
	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &qmp->peer, &length) < 0)
		memset(&qmp->peer, 0, sizeof(qmp->peer));
	r = hn_channel_new(qmp->base, fd, qmp->limits.message_bytes, qmp->flavour == HN_QMP_AGENT, &owner,
			   &qmp->channel, err);
	if (r < 0)
		return r;
	qmp->state = CLIENT_GREETING;
	hn_client_set_timer(qmp, qmp->limits.connect_timeout_ns);
	return qmp->flavour == HN_QMP_AGENT ? hn_client_sync(qmp, CLIENT_SYNC, err) : 0;
}

static int out_of_patience(const struct hn_qmp *qmp, struct hn_error *err)
{
	char text[HN_UNITS_TEXT_MAX];

	hn_duration_format(qmp->limits.connect_timeout_ns, text, sizeof(text));
	if (qmp->state == CLIENT_OPENING)
		return hn_fail(err, -ETIMEDOUT, "homenode-host did not open %s within %s", qmp->path, text);
	if (qmp->state == CLIENT_GREETING)
		return hn_fail(err, -ETIMEDOUT,
			       "connected but no greeting within %s: another client may hold this monitor",
			       text);
	if (qmp->state == CLIENT_CAPABILITIES)
		return hn_fail(err, -ETIMEDOUT, "qmp_capabilities was not answered within %s", text);
	return hn_fail(err, -ETIMEDOUT, "the agent did not come in step within %s", text);
}

static void on_timer_expired(evutil_socket_t fd, short what, void *context)
{
	struct hn_qmp *qmp = context;
	struct hn_error err = {0};
	int r;

	hn_client_enter(qmp);
	r = qmp->state == CLIENT_DOWN ? start(qmp, &err) : out_of_patience(qmp, &err);
	if (r < 0)
		hn_client_lost(qmp, &err);
	hn_client_leave(qmp);
}

static int client_new(struct event_base *base, const char *name, enum hn_qmp_flavour flavour,
		      const struct hn_qmp_limits *limits, const struct hn_qmp_listener *listener,
		      struct hn_qmp **ret, struct hn_error *err)
{
	HN_AUTO(hn_qmp) struct hn_qmp *qmp = calloc(1, sizeof(*qmp));

	if (!qmp)
		return hn_oom(err);
	qmp->fd = -1;
	qmp->base = base;
	qmp->flavour = flavour;
	qmp->limits = limits ? *limits : hn_qmp_default_limits;
	if (listener)
		qmp->listener = *listener;
	TAILQ_INIT(&qmp->waiting);
	TAILQ_INIT(&qmp->sent);
	qmp->chance.state = hn_client_now_ns() ^ ((uint64_t)getpid() << 32) ^ (uintptr_t)qmp;
	qmp->timer = evtimer_new(base, on_timer_expired, qmp);
	qmp->deadline = evtimer_new(base, hn_client_on_deadline, qmp);
	if (!qmp->timer || !qmp->deadline)
		return hn_oom(err);
	if (asprintf(&qmp->name, "guest '%s': %s", name, flavour == HN_QMP_AGENT ? "agent" : "monitor") < 0) {
		qmp->name = NULL;
		return hn_oom(err);
	}
	hn_client_set_timer(qmp, 0);
	*ret = hn_steal(qmp);
	return 0;
}

int hn_qmp_new(struct event_base *base, const char *name, const char *path, enum hn_qmp_flavour flavour,
	       const struct hn_qmp_limits *limits, const struct hn_qmp_listener *listener,
	       struct hn_qmp **ret, struct hn_error *err)
{
	HN_AUTO(hn_qmp) struct hn_qmp *qmp = NULL;
	int r;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return hn_fail(err, -ENAMETOOLONG, "guest '%s': the socket's path is too long: %s", name,
			       path);
	r = client_new(base, name, flavour, limits, listener, &qmp, err);
	if (r < 0)
		return r;
	qmp->path = strdup(path);
	if (!qmp->path)
		return hn_oom(err);
	*ret = hn_steal(qmp);
	return 0;
}

int hn_qmp_new_from_fd(struct event_base *base, const char *name, int fd, enum hn_qmp_flavour flavour,
		       const struct hn_qmp_limits *limits, const struct hn_qmp_listener *listener,
		       struct hn_qmp **ret, struct hn_error *err)
{
	struct hn_qmp *qmp;
	int r = client_new(base, name, flavour, limits, listener, &qmp, err);

	if (r < 0) {
		close(fd);
		return r;
	}
	qmp->fd = fd;
	qmp->limits.retry_first_ns = 0;
	*ret = qmp;
	return 0;
}

void hn_qmp_set_opener(struct hn_qmp *qmp, const struct hn_qmp_opener *opener)
{
	qmp->opener = opener;
}

void hn_qmp_opened(struct hn_qmp *qmp, int fd, const struct hn_error *err)
{
	struct hn_error why;
	int r;

	qmp->opening = NULL;
	hn_client_enter(qmp);
	qmp->state = CLIENT_DOWN;
	qmp->fd = fd;
	r = fd < 0 ? err->code : start(qmp, &why);
	if (r < 0)
		hn_client_lost(qmp, fd < 0 ? err : &why);
	hn_client_leave(qmp);
}

void hn_qmp_free(struct hn_qmp *qmp)
{
	struct hn_error err;

	if (!qmp || qmp->freed)
		return;
	hn_client_enter(qmp);
	qmp->freed = true;
	if (qmp->name) {
		disconnect(qmp);
		hn_fail(&err, -ECANCELED, "%s: the connection is being closed", qmp->name);
		hn_client_answer_all(qmp, &err);
	}
	hn_client_leave(qmp);
}

bool hn_qmp_ready(const struct hn_qmp *qmp)
{
	return qmp->state == CLIENT_READY || qmp->state == CLIENT_RESYNC;
}

const char *hn_qmp_label(const struct hn_qmp *qmp)
{
	return qmp->name;
}

int hn_qmp_peer(const struct hn_qmp *qmp, pid_t *ret_pid, uid_t *ret_uid, struct hn_error *err)
{
	if (qmp->peer.pid == 0)
		return hn_fail(err, -ENOTCONN, "%s: not connected", qmp->name);
	*ret_pid = qmp->peer.pid;
	*ret_uid = qmp->peer.uid;
	return 0;
}

int hn_qmp_version(const struct hn_qmp *qmp)
{
	return qmp->version;
}
