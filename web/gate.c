#include "web/gate.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "base/units.h"

#define UNREAD_MAX (64 << 10) /* more than the headers of a request, which are read in one */

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct bufferevent *channel; /* a reference of ours */
	bool met;                    /* its descriptor and its place are known */
	bool ending;                 /* hung up on; evhttp has yet to hear of it */
	bool lasting;                /* its answer has no end */
	uint64_t until_ns;
	struct hn_visitor visitor;
};
TAILQ_HEAD(connection_list, connection);

struct hn_gate {
	struct event_base *base;
	struct hn_gate_keeper keeper;
	struct event *arrived, *sweep;
	struct connection_list list; /* newest last */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

void hn_gate_address(int fd, char *ret, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	snprintf(ret, size, "an unknown address");
	if (getpeername(fd, (struct sockaddr *)&address, &length) == 0)
		(void)getnameinfo((struct sockaddr *)&address, length, ret, (socklen_t)size, NULL, 0,
				  NI_NUMERICHOST);
}

static void free_connection(struct connection *connection)
{
	if (!connection)
		return;
	if (connection->channel)
		bufferevent_decref(connection->channel);
	free(connection->visitor.known);
	free(connection);
}

static void let_go(struct hn_gate *gate, struct connection *connection)
{
	TAILQ_REMOVE(&gate->list, connection, entry);
	free_connection(connection);
}

/* evhttp takes its callbacks off a bufferevent only to free it. */
static bool is_alive(const struct connection *connection)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(connection->channel, NULL, NULL, &on_event, NULL);
	return on_event != NULL;
}

static void hang_up(struct connection *connection)
{
	if (!connection->ending)
		shutdown(bufferevent_getfd(connection->channel), SHUT_RDWR);
	connection->ending = true;
}

/* Lets go of what is closed, and hangs up on what takes too long. */
static void sweep(struct hn_gate *gate)
{
	struct connection *connection = TAILQ_FIRST(&gate->list), *next;
	uint64_t now = now_ns();

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (!connection->met)
			continue;
		if (!is_alive(connection))
			let_go(gate, connection);
		else if (!connection->lasting && now >= connection->until_ns)
			hang_up(connection);
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	sweep(context);
}

static bool is_too_many(const struct hn_gate *gate, const struct connection *newcomer, unsigned share)
{
	const struct connection *other;
	unsigned count = 0, all = 0;

	TAILQ_FOREACH(other, &gate->list, entry)
	{
		if (!other->met || other->ending)
			continue;
		all++;
		count += strcmp(other->visitor.place, newcomer->visitor.place) == 0;
	}
	return count >= share || all >= HN_GATE_MAX;
}

static void meet(struct hn_gate *gate, struct connection *connection)
{
	int fd = bufferevent_getfd(connection->channel);
	unsigned share = gate->keeper.meet(&connection->visitor, fd, gate->keeper.context);

	if (is_too_many(gate, connection, share)) {
		gate->keeper.refused(&connection->visitor, gate->keeper.context);
		hang_up(connection);
	}
	connection->met = true;
}

/* evhttp has given the descriptors to the bufferevents made since. */
static void on_arrived(evutil_socket_t fd, short what, void *context)
{
	struct hn_gate *gate = context;
	struct connection *connection, *first;

	sweep(gate);
	connection = first = TAILQ_LAST(&gate->list, connection_list);
	for (; connection && !connection->met; connection = TAILQ_PREV(connection, connection_list, entry))
		first = connection;
	for (connection = first; connection; connection = TAILQ_NEXT(connection, entry))
		if (!connection->met)
			meet(gate, connection);
}

/*
 * Descriptor and session are closed with the last reference, which is ours: were it evhttp that closes the
 * descriptor, the bufferevent, which still waits for it, would read what the next one of that number is sent.
 * Until then it goes on reading what evhttp has let go of, up to its watermark.
 */
static struct bufferevent *make_channel(struct hn_gate *gate, struct hn_visitor *visitor)
{
	struct bufferevent *channel;

	if (!gate->keeper.session)
		return bufferevent_socket_new(gate->base, -1, BEV_OPT_CLOSE_ON_FREE);
	visitor->session = gate->keeper.session(gate->keeper.context);
	if (!visitor->session)
		return NULL;
	channel = bufferevent_openssl_socket_new(gate->base, -1, visitor->session, BUFFEREVENT_SSL_ACCEPTING,
						 BEV_OPT_CLOSE_ON_FREE);
	if (channel)
		bufferevent_openssl_set_allow_dirty_shutdown(channel, 1);
	else
		SSL_free(visitor->session);
	return channel;
}

/* evhttp wants a bufferevent for a connection that it has just accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
	struct hn_gate *gate = context;
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection)
		connection->visitor.known = calloc(1, gate->keeper.known_bytes + 1);
	if (connection && connection->visitor.known)
		connection->channel = make_channel(gate, &connection->visitor);
	if (!connection || !connection->channel) {
		free_connection(connection);
		return NULL;
	}
	bufferevent_setwatermark(connection->channel, EV_READ, 0, UNREAD_MAX);
	bufferevent_incref(connection->channel);
	connection->until_ns = now_ns() + HN_GATE_REQUEST_S * HN_NS_PER_S;
	TAILQ_INSERT_TAIL(&gate->list, connection, entry);
	event_active(gate->arrived, 0, 0);
	return connection->channel;
}

int hn_gate_new(struct event_base *base, struct evhttp *http, const struct hn_gate_keeper *keeper,
		struct hn_gate **ret, struct hn_error *err)
{
	struct hn_gate *gate = calloc(1, sizeof(*gate));
	struct timeval every = {.tv_sec = 1};

	if (!gate)
		return hn_oom(err);
	TAILQ_INIT(&gate->list);
	gate->base = base;
	gate->keeper = *keeper;
	gate->arrived = event_new(base, -1, 0, on_arrived, gate);
	gate->sweep = event_new(base, -1, EV_PERSIST, on_sweep, gate);
	if (!gate->arrived || !gate->sweep || event_add(gate->sweep, &every) < 0) {
		hn_gate_free(gate);
		return hn_oom(err);
	}
	evhttp_set_bevcb(http, on_accept, gate);
	*ret = gate;
	return 0;
}

void hn_gate_free(struct hn_gate *gate)
{
	struct connection *connection;

	if (!gate)
		return;
	while ((connection = TAILQ_FIRST(&gate->list)))
		let_go(gate, connection);
	if (gate->arrived)
		event_free(gate->arrived);
	if (gate->sweep)
		event_free(gate->sweep);
	free(gate);
}

struct hn_visitor *hn_gate_ask(struct hn_gate *gate, struct evhttp_request *request, bool lasting)
{
	const struct bufferevent *channel =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct connection *connection;

	TAILQ_FOREACH(connection, &gate->list, entry)
	if (connection->channel == channel)
		break;
	if (!connection || !connection->met)
		return NULL;
	connection->lasting = lasting;
	connection->until_ns = now_ns() + HN_GATE_EXCHANGE_S * HN_NS_PER_S;
	return &connection->visitor;
}

void hn_gate_hang_up(struct hn_gate *gate)
{
	struct connection *connection;

	sweep(gate);
	TAILQ_FOREACH(connection, &gate->list, entry)
	if (connection->met)
		hang_up(connection);
}
