#pragma once
/*
 * bound - what the solver would say at least that a guest costs on a host, in the same figures: at once for
 * all hosts, and closer for those that matter. So the few that are solved are certainly the best.
 */
#include "fleet/asked.h"

struct hn_fleet_bound {
	uint64_t least;    /* hn_fleet_number() */
	bool torn;         /* some cell finds no node that takes it wholly: behind all that are not */
	bool rough;        /* what its cells take from newcomers is not in it yet */
	bool close;        /* no closer is to be had */
	bool impossible;   /* the solver would refuse it */
	uint16_t multiple; /* of the CPUs, as the solver has it; 0: that is not known */
};

/* HN_FLEET_POSSIBLE with a bound, or why it cannot be. */
enum hn_fleet_refusal hn_fleet_bound(const struct hn_fleet_asked *asked, size_t host,
				     struct hn_fleet_bound *ret);

/*
 * Makes one that is not close closer: a rough one by what cells take at least, any other close, where that
 * takes no more than so many steps, of which it takes those it needed: the least cost there is, devices and
 * bandwidth aside, or that there is no way at all. A bound stays one, though a lower one than need be, where
 * the steps run out; where a guest of several cells has more vCPUs than any node seats or cells that are not
 * alike, and the solver's steps may not be enough to tell how many times over the CPUs are given away; and
 * where places are too many (fleet/torn.h).
 */
void hn_fleet_bound_refine(const struct hn_fleet_asked *asked, size_t host, uint64_t *steps,
			   struct hn_fleet_bound *bound);
