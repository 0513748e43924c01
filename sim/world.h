#pragma once
/*
 * world - a modelled host with guests on it: where each page lies and each vCPU runs is known, memory is
 * conserved, pages move at a given speed. Guests are placed and looked after by a policy, as homenoded does
 * it. Pure: no I/O, clock, logging or globals. Same calls, same world.
 *
 * A world is a snapshot whose samples are exhaustive and always right. Guests are told by their numbers in
 * the trace. Memory is there at once when a guest arrives, in pages of 4 KiB, and its vCPUs are bound to the
 * nodes of its home.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/snapshot.h"
#include "policy/decide.h"
#include "sim/trace.h"

struct hn_world_options {
	const char *policy; /* of all guests, "" the default; must outlive the world */
	struct hn_decide_options decide;
	uint64_t tick_ns;
	uint64_t look_ns;   /* between two looks at a guest, >= a tick; looks are spread over the ticks */
	uint64_t settle_ns; /* a guest is left alone for after an operation */
	uint64_t bytes_per_second; /* moved by one operation */
	unsigned at_once;          /* operations at a time */
	double stall_share;        /* of its time that a guest loses while it is moved */
	uint64_t node_bandwidth;   /* bytes a second of a node's memory, where the host does not know it */
	uint64_t undo_ns; /* a cell that goes back to where it came from within that has been undone */
};
/* hn_decide_defaults, the default policy, ticks of 10 s, looks every 10 s, settle 20 s, 2 GiB/s, one at a
 * time, HN_ASSUMED_STALL_SHARE (policy/price.h), 40 GiB/s (two channels of DDR5-4800 have 76.8 GB/s at most,
 * and half of that is what mixed reads and writes get), undone within an hour. */
struct hn_world_options hn_world_defaults(void);

struct hn_world_counts {
	uint64_t arrived, placed, refused, departed;
	uint64_t placed_before_refusal; /* until the first one that did not fit */
	uint64_t looks;                 /* decisions taken */
	uint64_t moves, moved_bytes; /* migrations of a cell to a node that brought pages, and their bytes */
	uint64_t undone, undone_bytes; /* of these, back to where the cell came from */
	uint64_t binds;                /* threads bound anew */
	uint64_t swaps;                /* exchanges of two guests begun */
	double busy_s;                 /* vCPU-seconds that guests were busy */
	double remote_s;               /* of these lost to remote memory, an estimate: policy/regret.h */
	double stalled_s, crowded_s;   /* and to being moved, and to others' being moved: sim/toll.h */
};

struct hn_world;
void hn_world_free(struct hn_world *world); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_world, struct hn_world *, hn_world_free);

/*
 * An empty host like that one: a copy is taken, and all its memory that is not reserved is free. -EINVAL for
 * an unknown policy, or a tick, look or speed of 0; -ENOMEM.
 */
int hn_world_new(const struct hn_host *host, const struct hn_world_options *options, struct hn_world **ret,
		 struct hn_error *err);

/* What an event does now; one of a guest that is not there (it was refused) does nothing. -ENOMEM, -EINVAL
 * for a request that no guest can be. A guest that does not fit is counted and is no error. */
int hn_world_apply(struct hn_world *world, const struct hn_event *event, struct hn_error *err);

/* One tick: migrations go on, guests whose turn it is are looked at. -ENOMEM. */
int hn_world_tick(struct hn_world *world, struct hn_error *err);

/* Borrowed, as it is now. */
const struct hn_snapshot *hn_world_snapshot(const struct hn_world *world);
const struct hn_world_counts *hn_world_counts(const struct hn_world *world);

/* Accesses that are local, over all guests' vCPUs weighted by how busy they are. False without guests. */
bool hn_world_locality(const struct hn_world *world, double *ret);
