#pragma once
/*
 * spread - the policies that fill nodes by a rule and not by what is best: interleave, round-robin and
 * prefer. What a node may be given at all is the solver's to say. Pure. See policy/policies.h.
 */
#include "policy/policies.h"

/* Memory is divided among nodes in stripes of this, or of the cell's own page size where that is larger. */
#define HN_INTERLEAVE_STRIDE (UINT64_C(2) << 20)

/*
 * Every cell over all nodes it may have that have pages of its size, by their bandwidth where that of all of
 * them is known, else evenly, in whole strides; what cannot move is at home where its parts are. -ENOSPC when
 * a node has not the room for what is to come there.
 */
int hn_interleave_find(const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_solver_limits *limits, struct hn_placement **ret,
		       struct hn_error *err);

/* The home it has, while possible; else cell after cell on node after node, from one that its name picks,
 * leaving out those without room. -ENOSPC. */
int hn_round_robin_find(const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits, struct hn_placement **ret,
			struct hn_error *err);

/* The home it has, while possible; else every cell on the first node that the guest is allowed, and what
 * finds no room there on the nearest to it that has some. -ENOSPC. */
int hn_prefer_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err);
