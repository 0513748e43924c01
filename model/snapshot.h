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
	unsigned fruitless; /* consecutive operations that brought less than half of what was predicted, or
			       of threads alone that failed */
	uint64_t settle_until_ns; /* nothing new is begun before, CLOCK_MONOTONIC */
	double distrust;          /* its moves are priced that many times higher, >= 1; 0 counts as 1 */
	double lost_share;     /* of its busy time, to remote memory before its last move; 0 judged already */
	double promised_share; /* of it, that the move was to bring back */
	unsigned fetches; /* consecutive operations that mostly brought back what lay on memory-only nodes,
			     where it was again before the guest had settled */
};

/*
 * What migrations on this host have been seen to cost, learned from every one of them (policy/price.h); all 0
 * before the first.
 */
struct hn_calibration {
	double bytes_per_second; /* moved, by the mover at full speed */
	double stall_share;      /* share of the guest's vCPU time lost while its memory moves, 0..1 */
	unsigned migrations;     /* learned from */
};

/*
 * What a guest has lost by where it is, in vCPU-seconds, for every cell and every node its memory could be on
 * instead (policy/regret.h).
 */
struct hn_regret {
	uint64_t taken_ns; /* of the last sample that was added; 0 none */
	size_t cell_count, node_count;
	double *seconds; /* [cell][node], by index */
};
void hn_regret_free(struct hn_regret *regret); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_regret, struct hn_regret *, hn_regret_free);
/* Zeroed; NULL when out of memory. */
struct hn_regret *hn_regret_new(size_t cell_count, size_t node_count);
struct hn_regret *hn_regret_copy(const struct hn_regret *regret);

struct hn_guest_state {
	struct hn_guest *guest;
	struct hn_sample *sample;  /* latest, NULL before the first */
	struct hn_placement *home; /* where it has been decided to live, NULL while undecided */
	struct hn_looks looks;
	struct hn_regret *regret; /* NULL before the first look */
	bool moving;              /* an operation on it is under way */
	bool promised;            /* it was placed by that home: what it has yet to touch will come there */
};

struct hn_snapshot {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	struct hn_host *host;
	struct hn_calibration calibration;
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
