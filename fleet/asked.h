#pragma once
/*
 * asked - a guest as the hosts of one topology see it: where its cells may be, whether a node takes them,
 * and what that costs, in the solver's own figures.
 */
#include "fleet/estimate.h"
#include "model/placement.h"

/* A guest as the hosts of one topology see it. */
struct hn_fleet_asked {
	struct hn_fleet_group *group;
	const struct hn_fleet_demand *demand;
	enum hn_class class;           /* as it is seated there */
	enum hn_fleet_refusal refusal; /* of all of these hosts */
	bool alike;                    /* its cells, in all that counts, and plain */
	unsigned least_vcpus;          /* of a cell */
	unsigned most_vcpus;           /* of a cell */
	uint64_t least_bytes;          /* of a cell */
	uint64_t nodes;                /* bits: where all cells may be */
	struct {
		size_t kind;          /* of pages */
		uint64_t nodes;       /* bits: where it may be */
	} cells[HN_DEMAND_CELLS_MAX]; /* as the demand has them */
	size_t sort_count;
	struct {
		size_t first, count; /* of its cells: one behind the other, and just alike */
	} sorts[HN_DEMAND_CELLS_MAX];
};

void hn_fleet_asked_init(struct hn_fleet_asked *asked, struct hn_fleet_group *group,
			 const struct hn_fleet_demand *demand);

/*
 * Costs as one number, less is better, in the order of enum hn_cost_part as far as 64 bits go: no host is
 * put before another by it but by right. loss: as hn_fleet_loss() has it, for all nodes together.
 */
uint64_t hn_fleet_number(uint64_t remote, uint64_t loss);
uint64_t hn_fleet_cost_number(const struct hn_cost *cost);

/* A host as a cell sees it. */
struct hn_fleet_view {
	const uint64_t *rooms;
	const uint16_t *seats;
	/* Of the CPUs that shared vCPUs may be, see policy/solver.c. The solver's is one from least_multiple
	 * to multiple. */
	unsigned least_multiple, multiple;
};

struct hn_fleet_view hn_fleet_view_of(const struct hn_fleet_asked *asked, size_t host, size_t cell);

/* Finds the multiple that the guest needs there, memory aside: the solver's own, but for cells that are not
 * alike, for several that are wider than any node (fleet/torn.h knows more), and for those that would be
 * tried under more multiples than a host is worth. */
void hn_fleet_seat(const struct hn_fleet_asked *asked, struct hn_fleet_view *view);
static inline bool hn_fleet_is_seated(const struct hn_fleet_view *view)
{
	return view->least_multiple == view->multiple;
}

static inline bool hn_fleet_takes(const struct hn_fleet_view *view, size_t node, unsigned vcpus,
				  uint64_t bytes)
{
	return view->rooms[node] >= bytes && view->seats[node] > 0 &&
	       (uint64_t)view->seats[node] * view->multiple >= vcpus;
}

static inline unsigned hn_fleet_less(unsigned a, unsigned b)
{
	return a > b ? a - b : 0;
}

/* What so much of the guest on a node costs, distances aside, as policy/assignment.c has it: vCPUs beyond
 * the CPUs, in the upper half, then the loss of worth. The more, the dearer. */
static inline uint64_t hn_fleet_loss(const struct hn_fleet_asked *asked, size_t host, size_t node,
				     unsigned vcpus, uint64_t bytes)
{
	const struct hn_fleet_group *group = asked->group;
	size_t at = host * group->nodes + node;
	unsigned seats = group->seats[HN_CLASS_SHARED][at], others = group->others[at];
	unsigned given = asked->class == HN_CLASS_DEDICATED
				 ? hn_fleet_less(seats, vcpus * group->core_cpus[node])
				 : seats;
	unsigned used = others + (asked->class == HN_CLASS_SHARED ? vcpus : 0);
	uint64_t excess = hn_fleet_less(used, given) - hn_fleet_less(others, seats);
	uint32_t worth =
		hn_fleet_group_worth(group, host, hn_fleet_less(given, used), group->frees[at] - bytes);

	return excess << 32 | (group->worths[at] - worth);
}
