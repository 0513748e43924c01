#include "daemon/connections.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/units.h"

#define SWEEP_NS HN_NS_PER_S

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct bufferevent *channel; /* a reference of ours */
	SSL *session;                /* NULL on a unix socket; ours */
	bool met;                    /* its descriptor and its peer are known */
	bool certified;
	bool ending;  /* hung up on; evhttp has yet to hear of it */
	bool lasting; /* a stream of events */
	uint64_t until_ns;
	struct hn_peer peer;
};
TAILQ_HEAD(connection_list, connection);

struct hn_connections {
	struct hn_service *service;
	const struct hn_groups *groups;
	struct hn_tls *tls;
	struct event *arrived, *sweep;
	struct connection_list list; /* newest last */
};

static void let_go(struct hn_connections *connections, struct connection *connection)
{
	TAILQ_REMOVE(&connections->list, connection, entry);
	bufferevent_decref(connection->channel);
	SSL_free(connection->session);
	free(connection);
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
static void sweep(struct hn_connections *connections)
{
	struct connection *connection = TAILQ_FIRST(&connections->list), *next;
	uint64_t now = hn_now_ns();

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (!connection->met)
			continue;
		if (!is_alive(connection))
			let_go(connections, connection);
		else if (!connection->lasting && now >= connection->until_ns)
			hang_up(connection);
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	sweep(context);
}

static unsigned share_of(const struct hn_connections *connections, const struct hn_peer *peer)
{
	if (peer->trusted)
		return HN_CONNECTIONS_TRUSTED;
	return peer->local && peer->role == HN_ROLE_NONE ? HN_CONNECTIONS_STRANGER : HN_CONNECTIONS_ROLE;
}

static bool is_too_many(const struct hn_connections *connections, const struct connection *newcomer)
{
	const struct connection *other;
	unsigned count = 0, all = 0;

	TAILQ_FOREACH(other, &connections->list, entry)
	{
		if (!other->met || other->ending)
			continue;
		all++;
		count += strcmp(other->peer.place, newcomer->peer.place) == 0;
	}
	return count >= share_of(connections, &newcomer->peer) || all >= HN_CONNECTIONS_MAX;
}

static void meet(struct hn_connections *connections, struct connection *connection)
{
	int fd = bufferevent_getfd(connection->channel);
	bool too_many;

	if (!connections->groups)
		hn_peer_of_address(fd, &connection->peer);
	else
		hn_peer_of_socket(fd, connections->groups, &connection->peer);
	too_many = is_too_many(connections, connection);
	if (too_many) {
		sweep(connections);
		too_many = is_too_many(connections, connection);
	}
	connection->met = true;
	if (!too_many)
		return;
	hn_refusals_tell(&connections->service->refusals, hn_now_ns(), connection->peer.place,
			 "too many connections");
	hang_up(connection);
}

/* evhttp has given the descriptors to the bufferevents made since. */
static void on_arrived(evutil_socket_t fd, short what, void *context)
{
	struct hn_connections *connections = context;
	struct connection *connection = TAILQ_LAST(&connections->list, connection_list), *first = connection;

	for (; connection && !connection->met; connection = TAILQ_PREV(connection, connection_list, entry))
		first = connection;
	for (connection = first; connection; connection = TAILQ_NEXT(connection, entry))
		if (!connection->met)
			meet(connections, connection);
}

static struct bufferevent *make_channel(struct hn_connections *connections, SSL **ret_session)
{
	struct bufferevent *channel;

	if (!connections->tls)
		return bufferevent_socket_new(connections->service->base, -1, 0);
	*ret_session = hn_tls_session(connections->tls);
	if (!*ret_session)
		return NULL;
	channel = bufferevent_openssl_socket_new(connections->service->base, -1, *ret_session,
						 BUFFEREVENT_SSL_ACCEPTING, 0);
	if (channel)
		bufferevent_openssl_set_allow_dirty_shutdown(channel, 1);
	return channel;
}

/* evhttp wants a bufferevent for a connection that it has just accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
	struct hn_connections *connections = context;
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection)
		connection->channel = make_channel(connections, &connection->session);
	if (!connection || !connection->channel) {
		if (connection)
			SSL_free(connection->session);
		free(connection);
		return NULL;
	}
	bufferevent_incref(connection->channel);
	connection->until_ns = hn_now_ns() + HN_CONNECTION_REQUEST_S * HN_NS_PER_S;
	TAILQ_INSERT_TAIL(&connections->list, connection, entry);
	event_active(connections->arrived, 0, 0);
	return connection->channel;
}

int hn_connections_new(struct hn_service *service, struct evhttp *http, const struct hn_groups *groups,
		       struct hn_tls *tls, struct hn_connections **ret, struct hn_error *err)
{
	struct hn_connections *connections = calloc(1, sizeof(*connections));
	struct timeval every = hn_timeval(SWEEP_NS);

	if (!connections)
		return hn_oom(err);
	TAILQ_INIT(&connections->list);
	connections->service = service;
	connections->groups = groups;
	connections->tls = tls;
	connections->arrived = event_new(service->base, -1, 0, on_arrived, connections);
	connections->sweep = event_new(service->base, -1, EV_PERSIST, on_sweep, connections);
	if (!connections->arrived || !connections->sweep || event_add(connections->sweep, &every) < 0) {
		hn_connections_free(connections);
		return hn_oom(err);
	}
	evhttp_set_bevcb(http, on_accept, connections);
	*ret = connections;
	return 0;
}

void hn_connections_free(struct hn_connections *connections)
{
	struct connection *connection;

	if (!connections)
		return;
	while ((connection = TAILQ_FIRST(&connections->list)))
		let_go(connections, connection);
	if (connections->arrived)
		event_free(connections->arrived);
	if (connections->sweep)
		event_free(connections->sweep);
	free(connections);
}

const struct hn_peer *hn_connections_ask(struct hn_connections *connections, struct evhttp_request *request,
					 bool lasting)
{
	const struct bufferevent *channel =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct connection *connection;

	TAILQ_FOREACH(connection, &connections->list, entry)
	if (connection->channel == channel)
		break;
	if (!connection || !connection->met)
		return NULL;
	if (connection->session && !connection->certified)
		hn_peer_certify(connection->session, &connection->peer);
	connection->certified = true;
	connection->lasting = lasting;
	connection->until_ns = hn_now_ns() + HN_CONNECTION_EXCHANGE_S * HN_NS_PER_S;
	return &connection->peer;
}

void hn_connections_hang_up(struct hn_connections *connections)
{
	struct connection *connection;

	sweep(connections);
	TAILQ_FOREACH(connection, &connections->list, entry)
	if (connection->met)
		hang_up(connection);
}
