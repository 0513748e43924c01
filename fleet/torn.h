#pragma once
/*
 * torn - what a guest costs on a host where some cell must be split over nodes: the best of the places that
 * the solver knows for its cells (policy/wide.h), each with each.
 */
#include "fleet/asked.h"

/* Whether the host takes each cell, for itself, and only some of them split; what that costs at the least, at
 * once: hn_fleet_number(). The view is the first cell's. False: a cell has no place at all. */
bool hn_fleet_torn_least(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
			 uint64_t *ret);

/*
 * The least cost, for the multiple that the solver takes. False: there is no way. *cost stays as it was where
 * the steps are not enough to know it, or where there are more places than are looked at (fleet/places.h).
 * *steps: how many are left.
 */
bool hn_fleet_torn(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
		   uint64_t *steps, uint64_t *cost);

/* Closes in on the multiple, as far as it depends on how cells are split. */
void hn_fleet_torn_seat(const struct hn_fleet_asked *asked, size_t host, struct hn_fleet_view *view);
