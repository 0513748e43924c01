#pragma once
/*
 * drain - what has to be done so that nothing of the guests is left on nodes that are being drained.
 * Pure: no I/O, clock, logging or globals.
 *
 * Nodes that drain are marked in the snapshot's host (hn_node.draining): the solver gives nobody a new home
 * there, and only memory that cannot move keeps its own. Modes make no difference, but for off: who drains a
 * node has asked for it. A guest that has a possible home elsewhere already is brought there; the others are
 * solved for together, so that each finds its room.
 */
#include "model/plan.h"
#include "model/snapshot.h"
#include "policy/decide.h"

/* What of a guest is on some nodes, by its last look. */
struct hn_lingering {
	uint64_t bytes;       /* of its memory */
	uint64_t fixed_bytes; /* of these, what cannot be moved */
	unsigned threads;     /* that may run there */
};

/* Whether anything is there; before it has been looked at, whether it belongs there or nobody knows. nodes:
 * ids. */
bool hn_drain_lingers(const struct hn_host *host, const struct hn_guest_state *state,
		      const struct hn_set *nodes, struct hn_lingering *ret);

struct hn_leaving {
	size_t guest; /* index in the snapshot */
	struct hn_lingering lingering;
	/* Verdict act: brings all away that can be, notes say what stays; any other: why nothing is done. */
	struct hn_plan *plan;
};

struct hn_drain {
	size_t count;
	struct hn_leaving *guests; /* who lingers, in the snapshot's order */
};
void hn_drain_done(struct hn_drain *drain);

/* Plans for all guests that linger on these nodes, which are marked. Whoever finds no room elsewhere is
 * blocked; the others go. -EINVAL for an unknown policy, -ENOMEM. */
int hn_drain_plan(const struct hn_snapshot *snapshot, const struct hn_set *nodes,
		  const struct hn_decide_options *options, struct hn_drain *ret, struct hn_error *err);

/* The same for one of them; *ret is NULL when it does not linger. */
int hn_drain_plan_guest(const struct hn_snapshot *snapshot, size_t guest, const struct hn_set *nodes,
			const struct hn_decide_options *options, struct hn_plan **ret, struct hn_error *err);
