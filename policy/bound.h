#pragma once
/*
 * bound - the least that an assignment must still cost. Pure. Private to policy/.
 *
 * A cell alone costs what its nearest place costs, given where the others are. All that are left together
 * cannot all have the nearest place: a node takes so many of the smallest and no more. And rooms that are
 * taken from lose worth, least where the smallest go first.
 */
#include "policy/search.h"

/* Sums that the bounds need. -ENOMEM; to be given back whatever comes back. */
int hn_bound_prepare(struct hn_search *search);
void hn_bound_done(struct hn_search *search);

/* What the smallest of so many cells from that depth on take together, for every number of them from 0 on.
 * -ENOMEM or 0. */
int hn_bound_crowds(const struct hn_search *search, size_t depth, size_t count, struct hn_crowd *ret);

/* How many of such cells a node could still take: the smallest, whichever they are; at most that many. Of a
 * uniform search. */
size_t hn_bound_crowd_of(const struct hn_search *search, const struct hn_crowd *crowds, size_t most,
			 size_t node);

/*
 * Whether what is assigned, with the least that the cells from that depth on must add, is no better than the
 * best; or one of them has no place left. The cheap bounds come first.
 */
bool hn_bound_is_hopeless(struct hn_search *search, size_t depth);

/* Adds the least that the cells from that depth on must cost, but for fragments; false when one has no place
 * left. */
bool hn_bound_add_rest(struct hn_search *search, size_t depth, struct hn_cost *cost);

/* No assignment costs less than this. */
struct hn_cost hn_bound_of_all(struct hn_search *search);
