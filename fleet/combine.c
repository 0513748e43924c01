#include "fleet/combine.h"

#include <string.h>

#define MASKED_MAX 64

/* All ways to put the cells on places of theirs, but for those that certainly cost more than the best so far.
 */
struct search {
	const struct hn_fleet_asked *asked;
	size_t host;
	const struct hn_fleet_places *places;
	bool any; /* memory aside, the first will do */
	uint64_t steps, best;
	uint64_t walked;                         /* what a search looks at that knows no pairs, at the most */
	uint64_t pair;                           /* what two cells have between them at the least */
	uint8_t sorts[HN_DEMAND_CELLS_MAX];      /* by cell */
	uint64_t inner[HN_DEMAND_CELLS_MAX + 1]; /* of the cells from that on, at the least */
	unsigned used[HN_TOPOLOGY_NODES_MAX];    /* vCPUs */
	uint64_t bytes[HN_TOPOLOGY_NODES_MAX];   /* in pages of any size */
	uint64_t kind_bytes[HN_PAGE_KINDS][HN_TOPOLOGY_NODES_MAX];
	uint64_t losses[HN_TOPOLOGY_NODES_MAX];
	const struct hn_fleet_spot *chosen[HN_DEMAND_CELLS_MAX];
	/* By place, while there are no more of them than bits: those that may have a cell besides. */
	uint64_t besides[MASKED_MAX];
};

/* Mean distance between two cells' nodes, as the solver rounds it. */
static uint64_t remoteness(const struct search *search, const struct hn_fleet_spot *a,
			   const struct hn_fleet_spot *b)
{
	const struct hn_fleet_group *group = search->asked->group;
	uint64_t sum = 0, pairs = (uint64_t)a->count * b->count;

	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			sum += group->distances[a->parts[i].node * group->nodes + b->parts[j].node];
	return (sum + pairs - 1) / pairs;
}

static bool admits(const struct search *search, size_t cell, const struct hn_fleet_spot *spot)
{
	const struct hn_fleet_asked *asked = search->asked;
	const uint64_t *bytes = search->kind_bytes[asked->cells[cell].kind];
	struct hn_fleet_view view = hn_fleet_view_of(asked, search->host, cell);

	for (size_t i = 0; i < spot->count; i++) {
		const struct hn_part *part = &spot->parts[i];
		uint64_t seats = (uint64_t)view.seats[part->node] * search->places->multiple;

		if (part->vcpus > 0 && search->used[part->node] + part->vcpus > seats)
			return false;
		if (!search->any && bytes[part->node] + part->bytes > view.rooms[part->node])
			return false;
	}
	return true;
}

/* Returns what it loses more; before: to be given back. */
static uint64_t take(struct search *search, size_t cell, const struct hn_fleet_spot *spot, uint64_t *before)
{
	uint64_t *bytes = search->kind_bytes[search->asked->cells[cell].kind], lost = 0;

	for (size_t i = 0; i < spot->count; i++) {
		size_t node = spot->parts[i].node;

		search->used[node] += spot->parts[i].vcpus;
		search->bytes[node] += spot->parts[i].bytes;
		bytes[node] += spot->parts[i].bytes;
		before[i] = search->losses[node];
		if (search->any)
			continue;
		search->losses[node] = hn_fleet_loss(search->asked, search->host, node, search->used[node],
						     search->bytes[node]);
		lost += search->losses[node] - before[i];
	}
	search->chosen[cell] = spot;
	return lost;
}

static void give_back(struct search *search, size_t cell, const struct hn_fleet_spot *spot,
		      const uint64_t *before)
{
	uint64_t *bytes = search->kind_bytes[search->asked->cells[cell].kind];

	for (size_t i = 0; i < spot->count; i++) {
		size_t node = spot->parts[i].node;

		search->used[node] -= spot->parts[i].vcpus;
		search->bytes[node] -= spot->parts[i].bytes;
		bytes[node] -= spot->parts[i].bytes;
		search->losses[node] = before[i];
	}
}

/* What has been put on places. */
struct state {
	size_t cells;
	uint64_t remote, lost;
	uint64_t open; /* places that may have more; with any others that have no bit */
	size_t last;   /* the last cell's place */
};

static void put(struct search *search, const struct state *state);

/* The next cell there, and then the others. */
static void try(struct search *search, size_t place, const struct state *state)
{
	const struct hn_fleet_spot *spot = &search->places->spots[place];
	size_t cells = state->cells + 1, rest = search->asked->demand->cell_count - cells;
	uint64_t pairs = cells * rest + rest * (rest - (rest > 0)) / 2;
	uint64_t ahead = search->inner[cells] + search->pair * pairs, before[HN_TOPOLOGY_NODES_MAX];
	struct state next = {.cells = cells, .remote = state->remote + spot->inner, .last = place};

	if (!admits(search, state->cells, spot))
		return;
	for (size_t i = 0; i < state->cells && !search->any; i++)
		next.remote += remoteness(search, spot, search->chosen[i]);
	if (hn_fleet_number(next.remote + ahead, state->lost) >= search->best)
		return;
	next.open = place < MASKED_MAX ? state->open & search->besides[place] : state->open;
	next.lost = state->lost + take(search, state->cells, spot, before);
	if (hn_fleet_number(next.remote + ahead, next.lost) < search->best)
		put(search, &next);
	give_back(search, state->cells, spot, before);
}

