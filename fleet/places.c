#include "fleet/places.h"

/* The places of cells of one sort. */
struct quest {
	struct hn_fleet_places *places;
	const struct hn_fleet_asked *asked;
	size_t host, cell;
	unsigned multiple;
	bool any_memory;
	struct hn_fleet_view view;
	struct hn_wide wide;
	uint64_t rooms[HN_TOPOLOGY_NODES_MAX];
	unsigned cpus[HN_TOPOLOGY_NODES_MAX];
	uint64_t keys[HN_TOPOLOGY_NODES_MAX];
};

/* As much as policy/candidates.c takes for any. */
static uint64_t room_of(const struct quest *quest, size_t node)
{
	return quest->any_memory ? UINT64_MAX / 4096 : quest->view.rooms[node];
}

static bool is_usable(const struct quest *quest, size_t node)
{
	return (quest->asked->cells[quest->cell].nodes >> node & 1) && quest->view.seats[node] > 0;
}

static uint64_t measure(const struct quest *quest, const struct hn_fleet_spot *spot)
{
	uint64_t lost = 0;
	bool only = quest->asked->demand->cell_count == 1 && !quest->any_memory;

	for (size_t i = 0; i < spot->count && only; i++)
		lost += hn_fleet_loss(quest->asked, quest->host, spot->parts[i].node, spot->parts[i].vcpus,
				      spot->parts[i].bytes);
	return hn_fleet_number(spot->inner, lost);
}

/* The next so many parts are a place. */
static void add_spot(struct quest *quest, size_t first, size_t count)
{
	const struct hn_fleet_group *group = quest->asked->group;
	struct hn_fleet_places *places = quest->places;
	struct hn_fleet_spot spot = {.count = count, .parts = &places->parts[places->part_count]};
	size_t at = places->spot_count++;

	places->part_count += count;
	for (size_t i = 0; i < count; i++) {
		const uint16_t *row = &group->distances[spot.parts[i].node * group->nodes];

		spot.nodes |= UINT64_C(1) << spot.parts[i].node;
		for (size_t j = 0; j < i; j++)
			spot.inner += row[spot.parts[j].node];
	}
	spot.alone = measure(quest, &spot);
	for (; at > first && places->spots[at - 1].alone > spot.alone; at--)
		places->spots[at] = places->spots[at - 1];
	places->spots[at] = spot;
}

static bool is_full(const struct hn_fleet_places *places, size_t nodes)
{
	return places->spot_count == HN_FLEET_SPOTS_MAX || places->part_count + nodes > HN_FLEET_PARTS_MAX;
}

/* Single nodes; false: there are too many. */
static bool find_singles(struct quest *quest, size_t first)
{
	struct hn_fleet_places *places = quest->places;
	uint64_t bytes = quest->asked->demand->cells[quest->cell].bytes;
	unsigned vcpus = quest->asked->demand->cells[quest->cell].vcpus;

	for (size_t node = 0; node < quest->asked->group->nodes; node++) {
		if (!is_usable(quest, node) || room_of(quest, node) < bytes ||
		    (uint64_t)quest->view.seats[node] * quest->multiple < vcpus)
			continue;
		if (is_full(places, 1))
			return false;
		places->parts[places->part_count] = (struct hn_part){node, bytes, vcpus};
		add_spot(quest, first, 1);
	}
	return true;
}

static void prepare_sets(struct quest *quest)
{
	const struct hn_fleet_asked *asked = quest->asked;

	quest->wide = (struct hn_wide){.bytes = asked->demand->cells[quest->cell].bytes,
				       .page_bytes = asked->demand->cells[quest->cell].page_bytes,
				       .vcpus = asked->demand->cells[quest->cell].vcpus,
				       .node_count = asked->group->nodes,
				       .rooms = quest->rooms,
				       .cpus = quest->cpus,
				       .keys = quest->keys,
				       .distances = asked->group->distances};
	for (size_t node = 0; node < asked->group->nodes; node++) {
		quest->cpus[node] = quest->view.seats[node] * quest->multiple;
		quest->rooms[node] =
			is_usable(quest, node) ? hn_wide_room(&quest->wide, room_of(quest, node)) : 0;
	}
}

/* Sets of nodes; likewise. */
static bool find_sets(struct quest *quest, size_t first)
{
	struct hn_fleet_places *places = quest->places;
	size_t nodes = quest->asked->group->nodes;

	prepare_sets(quest);
	for (size_t node = 0; node < nodes; node++) {
		size_t count;

		if (quest->rooms[node] == 0)
			continue;
		if (is_full(places, nodes))
			return false;
		count = hn_wide_grow(&quest->wide, node, &places->parts[places->part_count]);
		if (count == 0)
			return true; /* all that there is is not enough, wherever it begins */
		add_spot(quest, first, count);
	}
	return true;
}

enum hn_fleet_places_found hn_fleet_places_find(struct hn_fleet_places *ret,
						const struct hn_fleet_asked *asked, size_t host,
						unsigned multiple, bool any_memory)
{
	struct quest quest;

	ret->multiple = quest.multiple = multiple;
	ret->any_memory = quest.any_memory = any_memory;
	ret->spot_count = ret->part_count = 0;
	quest.places = ret;
	quest.asked = asked;
	quest.host = host;
	for (size_t sort = 0; sort < asked->sort_count; sort++) {
		size_t first = ret->spot_count;

		ret->first[sort] = first;
		quest.cell = asked->sorts[sort].first;
		quest.view = hn_fleet_view_of(asked, host, quest.cell);
		if (!find_singles(&quest, first))
			return HN_FLEET_PLACES_MANY;
		if (ret->spot_count == first && !find_sets(&quest, first))
			return HN_FLEET_PLACES_MANY;
		if (ret->spot_count == first)
			return HN_FLEET_PLACES_NONE;
	}
	ret->first[asked->sort_count] = ret->spot_count;
	return HN_FLEET_PLACES_ALL;
}

/* The first set that has none of these nodes; 0: there is none. */
static uint64_t find_free(const struct quest *quest, uint64_t used)
{
	struct hn_part parts[HN_TOPOLOGY_NODES_MAX];

	for (size_t node = 0; node < quest->wide.node_count; node++) {
		size_t count = quest->rooms[node] == 0 || (used >> node & 1)
				       ? 0
				       : hn_wide_grow(&quest->wide, node, parts);
		uint64_t nodes = 0;

		for (size_t i = 0; i < count; i++)
			nodes |= UINT64_C(1) << parts[i].node;
		if (nodes != 0 && (nodes & used) == 0)
			return nodes;
	}
	return 0;
}

bool hn_fleet_places_seat(const struct hn_fleet_asked *asked, size_t host, unsigned multiple)
{
	struct quest quest;
	uint64_t used = 0;

	quest.asked = asked;
	quest.host = host;
	quest.cell = 0;
	quest.multiple = multiple;
	quest.any_memory = true;
	quest.view = hn_fleet_view_of(asked, host, 0);
	if (asked->least_vcpus < asked->most_vcpus || (asked->sort_count > 1 && !asked->demand->plain))
		return false;
	prepare_sets(&quest);
	for (size_t node = 0; node < asked->group->nodes; node++)
		if (quest.rooms[node] > 0 && quest.cpus[node] >= asked->most_vcpus)
			return false; /* none is split */
	for (size_t i = 0; i < asked->demand->cell_count; i++) {
		uint64_t nodes = find_free(&quest, used);

		if (nodes == 0)
			return false;
		used |= nodes;
	}
	return true;
}
