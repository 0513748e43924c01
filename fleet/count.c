#include "fleet/count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/asked.h"

/* What is the same for every host of a topology. */
struct shape {
	const struct hn_fleet_demand *demand;
	struct hn_fleet_asked asked;
	uint64_t cell_bytes; /* of the largest cell */
	double vcpus_per_cpu;
};

/* Cells that differ in their nodes or pages compete in more than one way, which this arithmetic does not
 * know. */
static int check_alike(const struct hn_fleet_demand *demand, struct hn_error *err)
{
	for (size_t i = 1; i < demand->cell_count; i++) {
		if (demand->cells[i].page_bytes != demand->page_bytes)
			return hn_fail(err, -EINVAL,
				       "only guests whose cells want pages of one size are counted");
		if (demand->cells[i].restricted != demand->cells[0].restricted ||
		    !hn_set_equal(&demand->cells[i].allowed, &demand->cells[0].allowed))
			return hn_fail(err, -EINVAL,
				       "only guests whose cells are allowed the same nodes are counted");
	}
	return 0;
}

static void measure(const struct hn_fleet_demand *demand, double vcpus_per_cpu, struct shape *ret)
{
	*ret = (struct shape){.demand = demand, .vcpus_per_cpu = vcpus_per_cpu};
	for (size_t i = 0; i < demand->cell_count; i++)
		if (demand->cells[i].bytes > ret->cell_bytes)
			ret->cell_bytes = demand->cells[i].bytes;
}

/* vCPUs that the node has still to give in all; shared ones may have no limit. */
static unsigned vcpus_left(const struct shape *shape, unsigned seats, unsigned others)
{
	double most;

	if (shape->asked.class != HN_CLASS_SHARED)
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

/* Cells that the node takes, in all and of one guest. */
static uint64_t slots_of(const struct shape *shape, uint64_t room, unsigned seats, unsigned left,
			 unsigned *ret_per_guest)
{
	unsigned vcpus = shape->asked.most_vcpus;
	uint64_t slots = shape->cell_bytes ? room / shape->cell_bytes : UINT32_MAX;

	*ret_per_guest = 0;
	if (room < shape->cell_bytes || left < vcpus || seats < vcpus)
		return 0;
	if (left != UINT32_MAX && vcpus && slots > left / vcpus)
		slots = left / vcpus;
	*ret_per_guest = vcpus ? seats / vcpus : UINT16_MAX;
	return slots;
}

static void count_host(const struct shape *shape, size_t host, uint64_t *ret_count, uint64_t *ret_most)
{
	const struct hn_fleet_demand *demand = shape->demand;
	const struct hn_fleet_group *group = shape->asked.group;
	struct hn_fleet_view view = hn_fleet_view_of(&shape->asked, host, 0);
	const uint16_t *others = &group->others[host * group->nodes];
	uint64_t slots[HN_TOPOLOGY_NODES_MAX] = {0}, bytes = 0, vcpus = 0, single = 0;
	unsigned per_guest[HN_TOPOLOGY_NODES_MAX] = {0};

	for (size_t i = 0; i < group->nodes; i++) {
		unsigned left = shape->asked.nodes >> i & 1 ? vcpus_left(shape, view.seats[i], others[i]) : 0;

		if (left == 0)
			continue;
		bytes += view.rooms[i];
		vcpus += left;
		slots[i] = slots_of(shape, view.rooms[i], view.seats[i], left, &per_guest[i]);
		single += slots[i];
	}
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

static void count_group(struct hn_fleet_group *group, struct shape *shape, size_t most,
			struct hn_fleet_total *ret)
{
	ret->scanned += group->count;
	hn_fleet_asked_init(&shape->asked, group, shape->demand);
	if (shape->asked.refusal != HN_FLEET_POSSIBLE)
		return;
	for (size_t host = 0; host < group->count; host++) {
		struct hn_fleet_share share = {.place = {group, host}, .order = group->order[host]};

		count_host(shape, host, &share.count, &share.at_most);
		ret->count += share.count;
		ret->at_most += share.at_most;
		ret->hosts += share.count > 0;
		if (share.count > 0)
			keep(ret, most, &share);
	}
}

int hn_fleet_count(const struct hn_fleet_index *index, const struct hn_guest *guest, double vcpus_per_cpu,
		   size_t most, struct hn_fleet_total *ret, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_fleet_demand *demand = malloc(sizeof(*demand));
	HN_AUTO(memory) struct shape *shape = malloc(sizeof(*shape));
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!demand || !shape)
		return hn_oom(err);
	if (most > HN_FLEET_COUNT_HOSTS_MAX)
		return hn_fail(err, -EINVAL, "limit: %zu is more than %d", most, HN_FLEET_COUNT_HOSTS_MAX);
	if ((r = hn_fleet_demand_init(demand, guest, err)) < 0 || (r = check_alike(demand, err)) < 0)
		return r;
	measure(demand, vcpus_per_cpu, shape);
	for (size_t i = 0; i < hn_fleet_index_groups(index); i++)
		count_group(hn_fleet_index_group(index, i), shape, most, ret);
	return 0;
}
