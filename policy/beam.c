#include "policy/beam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bound.h"
#include "policy/state.h"

/* A partial assignment: one of the level before, and one more cell. */
struct sprout {
	struct hn_cost cost; /* of what is assigned */
	struct hn_cost rank; /* of the cost, later with the bound of the rest: the least is kept */
	size_t parent;
	const struct hn_candidate *candidate;
};

struct beam {
	struct hn_search *search;
	size_t width, cell_count;
	size_t level_count;
	const struct hn_candidate **level, **next; /* by partial assignment and depth */
	struct hn_cost *costs;                     /* by partial assignment of the level */
	size_t sprout_count, sprouts_max;
	struct sprout *sprouts; /* while they are gathered a heap, the worst on top */
};

static int by_rank(const void *a, const void *b)
{
	const struct sprout *left = a, *right = b;
	int order = hn_cost_compare(&left->rank, &right->rank);

	if (order != 0)
		return order;
	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	return left->candidate < right->candidate ? -1 : left->candidate > right->candidate;
}

static int by_parent(const void *a, const void *b)
{
	const struct sprout *left = a, *right = b;

	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	return by_rank(a, b);
}

/* The cost is not looked at before the last is put. */
static void put_member(const struct beam *beam, size_t member, size_t depth)
{
	hn_search_clear(beam->search);
	for (size_t i = 0; i < depth; i++)
		hn_assignment_put(beam->search->assignment, beam->search->order[i],
				  beam->level[member * beam->cell_count + i], &beam->costs[member]);
}

/* Where crowds are to be kept off, of places alike the emptier is the more promising, and not the one it fits
 * best. */
static struct hn_cost rank_of(const struct hn_search *search, const struct hn_cost *cost)
{
	struct hn_cost rank = *cost;

	if (search->no_overload)
		rank.parts[HN_COST_FRAGMENT] = UINT64_MAX - rank.parts[HN_COST_FRAGMENT];
	return rank;
}

static void swap(struct sprout *a, struct sprout *b)
{
	struct sprout kept = *a;

	*a = *b;
	*b = kept;
}

/* Takes the sprout in unless there are enough that are better. */
static void gather(struct beam *beam, const struct sprout *sprout)
{
	struct sprout *heap = beam->sprouts;
	size_t at = 0;

	if (beam->sprout_count < beam->sprouts_max) {
		at = beam->sprout_count++;
		heap[at] = *sprout;
		for (; at > 0 && by_rank(&heap[at], &heap[(at - 1) / 2]) > 0; at = (at - 1) / 2)
			swap(&heap[at], &heap[(at - 1) / 2]);
		return;
	}
	if (by_rank(sprout, &heap[0]) >= 0)
		return;
	heap[0] = *sprout;
	for (size_t child = 1; child < beam->sprout_count; child = 2 * at + 1) {
		child += child + 1 < beam->sprout_count && by_rank(&heap[child + 1], &heap[child]) > 0;
		if (by_rank(&heap[child], &heap[at]) <= 0)
			return;
		swap(&heap[child], &heap[at]);
		at = child;
	}
}

/* Farther than the worst of enough others. */
static bool is_too_far(const struct beam *beam, size_t cell, const struct hn_candidate *candidate)
{
	const struct hn_assignment *assignment = beam->search->assignment;

	return beam->sprout_count == beam->sprouts_max &&
	       assignment->cost.parts[HN_COST_REMOTE] + hn_assignment_remote(assignment, cell, candidate) >
		       beam->sprouts[0].rank.parts[HN_COST_REMOTE];
}

/* All places of the cell for one partial assignment, which has been put. */
static void sprout_member(struct beam *beam, size_t member, size_t cell)
{
	struct hn_search *search = beam->search;
	const struct hn_candidates *candidates = &search->candidates[cell];

	for (size_t i = 0; i < candidates->count && search->steps_left > 0; i++) {
		struct sprout sprout = {.parent = member, .candidate = &candidates->items[i]};

		if (is_too_far(beam, cell, sprout.candidate) ||
		    hn_search_is_repetition(search, sprout.candidate))
			continue;
		search->steps_left--;
		if (!hn_assignment_admits(search->assignment, cell, sprout.candidate))
			continue;
		sprout.cost = hn_assignment_cost_with(search->assignment, cell, sprout.candidate);
		if ((search->no_overload && sprout.cost.parts[HN_COST_CPU] > 0) ||
		    hn_search_is_no_better(search, &sprout.cost))
			continue;
		sprout.rank = rank_of(search, &sprout.cost);
		gather(beam, &sprout);
	}
}

