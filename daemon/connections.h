#pragma once
/*
 * connections - who is connected to a listener of the API, what it may do there, and how many of one peer: a
 * gate (web/gate.h) that knows peers.
 */
#include <event2/http.h>

#include "base/error.h"
#include "daemon/peer.h"
#include "daemon/service.h"
#include "daemon/tls.h"

#define HN_CONNECTIONS_TRUSTED 384 /* of root's, so that others are not shut out */
#define HN_CONNECTIONS_ROLE 96     /* of any other user, or of one address */
#define HN_CONNECTIONS_STRANGER 8  /* of a user that may nothing */

struct hn_connections;

/* Watches over what http will accept. groups: of peers on a unix socket, NULL for TCP; tls NULL: in the
 * clear. Freed after http. -ENOMEM. */
int hn_connections_new(struct hn_service *service, struct evhttp *http, const struct hn_groups *groups,
		       struct hn_tls *tls, struct hn_connections **ret, struct hn_error *err);
void hn_connections_free(struct hn_connections *connections); /* NULL is fine */

/* Who sent this request, which counts as the connection's next; lasting: its answer has no end. NULL:
 * unknown. */
const struct hn_peer *hn_connections_ask(struct hn_connections *connections, struct evhttp_request *request,
					 bool lasting);

/* Hangs up on all of them. */
void hn_connections_hang_up(struct hn_connections *connections);
