#pragma once
/*
 * span - the least distance that the cells which are left must have to each other, wherever they go. Pure.
 * Private to policy/.
 *
 * Seen from a node, the cells that are not on it are on the nearest nodes, as many on each as it could hold
 * were all of them empty: so a cell there is that far from the others at least. The cells are where that is
 * least, and every distance is seen from both its ends.
 */
#include "policy/search.h"

/* Fills hn_rest.remote of a uniform search, whose crowds are known. -ENOMEM or 0. */
int hn_span_prepare(struct hn_search *search);
