#pragma once
/*
 * topology - what hosts of one make have in common: nodes, CPUs, distances, devices, and no figure that
 * changes while they run. Named by a digest of its JSON, so that thousands of hosts share one.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "model/host.h"

#define HN_TOPOLOGY_DIGEST_MAX 33 /* 128 bits of SHA-256 in hex, with the NUL */
#define HN_TOPOLOGY_NODES_MAX 64  /* a host of more nodes is not published */

struct hn_topology {
	char digest[HN_TOPOLOGY_DIGEST_MAX];
	/* Nothing free, nothing reserved, pools empty; memory rounded down, as hosts of one make differ by a
	 * few MiB from boot to boot. */
	struct hn_host *host;
	unsigned users;
};

/* The host's, for one user. -EOPNOTSUPP for a host of too many nodes, -ENOMEM. */
int hn_topology_of(const struct hn_host *host, struct hn_topology **ret, struct hn_error *err);

/* One user more, who calls hn_topology_free(); the last one frees it. */
struct hn_topology *hn_topology_share(struct hn_topology *topology);
void hn_topology_free(struct hn_topology *topology); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_topology, struct hn_topology *, hn_topology_free);

/* NULL when out of memory. */
json_object *hn_topology_encode(const struct hn_topology *topology);
/* -EPROTO for what is no possible host, or another topology than the digest names. */
int hn_topology_decode(json_object *json, const char *digest, struct hn_topology **ret, struct hn_error *err);
