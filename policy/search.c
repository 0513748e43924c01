/*
 * search - depth first, the child that costs least first, with four reasons to turn back:
 *
 *  - what is assigned already, and at least must be added by every cell alone (given where the others are)
 * and by every pair of cells yet to be assigned, is no better than the best;
 *  - a cell yet to be assigned has no place left;
 *  - the same state was reached before at no more cost (policy/memo.h);
 *  - of unused nodes that could be exchanged without any difference, one is enough.
 */
#include "policy/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct hn_child {
	struct hn_cost cost;
	const struct hn_candidate *candidate;
};

static bool is_masked(const struct hn_search *search, const struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++)
		if (search->masked[candidate->shares[i].node])
			return true;
	return false;
}

/* Fewest places first, then largest: what is hard to place is placed while there is choice. */
static bool goes_before(const struct hn_search *search, size_t a, size_t b)
{
	const struct hn_problem_cell *cells = search->problem->cells;

	if (search->candidates[a].count != search->candidates[b].count)
		return search->candidates[a].count < search->candidates[b].count;
	if (cells[a].bytes != cells[b].bytes)
		return cells[a].bytes > cells[b].bytes;
	return cells[a].vcpus > cells[b].vcpus;
}

static void order_cells(struct hn_search *search)
{
	for (size_t i = 0; i < search->problem->cell_count; i++) {
		size_t place = i;

		for (; place > 0 && goes_before(search, i, search->order[place - 1]); place--)
			search->order[place] = search->order[place - 1];
		search->order[place] = i;
	}
}

/* Whether two nodes could change names and nobody would notice. */
static bool are_alike(const struct hn_problem *problem, size_t a, size_t b)
{
	if (memcmp(&problem->nodes[a], &problem->nodes[b], sizeof(problem->nodes[a])) != 0)
		return false;
	for (size_t node = 0; node < problem->node_count; node++)
		if (node != a && node != b &&
		    hn_problem_distance(problem, a, node) != hn_problem_distance(problem, b, node))
			return false;
	for (size_t i = 0; i < problem->cell_count; i++) {
		const struct hn_problem_cell *cell = &problem->cells[i];

		if (cell->here[a] != cell->here[b] || cell->pull[a] != cell->pull[b] ||
		    cell->barred[a] != cell->barred[b] || cell->tie == (int)a || cell->tie == (int)b)
			return false;
	}
	return hn_problem_distance(problem, a, a) == hn_problem_distance(problem, b, b);
}

static void find_alike(struct hn_search *search)
{
	for (size_t node = 0; node < search->problem->node_count; node++) {
		search->alike[node] = node;
		for (size_t other = 0; other < node && search->alike[node] == node; other++)
			if (search->alike[other] == other && are_alike(search->problem, other, node))
				search->alike[node] = other;
	}
}

static void index_singles(struct hn_search *search)
{
	for (size_t cell = 0; cell < search->problem->cell_count; cell++)
		for (size_t i = 0; i < search->candidates[cell].count; i++) {
			const struct hn_candidate *candidate = &search->candidates[cell].items[i];

			if (candidate->share_count == 1)
				search->singles[cell * search->problem->node_count +
						candidate->shares[0].node] = (uint32_t)i + 1;
		}
}

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

	search->crowds = calloc((cells + 1) * (cells + 1), sizeof(*search->crowds));
	search->nearest = calloc(problem->node_count + 1, sizeof(*search->nearest));
	if (!bytes || !vcpus || !search->crowds || !search->nearest)
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

