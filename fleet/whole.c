#include "fleet/whole.h"

#include <string.h>

/* What a node would take of cells as small as the smallest, and at what loss. */
struct stack {
	size_t most;
	uint64_t losses[HN_DEMAND_CELLS_MAX + 1]; /* by cells */
	uint64_t loss;                            /* of so many, where a cell loses least */
	size_t of;
};

static bool stack_takes(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
			size_t node, size_t cells)
{
	const struct hn_fleet_group *group = asked->group;
	uint64_t room = asked->demand->plain ? view->rooms[node] : group->frees[host * group->nodes + node];

	return room >= cells * asked->least_bytes && view->seats[node] > 0 &&
	       (uint64_t)view->seats[node] * view->multiple >= cells * asked->least_vcpus;
}

static void fill_stack(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
		       size_t node, struct stack *ret)
{
	ret->most = ret->of = 0;
	ret->losses[0] = 0;
	while ((asked->group->homes >> node & 1) && ret->most < asked->demand->cell_count &&
	       stack_takes(asked, host, view, node, ret->most + 1)) {
		size_t cells = ++ret->most;
		uint64_t loss = hn_fleet_loss(asked, host, node, (unsigned)cells * asked->least_vcpus,
					      cells * asked->least_bytes);

		ret->losses[cells] = loss;
		if (cells == 1 || loss * ret->of < ret->loss * cells) {
			ret->loss = loss;
			ret->of = cells;
		}
	}
}

/* Whether a cell loses less on a than on b. */
static bool is_cheaper(const struct stack *a, const struct stack *b)
{
	return a->loss * b->of < b->loss * a->of;
}

uint64_t hn_fleet_whole_loss(const struct hn_fleet_asked *asked, size_t host,
			     const struct hn_fleet_view *view)
{
	struct stack stacks[HN_TOPOLOGY_NODES_MAX];
	uint8_t order[HN_TOPOLOGY_NODES_MAX];
	size_t count = 0, left = asked->demand->cell_count;
	uint64_t lost = 0;

	for (size_t node = 0; node < asked->group->nodes; node++) {
		size_t at = count;

		fill_stack(asked, host, view, node, &stacks[count]);
		if (stacks[count].most == 0)
			continue;
		for (; at > 0 && is_cheaper(&stacks[count], &stacks[order[at - 1]]); at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)count++;
	}
	for (size_t i = 0; i < count && left > 0; i++) {
		const struct stack *stack = &stacks[order[i]];
		size_t cells = stack->most < left ? stack->most : left;

		lost += stack->loss * cells / stack->of;
		left -= cells;
	}
	return lost;
}

/* All ways to deal the cells out to nodes, but for those that certainly cost more than the best so far. */
struct deal {
	const struct hn_fleet_asked *asked;
	size_t host;
	unsigned multiple;
	uint64_t steps, best;
	struct stack stacks[HN_TOPOLOGY_NODES_MAX];
	size_t dealt[HN_TOPOLOGY_NODES_MAX]; /* by node: cells */
	size_t behind[HN_TOPOLOGY_NODES_MAX +
		      1]; /* by node: cells that it and those behind it take at most */
	uint64_t loss[HN_TOPOLOGY_NODES_MAX + 1]; /* of a cell there, at the least */
	uint64_t
		apart[HN_DEMAND_CELLS_MAX + 1]; /* by cells: pairs of them on different nodes, at the least */
	size_t left[HN_DEMAND_CELLS_MAX];       /* by sort */
};

/* What has been dealt out. */
struct state {
	size_t left;
	uint64_t remote, lost;
};

/* What a node gets. */
struct load {
	size_t node, cells;
	unsigned vcpus;
	uint64_t bytes, kind_bytes[HN_PAGE_KINDS];
	uint64_t reach; /* to all cells on the nodes before */
};

static void init(struct deal *deal, const struct hn_fleet_asked *asked, size_t host,
		 const struct hn_fleet_view *view)
{
	size_t nodes = asked->group->nodes, most = 1;

	deal->asked = asked;
	deal->host = host;
	deal->multiple = view->multiple;
	deal->best = UINT64_MAX;
	deal->behind[nodes] = 0;
	deal->loss[nodes] = UINT64_MAX;
	for (size_t node = nodes; node-- > 0;) {
		struct stack *stack = &deal->stacks[node];
		uint64_t least = deal->loss[node + 1];

		fill_stack(asked, host, view, node, stack);
		deal->behind[node] = deal->behind[node + 1] + stack->most;
		deal->loss[node] =
			stack->most && stack->loss / stack->of < least ? stack->loss / stack->of : least;
		most = stack->most > most ? stack->most : most;
	}
	for (size_t cells = 0; cells <= asked->demand->cell_count; cells++) {
		size_t full = cells / most, rest = cells % most;

		deal->apart[cells] = (cells * cells - full * most * most - rest * rest) / 2;
	}
	for (size_t sort = 0; sort < asked->sort_count; sort++)
		deal->left[sort] = asked->sorts[sort].count;
}

