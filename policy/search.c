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

/* Least distance between two cells of a clique, wherever they go. */
static uint64_t least_distance(struct hn_search *search, size_t a, size_t b)
{
	struct hn_assignment *assignment = search->assignment;
	const struct hn_cost nothing = {{0}};
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < search->candidates[a].count && least > 0; i++) {
		const struct hn_candidate *place = &search->candidates[a].items[i];

		if (place->share_count > 1)
			return 0;
		hn_assignment_put(assignment, a, place, &nothing);
		for (size_t j = 0; j < search->candidates[b].count; j++) {
			const struct hn_candidate *other = &search->candidates[b].items[j];
			uint64_t distance;

			if (other->share_count > 1) {
				least = 0;
				break;
			}
			distance = hn_problem_distance(search->problem, place->shares[0].node,
						       other->shares[0].node);
			if (distance < least && hn_assignment_admits(assignment, b, other))
				least = distance;
		}
		hn_assignment_take_back(assignment, a, &nothing);
	}
	return least;
}

static void bound_pairs(struct hn_search *search)
{
	const struct hn_problem_cell *cells = search->problem->cells;

	for (size_t depth = search->problem->cell_count; depth-- > 0;) {
		size_t a = search->order[depth];

		search->pair_rest[depth] = search->pair_rest[depth + 1];
		for (size_t later = depth + 1; later < search->problem->cell_count; later++) {
			size_t b = search->order[later];
			uint64_t least =
				cells[a].clique == cells[b].clique ? least_distance(search, a, b) : 0;

			if (least !=
			    UINT64_MAX) /* else they cannot both be placed, which the search will see */
				search->pair_rest[depth] += least;
		}
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
	search->pair_rest = calloc(cells + 1, sizeof(*search->pair_rest));
	search->best = calloc(cells, sizeof(*search->best));
	if (!search->assignment || !search->memo || !search->order || !search->candidates ||
	    !search->masked || !search->alike || !search->pair_rest || !search->best)
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
	if (!search->children || !search->singles)
		return hn_oom(err);
	index_singles(search);
	order_cells(search);
	find_alike(search);
	bound_pairs(search);
	return 0;
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
	free(search->pair_rest);
	free(search->children);
	free(search->singles);
	free(search->best);
}

/*
 * Adds the least that the cells from that depth on must cost. False when one of them has no place left. Cells
 * that move count where that is least; the other parts of the cost may be nothing.
 */
static bool bound_rest(const struct hn_search *search, size_t depth, struct hn_cost *cost)
{
	cost->parts[HN_COST_REMOTE] += search->pair_rest[depth];
	for (; depth < search->problem->cell_count; depth++) {
		size_t cell = search->order[depth];
		const struct hn_candidates *candidates = &search->candidates[cell];
		uint64_t remote = UINT64_MAX, migrate = UINT64_MAX;

		for (size_t i = 0; i < candidates->count; i++) {
			const struct hn_candidate *candidate = &candidates->items[i];
			uint64_t here;

			if (is_masked(search, candidate))
				continue;
			here = hn_assignment_remote(search->assignment, cell, candidate);
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
	}
	return true;
}

struct hn_cost hn_search_bound(struct hn_search *search)
{
	struct hn_cost cost = {{0}};

	bound_rest(search, 0, &cost);
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

/* Whether a further cell could still get something of the node. */
static bool is_open(const struct hn_search *search, size_t node, size_t depth)
{
	for (; depth < search->problem->cell_count && !search->wide; depth++) {
		size_t cell = search->order[depth];
		const struct hn_candidate *candidate = single_at(search, cell, node);

		if (candidate && hn_assignment_admits(search->assignment, cell, candidate))
			return true;
	}
	return search->wide;
}

enum key_kind { KEY_DEPTH, KEY_PLACE, KEY_WIDE, KEY_ROOM, KEY_SEATS };

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

/* What is left of the nodes that later cells may still go to. */
static void key_add_rooms(const struct hn_search *search, size_t depth, struct hn_state_key *key)
{
	const struct hn_problem *problem = search->problem;

	for (size_t node = 0; node < problem->node_count; node++) {
		const struct hn_node_use *use = &search->assignment->nodes[node];

		if (use->cells == 0 || !is_open(search, node, depth))
			continue;
		for (size_t kind = 0; kind < problem->page_kind_count; kind++)
			hn_state_key_add(key, KEY_ROOM + 16 * kind + (use->arriving[kind] > 0 ? 8 : 0), node,
					 use->taking[kind]);
		for (size_t kind = 0; kind < HN_CLASS_COUNT; kind++)
			hn_state_key_add(key, KEY_SEATS + 16 * kind, node,
					 use->vcpus[kind] + (use->bandwidth_mib << 32));
	}
}

static bool was_here_before(struct hn_search *search, size_t depth)
{
	const struct hn_cost nothing = {{0}};
	struct hn_state_key key = {0};

	if (depth == 0 || search->problem->keeps_apart)
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
		if (search->found && hn_cost_compare(&child.cost, &search->best_cost) >= 0)
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
	struct hn_cost before = search->assignment->cost, least = before;
	size_t cell, count;

	if (depth == search->problem->cell_count) {
		keep_best(search);
		return;
	}
	if (!bound_rest(search, depth, &least) ||
	    (search->found && hn_cost_compare(&least, &search->best_cost) >= 0) ||
	    was_here_before(search, depth))
		return;
	cell = search->order[depth];
	count = list_children(search, depth, cell);
	for (size_t i = 0; i < count; i++) {
		const struct hn_child *child = &search->children[depth * search->child_count + i];

		if (search->steps_left == 0 || (search->any && search->found))
			return;
		if (search->found && hn_cost_compare(&child->cost, &search->best_cost) >= 0)
			return;
		hn_assignment_put(search->assignment, cell, child->candidate, &child->cost);
		descend(search, depth + 1);
		hn_assignment_take_back(search->assignment, cell, &before);
	}
}

void hn_search_run(struct hn_search *search)
{
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
