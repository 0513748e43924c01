#include "fleet/asked.h"

#include "fleet/scene.h"
#include "policy/capacity.h"

#define REMOTE_SHIFT 48
#define CPU_SHIFT 32
#define REMOTE_MAX 0x7fff
#define LOSS_MAX ((UINT64_C(1) << REMOTE_SHIFT) - 1)

uint64_t hn_fleet_number(uint64_t remote, uint64_t loss)
{
	return (remote < REMOTE_MAX ? remote : REMOTE_MAX) << REMOTE_SHIFT |
	       (loss < LOSS_MAX ? loss : LOSS_MAX);
}

uint64_t hn_fleet_cost_number(const struct hn_cost *cost)
{
	uint64_t cpu = cost->parts[HN_COST_CPU] < 0xffff ? cost->parts[HN_COST_CPU] : 0xffff;
	/* bandwidth comes before fragments, and no bound knows it */
	uint64_t fragment = cost->parts[HN_COST_BANDWIDTH] || cost->parts[HN_COST_FRAGMENT] > UINT32_MAX
				    ? UINT32_MAX
				    : cost->parts[HN_COST_FRAGMENT];

	return hn_fleet_number(cost->parts[HN_COST_REMOTE], cpu << CPU_SHIFT | fragment);
}

static bool is_like_the_one_before(const struct hn_fleet_asked *asked, size_t cell)
{
	const struct hn_fleet_demand *demand = asked->demand;

	return cell > 0 && demand->cells[cell].bytes == demand->cells[cell - 1].bytes &&
	       demand->cells[cell].vcpus == demand->cells[cell - 1].vcpus &&
	       asked->cells[cell].kind == asked->cells[cell - 1].kind &&
	       asked->cells[cell].nodes == asked->cells[cell - 1].nodes;
}

static void set_cell(struct hn_fleet_asked *asked, size_t i)
{
	const struct hn_fleet_group *group = asked->group;
	const struct hn_fleet_demand *demand = asked->demand;
	size_t kind = 0;

	while (kind < group->kinds && group->page_bytes[kind] != demand->cells[i].page_bytes)
		kind++;
	asked->cells[i].kind = kind;
	asked->cells[i].nodes = group->homes;
	for (size_t node = 0; demand->cells[i].restricted && node < group->nodes; node++)
		if (!hn_set_has(&demand->cells[i].allowed, group->topology->host->nodes[node].id))
			asked->cells[i].nodes &= ~(UINT64_C(1) << node);
	if (is_like_the_one_before(asked, i))
		asked->sorts[asked->sort_count - 1].count++;
	else
		asked->sorts[asked->sort_count++] = (__typeof__(asked->sorts[0])){i, 1};
	if (kind == group->kinds)
		asked->refusal = HN_FLEET_NO_PAGES;
	else if (asked->cells[i].nodes == 0 && demand->cells[i].restricted)
		asked->refusal = HN_FLEET_NO_NODES;
}

void hn_fleet_asked_init(struct hn_fleet_asked *asked, struct hn_fleet_group *group,
			 const struct hn_fleet_demand *demand)
{
	*asked = (struct hn_fleet_asked){.group = group,
					 .demand = demand,
					 .class = hn_seated_class(group->topology->host, demand->class),
					 .alike = demand->plain,
					 .least_vcpus = demand->cells[0].vcpus,
					 .nodes = group->homes,
					 .least_bytes = demand->cells[0].bytes};
	for (size_t i = 0; i < demand->cell_count && asked->refusal == HN_FLEET_POSSIBLE; i++) {
		set_cell(asked, i);
		asked->nodes &= asked->cells[i].nodes;
		if (demand->cells[i].vcpus > asked->most_vcpus)
			asked->most_vcpus = demand->cells[i].vcpus;
		if (demand->cells[i].vcpus < asked->least_vcpus)
			asked->least_vcpus = demand->cells[i].vcpus;
		if (demand->cells[i].bytes < asked->least_bytes)
			asked->least_bytes = demand->cells[i].bytes;
		asked->alike = asked->alike && demand->cells[i].vcpus == demand->cells[0].vcpus &&
			       demand->cells[i].bytes == demand->cells[0].bytes;
	}
}

struct hn_fleet_view hn_fleet_view_of(const struct hn_fleet_asked *asked, size_t host, size_t cell)
{
	const struct hn_fleet_group *group = asked->group;

	return (struct hn_fleet_view){.rooms = &group->rooms[asked->cells[cell].kind][host * group->nodes],
				      .seats = &group->seats[asked->class][host * group->nodes],
				      .least_multiple = 1,
				      .multiple = 1};
}

/* Cells of so many vCPUs each that find seats on nodes that all may be on. */
static size_t count_seated(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view,
			   unsigned multiple, unsigned vcpus)
{
	size_t cells = asked->demand->cell_count, seated = 0;

	for (size_t node = 0; node < asked->group->nodes && seated < cells; node++)
		if (asked->nodes >> node & 1)
			seated += (uint64_t)view->seats[node] * multiple / vcpus;
	return seated;
}

