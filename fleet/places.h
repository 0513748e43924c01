#pragma once
/*
 * places - where on a host the cells of a guest may be, each by itself: as policy/candidates.c has it for a
 * guest that is to come.
 */
#include "fleet/asked.h"
#include "policy/wide.h"

/* More are not looked at: cells of 24 sorts on eight nodes have as many, or of three on 64. */
#define HN_FLEET_SPOTS_MAX 192
#define HN_FLEET_PARTS_MAX 768

/* A node, or several that are neighbours. */
struct hn_fleet_spot {
	size_t count;
	const struct hn_part *parts;
	uint64_t nodes; /* bits */
	uint64_t inner; /* distance between its nodes */
	uint64_t alone; /* hn_fleet_number(): inner, and what the only cell of a guest loses there */
};

struct hn_fleet_places {
	unsigned multiple;
	bool any_memory;
	size_t spot_count, part_count;
	size_t first[HN_DEMAND_CELLS_MAX + 1]; /* by sort: its spots, the cheapest first */
	struct hn_fleet_spot spots[HN_FLEET_SPOTS_MAX];
	struct hn_part parts[HN_FLEET_PARTS_MAX];
};

enum hn_fleet_places_found {
	HN_FLEET_PLACES_ALL,
	HN_FLEET_PLACES_NONE, /* for one of the sorts */
	HN_FLEET_PLACES_MANY, /* more than there is room for */
};

/* Of guests that are not realtime: those are never split. any_memory: leave that out of account, and what is
 * lost. ret is for the caller to keep where it is. */
enum hn_fleet_places_found hn_fleet_places_find(struct hn_fleet_places *ret,
						const struct hn_fleet_asked *asked, size_t host,
						unsigned multiple, bool any_memory);

/* Whether all cells find seats, memory aside, on sets of nodes that have none in common, as far as that is
 * soon seen. */
bool hn_fleet_places_seat(const struct hn_fleet_asked *asked, size_t host, unsigned multiple);

/* What two cells have between them at the least, each of which is on so many nodes or more. */
static inline uint64_t hn_fleet_places_pair(const struct hn_fleet_group *group, size_t nodes)
{
	/* no node is twice among those of a cell: of the pairs no more are local than the larger has nodes */
	return nodes > 1 ? (group->nearest * (nodes - 1) + nodes - 1) / nodes : 0;
}