static void deal_out(struct deal *deal, size_t node, const struct state *state);

static uint64_t loss_of(const struct deal *deal, const struct load *load)
{
	if (load->cells == 0 || deal->asked->alike)
		return deal->stacks[load->node].losses[load->cells];
	return hn_fleet_loss(deal->asked, deal->host, load->node, load->vcpus, load->bytes);
}

/* The node has what it gets: on to the next, if that may be better than the best. */
static void go_on(struct deal *deal, const struct load *load, const struct state *before)
{
	size_t rest = before->left - load->cells, placed = deal->asked->demand->cell_count - rest;
	struct state state = {.left = rest, .remote = before->remote + load->cells * load->reach};
	/* none of the rest is nearer to any that is placed than the nearest of nodes */
	uint64_t apart = rest * placed + deal->apart[rest], remote, lost;

	deal->steps--;
	if (deal->behind[load->node + 1] < rest)
		return;
	remote = state.remote + (apart ? apart * deal->asked->group->nearest : 0);
	lost = before->lost + (rest ? rest * deal->loss[load->node + 1] : 0);
	if (hn_fleet_number(remote, lost) >= deal->best)
		return;
	state.lost = before->lost + loss_of(deal, load);
	if (hn_fleet_number(remote, state.lost + (lost - before->lost)) >= deal->best)
		return;
	deal->dealt[load->node] = load->cells;
	deal_out(deal, load->node + 1, &state);
}

/* So many cells of that sort, and of those after it, for the node. */
static void choose(struct deal *deal, size_t sort, const struct load *load, const struct state *state)
{
	const struct hn_fleet_asked *asked = deal->asked;
	struct load more = *load;
	struct hn_fleet_view view;
	size_t cell, kind;

	if (sort == asked->sort_count) {
		go_on(deal, load, state);
		return;
	}
	cell = asked->sorts[sort].first;
	kind = asked->cells[cell].kind;
	view = hn_fleet_view_of(asked, deal->host, cell);
	view.multiple = deal->multiple;
	while ((asked->cells[cell].nodes >> load->node & 1) && more.cells - load->cells < deal->left[sort] &&
	       hn_fleet_takes(&view, load->node, more.vcpus + asked->demand->cells[cell].vcpus,
			      more.kind_bytes[kind] + asked->demand->cells[cell].bytes)) {
		more.cells++;
		more.vcpus += asked->demand->cells[cell].vcpus;
		more.bytes += asked->demand->cells[cell].bytes;
		more.kind_bytes[kind] += asked->demand->cells[cell].bytes;
	}
	while (deal->steps > 0) {
		size_t cells = more.cells - load->cells;

		deal->left[sort] -= cells;
		choose(deal, sort + 1, &more, state);
		deal->left[sort] += cells;
		if (cells == 0)
			return;
		more.cells--;
		more.vcpus -= asked->demand->cells[cell].vcpus;
		more.bytes -= asked->demand->cells[cell].bytes;
		more.kind_bytes[kind] -= asked->demand->cells[cell].bytes;
	}
}

static void deal_out(struct deal *deal, size_t node, const struct state *state)
{
	const struct hn_fleet_group *group = deal->asked->group;
	struct load load = {.node = node};

	if (state->left == 0) {
		deal->best = hn_fleet_number(state->remote, state->lost);
		return;
	}
	if (node == group->nodes)
		return;
	for (size_t i = 0; i < node; i++)
		load.reach += deal->dealt[i] * group->distances[i * group->nodes + node];
	choose(deal, 0, &load, state);
}

bool hn_fleet_whole(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_view *view,
		    uint64_t *steps, uint64_t *cost)
{
	uint64_t most = *steps < HN_WHOLE_STEPS_MAX ? *steps : HN_WHOLE_STEPS_MAX;
	struct state nothing = {.left = asked->demand->cell_count};
	struct deal deal;

	init(&deal, asked, host, view);
	deal.steps = most;
	if (deal.steps > 0)
		deal_out(&deal, 0, &nothing);
	*steps -= most - deal.steps;
	if (deal.steps > 0 && deal.best != UINT64_MAX)
		*cost = deal.best;
	return deal.steps == 0 || deal.best != UINT64_MAX;
}
