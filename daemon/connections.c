#include "daemon/connections.h"

#include <stdio.h>
#include <stdlib.h>

#include "web/gate.h"

struct known {
	bool certified;
	struct hn_peer peer;
};

struct hn_connections {
	struct hn_service *service;
	const struct hn_groups *groups;
	struct hn_tls *tls;
	struct hn_gate *gate;
};

static SSL *on_session(void *context)
{
	struct hn_connections *connections = context;

	return hn_tls_session(connections->tls);
}

static unsigned share_of(const struct hn_peer *peer)
{
	if (peer->trusted)
		return HN_CONNECTIONS_TRUSTED;
	return peer->local && peer->role == HN_ROLE_NONE ? HN_CONNECTIONS_STRANGER : HN_CONNECTIONS_ROLE;
}

static unsigned on_meet(struct hn_visitor *visitor, int fd, void *context)
{
	struct hn_connections *connections = context;
	struct known *known = visitor->known;

	if (!connections->groups)
		hn_peer_of_address(fd, &known->peer);
	else
		hn_peer_of_socket(fd, connections->groups, &known->peer);
	snprintf(visitor->place, sizeof(visitor->place), "%s", known->peer.place);
	return share_of(&known->peer);
}

static void on_refused(const struct hn_visitor *visitor, void *context)
{
	struct hn_connections *connections = context;

	hn_refusals_tell(&connections->service->refusals, hn_now_ns(), visitor->place,
			 "too many connections");
}

int hn_connections_new(struct hn_service *service, struct evhttp *http, const struct hn_groups *groups,
		       struct hn_tls *tls, struct hn_connections **ret, struct hn_error *err)
{
	struct hn_connections *connections = calloc(1, sizeof(*connections));
	struct hn_gate_keeper keeper = {.known_bytes = sizeof(struct known),
					.session = tls ? on_session : NULL,
					.meet = on_meet,
					.refused = on_refused,
					.context = connections};
	int r;

	if (!connections)
		return hn_oom(err);
	connections->service = service;
	connections->groups = groups;
	connections->tls = tls;
	r = hn_gate_new(service->base, http, &keeper, &connections->gate, err);
	if (r < 0)
		free(connections);
	else
		*ret = connections;
	return r;
}

void hn_connections_free(struct hn_connections *connections)
{
	if (!connections)
		return;
	hn_gate_free(connections->gate);
	free(connections);
}

const struct hn_peer *hn_connections_ask(struct hn_connections *connections, struct evhttp_request *request,
					 bool lasting)
{
	struct hn_visitor *visitor = hn_gate_ask(connections->gate, request, lasting);
	struct known *known = visitor ? visitor->known : NULL;

	if (!known)
		return NULL;
	if (visitor->session && !known->certified)
		hn_peer_certify(visitor->session, &known->peer);
	known->certified = true;
	return &known->peer;
}

void hn_connections_hang_up(struct hn_connections *connections)
{
	hn_gate_hang_up(connections->gate);
}
