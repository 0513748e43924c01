#pragma once
/*
 * count - how many more guests of one shape the fleet takes, and where.
 *
 * Counted by arithmetic on every host, not solved: guests each of whose cells lies wholly on one node,
 * exactly so where their cells are alike and else as many as certainly fit; and a number that no packing
 * exceeds, with cells split over nodes, too. Nodes that the guest is allowed and the size of its pages count,
 * and have to be the same for all of its cells.
 */
#include "fleet/estimate.h"

#define HN_FLEET_COUNT_HOSTS_MAX 100

struct hn_fleet_share {
	struct hn_fleet_place place;
	uint64_t order;
	uint64_t count, at_most;
};

struct hn_fleet_total {
	uint64_t count, at_most; /* with whole cells; in any way */
	size_t scanned, hosts;   /* hosts: that take one at least */
	size_t share_count;
	struct hn_fleet_share shares[HN_FLEET_COUNT_HOSTS_MAX]; /* the hosts that take most */
};

/*
 * most: shares listed at most. vcpus_per_cpu: shared vCPUs that a CPU is given at most, those that are there
 * included; 0: as many as the solver would, which asks of one guest no more than one on a CPU. -EINVAL, also
 * of cells that differ in nodes or pages; -EOPNOTSUPP.
 */
int hn_fleet_count(const struct hn_fleet_index *index, const struct hn_guest *guest, double vcpus_per_cpu,
		   size_t most, struct hn_fleet_total *ret, struct hn_error *err);
