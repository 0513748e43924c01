#pragma once
/*
 * peer - who is at the other end of a connection to the API, and what it may do there.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "daemon/config.h"
#include "web/gate.h"

enum hn_role {
	HN_ROLE_NONE,
	HN_ROLE_READER,   /* may ask */
	HN_ROLE_OPERATOR, /* may ask and act */
};

#define HN_PEER_NAME_MAX 200

struct hn_peer {
	enum hn_role role;
	bool local;                    /* on the unix socket */
	bool trusted;                  /* root, or the user that homenoded runs as */
	char place[HN_GATE_PLACE_MAX]; /* "user 1000", or an address without its port: one peer's connections
					*/
	char name[HN_PEER_NAME_MAX];   /* for the log: who, and from where */
};

/* The groups of the configuration, resolved. */
struct hn_groups {
	bool has_operators, has_readers;
	gid_t operators, readers;
};

/* -EINVAL for a group that this host does not have. */
int hn_groups_find(const struct hn_config *config, struct hn_groups *ret, struct hn_error *err);

/* By SO_PEERCRED and SO_PEERGROUPS (unix(7)): the credentials of when the peer connected. */
void hn_peer_of_socket(int fd, const struct hn_groups *groups, struct hn_peer *ret);

/* By its address; the role is none until hn_peer_certify(). */
void hn_peer_of_address(int fd, struct hn_peer *ret);

/* The role from the certificate that the handshake has verified: an organizational unit (OU) of its subject
 * that is "homenode-operator" or "homenode-reader". */
void hn_peer_certify(SSL *session, struct hn_peer *peer);
