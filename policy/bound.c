/*
 * bound - the least that an assignment must still cost, in three ways.
 */
#include "policy/bound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/span.h"

#define NODE_BITS 11
_Static_assert(HN_SET_MAX <= 1 << NODE_BITS, "a node fits into a key");

#define RANKED_AT_ONCE 4

/* Nodes that are looked at in order of distance; where the near ones are full, going through all is less
 * work. */
#define NEAR_LOOKS 8

static int by_number(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return left < right ? -1 : left > right;
}

static uint64_t least_taking(const struct hn_candidates *candidates)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->items[i].shares[0].taking < least)
			least = candidates->items[i].shares[0].taking;
	return least;
}

int hn_bound_crowds(const struct hn_search *search, size_t depth, size_t count, struct hn_crowd *ret)
{
	HN_AUTO(memory) uint64_t *bytes = calloc(2 * count + 1, sizeof(*bytes));
	uint64_t *vcpus;

	if (!bytes)
		return -ENOMEM;
	vcpus = bytes + count;
	for (size_t i = 0; i < count; i++) {
		bytes[i] = least_taking(&search->candidates[search->order[depth + i]]);
		vcpus[i] = search->problem->cells[search->order[depth + i]].vcpus;
	}
	qsort(bytes, count, sizeof(*bytes), by_number);
	qsort(vcpus, count, sizeof(*vcpus), by_number);
	for (size_t i = 0; i < count; i++) {
		ret[i + 1].bytes = ret[i].bytes + bytes[i];
		ret[i + 1].vcpus = ret[i].vcpus + (unsigned)vcpus[i];
	}
	return 0;
}

/* Cells that are alike but for their size, and drawn to each other and to nothing else. */
static bool are_uniform(const struct hn_search *search)
{
	const struct hn_problem *problem = search->problem;
	bool uniform = !search->wide && problem->clique_count == 1 && problem->page_kind_count == 1;

	for (size_t i = 0; i < problem->cell_count; i++) {
		uniform = uniform && problem->cells[i].class == problem->cells[0].class &&
			  problem->cells[i].tie < 0;
		for (size_t node = 0; node < problem->node_count; node++)
			uniform = uniform && problem->cells[i].pull[node] == 0;
	}
	return uniform;
}

/* What the smallest of the cells from each depth on take together, for every number of them. */
static int sum_up_crowds(struct hn_search *search)
{
	size_t cells = search->problem->cell_count;
	int r = 0;

	search->uniform = are_uniform(search);
	for (size_t depth = 0; depth < cells && search->uniform && r == 0; depth++)
		r = hn_bound_crowds(search, depth, cells - depth, &search->crowds[depth * (cells + 1)]);
	return r;
}

/* What the cells from each depth on want at the least, and all together. */
static void sum_up_rest(struct hn_search *search)
{
	const struct hn_problem *problem = search->problem;
	struct hn_rest *rest = &search->rest[problem->cell_count];
	double bytes = 0, cpus = 0;

	rest->least_vcpus = UINT32_MAX;
	for (size_t kind = 0; kind < HN_PAGE_KINDS_MAX; kind++)
		rest->least_taking[kind] = UINT64_MAX / 2;
	for (size_t depth = problem->cell_count; depth-- > 0;) {
		size_t cell = search->order[depth];
		const struct hn_problem_cell *model = &problem->cells[cell];
		const struct hn_candidates *candidates = &search->candidates[cell];

		rest = &search->rest[depth];
		*rest = search->rest[depth + 1];
		for (size_t i = 0; i < candidates->count; i++)
			for (size_t s = 0; s < candidates->items[i].share_count; s++) {
				const struct hn_share *share = &candidates->items[i].shares[s];

				if (share->taking < rest->least_taking[model->page_kind])
					rest->least_taking[model->page_kind] = share->taking;
				if (share->vcpus < rest->least_vcpus)
					rest->least_vcpus = share->vcpus;
			}
		if (model->class == HN_CLASS_SHARED) {
			rest->shared_vcpus += model->vcpus;
			if (model->vcpus > rest->most_shared_vcpus)
				rest->most_shared_vcpus = model->vcpus;
		}
		bytes += (double)model->bytes;
		cpus += model->class == HN_CLASS_REALTIME ? 0 : model->vcpus;
		if (problem->most_bytes)
			rest->byte_size = (uint64_t)(1024 * bytes / (double)problem->most_bytes);
		if (problem->most_cpus)
			rest->cpu_size = (uint64_t)(1024 * cpus / problem->most_cpus);
	}
	for (size_t node = 0; node < problem->node_count; node++) {
		const struct hn_problem_node *model = &problem->nodes[node];

		search->most_seats[node] = model->seats[HN_CLASS_SHARED] * search->rules.cpu_multiple +
					   model->seats[HN_CLASS_DEDICATED] + model->seats[HN_CLASS_REALTIME];
	}
}

