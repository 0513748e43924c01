#include "fleet/torn.h"

#include "fleet/combine.h"
#include "fleet/scene.h"
#include "fleet/whole.h"

bool hn_fleet_torn(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
		   uint64_t *steps, uint64_t *cost)
{
	uint64_t most = *steps < HN_WHOLE_STEPS_MAX ? *steps : HN_WHOLE_STEPS_MAX;
	struct hn_fleet_combination found;
	struct hn_fleet_places places;

	switch (hn_fleet_places_find(&places, asked, host, view->multiple, false)) {
	case HN_FLEET_PLACES_NONE:
		return false;
	case HN_FLEET_PLACES_MANY:
		return true;
	case HN_FLEET_PLACES_ALL:
		break;
	}
	hn_fleet_combine(asked, host, &places, most, &found);
	*steps -= most - found.steps;
	if (found.steps > 0 && found.best != UINT64_MAX)
		*cost = found.best;
	return found.steps == 0 || found.best != UINT64_MAX;
}

/* Whether all vCPUs find seats under that multiple, some cells split: 1, 0, or -1: the solver may not know.
 */
static int seats_split(const struct hn_fleet_asked *asked, size_t host, unsigned multiple, uint64_t *steps)
{
	uint64_t dive = asked->demand->cell_count * asked->group->nodes;
	struct hn_fleet_combination found;
	struct hn_fleet_places places;
	enum hn_fleet_places_found all;

	if (hn_fleet_places_seat(asked, host, multiple))
		return 1;
	all = hn_fleet_places_find(&places, asked, host, multiple, true);
	if (all == HN_FLEET_PLACES_NONE && dive < *steps) {
		*steps -= dive;
		return 0;
	}
	if (all != HN_FLEET_PLACES_ALL)
		return -1;
	hn_fleet_combine(asked, host, &places, HN_WHOLE_STEPS_MAX, &found);
	if (found.best == 0)
		return 1;
	/* the solver's goes through no more, if the cells come in the same order there, and begins with some
	 * twice */
	dive += found.walked;
	if (asked->least_vcpus < asked->most_vcpus ||
	    places.spot_count != asked->sort_count * places.first[1] || found.steps == 0 || dive >= *steps)
		return -1;
	*steps -= dive;
	return 0;
}

void hn_fleet_torn_seat(const struct hn_fleet_asked *asked, size_t host, struct hn_fleet_view *view)
{
	uint64_t steps = HN_FLEET_STEPS;

	while (!hn_fleet_is_seated(view)) {
		int seated = seats_split(asked, host, view->least_multiple, &steps);

		if (seated < 0)
			return;
		if (seated > 0)
			view->multiple = view->least_multiple;
		else
			view->least_multiple++;
	}
}

/* How many of these it takes, the largest first, to reach the sum; SIZE_MAX: all are too few. */
static size_t count_largest(uint64_t *values, size_t count, uint64_t sum)
{
	for (size_t taken = 0; taken < count; taken++) {
		size_t largest = taken;
		uint64_t value;

		for (size_t i = taken + 1; i < count; i++)
			if (values[i] > values[largest])
				largest = i;
		value = values[largest];
		values[largest] = values[taken];
		if (value >= sum)
			return taken + 1;
		sum -= value;
	}
	return SIZE_MAX;
}

/* The fewest nodes for a cell; SIZE_MAX: all are too few. */
static size_t fewest_nodes(const struct hn_fleet_asked *asked, size_t cell, const struct hn_fleet_view *view)
{
	uint64_t rooms[HN_TOPOLOGY_NODES_MAX], seats[HN_TOPOLOGY_NODES_MAX];
	uint64_t bytes = asked->demand->cells[cell].bytes;
	unsigned vcpus = asked->demand->cells[cell].vcpus;
	struct hn_wide wide = {.bytes = bytes, .page_bytes = asked->demand->cells[cell].page_bytes};
	size_t count = 0, by_rooms, by_seats;

	for (size_t node = 0; node < asked->group->nodes; node++) {
		if (!(asked->cells[cell].nodes >> node & 1) || view->seats[node] == 0)
			continue;
		if (hn_fleet_takes(view, node, vcpus, bytes))
			return 1;
		rooms[count] = hn_wide_room(&wide, view->rooms[node]);
		seats[count] = (uint64_t)view->seats[node] * view->multiple;
		count += rooms[count] > 0;
	}
	by_rooms = count_largest(rooms, count, bytes);
	by_seats = vcpus > 0 ? count_largest(seats, count, vcpus) : 1;
	by_rooms = by_rooms > by_seats ? by_rooms : by_seats;
	return by_rooms > 2 ? by_rooms : 2;
}

bool hn_fleet_torn_least(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
			 uint64_t *ret)
{
	uint64_t cells = asked->demand->cell_count, remote = 0;
	size_t fewest = SIZE_MAX;

	for (size_t sort = 0; sort < asked->sort_count; sort++) {
		struct hn_fleet_view of = hn_fleet_view_of(asked, host, asked->sorts[sort].first);
		size_t nodes;

		of.multiple = view->multiple;
		nodes = fewest_nodes(asked, asked->sorts[sort].first, &of);
		/* the vCPUs of one that is realtime would wait for each other over nodes */
		if (nodes == SIZE_MAX || (nodes > 1 && asked->class == HN_CLASS_REALTIME))
			return false;
		fewest = nodes < fewest ? nodes : fewest;
		remote += asked->sorts[sort].count * nodes * (nodes - 1) / 2 * asked->group->nearest;
	}
	remote += cells * (cells - 1) / 2 * hn_fleet_places_pair(asked->group, fewest);
	*ret = hn_fleet_number(remote, 0);
	return true;
}
