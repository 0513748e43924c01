#pragma once
/*
 * climb - good assignments found quickly, for the search to begin with. Pure. Private to policy/.
 */
#include "policy/search.h"

/* Offers an assignment, by cell; kept when the rules admit it and it is better than the best so far. */
bool hn_climb_offer(struct hn_search *search, const struct hn_candidate *const *chosen);

/* Puts cell after cell where it costs least at that moment, beginning with that candidate of the first.
 * Offers what comes of it. */
void hn_climb_dive(struct hn_search *search, size_t first_candidate);

/* Moves single cells and exchanges pairs of them as long as that makes the best one better. */
void hn_climb(struct hn_search *search);
