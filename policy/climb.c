#include "policy/climb.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define SHAKEN_MAX 5

bool hn_climb_offer(struct hn_search *search, const struct hn_candidate *const *chosen)
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
	better = admitted && !hn_search_is_no_better(search, &search->assignment->cost);
	if (better)
		hn_search_keep(search);
	hn_search_clear(search);
	return better;
}

void hn_climb_dive(struct hn_search *search, size_t first_candidate)
{
	struct hn_cost cost;
	size_t depth = 0;

	for (; depth < search->problem->cell_count; depth++) {
		size_t cell = search->order[depth];
		const struct hn_candidate *candidate = NULL;

		if (depth == 0) {
			candidate = &search->candidates[cell].items[first_candidate];
			if (!hn_assignment_admits(search->assignment, cell, candidate))
				return;
			cost = hn_assignment_cost_with(search->assignment, cell, candidate);
		} else if (hn_search_children(search, depth, cell, 0) > 0) {
			candidate = search->children[depth * search->child_count].candidate;
			cost = search->children[depth * search->child_count].cost;
		}
		if (!candidate)
			break;
		hn_assignment_put(search->assignment, cell, candidate, &cost);
	}
	if (depth == search->problem->cell_count &&
	    !hn_search_is_no_better(search, &search->assignment->cost))
		hn_search_keep(search);
	hn_search_clear(search);
}

/* Puts all cells where the best has them but for some. */
static void put_but(struct hn_search *search, const bool *out)
{
	for (size_t i = 0; i < search->problem->cell_count; i++) {
		struct hn_cost cost;

		if (out[i])
			continue;
		cost = hn_assignment_cost_with(search->assignment, i, search->best[i]);
		hn_assignment_put(search->assignment, i, search->best[i], &cost);
	}
}

/* Takes these cells out of the best and puts them back one by one where each costs least; true when that is
 * better. */
static bool put_anew(struct hn_search *search, const size_t *cells, size_t count, bool *out)
{
	bool better = true;

	for (size_t i = 0; i < search->problem->cell_count; i++)
		out[i] = false;
	for (size_t i = 0; i < count; i++)
		out[cells[i]] = true;
	put_but(search, out);
	for (size_t i = 0; i < count && better; i++) {
		const struct hn_child *child = search->children;

		better = hn_search_children(search, 0, cells[i], 0) > 0; /* none that is not worse */
		if (better)
			hn_assignment_put(search->assignment, cells[i], child->candidate, &child->cost);
	}
	better = better && !hn_search_is_no_better(search, &search->assignment->cost);
	if (better)
		hn_search_keep(search);
	hn_search_clear(search);
	return better;
}

static bool swap(struct hn_search *search, size_t a, size_t b, const struct hn_candidate **chosen)
{
	const struct hn_candidate *of_a = search->best[a], *of_b = search->best[b];

	if (of_a->share_count > 1 || of_b->share_count > 1 || search->steps_left == 0)
		return false;
	hn_search_spend(search, search->problem->cell_count);
	memcpy(chosen, search->best, search->problem->cell_count * sizeof(*chosen));
	chosen[a] = hn_search_single_at(search, a, of_b->shares[0].node);
	chosen[b] = hn_search_single_at(search, b, of_a->shares[0].node);
	return chosen[a] && chosen[b] && hn_climb_offer(search, chosen);
}

/* What the best has on that node alone. */
static size_t group_on(const struct hn_search *search, size_t node, bool *out)
{
	size_t count = 0;

	for (size_t i = 0; i < search->problem->cell_count; i++) {
		out[i] = search->best[i]->share_count == 1 && search->best[i]->shares[0].node == node;
		count += out[i];
	}
	return count;
}

/* Puts these cells on the node, on top of what is there; keeps that when it is better. Then takes them off.
 */
static bool try_group(struct hn_search *search, const bool *group, size_t node)
{
	struct hn_assignment *assignment = search->assignment;
	struct hn_cost before = assignment->cost;
	size_t cells = search->problem->cell_count, put = 0;
	bool better = true;

	for (; put < cells && better; put++) {
		const struct hn_candidate *place;
		struct hn_cost cost;

		if (!group[put])
			continue;
		place = hn_search_single_at(search, put, node);
		better = place && hn_assignment_admits(assignment, put, place);
		if (!better)
			break;
		cost = hn_assignment_cost_with(assignment, put, place);
		better = !hn_search_is_no_better(search, &cost);
		hn_assignment_put(assignment, put, place, &cost);
	}
	if (better)
		hn_search_keep(search);
	while (put-- > 0)
		if (group[put])
			hn_assignment_take_back(assignment, put, &before);
	return better;
}

/* All cells of a node together to the node that is best for them. */
static bool move_group(struct hn_search *search, size_t node, bool *group)
{
	bool better = false;

	if (group_on(search, node, group) == 0)
		return false;
	put_but(search, group);
	for (size_t i = 0; i < search->place_count; i++)
		if (search->places[i] != node)
			better = try_group(search, group, search->places[i]) || better;
	hn_search_clear(search);
	return better;
}

/* Every cell put anew, every pair exchanged, every group moved. */
static bool climb_once(struct hn_search *search, bool *out, const struct hn_candidate **chosen)
{
	bool better = false;

	for (size_t i = 0; i < search->place_count; i++)
		better = move_group(search, search->places[i], out) || better;

	for (size_t a = 0; a < search->problem->cell_count; a++) {
		better = put_anew(search, &a, 1, out) || better;
		for (size_t b = 0; b < a; b++)
			better = swap(search, a, b, chosen) || better;
	}
	return better;
}

/* Some of the cells, in any order. */
static size_t draw_cells(struct hn_search *search, struct hn_random *random, size_t *cells)
{
	size_t all = search->problem->cell_count, most = all < SHAKEN_MAX ? all : SHAKEN_MAX;
	size_t count = 2 + hn_random_below(random, most - 1);

	for (size_t i = 0; i < all; i++)
		cells[i] = i;
	for (size_t i = 0; i < count; i++) {
		size_t other = i + hn_random_below(random, all - i), kept = cells[i];

		cells[i] = cells[other];
		cells[other] = kept;
	}
	return count;
}

void hn_climb(struct hn_search *search, unsigned shakes)
{
	size_t cell_count = search->problem->cell_count;
	struct hn_random random = {.state = cell_count};
	HN_AUTO(memory) const struct hn_candidate **chosen = calloc(cell_count, sizeof(*chosen));
	HN_AUTO(memory) size_t *cells = calloc(cell_count, sizeof(*cells));
	HN_AUTO(memory) bool *out = calloc(cell_count, sizeof(*out));

	if (!chosen || !cells || !out || !search->found)
		return;
	while (climb_once(search, out, chosen) && search->steps_left > 0)
		;
	for (; shakes > 0 && cell_count > 1 && search->steps_left > 0; shakes--)
		if (put_anew(search, cells, draw_cells(search, &random, cells), out))
			climb_once(search, out, chosen);
}
