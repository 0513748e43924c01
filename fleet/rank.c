#include "fleet/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/recall.h"

#define CLOSE_STEPS 2000000 /* of the searches for close bounds in all: some tens of ms at the very most */

/* A host that may be among the best. */
struct candidate {
	struct hn_fleet_bound bound;
	uint64_t order;
	uint32_t asked, host;
};

struct race {
	struct hn_fleet_asked *asked; /* by group */
	struct hn_fleet_memory *memory;
	struct candidate *heap; /* the best on top */
	size_t count;
	struct hn_fleet_choice *solved; /* HN_FLEET_SOLVES_MAX; the best first */
	size_t solved_count, taken;     /* of these, so many are in the answer */
	uint64_t steps;                 /* left, for close bounds */
	size_t most;
	struct hn_guest *guest;
	struct hn_fleet_ranking *ret;
};

static const char *name_of(const struct hn_fleet_place *place)
{
	return place->group->records[place->host]->host;
}

static bool is_better(const struct race *race, const struct candidate *a, const struct candidate *b)
{
	if (a->bound.torn != b->bound.torn)
		return b->bound.torn;
	if (a->bound.least != b->bound.least)
		return a->bound.least < b->bound.least;
	if (a->order != b->order)
		return a->order < b->order;
	return strcmp(name_of(&(struct hn_fleet_place){race->asked[a->asked].group, a->host}),
		      name_of(&(struct hn_fleet_place){race->asked[b->asked].group, b->host})) < 0;
}

static int compare_solved(const struct hn_fleet_choice *a, const struct hn_fleet_choice *b)
{
	int by_cost = hn_cost_compare(&a->placement->cost, &b->placement->cost);

	if (a->torn != b->torn || by_cost)
		return a->torn != b->torn ? (a->torn ? 1 : -1) : by_cost;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return strcmp(name_of(&a->place), name_of(&b->place));
}

static void sink(struct race *race, size_t at)
{
	struct candidate item = race->heap[at];

	for (size_t child; (child = 2 * at + 1) < race->count; at = child) {
		if (child + 1 < race->count && is_better(race, &race->heap[child + 1], &race->heap[child]))
			child++;
		if (!is_better(race, &race->heap[child], &item))
			break;
		race->heap[at] = race->heap[child];
	}
	race->heap[at] = item;
}

static void heapify(struct race *race)
{
	for (size_t i = race->count / 2; i-- > 0;)
		sink(race, i);
}

static void drop_top(struct race *race)
{
	race->heap[0] = race->heap[--race->count];
	if (race->count > 0)
		sink(race, 0);
}

/* As many of the least bounds as there are to be hosts in the answer: the largest of them. */
static uint64_t find_mark(const struct race *race)
{
	uint64_t least[HN_FLEET_RANK_MAX];
	size_t count = 0;

	for (size_t i = 0; i < race->count; i++) {
		const struct hn_fleet_bound *bound = &race->heap[i].bound;
		size_t at = count;

		if (bound->torn || (count == race->most && bound->least >= least[count - 1]))
			continue;
		at = count < race->most ? count++ : count - 1;
		for (; at > 0 && least[at - 1] > bound->least; at--)
			least[at] = least[at - 1];
		least[at] = bound->least;
	}
	return count == race->most ? least[count - 1] : UINT64_MAX;
}

/* Those that would be refined one by one, in a go. */
static void refine_rough(struct race *race)
{
	uint64_t mark = find_mark(race);

	for (size_t i = 0; i < race->count; i++) {
		struct candidate *next = &race->heap[i];

		if (next->bound.rough && next->bound.least <= mark)
			hn_fleet_memory_refine(race->memory, next->asked, &race->asked[next->asked],
					       next->host, &race->steps, &next->bound);
	}
}

static void scan(const struct hn_fleet_index *index, const struct hn_fleet_demand *demand, struct race *race)
{
	for (size_t i = 0; i < hn_fleet_index_groups(index); i++) {
		struct hn_fleet_group *group = hn_fleet_index_group(index, i);
		struct hn_fleet_asked *asked = &race->asked[i];

		hn_fleet_asked_init(asked, group, demand);
		race->ret->scanned += group->count;
		for (size_t host = 0; host < group->count; host++) {
			struct candidate *next = &race->heap[race->count];
			enum hn_fleet_refusal refusal =
				hn_fleet_memory_bound(race->memory, i, asked, host, &next->bound);

			if (refusal != HN_FLEET_POSSIBLE) {
				race->ret->refused[refusal]++;
				continue;
			}
			next->order = group->order[host];
			next->asked = (uint32_t)i;
			next->host = (uint32_t)host;
			race->count++;
		}
	}
	race->ret->possible = race->count;
	refine_rough(race);
	heapify(race);
}

static bool is_torn(const struct hn_placement *home)
{
	for (size_t i = 0; i < home->cell_count; i++)
		if (hn_set_count(&home->cells[i].nodes) > 1)
			return true;
	return false;
}