static int roomiest(const struct hn_fleet_asked *asked, size_t cell, const uint64_t *left)
{
	int best = -1;

	for (size_t node = 0; node < asked->group->nodes; node++)
		if ((asked->cells[cell].nodes >> node & 1) && (best < 0 || left[node] > left[best]))
			best = (int)node;
	return best;
}

/* As policy/solver.c does: the cells with most vCPUs first, each where most seats are left. */
static bool seats_greedily(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view,
			   unsigned multiple)
{
	const struct hn_fleet_demand *demand = asked->demand;
	uint64_t left[HN_TOPOLOGY_NODES_MAX], seated = 0;

	for (size_t node = 0; node < asked->group->nodes; node++)
		left[node] = (uint64_t)view->seats[node] * multiple;
	for (size_t i = 0; i < demand->cell_count; i++) {
		size_t next = SIZE_MAX;
		int node;

		for (size_t cell = 0; cell < demand->cell_count; cell++)
			if (!(seated >> cell & 1) &&
			    (next == SIZE_MAX || demand->cells[cell].vcpus > demand->cells[next].vcpus))
				next = cell;
		seated |= UINT64_C(1) << next;
		node = roomiest(asked, next, left);
		if (node < 0 || left[node] < demand->cells[next].vcpus)
			return false;
		left[node] -= demand->cells[next].vcpus;
	}
	return true;
}

static uint64_t sum_seats(const struct hn_fleet_view *view, uint64_t nodes)
{
	uint64_t seats = 0;

	for (size_t node = 0; nodes; node++, nodes >>= 1)
		seats += nodes & 1 ? view->seats[node] : 0;
	return seats;
}

/* Whether so many multiples that were tried are as many as a host is worth. */
static bool is_spent(const struct hn_fleet_asked *asked, unsigned tries)
{
	return tries * asked->demand->cell_count * asked->group->nodes >= HN_FLEET_STEPS;
}

/*
 * Whether the solver would certainly go on to the next multiple, this one not having seated all cells wholly:
 * none is wider than any node, or there is but one; so many of the smallest find no seats; nothing draws
 * them, and it has steps enough to see that.
 */
static bool is_certain(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view, size_t seated,
		       unsigned tries)
{
	const struct hn_fleet_demand *demand = asked->demand;

	if (demand->cell_count == 1)
		return true;
	return (demand->plain || asked->sort_count == 1) && !demand->drawn && seated > 0 &&
	       asked->least_vcpus > 0 &&
	       count_seated(asked, view, view->multiple, asked->least_vcpus) < demand->cell_count &&
	       !is_spent(asked, tries);
}

/* Whether all cells find seats under the view's multiple, each wholly on a node; or the only one split. */
static bool seats_all(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view, size_t seated)
{
	const struct hn_fleet_demand *demand = asked->demand;

	if (seated >= demand->cell_count)
		return true;
	if (demand->cell_count == 1)
		return sum_seats(view, asked->nodes) * view->multiple >= demand->vcpus;
	return asked->least_vcpus < asked->most_vcpus && seats_greedily(asked, view, view->multiple);
}

/* The least multiple under which each cell by itself finds seats, split if need be; 0: none is enough. */
static unsigned least_for_each(const struct hn_fleet_asked *asked, const struct hn_fleet_view *view)
{
	unsigned least = 1;

	for (size_t sort = 0; sort < asked->sort_count; sort++) {
		size_t cell = asked->sorts[sort].first;
		uint64_t seats = sum_seats(view, asked->cells[cell].nodes);
		unsigned vcpus = asked->demand->cells[cell].vcpus;

		if (vcpus > 0 && seats == 0)
			return 0;
		if (vcpus > least * seats)
			least = (unsigned)((vcpus + seats - 1) / seats);
	}
	return least;
}

void hn_fleet_seat(const struct hn_fleet_asked *asked, struct hn_fleet_view *view)
{
	unsigned vcpus = asked->demand->vcpus, least = least_for_each(asked, view), tries = 0;
	uint64_t seats = sum_seats(view, asked->group->homes);
	bool certain = true;

	view->least_multiple = view->multiple = 1;
	if (asked->class != HN_CLASS_SHARED || asked->most_vcpus == 0 || seats == 0 || least == 0)
		return;
	view->multiple = (unsigned)((vcpus + seats - 1) / seats);
	view->multiple = least > view->multiple ? least : view->multiple;
	for (; view->multiple < vcpus; view->multiple++) {
		size_t seated = count_seated(asked, view, view->multiple, asked->most_vcpus);

		if (seats_all(asked, view, seated))
			break;
		tries++;
		if (certain && !is_certain(asked, view, seated, tries)) {
			view->least_multiple = view->multiple;
			certain = false;
		}
		if (is_spent(asked, tries)) {
			view->multiple = vcpus;
			break;
		}
	}
	if (certain)
		view->least_multiple = view->multiple;
}
