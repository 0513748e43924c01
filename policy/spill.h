#pragma once
/*
 * spill - a place for cells that fit one by one but not together: what finds no node whole is split over what
 * the others leave. Pure. Private to policy/.
 */
#include "policy/search.h"

/* Looks for an assignment that splits one cell or more, each cell in turn coming last; found is set when
 * there is one. -ENOMEM or 0. */
int hn_spill(struct hn_search *search);
