#pragma once
/*
 * whole - the best way to put a guest's cells on a host, each wholly on a node.
 */
#include "fleet/asked.h"

#define HN_WHOLE_STEPS_MAX 4096 /* for a host */

/*
 * False: there is no way under the view's multiple; the view is the first cell's. *cost: the least,
 * hn_fleet_number(); as it was where the steps are not enough to know it. *steps: how many are left.
 */
bool hn_fleet_whole(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
		    uint64_t *steps, uint64_t *cost);

/* What its cells lose at the least, each wholly on some node, without going through the ways; as
 * hn_fleet_loss(). */
uint64_t hn_fleet_whole_loss(const struct hn_fleet_asked *asked, size_t host,
			     const struct hn_fleet_view *view);