int hn_bound_prepare(struct hn_search *search)
{
	size_t cells = search->problem->cell_count, nodes = search->problem->node_count;

	search->rest = calloc(cells + 1, sizeof(*search->rest));
	search->most_seats = calloc(nodes + 1, sizeof(*search->most_seats));
	search->sizes = calloc(nodes + 1, sizeof(*search->sizes));
	search->crowds = calloc((cells + 1) * (cells + 1), sizeof(*search->crowds));
	search->ranking.keys = calloc(nodes + RANKED_AT_ONCE, sizeof(*search->ranking.keys));
	if (!search->rest || !search->most_seats || !search->sizes || !search->crowds ||
	    !search->ranking.keys)
		return -ENOMEM;
	sum_up_rest(search);
	return sum_up_crowds(search) ? -ENOMEM : hn_span_prepare(search);
}

void hn_bound_done(struct hn_search *search)
{
	free(search->rest);
	free(search->most_seats);
	free(search->sizes);
	free(search->crowds);
	free(search->ranking.keys);
}

/* Adds the least that the cell must cost where the others are; false when it has no place left. */
static bool bound_cell(const struct hn_search *search, size_t cell, struct hn_cost *cost)
{
	const struct hn_problem_cell *model = &search->problem->cells[cell];
	const uint32_t *reach = &search->assignment->reach[model->clique * search->problem->node_count];
	const struct hn_candidates *candidates = &search->candidates[cell];
	uint64_t remote = UINT64_MAX, migrate = UINT64_MAX;

	for (size_t i = 0; i < candidates->count; i++) {
		const struct hn_candidate *candidate = &candidates->items[i];
		size_t node = candidate->shares[0].node;
		uint64_t here;

		if (candidate->share_count == 1) {
			here = reach[node] + model->pull[node];
		} else {
			here = hn_assignment_remote(search->assignment, cell, candidate);
		}
		if ((here >= remote && candidate->migrate_mib >= migrate) ||
		    !hn_assignment_admits(search->assignment, cell, candidate))
			continue;
		remote = here < remote ? here : remote;
		migrate = candidate->migrate_mib < migrate ? candidate->migrate_mib : migrate;
	}
	if (remote == UINT64_MAX)
		return false;
	cost->parts[HN_COST_REMOTE] += remote;
	cost->parts[HN_COST_MIGRATE] += migrate;
	return true;
}

size_t hn_bound_crowd_of(const struct hn_search *search, const struct hn_crowd *crowds, size_t most,
			 size_t node)
{
	const struct hn_problem_node *model = &search->problem->nodes[node];
	const struct hn_node_use *use = &search->assignment->nodes[node];
	enum hn_class class = search->problem->cells[0].class;
	unsigned seats = model->seats[class] * (class == HN_CLASS_SHARED ? search->rules.cpu_multiple : 1);
	size_t count = 0;

	if (!model->home)
		return 0;
	while (count < most && use->vcpus[class] + crowds[count + 1].vcpus <= seats &&
	       (search->rules.any_memory || use->taking[0] + crowds[count + 1].bytes <= model->room[0]))
		count++;
	return count;
}

