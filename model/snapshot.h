#pragma once
/*
 * snapshot - everything a decision is made from: the host, the guests, where they are and where they belong.
 *
 * policy/ reads nothing else, so a snapshot written to a file replays the decision.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/placement.h"
#include "model/sample.h"

/* What earlier looks at a guest left behind; the caller carries it from tick to tick. */
struct hn_looks {
	unsigned agreeing;  /* consecutive looks that wanted something done with the same home */
	unsigned fruitless; /* consecutive operations that brought less than half of what was predicted */
	uint64_t settle_until_ns; /* nothing new is begun before, CLOCK_MONOTONIC */
};

struct hn_guest_state {
	struct hn_guest *guest;
	struct hn_sample *sample;  /* latest, NULL before the first */
	struct hn_placement *home; /* where it has been decided to live, NULL while undecided */
	struct hn_looks looks;
	bool moving; /* an operation on it is under way */
};

struct hn_snapshot {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	struct hn_host *host;
	size_t guest_count;
	struct hn_guest_state *guests;
};

/* Frees what it owns, the host and every guest's parts included; NULL is fine. */
void hn_snapshot_free(struct hn_snapshot *snapshot);
HN_CLEANUP_DEFINE(hn_snapshot, struct hn_snapshot *, hn_snapshot_free);
/* Takes ownership of host. NULL when out of memory (host is then freed). */
struct hn_snapshot *hn_snapshot_new(struct hn_host *host);
/* Appends a zeroed state; NULL when out of memory. */
struct hn_guest_state *hn_snapshot_add(struct hn_snapshot *snapshot);
