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

/*
 * Whether what is assigned, with the least that the cells from that depth on must add, is no better than the
 * best; or one of them has no place left. The cheap bounds come first.
 */
bool hn_bound_is_hopeless(const struct hn_search *search, size_t depth);

/* No assignment costs less than this. */
struct hn_cost hn_bound_of_all(struct hn_search *search);