static void sprout(struct beam *beam, size_t depth)
{
	beam->sprout_count = 0;
	for (size_t member = 0; member < beam->level_count; member++) {
		put_member(beam, member, depth);
		sprout_member(beam, member, beam->search->order[depth]);
	}
	hn_search_clear(beam->search);
}

/* Weighs one by what the rest must cost; false when it is hopeless, or there already. */
static bool weigh(struct hn_search *search, size_t depth, struct sprout *sprout)
{
	size_t cell = search->order[depth];
	struct hn_cost before = search->assignment->cost, cost = sprout->cost;
	bool whole = depth + 1 == search->problem->cell_count, keep;

	hn_assignment_put(search->assignment, cell, sprout->candidate, &cost);
	keep = hn_bound_add_rest(search, depth + 1, &cost) && !hn_search_is_no_better(search, &cost) &&
	       (whole || !hn_state_was_reached(search, depth + 1, 0));
	if (keep && whole)
		hn_search_keep(search);
	hn_assignment_take_back(search->assignment, cell, &before);
	sprout->rank = rank_of(search, &cost);
	return keep && !whole;
}

/* Those of one parent together, so that it is put once for all of them. */
static void weigh_all(struct beam *beam, size_t depth)
{
	size_t kept = 0, parent = SIZE_MAX;

	qsort(beam->sprouts, beam->sprout_count, sizeof(*beam->sprouts), by_parent);
	for (size_t i = 0; i < beam->sprout_count; i++) {
		struct sprout sprout = beam->sprouts[i];

		if (sprout.parent != parent) {
			parent = sprout.parent;
			put_member(beam, parent, depth);
		}
		if (weigh(beam->search, depth, &sprout))
			beam->sprouts[kept++] = sprout;
	}
	hn_search_clear(beam->search);
	beam->sprout_count = kept;
	qsort(beam->sprouts, kept, sizeof(*beam->sprouts), by_rank);
}

static void grow(struct beam *beam, size_t depth)
{
	const struct hn_candidate **level = beam->level;
	size_t count = beam->sprout_count < beam->width ? beam->sprout_count : beam->width;

	for (size_t i = 0; i < count; i++) {
		const struct hn_candidate **to = &beam->next[i * beam->cell_count];

		memcpy(to, &beam->level[beam->sprouts[i].parent * beam->cell_count], depth * sizeof(*to));
		to[depth] = beam->sprouts[i].candidate;
		beam->costs[i] = beam->sprouts[i].cost;
	}
	beam->level = beam->next;
	beam->next = level;
	beam->level_count = count;
}

int hn_beam(struct hn_search *search, size_t width)
{
	size_t cells = search->problem->cell_count;
	struct beam beam = {.search = search,
			    .width = width,
			    .cell_count = cells,
			    .level_count = 1,
			    .sprouts_max = width * HN_BEAM_WEIGHED};
	HN_AUTO(memory) const struct hn_candidate **levels = calloc(2 * width * cells, sizeof(*levels));
	HN_AUTO(memory) struct hn_cost *costs = calloc(width, sizeof(*costs));
	HN_AUTO(memory) struct sprout *sprouts = calloc(beam.sprouts_max, sizeof(*sprouts));

	if (!levels || !costs || !sprouts)
		return -ENOMEM;
	beam.level = levels;
	beam.next = levels + width * cells;
	beam.costs = costs;
	beam.sprouts = sprouts;
	hn_memo_clear(search->memo);
	for (size_t depth = 0; depth < cells && beam.level_count > 0 && search->steps_left > 0; depth++) {
		sprout(&beam, depth);
		weigh_all(&beam, depth);
		grow(&beam, depth);
	}
	return 0;
}
