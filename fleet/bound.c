#include "fleet/bound.h"

#include "fleet/torn.h"
#include "fleet/whole.h"

/* Not enough in all, whatever is split: of memory, if it is all alike. */
static enum hn_fleet_refusal check_sums(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view)
{
	uint64_t bytes = 0;
	unsigned seats = 0;

	for (size_t node = 0; node < asked->group->nodes; node++)
		if (asked->group->homes >> node & 1) {
			bytes += view->rooms[node];
			seats += view->seats[node];
		}
	/* shared ones may be more than there are CPUs, at a price */
	if (seats == 0 || (asked->class != HN_CLASS_SHARED && seats < asked->demand->vcpus))
		return HN_FLEET_NO_SEATS;
	return asked->demand->plain && bytes < asked->demand->bytes ? HN_FLEET_NO_MEMORY : HN_FLEET_POSSIBLE;
}

/* The least cost of all of it on one node; UINT64_MAX where none takes it. */
static uint64_t whole_on_one(const struct hn_fleet_asked *asked, size_t host,
			     const struct hn_fleet_view *view)
{
	const struct hn_fleet_demand *demand = asked->demand;
	uint64_t least = UINT64_MAX;

	for (size_t node = 0; node < asked->group->nodes; node++) {
		uint64_t cost;

		if (!(asked->group->homes >> node & 1) ||
		    !hn_fleet_takes(view, node, demand->vcpus, demand->bytes))
			continue;
		cost = hn_fleet_loss(asked, host, node, demand->vcpus, demand->bytes);
		least = cost < least ? cost : least;
	}
	return least;
}

/* How many of its smallest cells the node takes. */
static unsigned fill_node(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view, size_t node)
{
	unsigned cells = 0;

	while (cells < asked->demand->cell_count &&
	       hn_fleet_takes(view, node, (cells + 1) * asked->least_vcpus, (cells + 1) * asked->least_bytes))
		cells++;
	return cells;
}

/* Distances between cells of which no more than so many are on a node: the fewest pairs that are apart. */
static uint64_t least_remote(const struct hn_fleet_asked *asked, uint64_t most)
{
	uint64_t cells = asked->demand->cell_count, full = cells / most, rest = cells % most;

	return (cells * cells - full * most * most - rest * rest) / 2 * asked->group->nearest;
}

/* Of plain guests, all of it on one node where that is best: under the multiple that the view has so far. */
static bool bound_on_one(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
			 struct hn_fleet_bound *ret)
{
	uint64_t one = asked->demand->plain && (asked->demand->cell_count == 1 || asked->group->nearest > 0)
			       ? whole_on_one(asked, host, view)
			       : UINT64_MAX;

	if (one != UINT64_MAX)
		*ret = (struct hn_fleet_bound){
			.least = hn_fleet_number(0, one), .close = true, .multiple = 1};
	return one != UINT64_MAX;
}

/* Cells of one sort that nodes take at the most, on the node that takes most, and on all. */
static void count_fitting(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view,
			  unsigned *most, unsigned *sum)
{
	*most = *sum = 0;
	for (size_t node = 0; node < asked->group->nodes; node++) {
		unsigned here = asked->group->homes >> node & 1 ? fill_node(asked, view, node) : 0;

		*most = here > *most ? here : *most;
		*sum += here;
	}
}

/* The dearest of its cells, each on the cheapest node that takes it; UINT64_MAX: one finds none. */
static uint64_t dearest_cell(const struct hn_fleet_asked *asked, size_t host, unsigned multiple)
{
	const struct hn_fleet_demand *demand = asked->demand;
	uint64_t dearest = 0;

	for (size_t sort = 0; sort < asked->sort_count; sort++) {
		size_t i = asked->sorts[sort].first;
		struct hn_fleet_view view = hn_fleet_view_of(asked, host, i);
		uint64_t least = UINT64_MAX;

		view.multiple = multiple;
		for (size_t node = 0; node < asked->group->nodes; node++) {
			uint64_t cost;

			if (!(asked->cells[i].nodes >> node & 1) ||
			    !hn_fleet_takes(&view, node, demand->cells[i].vcpus, demand->cells[i].bytes))
				continue;
			cost = hn_fleet_loss(asked, host, node, demand->cells[i].vcpus,
					     demand->cells[i].bytes);
			least = cost < least ? cost : least;
		}
		dearest = least > dearest ? least : dearest;
	}
	return dearest;
}

static bool some_takes(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view, size_t cell)
{
	for (size_t node = 0; node < asked->group->nodes; node++)
		if ((asked->cells[cell].nodes >> node & 1) &&
		    hn_fleet_takes(view, node, asked->demand->cells[cell].vcpus,
				   asked->demand->cells[cell].bytes))
			return true;
	return false;
}

