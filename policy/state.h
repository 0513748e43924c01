#pragma once
/*
 * state - what of a partial assignment matters to the cells that are left. Pure. Private to policy/.
 *
 * Where the cells are that later ones are drawn to, by clique and not by cell; what has been taken of the
 * nodes that a later cell could still go to; and which nodes none can go to any more.
 */
#include "policy/search.h"

/* Whether the search has been in this state, of that depth and with the next cell on no node before that one,
 * at no more cost; notes it otherwise. */
bool hn_state_was_reached(struct hn_search *search, size_t depth, size_t first_node);