int hn_search_init(struct hn_search *search, const struct hn_problem *problem,
		   const struct hn_search_rules *rules, uint64_t steps, struct hn_error *err)
{
	size_t cells = problem->cell_count, nodes = problem->node_count;

	*search = (struct hn_search){.problem = problem, .rules = *rules, .steps_left = steps};
	search->assignment = hn_assignment_new(problem, &search->rules);
	search->memo = hn_memo_new();
	search->order = calloc(cells, sizeof(*search->order));
	search->candidates = calloc(cells, sizeof(*search->candidates));
	search->masked = calloc(nodes + 1, sizeof(*search->masked));
	search->alike = calloc(nodes + 1, sizeof(*search->alike));
	search->rest = calloc(cells + 1, sizeof(*search->rest));
	search->best = calloc(cells, sizeof(*search->best));
	if (!search->assignment || !search->memo || !search->order || !search->candidates ||
	    !search->masked || !search->alike || !search->rest || !search->best)
		return hn_oom(err);
	for (size_t i = 0; i < cells; i++) {
		int r = hn_candidates_find(problem, i, &search->rules, &search->candidates[i], err);

		if (r < 0)
			return r;
		search->wide = search->wide || search->candidates[i].wide;
		if (search->candidates[i].count > search->child_count)
			search->child_count = search->candidates[i].count;
	}
	search->children = calloc(cells * search->child_count, sizeof(*search->children));
	search->singles = calloc(cells * nodes + 1, sizeof(*search->singles));
	search->most_seats = calloc(nodes + 1, sizeof(*search->most_seats));
	search->sizes = calloc(nodes + 1, sizeof(*search->sizes));
	if (!search->children || !search->singles || !search->most_seats || !search->sizes)
		return hn_oom(err);
	index_singles(search);
	order_cells(search);
	find_alike(search);
	sum_up_rest(search);
	return sum_up_crowds(search) ? hn_oom(err) : 0;
}