static void put(struct search *search, const struct state *state)
{
	const struct hn_fleet_places *places = search->places;
	size_t sort, from;

	if (state->cells == search->asked->demand->cell_count) {
		search->best = search->any ? 0 : hn_fleet_number(state->remote, state->lost);
		return;
	}
	sort = search->sorts[state->cells];
	from = places->first[sort];
	search->walked += places->first[sort + 1] - from;
	/* cells that are alike may change places */
	if (state->cells > 0 && search->sorts[state->cells - 1] == sort && !search->any)
		from = state->last;
	for (; from < places->first[sort + 1] && search->steps > 0 && search->best > 0; from++) {
		if (from < MASKED_MAX && !(state->open >> from & 1))
			continue;
		search->steps--;
		try(search, from, state);
	}
}

/* Whether two cells may be there at the same time, others aside. */
static bool go_together(const struct search *search, size_t one, size_t other, const struct hn_fleet_spot *a,
			const struct hn_fleet_spot *b)
{
	const struct hn_fleet_asked *asked = search->asked;
	struct hn_fleet_view view = hn_fleet_view_of(asked, search->host, one);
	bool same_kind = asked->cells[one].kind == asked->cells[other].kind && !search->any;

	for (size_t i = 0; i < a->count && (a->nodes & b->nodes); i++)
		for (size_t j = 0; j < b->count; j++) {
			size_t node = a->parts[i].node;
			unsigned vcpus = a->parts[i].vcpus + b->parts[j].vcpus;

			if (b->parts[j].node != node)
				continue;
			if (same_kind && a->parts[i].bytes + b->parts[j].bytes > view.rooms[node])
				return false;
			if (vcpus > 0 && vcpus > (uint64_t)view.seats[node] * search->places->multiple)
				return false;
		}
	return true;
}

static void pair_up(struct search *search)
{
	const struct hn_fleet_places *places = search->places;
	size_t count = places->spot_count < MASKED_MAX ? places->spot_count : MASKED_MAX;

	memset(search->besides, 0, count * sizeof(search->besides[0]));
	for (size_t a = 0, sort_a = 0; a < count; a++) {
		while (a >= places->first[sort_a + 1])
			sort_a++;
		for (size_t b = 0, sort_b = 0; b <= a; b++) {
			while (b >= places->first[sort_b + 1])
				sort_b++;
			if (!go_together(search, search->asked->sorts[sort_a].first,
					 search->asked->sorts[sort_b].first, &places->spots[a],
					 &places->spots[b]))
				continue;
			search->besides[a] |= UINT64_C(1) << b;
			search->besides[b] |= UINT64_C(1) << a;
		}
	}
}

static void init(struct search *search, const struct hn_fleet_asked *asked, size_t host,
		 const struct hn_fleet_places *places, uint64_t steps)
{
	size_t nodes = asked->group->nodes, cells = asked->demand->cell_count, fewest = SIZE_MAX;

	search->asked = asked;
	search->host = host;
	search->places = places;
	search->any = places->any_memory;
	search->steps = steps;
	search->walked = 0;
	search->best = UINT64_MAX;
	memset(search->used, 0, nodes * sizeof(search->used[0]));
	memset(search->bytes, 0, nodes * sizeof(search->bytes[0]));
	memset(search->losses, 0, nodes * sizeof(search->losses[0]));
	for (size_t i = 0; i < cells; i++)
		memset(search->kind_bytes[asked->cells[i].kind], 0, nodes * sizeof(search->bytes[0]));
	search->inner[cells] = 0;
	for (size_t sort = asked->sort_count; sort-- > 0;) {
		uint64_t least = UINT64_MAX;

		for (size_t i = places->first[sort]; i < places->first[sort + 1]; i++) {
			least = places->spots[i].inner < least ? places->spots[i].inner : least;
			fewest = places->spots[i].count < fewest ? places->spots[i].count : fewest;
		}
		for (size_t i = asked->sorts[sort].count; i-- > 0;) {
			size_t cell = asked->sorts[sort].first + i;

			search->sorts[cell] = (uint8_t)sort;
			search->inner[cell] = search->inner[cell + 1] + least;
		}
	}
	search->pair = hn_fleet_places_pair(asked->group, fewest);
	if (cells > 1)
		pair_up(search);
}

void hn_fleet_combine(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_places *places,
		      uint64_t steps, struct hn_fleet_combination *ret)
{
	const struct state nothing = {.open = UINT64_MAX};
	struct search search;

	if (asked->demand->cell_count == 1 && !places->any_memory && steps > 0) {
		*ret = (struct hn_fleet_combination){.best = places->spots[0].alone, .steps = steps - 1};
		return;
	}
	init(&search, asked, host, places, steps);
	put(&search, &nothing);
	*ret = (struct hn_fleet_combination){
		.best = search.best, .steps = search.steps, .walked = search.walked};
}
