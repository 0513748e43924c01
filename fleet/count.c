#include "fleet/count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is the same for every host. */
struct shape {
	const struct hn_fleet_demand *demand;
	uint64_t cell_bytes; /* of the largest cell */
	unsigned cell_vcpus; /* of the cell with the most */
	double vcpus_per_cpu;
};

static void measure(const struct hn_fleet_demand *demand, double vcpus_per_cpu, struct shape *ret)
{
	*ret = (struct shape){.demand = demand, .vcpus_per_cpu = vcpus_per_cpu};
	for (size_t i = 0; i < demand->cell_count; i++) {
		if (demand->cells[i].bytes > ret->cell_bytes)
			ret->cell_bytes = demand->cells[i].bytes;
		if (demand->cells[i].vcpus > ret->cell_vcpus)
			ret->cell_vcpus = demand->cells[i].vcpus;
	}
}

/* vCPUs that the node has still to give in all; shared ones may have no limit. */
static unsigned vcpus_left(const struct shape *shape, unsigned seats, unsigned others)
{
	double most;

	if (shape->demand->class != HN_CLASS_SHARED)
		return seats;
	if (shape->vcpus_per_cpu <= 0)
		return seats ? UINT32_MAX : 0;
	most = seats * shape->vcpus_per_cpu - others;
	return most > 0 ? (unsigned)most : 0;
}

/* Guests of several cells: no more of one guest's on a node than the node has seats for it. */
static uint64_t group_cells(const uint64_t *slots, const unsigned *per_guest, size_t nodes, size_t cells)
{
	uint64_t sum = 0, guests;

	for (size_t i = 0; i < nodes; i++)
		sum += slots[i];
	guests = sum / cells;
	for (uint64_t before = guests + 1; guests > 0 && guests < before;) {
		before = guests;
		sum = 0;
		for (size_t i = 0; i < nodes; i++) {
			uint64_t most = guests * per_guest[i];

			sum += slots[i] < most ? slots[i] : most;
		}
		guests = sum / cells;
	}
	return guests;
}

static void count_host(const struct hn_fleet_group *group, size_t host, const struct shape *shape,
		       uint64_t *ret_count, uint64_t *ret_most)
{
	const struct hn_fleet_demand *demand = shape->demand;
	const uint64_t *rooms = hn_fleet_group_rooms(group, host, demand->page_bytes);
	const uint16_t *seats = &group->seats[demand->class][host * group->nodes];
	const uint16_t *others = &group->others[host * group->nodes];
	uint64_t slots[HN_TOPOLOGY_NODES_MAX], bytes = 0, vcpus = 0, single = 0;
	unsigned per_guest[HN_TOPOLOGY_NODES_MAX];

	*ret_count = *ret_most = 0;
	for (size_t i = 0; rooms && i < group->nodes; i++) {
		unsigned left = group->homes >> i & 1 ? vcpus_left(shape, seats[i], others[i]) : 0;

		slots[i] = per_guest[i] = 0;
		if (left == 0)
			continue;
		bytes += rooms[i];
		vcpus += left;
		if (rooms[i] < shape->cell_bytes || left < shape->cell_vcpus || seats[i] < shape->cell_vcpus)
			continue;
		slots[i] = shape->cell_bytes ? rooms[i] / shape->cell_bytes : UINT32_MAX;
		if (left != UINT32_MAX && shape->cell_vcpus && slots[i] > left / shape->cell_vcpus)
			slots[i] = left / shape->cell_vcpus;
		per_guest[i] = shape->cell_vcpus ? seats[i] / shape->cell_vcpus : UINT16_MAX;
		single += slots[i];
	}
	if (!rooms)
		return;
	*ret_count = demand->cell_count == 1
			     ? single
			     : group_cells(slots, per_guest, group->nodes, demand->cell_count);
	/* cells that are not alike pack closer, and where no node takes one it may be split */
	*ret_most = demand->bytes ? bytes / demand->bytes : UINT32_MAX;
	if (demand->vcpus && vcpus / demand->vcpus < *ret_most)
		*ret_most = vcpus / demand->vcpus;
	if (*ret_most < *ret_count)
		*ret_most = *ret_count;
}

static bool comes_before(const struct hn_fleet_share *a, const struct hn_fleet_share *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	if (a->order != b->order)
		return a->order < b->order;
	return strcmp(a->place.group->records[a->place.host]->host,
		      b->place.group->records[b->place.host]->host) < 0;
}

static void keep(struct hn_fleet_total *total, size_t most, const struct hn_fleet_share *share)
{
	size_t at = total->share_count;

	if (at == most && (most == 0 || !comes_before(share, &total->shares[at - 1])))
		return;
	if (at < most)
		total->share_count++;
	else
		at--;
	for (; at > 0 && comes_before(share, &total->shares[at - 1]); at--)
		total->shares[at] = total->shares[at - 1];
	total->shares[at] = *share;
}

int hn_fleet_count(const struct hn_fleet_index *index, const struct hn_guest *guest, double vcpus_per_cpu,
		   size_t most, struct hn_fleet_total *ret, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_fleet_demand *demand = malloc(sizeof(*demand));
	struct shape shape;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!demand)
		return hn_oom(err);
	if (most > HN_FLEET_COUNT_HOSTS_MAX)
		return hn_fail(err, -EINVAL, "limit: %zu is more than %d", most, HN_FLEET_COUNT_HOSTS_MAX);
	if ((r = hn_fleet_demand_init(demand, guest, err)) < 0)
		return r;
	measure(demand, vcpus_per_cpu, &shape);
	for (size_t i = 0; i < hn_fleet_index_groups(index); i++) {
		struct hn_fleet_group *group = hn_fleet_index_group(index, i);

		ret->scanned += group->count;
		for (size_t host = 0; host < group->count; host++) {
			struct hn_fleet_share share = {.place = {group, host}, .order = group->order[host]};

			count_host(group, host, &shape, &share.count, &share.at_most);
			ret->count += share.count;
			ret->at_most += share.at_most;
			ret->hosts += share.count > 0;
			if (share.count > 0)
				keep(ret, most, &share);
		}
	}
	return 0;
}
