#pragma once
/*
 * beam - a search that goes down all levels at once and keeps the most promising few of each (beam search:
 * Lowerre, 1976). For hosts too large to be searched to the end. Pure. Private to policy/.
 */
#include "policy/search.h"

/* Of the children so many times the width are weighed by their bounds, which is what takes the time. */
#define HN_BEAM_WEIGHED 3

/* Keeps so many partial assignments of each depth, and the best whole one that comes of them. -ENOMEM or 0.
 */
int hn_beam(struct hn_search *search, size_t width);
