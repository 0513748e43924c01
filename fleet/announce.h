#pragma once
/*
 * announce - keeps what a host has to say in etcd: its record under a lease, so that it goes when the host
 * does, and its topology, which stays.
 *
 * Whatever becomes of etcd (stopped, slow, without a leader, its data wiped, the lease lost), it is tried
 * again with growing pauses until what was said last is there. One call at a time; nothing waits for it.
 */
#include <stddef.h>
#include <stdint.h>

#include "fleet/etcd.h"

struct hn_announce;

struct hn_announce_events {
	/* Once for every trouble, and with NULL when it is over. */
	void (*trouble)(const struct hn_error *err, void *context);
	void *context;
};

/* ttl_s: the lease lasts that long without us. -ENOMEM. */
int hn_announce_new(struct event_base *base, struct hn_etcd *etcd, unsigned ttl_s,
		    const struct hn_announce_events *events, struct hn_announce **ret, struct hn_error *err);
void hn_announce_free(struct hn_announce *announce); /* before the etcd it asks; NULL is fine */

/* Puts under key, for good, what nobody has put there yet, before the next record. Copied. -ENOMEM. */
int hn_announce_topology(struct hn_announce *announce, const char *key, const char *value,
			 struct hn_error *err);
/* Soon puts the topology again, where it is not there any more. */
void hn_announce_topology_again(struct hn_announce *announce);
/* Puts under key, for as long as we are there; what has not been put yet gives way. Copied. -ENOMEM. */
int hn_announce_record(struct hn_announce *announce, const char *key, const char *value,
		       struct hn_error *err);