/* The next few in one go. */
static void rank_more(struct hn_search *search)
{
	const uint32_t *reach = search->assignment->reach;
	struct hn_ranking *ranking = &search->ranking;
	uint64_t *keys = &ranking->keys[ranking->count];
	uint64_t from = ranking->count ? keys[-1] + 1 : 0;
	size_t count = 0;

	for (size_t i = 0; i < search->open_count; i++) {
		size_t node = search->open[i];
		uint64_t key = (uint64_t)reach[node] << NODE_BITS | node;
		size_t place = count;

		if (key < from || (count == RANKED_AT_ONCE && key > keys[count - 1]))
			continue;
		if (count < RANKED_AT_ONCE)
			count++;
		else
			place--;
		for (; place > 0 && keys[place - 1] > key; place--)
			keys[place] = keys[place - 1];
		keys[place] = key;
	}
	ranking->count += count;
}

/* The node that so many others are nearer than. */
static size_t nth_nearest(struct hn_search *search, size_t n, uint64_t *ret_reach)
{
	if (n >= search->ranking.count)
		rank_more(search);
	*ret_reach = search->ranking.keys[n] >> NODE_BITS;
	return search->ranking.keys[n] & ((1 << NODE_BITS) - 1);
}

/*
 * Adds the least that the cells from that depth on cost by their distance to the others: the nodes nearest to
 * these take as many as they can. False when not even all nodes can take that many.
 */
static bool bound_crowd(struct hn_search *search, size_t depth, uint64_t *remote)
{
	const struct hn_crowd *crowds = &search->crowds[depth * (search->problem->cell_count + 1)];
	size_t left = search->problem->cell_count - depth;

	for (size_t n = 0; n < search->open_count && left > 0; n++) {
		uint64_t reach;
		size_t node = nth_nearest(search, n, &reach),
		       crowd = hn_bound_crowd_of(search, crowds, left, node);

		*remote += crowd * reach;
		left -= crowd;
	}
	return left == 0;
}

/* The least distance of a cell that is drawn to its clique only; UINT64_MAX when that is not soon found. */
static uint64_t nearest_place(struct hn_search *search, size_t cell)
{
	for (size_t n = 0; n < search->open_count && n < NEAR_LOOKS; n++) {
		uint64_t reach;
		size_t node = nth_nearest(search, n, &reach);
		const struct hn_candidate *place = hn_search_single_at(search, cell, node);

		if (place && hn_assignment_admits(search->assignment, cell, place))
			return reach;
	}
	return UINT64_MAX;
}

/* Adds the least that the cell must cost where the others are, as bound_cell() does, for cells that are drawn
 * to their clique only. */
static bool bound_uniform_cell(struct hn_search *search, size_t cell, struct hn_cost *cost)
{
	const struct hn_candidates *candidates = &search->candidates[cell];
	uint64_t remote;
	size_t first = 0;

	while (first < candidates->count &&
	       !hn_assignment_admits(search->assignment, cell, &candidates->items[first]))
		first++;
	if (first == candidates->count)
		return false;
	remote = nearest_place(search, cell);
	if (remote == UINT64_MAX)
		return bound_cell(search, cell, cost);
	cost->parts[HN_COST_REMOTE] += remote;
	cost->parts[HN_COST_MIGRATE] += candidates->items[first].migrate_mib;
	return true;
}

/*
 * The least worth that is lost when so much is taken of the rooms: squares lose least where the smallest
 * rooms go first. What one resource has more than the other in a room is taken for nothing.
 */
