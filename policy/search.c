/*
 * search - depth first, the child that costs least first, with four reasons to turn back:
 *
 *  - what is assigned already, and at least must be added by every cell alone (given where the others are)
 * and by every pair of cells yet to be assigned, is no better than the best;
 *  - a cell yet to be assigned has no place left;
 *  - the same state was reached before at no more cost (policy/state.h);
 *  - of unused nodes that could be exchanged without any difference, one is enough, and of cells that could
 * be exchanged, one order (both leave the least, by nodes in the order of cells, of what is all the same).
 */
#include "policy/search.h"

#include <stdlib.h>
#include <string.h>

#include "policy/bound.h"
#include "policy/state.h"

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

/* Whether two cells could change places and nobody would notice. */
static bool are_twins(const struct hn_problem *problem, size_t a, size_t b)
{
	const struct hn_problem_cell *left = &problem->cells[a], *right = &problem->cells[b];
	size_t nodes = problem->node_count;

	return left->guest == right->guest && left->class == right->class && left->bytes == right->bytes &&
	       left->page_kind == right->page_kind && left->vcpus == right->vcpus &&
	       left->bandwidth_mib == right->bandwidth_mib && left->clique == right->clique &&
	       left->tie == right->tie && !memcmp(left->here, right->here, nodes * sizeof(*left->here)) &&
	       !memcmp(left->pull, right->pull, nodes * sizeof(*left->pull)) &&
	       !memcmp(left->barred, right->barred, nodes * sizeof(*left->barred));
}

static void find_twins(struct hn_search *search)
{
	for (size_t depth = 1; depth < search->problem->cell_count && !search->wide; depth++)
		search->twins[depth] =
			are_twins(search->problem, search->order[depth - 1], search->order[depth]);
}

/* The first node that the cell of that depth needs to be tried on: of cells that are just alike, none is put
 * before the other's node, since they could change places. */
