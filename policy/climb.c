#include "policy/climb.h"

#include <stdlib.h>
#include <string.h>

/* Empties the assignment, whatever has been put. */
static void clear(struct hn_search *search)
{
	const struct hn_cost nothing = {{0}};

	for (size_t i = 0; i < search->problem->cell_count; i++)
		if (search->assignment->chosen[i])
			hn_assignment_take_back(search->assignment, i, &nothing);
}

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
	clear(search);
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
			if (hn_search_is_masked(search, candidate) ||
			    !hn_assignment_admits(search->assignment, cell, candidate))
				return;
			cost = hn_assignment_cost_with(search->assignment, cell, candidate);
		} else if (hn_search_children(search, depth, cell) > 0) {
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
	clear(search);
}

static bool offer_changed(struct hn_search *search, const struct hn_candidate **chosen, size_t a,
			  const struct hn_candidate *for_a, size_t b, const struct hn_candidate *for_b)
{
	if (!for_a || !for_b || hn_search_is_masked(search, for_a) || hn_search_is_masked(search, for_b) ||
	    search->steps_left < search->problem->cell_count)
		return false;
	memcpy(chosen, search->best, search->problem->cell_count * sizeof(*chosen));
	chosen[a] = for_a;
	chosen[b] = for_b;
	search->steps_left -= search->problem->cell_count;
	return hn_climb_offer(search, chosen);
}

static const struct hn_candidate *alone_at(const struct hn_search *search, size_t cell,
					   const struct hn_candidate *other)
{
	return other->share_count == 1 ? hn_search_single_at(search, cell, other->shares[0].node) : NULL;
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

void hn_climb(struct hn_search *search)
{
	HN_AUTO(memory)
	const struct hn_candidate **chosen = calloc(search->problem->cell_count, sizeof(*chosen));

	while (chosen && search->found && improve_once(search, chosen))
		;
}
