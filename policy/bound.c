/*
 * bound - the least that an assignment must still cost, in three ways.
 */
#include "policy/bound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/*
 * What the smallest of the cells from each depth on take together, for every number of them. Only for cells
 * that are alike but for their size, and drawn to each other and to nothing else.
 */
static int sum_up_crowds(struct hn_search *search)
{
	const struct hn_problem *problem = search->problem;
	size_t cells = problem->cell_count;
	HN_AUTO(memory) uint64_t *bytes = calloc(cells, sizeof(*bytes));
	HN_AUTO(memory) uint64_t *vcpus = calloc(cells, sizeof(*vcpus));

	if (!bytes || !vcpus)
		return -ENOMEM;
	search->uniform = !search->wide && problem->clique_count == 1 && problem->page_kind_count == 1;
	for (size_t i = 0; i < cells; i++) {
		search->uniform = search->uniform && problem->cells[i].class == problem->cells[0].class &&
				  problem->cells[i].tie < 0;
		for (size_t node = 0; node < problem->node_count; node++)
			search->uniform = search->uniform && problem->cells[i].pull[node] == 0;
	}
	for (size_t depth = 0; depth < cells && search->uniform; depth++) {
		struct hn_crowd *crowd = &search->crowds[depth * (cells + 1)];
		size_t count = cells - depth;

		for (size_t i = 0; i < count; i++) {
			bytes[i] = least_taking(&search->candidates[search->order[depth + i]]);
			vcpus[i] = problem->cells[search->order[depth + i]].vcpus;
		}
		qsort(bytes, count, sizeof(*bytes), by_number);
		qsort(vcpus, count, sizeof(*vcpus), by_number);
		for (size_t i = 0; i < count; i++) {
			crowd[i + 1].bytes = crowd[i].bytes + bytes[i];
			crowd[i + 1].vcpus = crowd[i].vcpus + (unsigned)vcpus[i];
		}
	}
	return 0;
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
	search->nearest = calloc(nodes + 1, sizeof(*search->nearest));
	if (!search->rest || !search->most_seats || !search->sizes || !search->crowds || !search->nearest)
		return -ENOMEM;
	sum_up_rest(search);
	return sum_up_crowds(search);
}

void hn_bound_done(struct hn_search *search)
{
	free(search->rest);
	free(search->most_seats);
	free(search->sizes);
	free(search->crowds);
	free(search->nearest);
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

/* How many of the cells from that depth on a node could still take at most: the smallest, whichever they are.
 */
static size_t crowd_of(const struct hn_search *search, size_t depth, size_t node)
{
	size_t cells = search->problem->cell_count, count = 0;
	const struct hn_crowd *crowd = &search->crowds[depth * (cells + 1)];
	const struct hn_problem_node *model = &search->problem->nodes[node];
	const struct hn_node_use *use = &search->assignment->nodes[node];
	enum hn_class class = search->problem->cells[0].class;
	unsigned seats = model->seats[class] * (class == HN_CLASS_SHARED ? search->rules.cpu_multiple : 1);

	if (!model->home)
		return 0;
	while (depth + count < cells && use->vcpus[class] + crowd[count + 1].vcpus <= seats &&
	       (search->rules.any_memory || use->taking[0] + crowd[count + 1].bytes <= model->room[0]))
		count++;
	return count;
}

/*
 * The least that the cells from that depth on cost by their distance to the others: the nodes nearest to
 * these take as many as they can.
 */
static uint64_t bound_crowd(const struct hn_search *search, size_t depth)
{
	const struct hn_problem *problem = search->problem;
	size_t left = problem->cell_count - depth, count = 0;
	struct hn_near *nodes = search->nearest;
	uint64_t remote = 0;

	for (size_t node = 0; node < problem->node_count; node++) {
		uint64_t reach = search->assignment->reach[node];
		size_t place = count, crowd;

		/* every node that can be used takes one cell at least, so that as many as are left will do */
		if (count == left && reach >= nodes[count - 1].reach)
			continue;
		crowd = crowd_of(search, depth, node);
		if (crowd == 0)
			continue;
		if (count < left)
			count++;
		else
			place--;
		for (; place > 0 && nodes[place - 1].reach > reach; place--)
			nodes[place] = nodes[place - 1];
		nodes[place] = (struct hn_near){reach, crowd};
	}
	for (size_t i = 0; i < count && left > 0; i++) {
		size_t some = nodes[i].crowd < left ? nodes[i].crowd : left;

		remote += some * nodes[i].reach;
		left -= some;
	}
	return remote;
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

	for (size_t node = 0; node < problem->node_count; node++) {
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

bool hn_bound_add_rest(const struct hn_search *search, size_t depth, struct hn_cost *cost)
{
	uint64_t remote = cost->parts[HN_COST_REMOTE];

	if (search->uniform)
		remote += bound_crowd(search, depth);
	for (size_t later = depth; later < search->problem->cell_count; later++)
		if (!bound_cell(search, search->order[later], cost))
			return false;
	if (remote > cost->parts[HN_COST_REMOTE])
		cost->parts[HN_COST_REMOTE] = remote;
	return true;
}

bool hn_bound_is_hopeless(const struct hn_search *search, size_t depth)
{
	struct hn_cost cost = search->assignment->cost;

	/* what costs least to know comes first */
	if (search->found && search->uniform &&
	    cost.parts[HN_COST_REMOTE] + bound_crowd(search, depth) > search->best_cost.parts[HN_COST_REMOTE])
		return true;
	if (!hn_bound_add_rest(search, depth, &cost))
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