static uint64_t pour(const struct hn_search *search, bool bytes, uint64_t taken)
{
	const struct hn_problem *problem = search->problem;
	unsigned *sizes = search->sizes;
	uint64_t lost = 0;
	size_t count = 0;

	for (size_t i = 0; i < search->open_count; i++) {
		size_t node = search->open[i];
		const struct hn_room_size *size = &search->assignment->nodes[node].size;
		unsigned has = bytes ? size->by_bytes : size->by_cpus;
		unsigned scarcer = size->by_cpus < size->by_bytes ? size->by_cpus : size->by_bytes;
		size_t place = count;

		if (!problem->nodes[node].home)
			continue;
		/* one more for what each room was rounded down by */
		taken -= taken < has - scarcer + 1 ? taken : has - scarcer + 1;
		for (; place > 0 && sizes[place - 1] > scarcer; place--)
			sizes[place] = sizes[place - 1];
		sizes[place] = scarcer;
		count++;
	}
	for (size_t i = 0; i < count && taken > 0; i++) {
		uint64_t size = sizes[i], less = taken < size ? taken : size;

		lost += size * size - (size - less) * (size - less);
		taken -= less;
	}
	return lost;
}

static uint64_t bound_fragments(const struct hn_search *search, const struct hn_rest *rest)
{
	uint64_t by_bytes = pour(search, true, rest->byte_size),
		 by_cpus = pour(search, false, rest->cpu_size);

	return by_bytes > by_cpus ? by_bytes : by_cpus;
}

/* Whether the parts that come before it leave it to this part which cost is the lower. */
static bool matters(const struct hn_search *search, const struct hn_cost *cost, enum hn_cost_part part)
{
	for (int before = 0; before < (int)part; before++)
		if (cost->parts[before] != search->best_cost.parts[before])
			return false;
	return true;
}

/* Of all that are left, by what the nodes can take, and one by one. False when there is no room for them. */
static bool bound_rest(struct hn_search *search, size_t depth, uint64_t crowd, struct hn_cost *cost)
{
	crowd += cost->parts[HN_COST_REMOTE];
	hn_search_spend(search, search->problem->cell_count - depth);
	for (size_t later = depth; later < search->problem->cell_count; later++) {
		size_t cell = search->order[later];

		if (!(search->uniform ? bound_uniform_cell(search, cell, cost)
				      : bound_cell(search, cell, cost)))
			return false;
	}
	if (crowd > cost->parts[HN_COST_REMOTE])
		cost->parts[HN_COST_REMOTE] = crowd;
	cost->parts[HN_COST_REMOTE] += search->rest[depth].remote;
	/* vCPUs that find no CPU of all that are left */
	if (search->rest[depth].shared_vcpus > search->assignment->spare)
		cost->parts[HN_COST_CPU] += search->rest[depth].shared_vcpus - search->assignment->spare;
	return true;
}

bool hn_bound_add_rest(struct hn_search *search, size_t depth, struct hn_cost *cost)
{
	uint64_t crowd = 0;

	search->ranking.count = 0;
	if (search->uniform && !bound_crowd(search, depth, &crowd))
		return false;
	return bound_rest(search, depth, crowd, cost);
}

bool hn_bound_is_hopeless(struct hn_search *search, size_t depth)
{
	struct hn_cost cost = search->assignment->cost;
	uint64_t crowd = 0;

	/* what costs least to know comes first */
	search->ranking.count = 0;
	if (search->uniform && !bound_crowd(search, depth, &crowd))
		return true;
	if (search->found && cost.parts[HN_COST_REMOTE] + crowd + search->rest[depth].remote >
				     search->best_cost.parts[HN_COST_REMOTE])
		return true;
	if (!bound_rest(search, depth, crowd, &cost))
		return true;
	if (search->found && search->problem->counts_fragments && matters(search, &cost, HN_COST_FRAGMENT))
		cost.parts[HN_COST_FRAGMENT] += bound_fragments(search, &search->rest[depth]);
	return hn_search_is_no_better(search, &cost);
}

struct hn_cost hn_bound_of_all(struct hn_search *search)
{
	struct hn_cost cost = {{0}};

	hn_bound_add_rest(search, 0, &cost);
	if (search->problem->counts_fragments)
		cost.parts[HN_COST_FRAGMENT] = bound_fragments(search, &search->rest[0]);
	return cost;
}