/* Whether each of a plain guest's cells finds a node that takes it wholly, be it the same. */
static bool all_are_taken(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view)
{
	for (size_t sort = 0; sort < asked->sort_count; sort++)
		if (!some_takes(asked, view, asked->sorts[sort].first))
			return false;
	return true;
}

static enum hn_fleet_refusal bound_torn(const struct hn_fleet_asked *asked, size_t host,
					const struct hn_fleet_view *view, struct hn_fleet_bound *ret)
{
	*ret = (struct hn_fleet_bound){.torn = true};
	return hn_fleet_torn_least(asked, host, view, &ret->least) ? HN_FLEET_POSSIBLE : HN_FLEET_REFUSED;
}

/* Of a plain guest, under the multiples that the view has. */
static enum hn_fleet_refusal bound_plain(const struct hn_fleet_asked *asked, size_t host,
					 const struct hn_fleet_view *view, struct hn_fleet_bound *ret)
{
	unsigned most, sum;

	if (view->multiple > 1 && bound_on_one(asked, host, view, ret))
		return HN_FLEET_POSSIBLE;
	if (!all_are_taken(asked, view))
		return bound_torn(asked, host, view, ret);
	count_fitting(asked, view, &most, &sum);
	if (sum < asked->demand->cell_count) {
		/* one by one each finds a node, and together not: the solver splits none of them then */
		*ret = (struct hn_fleet_bound){.torn = true};
		return hn_fleet_is_seated(view) ? HN_FLEET_REFUSED : HN_FLEET_POSSIBLE;
	}
	*ret = (struct hn_fleet_bound){.least = hn_fleet_number(least_remote(asked, most), 0), .rough = true};
	return HN_FLEET_POSSIBLE;
}

static enum hn_fleet_refusal bound_seated(const struct hn_fleet_asked *asked, size_t host,
					  const struct hn_fleet_view *view, struct hn_fleet_bound *ret)
{
	uint64_t dearest;

	if (asked->demand->plain)
		return bound_plain(asked, host, view, ret);
	dearest = dearest_cell(asked, host, view->multiple);
	if (dearest == UINT64_MAX)
		return bound_torn(asked, host, view, ret);
	*ret = (struct hn_fleet_bound){.least = hn_fleet_number(0, dearest)};
	return HN_FLEET_POSSIBLE;
}

/* Finds the multiple, if the solver's own is to be found. */
static struct hn_fleet_view seat(const struct hn_fleet_asked *asked, size_t host)
{
	struct hn_fleet_view view = hn_fleet_view_of(asked, host, 0);

	hn_fleet_seat(asked, &view);
	if (!hn_fleet_is_seated(&view))
		hn_fleet_torn_seat(asked, host, &view);
	return view;
}

enum hn_fleet_refusal hn_fleet_bound(const struct hn_fleet_asked *asked, size_t host,
				     struct hn_fleet_bound *ret)
{
	struct hn_fleet_view view;
	enum hn_fleet_refusal refusal;

	*ret = (struct hn_fleet_bound){0};
	if (asked->refusal != HN_FLEET_POSSIBLE)
		return asked->refusal;
	view = hn_fleet_view_of(asked, host, 0);
	refusal = check_sums(asked, &view);
	if (refusal != HN_FLEET_POSSIBLE || bound_on_one(asked, host, &view, ret))
		return refusal;
	view = seat(asked, host);
	refusal = bound_seated(asked, host, &view, ret);
	/* under a multiple that is but the most it may be, a bound, and no more to be had */
	if (!hn_fleet_is_seated(&view)) {
		ret->rough = false;
		ret->close = true;
	}
	ret->multiple =
		hn_fleet_is_seated(&view) && view.multiple <= UINT16_MAX ? (uint16_t)view.multiple : 0;
	return refusal;
}

/* Under the multiple that was found when it was bound. */
static struct hn_fleet_view seat_again(const struct hn_fleet_asked *asked, size_t host,
				       const struct hn_fleet_bound *bound)
{
	struct hn_fleet_view view;

	if (bound->multiple == 0)
		return seat(asked, host);
	view = hn_fleet_view_of(asked, host, 0);
	view.least_multiple = view.multiple = bound->multiple;
	return view;
}

void hn_fleet_bound_refine(const struct hn_fleet_asked *asked, size_t host, uint64_t *steps,
			   struct hn_fleet_bound *bound)
{
	struct hn_fleet_view view;

	if (bound->close)
		return;
	view = seat_again(asked, host, bound);
	if (bound->rough) {
		bound->least += hn_fleet_number(0, hn_fleet_whole_loss(asked, host, &view));
		bound->rough = false;
		return;
	}
	bound->impossible = bound->torn ? !hn_fleet_torn(asked, host, &view, steps, &bound->least)
					: !hn_fleet_whole(asked, host, &view, steps, &bound->least);
	bound->close = true;
}
