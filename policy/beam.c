#include "policy/beam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bound.h"
#include "policy/state.h"

/* Of the children so many times the width are weighed by their bounds, which is what takes the time. */
#define WEIGHED 3

/* A partial assignment: one of the level before, and one more cell. */
struct sprout {
	struct hn_cost cost; /* first of what is assigned, then with the bound of the rest */
	struct hn_cost rank; /* the least is kept */
	size_t parent;
	const struct hn_candidate *candidate;
};

struct beam {
	struct hn_search *search;
	size_t width, cell_count;
	size_t level_count, next_count;
	const struct hn_candidate **level, **next; /* by partial assignment and depth */
	size_t sprout_count;
	struct sprout *sprouts;
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

static void put(struct hn_search *search, size_t depth, const struct hn_candidate *candidate)
{
	size_t cell = search->order[depth];
	struct hn_cost cost = hn_assignment_cost_with(search->assignment, cell, candidate);

	hn_assignment_put(search->assignment, cell, candidate, &cost);
}

static void put_member(const struct beam *beam, size_t member, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		put(beam->search, i, beam->level[member * beam->cell_count + i]);
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

static void sprout(struct beam *beam, size_t depth)
{
	struct hn_search *search = beam->search;

	beam->sprout_count = 0;
	for (size_t member = 0; member < beam->level_count; member++) {
		size_t count;

		put_member(beam, member, depth);
		count = hn_search_children(search, depth, search->order[depth]);
		for (size_t i = 0; i < count; i++) {
			const struct hn_child *child = &search->children[depth * search->child_count + i];

			beam->sprouts[beam->sprout_count++] = (struct sprout){
				child->cost, rank_of(search, &child->cost), member, child->candidate};
		}
		hn_search_clear(search);
	}
	qsort(beam->sprouts, beam->sprout_count, sizeof(*beam->sprouts), by_rank);
}

/* Weighs one by what the rest must cost; false when it is hopeless, or there already. */
static bool weigh(struct hn_search *search, size_t depth, struct sprout *sprout)
{
	size_t cell = search->order[depth];
	struct hn_cost before = search->assignment->cost;
	bool whole = depth + 1 == search->problem->cell_count, keep;

	hn_assignment_put(search->assignment, cell, sprout->candidate, &sprout->cost);
	keep = hn_bound_add_rest(search, depth + 1, &sprout->cost) &&
	       !hn_search_is_no_better(search, &sprout->cost) &&
	       (whole || !hn_state_was_reached(search, depth + 1));
	if (keep && whole)
		hn_search_keep(search);
	hn_assignment_take_back(search->assignment, cell, &before);
	sprout->rank = rank_of(search, &sprout->cost);
	return keep && !whole;
}

/* Weighs the cheapest, those of one parent together, so that it is put once for all of them. */
static void weigh_cheapest(struct beam *beam, size_t depth)
{
	size_t kept = 0, count = beam->sprout_count, parent = SIZE_MAX;

	if (count > beam->width * WEIGHED)
		count = beam->width * WEIGHED;
	qsort(beam->sprouts, count, sizeof(*beam->sprouts), by_parent);
	for (size_t i = 0; i < count; i++) {
		struct sprout sprout = beam->sprouts[i];

		if (sprout.parent != parent) {
			hn_search_clear(beam->search);
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

	beam->next_count = beam->sprout_count < beam->width ? beam->sprout_count : beam->width;
	for (size_t i = 0; i < beam->next_count; i++) {
		const struct hn_candidate **to = &beam->next[i * beam->cell_count];

		memcpy(to, &beam->level[beam->sprouts[i].parent * beam->cell_count], depth * sizeof(*to));
		to[depth] = beam->sprouts[i].candidate;
	}
	beam->level = beam->next;
	beam->next = level;
	beam->level_count = beam->next_count;
}

int hn_beam(struct hn_search *search, size_t width)
{
	size_t cells = search->problem->cell_count;
	struct beam beam = {.search = search, .width = width, .cell_count = cells, .level_count = 1};
	HN_AUTO(memory) const struct hn_candidate **levels = calloc(2 * width * cells, sizeof(*levels));
	HN_AUTO(memory)
	struct sprout *sprouts = calloc(width * search->child_count, sizeof(*sprouts));

	if (!levels || !sprouts)
		return -ENOMEM;
	beam.level = levels;
	beam.next = levels + width * cells;
	beam.sprouts = sprouts;
	hn_memo_clear(search->memo);
	for (size_t depth = 0; depth < cells && beam.level_count > 0 && search->steps_left > 0; depth++) {
		sprout(&beam, depth);
		weigh_cheapest(&beam, depth);
		grow(&beam, depth);
	}
	return 0;
}