static size_t first_node_of(const struct hn_search *search, size_t depth)
{
	return search->twins[depth] ? search->assignment->chosen[search->order[depth - 1]]->shares[0].node
				    : 0;
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

static bool is_place_of(const struct hn_candidates *candidates, size_t node)
{
	for (size_t i = 0; i < candidates->count; i++)
		for (size_t s = 0; s < candidates->items[i].share_count; s++)
			if (candidates->items[i].shares[s].node == node)
				return true;
	return false;
}

static void list_places(struct hn_search *search)
{
	for (size_t node = 0; node < search->problem->node_count; node++) {
		size_t cell = 0, cells = search->problem->cell_count;

		while (cell < cells && !is_place_of(&search->candidates[cell], node))
			cell++;
		if (cell < cells)
			search->places[search->place_count++] = node;
	}
	search->open = search->places;
	search->open_count = search->place_count;
}

int hn_search_init(struct hn_search *search, const struct hn_problem *problem,
		   const struct hn_search_rules *rules, uint64_t steps, struct hn_error *err)
{
	size_t cells = problem->cell_count, nodes = problem->node_count;

	*search = (struct hn_search){.problem = problem, .rules = *rules, .steps_left = steps};
	search->assignment = hn_assignment_new(problem, &search->rules);
	search->memo = hn_memo_new();
	search->order = calloc(cells, sizeof(*search->order));
	search->twins = calloc(cells, sizeof(*search->twins));
	search->candidates = calloc(cells, sizeof(*search->candidates));
	search->places = calloc(nodes + 1, sizeof(*search->places));
	search->alike = calloc(nodes + 1, sizeof(*search->alike));
	search->best = calloc(cells, sizeof(*search->best));
	if (!search->assignment || !search->memo || !search->order || !search->twins || !search->candidates ||
	    !search->places || !search->alike || !search->best)
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
	list_places(search);
	order_cells(search);
	find_twins(search);
	find_alike(search);
	return hn_bound_prepare(search) ? hn_oom(err) : 0;
}

void hn_search_done(struct hn_search *search)
{
	for (size_t i = 0; search->candidates && i < search->problem->cell_count; i++)
		hn_candidates_done(&search->candidates[i]);
	free(search->candidates);
	hn_assignment_free(search->assignment);
	hn_memo_free(search->memo);
	hn_bound_done(search);
	free(search->order);
	free(search->twins);
	free(search->places);
	free(search->alike);
	free(search->children);
	free(search->singles);
	free(search->best);
}

void hn_search_keep(struct hn_search *search)
{
	memcpy(search->best, search->assignment->chosen, search->problem->cell_count * sizeof(*search->best));
	search->best_cost = search->assignment->cost;
	search->found = true;
}

/* The candidate of the cell that is this node alone, or NULL. */
const struct hn_candidate *hn_search_single_at(const struct hn_search *search, size_t cell, size_t node)
{
	uint32_t index = search->singles[cell * search->problem->node_count + node];

	return index ? &search->candidates[cell].items[index - 1] : NULL;
}

bool hn_search_is_repetition(const struct hn_search *search, const struct hn_candidate *candidate)
{
	size_t node = candidate->shares[0].node;

	if (candidate->share_count > 1 || search->wide || search->assignment->nodes[node].cells > 0)
		return false;
	for (size_t other = search->alike[node]; other < node; other++)
		if (search->alike[other] == search->alike[node] &&
		    search->assignment->nodes[other].cells == 0)
			return true;
	return false;
}

size_t hn_search_children(struct hn_search *search, size_t depth, size_t cell, size_t first_node)
{
	struct hn_child *children = &search->children[depth * search->child_count];
	bool some = search->open != search->places;
	size_t count = 0, all = some ? search->open_count : search->candidates[cell].count;

	for (size_t i = 0; i < all && search->steps_left > 0; i++) {
		const struct hn_candidate *candidate =
			some ? hn_search_single_at(search, cell, search->open[i])
			     : &search->candidates[cell].items[i];
		struct hn_child child = {.candidate = candidate};
		size_t place = count;

		if (!candidate || candidate->shares[0].node < first_node ||
		    hn_search_is_repetition(search, candidate))
			continue;
		search->steps_left--;
		if (!hn_assignment_admits(search->assignment, cell, candidate))
			continue;
		child.cost = hn_assignment_cost_with(search->assignment, cell, candidate);
		if (search->no_overload && child.cost.parts[HN_COST_CPU] > 0)
			continue;
		if (hn_search_is_no_better(search, &child.cost))
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
		hn_search_keep(search);
		return;
	}
	if (hn_bound_is_hopeless(search, depth) ||
	    hn_state_was_reached(search, depth, first_node_of(search, depth)))
		return;
	cell = search->order[depth];
	count = hn_search_children(search, depth, cell, first_node_of(search, depth));
	for (size_t i = 0; i < count; i++) {
		const struct hn_child *child = &search->children[depth * search->child_count + i];

		if (search->steps_left == 0 || (search->any && search->found))
			return;
		if (hn_search_is_no_better(search, &child->cost))
			return;
		hn_assignment_put(search->assignment, cell, child->candidate, &child->cost);
		descend(search, depth + 1);
		hn_assignment_take_back(search->assignment, cell, &before);
	}
}

void hn_search_run(struct hn_search *search)
{
	hn_memo_clear(search->memo);
	search->round = 0;
	descend(search, 0);
}

void hn_search_run_on(struct hn_search *search, const size_t *nodes, size_t count, uint64_t steps)
{
	uint64_t most = steps < search->steps_left ? steps : search->steps_left,
		 kept = search->steps_left - most;

	search->open = nodes;
	search->open_count = count;
	search->steps_left = most;
	search->round++;
	descend(search, 0);
	search->steps_left += kept;
	search->open = search->places;
	search->open_count = search->place_count;
}

void hn_search_clear(struct hn_search *search)
{
	const struct hn_cost nothing = {{0}};

	for (size_t i = 0; i < search->problem->cell_count; i++)
		if (search->assignment->chosen[i])
			hn_assignment_take_back(search->assignment, i, &nothing);
}