void hn_search_done(struct hn_search *search)
{
	for (size_t i = 0; search->candidates && i < search->problem->cell_count; i++)
		hn_candidates_done(&search->candidates[i]);
	free(search->candidates);
	hn_assignment_free(search->assignment);
	hn_memo_free(search->memo);
	free(search->order);
	free(search->masked);
	free(search->alike);
	free(search->rest);
	free(search->children);
	free(search->singles);
	free(search->most_seats);
	free(search->sizes);
	free(search->crowds);
	free(search->nearest);
	free(search->best);
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
			if (search->masked[node])
				continue;
			here = reach[node] + model->pull[node];
		} else {
			if (is_masked(search, candidate))
				continue;
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

	if (search->masked[node] || !model->home)
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
	struct hn_crowd *nodes = search->nearest;
	uint64_t remote = 0;

	for (size_t node = 0; node < problem->node_count; node++) {
		struct hn_crowd here = {.bytes = search->assignment->reach[node],
					.vcpus = (unsigned)crowd_of(search, depth, node)};
		size_t place = count;

		if (here.vcpus == 0)
			continue;
		for (; place > 0 && nodes[place - 1].bytes > here.bytes; place--)
			nodes[place] = nodes[place - 1];
		nodes[place] = here;
		count++;
	}
	for (size_t i = 0; i < count && left > 0; i++) {
		size_t some = nodes[i].vcpus < left ? nodes[i].vcpus : left;

		remote += some * nodes[i].bytes;
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

		if (search->masked[node] || !problem->nodes[node].home)
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

static bool is_no_better(const struct hn_search *search, const struct hn_cost *cost)
{
	return search->found && hn_cost_compare(cost, &search->best_cost) >= 0;
}

/* Whether the parts that come before it leave it to this part which cost is the lower. */
static bool matters(const struct hn_search *search, const struct hn_cost *cost, enum hn_cost_part part)
{
	for (int before = 0; before < (int)part; before++)
		if (cost->parts[before] != search->best_cost.parts[before])
			return false;
	return true;
}

/*
 * Whether what is assigned, with the least that the cells from that depth on must add, is no better than the
 * best; or one of them has no place left. The cheap bounds come first.
 */
static bool is_hopeless(const struct hn_search *search, size_t depth)
{
	struct hn_cost cost = search->assignment->cost;
	uint64_t remote = cost.parts[HN_COST_REMOTE];

	if (search->uniform)
		remote += bound_crowd(search, depth);
	if (search->found && remote > search->best_cost.parts[HN_COST_REMOTE])
		return true;
	for (size_t later = depth; later < search->problem->cell_count; later++)
		if (!bound_cell(search, search->order[later], &cost))
			return true;
	if (remote > cost.parts[HN_COST_REMOTE])
		cost.parts[HN_COST_REMOTE] = remote;
	if (search->found && search->problem->counts_fragments && matters(search, &cost, HN_COST_FRAGMENT))
		cost.parts[HN_COST_FRAGMENT] += bound_fragments(search, &search->rest[depth]);
	return is_no_better(search, &cost);
}

struct hn_cost hn_search_bound(struct hn_search *search)
{
	struct hn_cost cost = {{0}};
	uint64_t remote = search->uniform ? bound_crowd(search, 0) : 0;

	for (size_t i = 0; i < search->problem->cell_count; i++)
		bound_cell(search, i, &cost);
	if (remote > cost.parts[HN_COST_REMOTE])
		cost.parts[HN_COST_REMOTE] = remote;
	if (search->problem->counts_fragments)
		cost.parts[HN_COST_FRAGMENT] = bound_fragments(search, &search->rest[0]);
	return cost;
}

static void keep_best(struct hn_search *search)
{
	memcpy(search->best, search->assignment->chosen, search->problem->cell_count * sizeof(*search->best));
	search->best_cost = search->assignment->cost;
	search->found = true;
}

/* The candidate of the cell that is this node alone, or NULL. */
static const struct hn_candidate *single_at(const struct hn_search *search, size_t cell, size_t node)
{
	uint32_t index = search->singles[cell * search->problem->node_count + node];

	return index ? &search->candidates[cell].items[index - 1] : NULL;
}

/* Whether a cell from that depth on could still get something of the node, going by the least any of them
 * wants. */
static bool is_open(const struct hn_search *search, size_t node, size_t depth)
{
	const struct hn_problem_node *model = &search->problem->nodes[node];
	const struct hn_node_use *use = &search->assignment->nodes[node];
	const struct hn_rest *rest = &search->rest[depth];
	unsigned used = 0;

	for (size_t kind = 0; kind < HN_CLASS_COUNT; kind++)
		used += use->vcpus[kind];
	if (rest->least_vcpus > 0 && used + rest->least_vcpus > search->most_seats[node])
		return false;
	for (size_t kind = 0; kind < search->problem->page_kind_count && !search->rules.any_memory; kind++)
		if (use->taking[kind] + rest->least_taking[kind] <= model->room[kind])
			return true;
	return search->rules.any_memory;
}

enum key_kind { KEY_DEPTH, KEY_PLACE, KEY_WIDE, KEY_CLOSED, KEY_ROOM };

static bool clique_goes_on(const struct hn_search *search, size_t clique, size_t depth)
{
	for (; depth < search->problem->cell_count; depth++)
		if (search->problem->cells[search->order[depth]].clique == clique)
			return true;
	return false;
}

/* Where the cells are that later ones are drawn to. */
static void key_add_places(const struct hn_search *search, size_t depth, struct hn_state_key *key)
{
	for (size_t i = 0; i < depth; i++) {
		size_t cell = search->order[i], clique = search->problem->cells[cell].clique;
		const struct hn_candidate *candidate = search->assignment->chosen[cell];

		if (!clique_goes_on(search, clique, depth))
			continue;
		if (candidate->share_count == 1)
			hn_state_key_add(key, KEY_PLACE, clique, candidate->shares[0].node);
		else
			hn_state_key_add(key, KEY_WIDE, cell,
					 (uint64_t)(candidate - search->candidates[cell].items));
	}
}

/* What has been taken of the nodes that later cells may still go to, and which they may not. */
static void key_add_rooms(const struct hn_search *search, size_t depth, struct hn_state_key *key)
{
	const struct hn_problem *problem = search->problem;

	for (size_t node = 0; node < problem->node_count; node++) {
		const struct hn_node_use *use = &search->assignment->nodes[node];
		uint64_t seats = use->bandwidth_mib;

		if (use->cells == 0)
			continue;
		if (!is_open(search, node, depth)) {
			hn_state_key_add(key, KEY_CLOSED, node, 0);
			continue;
		}
		for (size_t kind = 0; kind < HN_CLASS_COUNT; kind++)
			seats = seats << 16 ^ use->vcpus[kind];
		for (size_t kind = 0; kind < problem->page_kind_count; kind++)
			hn_state_key_add(key,
					 KEY_ROOM | kind << 8 | (uint64_t)(use->arriving[kind] > 0) << 16 |
						 (uint64_t)node << 32,
					 use->taking[kind], kind == 0 ? seats : 0);
	}
}

static bool was_here_before(struct hn_search *search, size_t depth)
{
	const struct hn_cost nothing = {{0}};
	struct hn_state_key key = {0};

	if (search->problem->keeps_apart)
		return false;
	hn_state_key_add(&key, KEY_DEPTH, depth, 1);
	key_add_places(search, depth, &key);
	key_add_rooms(search, depth, &key);
	return hn_memo_is_known(search->memo, &key, search->any ? &nothing : &search->assignment->cost);
}

/* An unused node that an unused one before it could stand for. */
static bool is_repetition(const struct hn_search *search, const struct hn_candidate *candidate)
{
	size_t node = candidate->shares[0].node;

	if (candidate->share_count > 1 || search->wide || search->assignment->nodes[node].cells > 0)
		return false;
	for (size_t other = search->alike[node]; other < node; other++)
		if (search->alike[other] == search->alike[node] && !search->masked[other] &&
		    search->assignment->nodes[other].cells == 0)
			return true;
	return false;
}

/* The places of the cell that are admitted, least cost first; those of equal cost in the candidates' order.
 */
static size_t list_children(struct hn_search *search, size_t depth, size_t cell)
{
	struct hn_child *children = &search->children[depth * search->child_count];
	size_t count = 0;

	for (size_t i = 0; i < search->candidates[cell].count && search->steps_left > 0; i++) {
		const struct hn_candidate *candidate = &search->candidates[cell].items[i];
		struct hn_child child = {.candidate = candidate};
		size_t place = count;

		if (is_masked(search, candidate) || is_repetition(search, candidate))
			continue;
		search->steps_left--;
		if (!hn_assignment_admits(search->assignment, cell, candidate))
			continue;
		child.cost = hn_assignment_cost_with(search->assignment, cell, candidate);
		if (is_no_better(search, &child.cost))
			continue;
		for (; place > 0 && hn_cost_compare(&child.cost, &children[place - 1].cost) < 0; place--)
			children[place] = children[place - 1];
		children[place] = child;
		count++;
	}
	return count;
}

static void descend(struct hn_search *search, size_t depth)
{
	struct hn_cost before = search->assignment->cost;
	size_t cell, count;

	if (depth == search->problem->cell_count) {
		keep_best(search);
		return;
	}
	if (is_hopeless(search, depth) || was_here_before(search, depth))
		return;
	cell = search->order[depth];
	count = list_children(search, depth, cell);
	for (size_t i = 0; i < count; i++) {
		const struct hn_child *child = &search->children[depth * search->child_count + i];

		if (search->steps_left == 0 || (search->any && search->found))
			return;
		if (is_no_better(search, &child->cost))
			return;
		hn_assignment_put(search->assignment, cell, child->candidate, &child->cost);
		descend(search, depth + 1);
		hn_assignment_take_back(search->assignment, cell, &before);
	}
}

void hn_search_run(struct hn_search *search)
{
	hn_memo_clear(search->memo);
	descend(search, 0);
}

/* Empties the assignment, whatever has been put. */
static void clear(struct hn_search *search)
{
	const struct hn_cost nothing = {{0}};

	for (size_t i = 0; i < search->problem->cell_count; i++)
		if (search->assignment->chosen[i])
			hn_assignment_take_back(search->assignment, i, &nothing);
}

bool hn_search_offer(struct hn_search *search, const struct hn_candidate *const *chosen)
{
	bool admitted = true, better;

	for (size_t i = 0; i < search->problem->cell_count && admitted; i++) {
		struct hn_cost cost;

		admitted = hn_assignment_admits(search->assignment, i, chosen[i]);
		if (!admitted)
			break;
		cost = hn_assignment_cost_with(search->assignment, i, chosen[i]);
		hn_assignment_put(search->assignment, i, chosen[i], &cost);
	}
	better = admitted &&
		 (!search->found || hn_cost_compare(&search->assignment->cost, &search->best_cost) < 0);
	if (better)
		keep_best(search);
	clear(search);
	return better;
}

void hn_search_dive(struct hn_search *search, size_t first_candidate)
{
	struct hn_cost cost;
	size_t depth = 0;

	for (; depth < search->problem->cell_count; depth++) {
		size_t cell = search->order[depth];
		const struct hn_candidate *candidate = NULL;

		if (depth == 0) {
			candidate = &search->candidates[cell].items[first_candidate];
			if (is_masked(search, candidate) ||
			    !hn_assignment_admits(search->assignment, cell, candidate))
				return;
			cost = hn_assignment_cost_with(search->assignment, cell, candidate);
		} else if (list_children(search, depth, cell) > 0) {
			candidate = search->children[depth * search->child_count].candidate;
			cost = search->children[depth * search->child_count].cost;
		}
		if (!candidate)
			break;
		hn_assignment_put(search->assignment, cell, candidate, &cost);
	}
	if (depth == search->problem->cell_count &&
	    (!search->found || hn_cost_compare(&search->assignment->cost, &search->best_cost) < 0))
		keep_best(search);
	clear(search);
}

static bool offer_changed(struct hn_search *search, const struct hn_candidate **chosen, size_t a,
			  const struct hn_candidate *for_a, size_t b, const struct hn_candidate *for_b)
{
	if (!for_a || !for_b || is_masked(search, for_a) || is_masked(search, for_b) ||
	    search->steps_left < search->problem->cell_count)
		return false;
	memcpy(chosen, search->best, search->problem->cell_count * sizeof(*chosen));
	chosen[a] = for_a;
	chosen[b] = for_b;
	search->steps_left -= search->problem->cell_count;
	return hn_search_offer(search, chosen);
}

static const struct hn_candidate *alone_at(const struct hn_search *search, size_t cell,
					   const struct hn_candidate *other)
{
	return other->share_count == 1 ? single_at(search, cell, other->shares[0].node) : NULL;
}

static bool improve_once(struct hn_search *search, const struct hn_candidate **chosen)
{
	size_t cells = search->problem->cell_count;
	bool better = false;

	for (size_t a = 0; a < cells; a++) {
		for (size_t i = 0; i < search->candidates[a].count; i++)
			better = offer_changed(search, chosen, a, &search->candidates[a].items[i], a,
					       &search->candidates[a].items[i]) ||
				 better;
		for (size_t b = 0; b < a; b++)
			better = offer_changed(search, chosen, a, alone_at(search, a, search->best[b]), b,
					       alone_at(search, b, search->best[a])) ||
				 better;
	}
	return better;
}

void hn_search_improve(struct hn_search *search)
{
	HN_AUTO(memory)
	const struct hn_candidate **chosen = calloc(search->problem->cell_count, sizeof(*chosen));

	while (chosen && search->found && improve_once(search, chosen))
		;
}
