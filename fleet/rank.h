#pragma once
/*
 * rank - which hosts of the fleet suit a guest best: all are scanned for a bound (fleet/bound.h), and those
 * that it leaves are solved. Hosts that take its cells wholly come first, then those where cells are torn
 * over nodes, each by their cost: the answer is what it would be if all were solved. Where it is not certain
 * to be that, it is partial. (32767 of distance in all and more are alike to it, and 65535 vCPUs without a
 * CPU.) The same index gives the same answer, whatever the order in which it was filled.
 */
#include "fleet/estimate.h"
#include "model/placement.h"

#define HN_FLEET_RANK_MAX 100   /* hosts in an answer */
#define HN_FLEET_SOLVES_MAX 256 /* of a question: what fits by its sums may not fit still */

struct hn_fleet_choice {
	struct hn_fleet_place place;
	uint64_t order;
	bool torn; /* some cell over several nodes */
	struct hn_placement *placement;
};

struct hn_fleet_ranking {
	size_t count;
	struct hn_fleet_choice hosts[HN_FLEET_RANK_MAX]; /* best first */
	size_t scanned, possible, solved;
	size_t refused[HN_FLEET_REFUSAL_COUNT];
	bool partial; /* solving was given up while others might still have come before some of these, or
			 after */
};
void hn_fleet_ranking_done(struct hn_fleet_ranking *ranking);

/* The best hosts, most at most. The guest's thread is the caller's. -EOPNOTSUPP, -EINVAL, -ENOMEM; that it
 * fits nowhere is no error. */
int hn_fleet_rank(struct hn_fleet_index *index, struct hn_guest *guest, size_t most,
		  struct hn_fleet_ranking *ret, struct hn_error *err);
