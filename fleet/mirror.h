#pragma once
/*
 * mirror - what lies under a prefix in etcd, told as it is and as it changes.
 *
 * All of it is read, in pages at one revision, and watched from there. That the view is right is not taken on
 * trust: every two seconds the cluster is asked whether something newer, or another number of keys, is there.
 * When the watch is dead, compacted away or behind, or the cluster is another one or has gone back (its data
 * was wiped), all is read again; until the new reading is complete, what was known before stays.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "fleet/etcd.h"

struct hn_mirror;

struct hn_mirror_events {
	/* A value is there or has changed; length without the NUL behind. The key is without the prefix. */
	void (*put)(const char *key, const char *value, size_t length, void *context);
	void (*gone)(const char *key, void *context);
	/* A reading of everything begins; ends: what was not put since then is no more. */
	void (*reading)(void *context);
	void (*read)(void *context);
	/* Once for every trouble, and with NULL when it is over. */
	void (*trouble)(const struct hn_error *err, void *context);
	void *context;
};

struct hn_mirror_state {
	bool complete;         /* all has been read once */
	int64_t revision;      /* up to which all is known */
	uint64_t confirmed_ns; /* CLOCK_MONOTONIC: when that was last found to be all there is; 0 never */
	uint64_t readings, changes, troubles;
};

int hn_mirror_new(struct event_base *base, struct hn_etcd *etcd, const char *prefix,
		  const struct hn_mirror_events *events, struct hn_mirror **ret, struct hn_error *err);
void hn_mirror_free(struct hn_mirror *mirror); /* before the etcd it asks; NULL is fine */

struct hn_mirror_state hn_mirror_state(const struct hn_mirror *mirror);
