#include "fleet/estimate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/names.h"

static const char *const refusal_names[HN_FLEET_REFUSAL_COUNT] = {"possible", "memory", "pages",
								  "cpus",     "nodes",  "solver"};

const char *hn_fleet_refusal_name(enum hn_fleet_refusal refusal)
{
	return hn_name_of(refusal_names, HN_COUNT(refusal_names), refusal);
}

/* Cells by memory, the largest first. */
static void sort_cells(const struct hn_guest *guest, size_t *order)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		size_t at = i;

		for (; at > 0 && guest->cells[order[at - 1]].memory_bytes < guest->cells[i].memory_bytes;
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

int hn_fleet_demand_init(struct hn_fleet_demand *demand, const struct hn_guest *guest, struct hn_error *err)
{
	size_t order[HN_DEMAND_CELLS_MAX];

	if (guest->cell_count == 0 || guest->cell_count > HN_DEMAND_CELLS_MAX)
		return hn_fail(err, -EOPNOTSUPP,
			       "the fleet is asked about guests of 1 to %d cells, and this one has %zu",
			       HN_DEMAND_CELLS_MAX, guest->cell_count);
	*demand = (struct hn_fleet_demand){.class = guest->class,
					   .drawn = guest->device_count > 0,
					   .cell_count = guest->cell_count,
					   .page_bytes = guest->cells[0].page_bytes,
					   .plain = true};
	sort_cells(guest, order);
	for (size_t i = 0; i < guest->cell_count; i++) {
		const struct hn_cell *cell = &guest->cells[order[i]];

		demand->cells[i].bytes = cell->memory_bytes;
		demand->cells[i].page_bytes = cell->page_bytes;
		demand->cells[i].vcpus = (unsigned)hn_set_count(&cell->vcpus);
		demand->cells[i].restricted =
			!hn_set_empty(&guest->allowed_nodes) || !hn_set_empty(&cell->allowed_nodes);
		demand->cells[i].allowed =
			hn_set_empty(&cell->allowed_nodes) ? guest->allowed_nodes : cell->allowed_nodes;
		if (!hn_set_empty(&guest->allowed_nodes))
			hn_set_and(&demand->cells[i].allowed, &guest->allowed_nodes);
		demand->bytes += cell->memory_bytes;
		demand->vcpus += demand->cells[i].vcpus;
		demand->plain = demand->plain && cell->page_bytes == demand->page_bytes &&
				!demand->cells[i].restricted;
	}
	return 0;
}

/* What a node has, and what the cells before have taken of it. */
struct rest {
	const struct hn_fleet_group *group;
	const uint16_t *seats;  /* of the guest's class */
	const uint16_t *shared; /* CPUs for shared vCPUs */
	const uint16_t *others;
	unsigned steps[HN_TOPOLOGY_NODES_MAX];      /* CPUs that a vCPU takes from these */
	unsigned used[HN_TOPOLOGY_NODES_MAX];       /* vCPUs of this guest */
	uint64_t used_bytes[HN_TOPOLOGY_NODES_MAX]; /* of its memory, whatever the pages */
};

static inline uint64_t worth(const struct hn_fleet_group *group, unsigned cpus, uint64_t bytes)
{
	float by_cpus = group->per_cpu * (float)cpus, by_bytes = group->per_byte * (float)bytes;
	float scarcer = by_cpus < by_bytes ? by_cpus : by_bytes;

	return (uint64_t)(scarcer * scarcer);
}

/* What taking so much of so much room costs, as policy/assignment.c has it: vCPUs without a CPU before the
 * loss of worth. room >= bytes. */
static inline uint64_t price(const struct rest *rest, size_t node, uint64_t room, unsigned used,
			     unsigned vcpus, uint64_t bytes)
{
	unsigned cpus = rest->shared[node], before = rest->others[node] + used * rest->steps[node];
	unsigned after = before + vcpus * rest->steps[node];
	unsigned excess = (after > cpus ? after - cpus : 0) - (before > cpus ? before - cpus : 0);
	uint64_t was = worth(rest->group, cpus > before ? cpus - before : 0, room);
	uint64_t is = worth(rest->group, cpus > after ? cpus - after : 0, room - bytes);

	return ((uint64_t)(excess < 0xffff ? excess : 0xffff) << 32) + (was > is ? was - is : 0);
}

/* The cost on the cheapest node that takes all of the guest; UINT64_MAX: none does. */
static uint64_t whole_on_one(const struct rest *rest, const uint64_t *rooms,
			     const struct hn_fleet_demand *demand)
{
	uint64_t least = UINT64_MAX;

	for (size_t node = 0; node < rest->group->nodes; node++) {
		uint64_t cost;

		if (!(rest->group->homes >> node & 1) || rooms[node] < demand->bytes ||
		    rest->seats[node] < demand->vcpus)
			continue;
		cost = price(rest, node, rooms[node], 0, demand->vcpus, demand->bytes);
		least = cost < least ? cost : least;
	}
	return least;
}

static bool node_takes(const struct rest *rest, size_t node, const uint64_t *rooms,
		       const struct hn_fleet_demand *demand, size_t cell)
{
	const struct hn_host *made = rest->group->topology->host;

	return (rest->group->homes >> node & 1) && rooms[node] >= rest->used_bytes[node] &&
	       rooms[node] - rest->used_bytes[node] >= demand->cells[cell].bytes &&
	       rest->seats[node] >= rest->used[node] + demand->cells[cell].vcpus &&
	       (!demand->cells[cell].restricted ||
		hn_set_has(&demand->cells[cell].allowed, made->nodes[node].id));
}

/* What the cell would cost on the node, distances aside; UINT64_MAX: it does not go there. */
static uint64_t price_cell(const struct rest *rest, size_t node, const uint64_t *rooms,
			   const struct hn_fleet_demand *demand, size_t cell)
{
	if (!node_takes(rest, node, rooms, demand, cell))
		return UINT64_MAX;
	return price(rest, node, rooms[node] - rest->used_bytes[node], rest->used[node],
		     demand->cells[cell].vcpus, demand->cells[cell].bytes);
}

static bool is_like_the_one_before(const struct hn_fleet_demand *demand, size_t cell)
{
	return cell > 0 && demand->plain && demand->cells[cell].bytes == demand->cells[cell - 1].bytes &&
	       demand->cells[cell].vcpus == demand->cells[cell - 1].vcpus;
}

/* The cheapest node for a cell by its prices and the distances to the cells before; -1 none. */
static int cheapest(const struct rest *rest, const uint64_t *prices, const uint32_t *far, uint64_t *ret)
{
	int best = -1;

	*ret = UINT64_MAX;
	for (size_t node = 0; node < rest->group->nodes; node++) {
		uint64_t cost = prices[node] + ((uint64_t)far[node] << 48);

		if (prices[node] != UINT64_MAX && cost < *ret) {
			*ret = cost;
			best = (int)node;
		}
	}
	return best;
}

/* Cell by cell, the largest first. A cell that no node takes counts as torn: behind all that are not. Given
 * up as soon as it costs more than bound. */
static uint64_t cell_by_cell(struct rest *rest, size_t host, const struct hn_fleet_demand *demand,
			     uint64_t bound)
{
	const struct hn_host *made = rest->group->topology->host;
	size_t nodes = rest->group->nodes;
	uint64_t prices[HN_TOPOLOGY_NODES_MAX], total = 0, far = 0, cost;
	uint32_t distances[HN_TOPOLOGY_NODES_MAX];
	int at = -1;

	memset(rest->used, 0, nodes * sizeof(rest->used[0]));
	memset(rest->used_bytes, 0, nodes * sizeof(rest->used_bytes[0]));
	memset(distances, 0, nodes * sizeof(distances[0]));
	for (size_t i = 0; i < demand->cell_count && (far << 48) + total <= bound; i++) {
		const uint64_t *rooms = hn_fleet_group_rooms(rest->group, host, demand->cells[i].page_bytes);

		if (!is_like_the_one_before(demand, i))
			for (size_t node = 0; node < nodes; node++)
				prices[node] = price_cell(rest, node, rooms, demand, i);
		else if (at >= 0)
			prices[at] = price_cell(rest, (size_t)at, rooms, demand, i);
		at = cheapest(rest, prices, distances, &cost);
		if (at < 0) {
			far += 255;
		} else {
			rest->used[at] += demand->cells[i].vcpus;
			rest->used_bytes[at] += demand->cells[i].bytes;
			for (size_t node = 0; node < nodes; node++)
				distances[node] +=
					hn_host_distance(made, node, (size_t)at) - HN_DISTANCE_LOCAL;
			far += cost >> 48;
			total += cost & (UINT64_MAX >> 16);
		}
		far = far < 0xffff ? far : 0xffff;
		total = total < UINT64_MAX >> 16 ? total : UINT64_MAX >> 16;
	}
	return (far << 48) + total;
}

/* Sums over the nodes that could be somebody's home. */
static enum hn_fleet_refusal check_sums(const struct hn_fleet_group *group, size_t host,
					const struct hn_fleet_demand *demand, const uint64_t *rooms)
{
	const uint16_t *seats = &group->seats[demand->class][host * group->nodes];
	uint64_t bytes = 0;
	unsigned sum = 0;

	for (size_t node = 0; node < group->nodes; node++)
		if (group->homes >> node & 1) {
			bytes += rooms[node];
			sum += seats[node];
		}
	/* shared ones may be more than there are CPUs, at a price */
	if (sum == 0 || (demand->class != HN_CLASS_SHARED && sum < demand->vcpus))
		return HN_FLEET_NO_SEATS;
	return bytes < demand->bytes ? HN_FLEET_NO_MEMORY : HN_FLEET_POSSIBLE;
}

enum hn_fleet_refusal hn_fleet_estimate(const struct hn_fleet_group *group, size_t host,
					const struct hn_fleet_demand *demand, uint64_t bound, uint64_t *ret)
{
	const uint64_t *rooms = hn_fleet_group_rooms(group, host, demand->page_bytes);
	struct rest rest;
	enum hn_fleet_refusal refusal;

	for (size_t i = 0; !demand->plain && i < demand->cell_count; i++) {
		struct hn_set ids = {0};

		if (!hn_fleet_group_rooms(group, host, demand->cells[i].page_bytes))
			return HN_FLEET_NO_PAGES;
		for (size_t node = 0; node < group->nodes; node++)
			hn_set_add(&ids, group->topology->host->nodes[node].id);
		hn_set_and(&ids, &demand->cells[i].allowed);
		if (demand->cells[i].restricted && hn_set_empty(&ids))
			return HN_FLEET_NO_NODES;
	}
	if (!rooms)
		return HN_FLEET_NO_PAGES;
	if (demand->plain && (refusal = check_sums(group, host, demand, rooms)) != HN_FLEET_POSSIBLE)
		return refusal;
	rest.group = group;
	rest.seats = &group->seats[demand->class][host * group->nodes];
	rest.shared = &group->seats[HN_CLASS_SHARED][host * group->nodes];
	rest.others = &group->others[host * group->nodes];
	for (size_t node = 0; node < group->nodes; node++)
		rest.steps[node] = demand->class == HN_CLASS_SHARED ? 1 : group->core_cpus[node];
	*ret = demand->plain ? whole_on_one(&rest, rooms, demand) : UINT64_MAX;
	if (*ret == UINT64_MAX)
		*ret = cell_by_cell(&rest, host, demand, bound);
	return HN_FLEET_POSSIBLE;
}
