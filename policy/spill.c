#include "policy/spill.h"

#include <errno.h>
#include <stdlib.h>

struct spill {
	struct hn_search *search;
	struct hn_candidates *places; /* by cell, of this attempt */
	struct hn_node_taken *taken;  /* by node */
};

static void forget(struct spill *spill)
{
	hn_search_clear(spill->search);
	for (size_t i = 0; i < spill->search->problem->cell_count; i++)
		hn_candidates_done(&spill->places[i]);
}

static void count_taken(struct spill *spill, const struct hn_problem_cell *cell)
{
	for (size_t node = 0; node < spill->search->problem->node_count; node++) {
		const struct hn_node_use *use = &spill->search->assignment->nodes[node];

		spill->taken[node] =
			(struct hn_node_taken){use->taking[cell->page_kind], use->vcpus[cell->class]};
	}
}

/* Puts the cell where it costs least in what is left. 1, 0 when it has no place, -ENOMEM. */
static int put_next(struct spill *spill, size_t cell)
{
	struct hn_search *search = spill->search;
	const struct hn_candidate *best = NULL;
	struct hn_error why = {0};
	struct hn_cost least;
	int r;

	count_taken(spill, &search->problem->cells[cell]);
	r = hn_candidates_find_beside(search->problem, cell, &search->rules, spill->taken,
				      &spill->places[cell], &why);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < spill->places[cell].count; i++) {
		const struct hn_candidate *place = &spill->places[cell].items[i];
		struct hn_cost cost;

		if (!hn_assignment_admits(search->assignment, cell, place))
			continue;
		cost = hn_assignment_cost_with(search->assignment, cell, place);
		if (best && hn_cost_compare(&cost, &least) >= 0)
			continue;
		best = place;
		least = cost;
	}
	if (best)
		hn_assignment_put(search->assignment, cell, best, &least);
	return best != NULL;
}

/* In the search's order, but with the one at that depth last. */
static int attempt(struct spill *spill, size_t last)
{
	struct hn_search *search = spill->search;
	size_t cells = search->problem->cell_count;
	int r = 1;

	for (size_t i = 0; i < cells && r > 0; i++)
		if (i != last)
			r = put_next(spill, search->order[i]);
	if (r > 0)
		r = put_next(spill, search->order[last]);
	return r;
}

int hn_spill(struct hn_search *search)
{
	size_t cells = search->problem->cell_count;
	HN_AUTO(memory) struct hn_node_taken *taken = calloc(search->problem->node_count + 1, sizeof(*taken));
	HN_AUTO(memory) struct hn_candidates *places = calloc(cells, sizeof(*places));
	struct spill spill = {.search = search, .places = places, .taken = taken};
	int r = 0;

	if (!taken || !places)
		return -ENOMEM;
	search->wide = true;
	for (size_t last = cells; last-- > 0 && r >= 0;) {
		r = attempt(&spill, last);
		if (r > 0 && !hn_search_is_no_better(search, &search->assignment->cost)) {
			hn_search_keep(search);
			for (size_t i = 0; i < cells; i++) {
				struct hn_candidates kept = search->spilt[i];

				search->spilt[i] = places[i];
				places[i] = kept;
			}
		}
		forget(&spill);
	}
	return r < 0 ? r : 0;
}