/* The best candidate's host; that it takes the guest not after all is no error. */
static int solve_top(struct race *race, struct hn_error *err)
{
	const struct candidate *top = &race->heap[0];
	struct hn_fleet_choice choice = {.place = {race->asked[top->asked].group, top->host},
					 .order = top->order};
	size_t at = race->solved_count;
	struct hn_error why = {0};
	int r = hn_fleet_scene_solve(choice.place.group->scene, choice.place.group->records[top->host],
				     race->guest, HN_FLEET_STEPS, &choice.placement, &why);

	race->ret->solved++;
	drop_top(race);
	if (r == -ENOSPC) {
		race->ret->refused[HN_FLEET_REFUSED]++;
		return 0;
	}
	if (r < 0) {
		*err = why;
		return r;
	}
	choice.torn = is_torn(choice.placement);
	for (; at > race->taken && compare_solved(&choice, &race->solved[at - 1]) < 0; at--)
		race->solved[at] = race->solved[at - 1];
	race->solved[at] = choice;
	race->solved_count++;
	return 0;
}

/* Whether nobody who is not solved yet can come before the best of those who are. */
static bool has_won(const struct race *race)
{
	const struct hn_fleet_choice *best = &race->solved[race->taken];
	const struct candidate *top = &race->heap[0];
	uint64_t cost;

	if (race->taken == race->solved_count)
		return false;
	if (race->count == 0 || best->torn != top->bound.torn)
		return race->count == 0 || top->bound.torn;
	cost = hn_fleet_cost_number(&best->placement->cost);
	return cost != top->bound.least ? cost < top->bound.least : best->order < top->order;
}

static void refine_top(struct race *race)
{
	struct candidate *top = &race->heap[0];

	hn_fleet_memory_refine(race->memory, top->asked, &race->asked[top->asked], top->host, &race->steps,
			       &top->bound);
	if (top->bound.impossible) {
		race->ret->refused[HN_FLEET_REFUSED]++;
		drop_top(race);
	} else {
		sink(race, 0);
	}
}

/* Closer and closer bounds for the best, solved when there is none closer, until enough have won. */
static int run(struct race *race, struct hn_error *err)
{
	int r = 0;

	while (r == 0 && race->taken < race->most) {
		if (has_won(race))
			race->taken++;
		else if (race->count == 0)
			break;
		else if (!race->heap[0].bound.close)
			refine_top(race);
		else if (race->ret->solved < HN_FLEET_SOLVES_MAX)
			r = solve_top(race, err);
		else
			break;
	}
	race->ret->partial = race->taken < race->most && race->count > 0;
	return r;
}

static int answer(const struct hn_fleet_index *index, const struct hn_fleet_demand *demand, struct race *race,
		  struct hn_error *err)
{
	struct hn_fleet_ranking *ret = race->ret;
	int r;

	scan(index, demand, race);
	r = run(race, err);
	for (size_t i = 0; i < race->solved_count; i++) {
		if (r == 0 && i < race->most)
			ret->hosts[ret->count++] = race->solved[i];
		else
			hn_placement_free(race->solved[i].placement);
	}
	return r;
}

int hn_fleet_rank(struct hn_fleet_index *index, struct hn_guest *guest, size_t most,
		  struct hn_fleet_ranking *ret, struct hn_error *err)
{
	struct race race = {.steps = CLOSE_STEPS, .most = most, .guest = guest, .ret = ret};
	HN_AUTO(memory) struct hn_fleet_demand *demand = malloc(sizeof(*demand));
	HN_AUTO(memory) void *asked = calloc(hn_fleet_index_groups(index) + 1, sizeof(*race.asked));
	HN_AUTO(memory) void *heap = malloc((hn_fleet_index_count(index) + 1) * sizeof(*race.heap));
	HN_AUTO(memory) void *solved = calloc(HN_FLEET_SOLVES_MAX, sizeof(*race.solved));
	struct hn_fleet_recall *recall = hn_fleet_index_recall(index);
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!demand || !asked || !heap || !solved)
		return hn_oom(err);
	if (most == 0 || most > HN_FLEET_RANK_MAX)
		return hn_fail(err, -EINVAL, "limit: %zu is not within 1 and %d", most, HN_FLEET_RANK_MAX);
	if ((r = hn_fleet_demand_init(demand, guest, err)) < 0)
		return r;
	race.asked = asked;
	race.memory = recall ? hn_fleet_recall_find(recall, demand, index) : NULL;
	race.heap = heap;
	race.solved = solved;
	return answer(index, demand, &race, err);
}

void hn_fleet_ranking_done(struct hn_fleet_ranking *ranking)
{
	for (size_t i = 0; i < ranking->count; i++)
		hn_placement_free(ranking->hosts[i].placement);
	ranking->count = 0;
}
