#include "policy/wide.h"

#define BASE_PAGE 4096 /* the least that moves; larger base pages are multiples */
#define ROOM_BITS 44   /* of a key, for pages; distances to all nodes together need 20 at most */
#define ROOM_MAX ((UINT64_C(1) << ROOM_BITS) - 1)
#define NEVER UINT64_MAX

static uint64_t page_bytes(const struct hn_wide *wide)
{
	return wide->page_bytes ? wide->page_bytes : BASE_PAGE;
}

uint64_t hn_wide_room(const struct hn_wide *wide, uint64_t room)
{
	uint64_t page = page_bytes(wide);

	room = page == BASE_PAGE ? room / BASE_PAGE * BASE_PAGE : room / page * page;
	return room > wide->bytes / HN_STRAY_FRACTION ? room : 0;
}

/* Nodes in the order in which they are taken: by their distance to all that have been, the roomier first. */
static uint64_t key_of(uint64_t room)
{
	uint64_t pages = room / BASE_PAGE;

	return room ? ROOM_MAX - (pages < ROOM_MAX ? pages : ROOM_MAX) : NEVER;
}

static void take(const struct hn_wide *wide, size_t node)
{
	const uint16_t *row = &wide->distances[node * wide->node_count];

	for (size_t other = 0; other < wide->node_count; other++)
		wide->keys[other] += wide->keys[other] == NEVER ? 0 : (uint64_t)row[other] << ROOM_BITS;
	wide->keys[node] = NEVER;
}

/* The next of them, -1 when none is left. */
static int nearest(const struct hn_wide *wide)
{
	uint64_t least = NEVER;
	int best = -1;

	for (size_t node = 0; node < wide->node_count; node++)
		if (wide->keys[node] < least) {
			least = wide->keys[node];
			best = (int)node;
		}
	return best;
}

/* Spreads bytes over the nodes in whole pages, as evenly as their room allows. */
static void pour(const struct hn_wide *wide, struct hn_part *parts, size_t count)
{
	uint64_t left = wide->bytes, page = page_bytes(wide);

	while (left > 0) { /* a round fills a node or is the last: there is room for all of it */
		uint64_t open = 0, even;

		for (size_t i = 0; i < count; i++)
			open += parts[i].bytes < wide->rooms[parts[i].node];
		even = (left + open * page - 1) / (open * page) * page;
		for (size_t i = 0; i < count && left > 0; i++) {
			uint64_t room = wide->rooms[parts[i].node] - parts[i].bytes;
			uint64_t more = even < room ? even : room;

			more = more < left ? more : left;
			parts[i].bytes += more;
			left -= more;
		}
	}
}

static int seats_left(const struct hn_wide *wide, const struct hn_part *part)
{
	return (int)wide->cpus[part->node] - (int)part->vcpus;
}

void hn_wide_seat(const struct hn_wide *wide, struct hn_part *parts, size_t count)
{
	unsigned left = wide->vcpus;

	for (size_t i = 0; i < count; i++)
		parts[i].vcpus = 0;
	for (size_t i = 0; i < count && wide->bytes > 0; i++) {
		struct hn_part *part = &parts[i];
		unsigned room = wide->cpus[part->node];

		part->vcpus =
			(unsigned)((double)wide->vcpus * (double)part->bytes / (double)wide->bytes + 0.5);
		part->vcpus = part->vcpus < room ? part->vcpus : room;
		part->vcpus = part->vcpus < left ? part->vcpus : left;
		left -= part->vcpus;
	}
	for (; left > 0; left--) {
		struct hn_part *best = &parts[0];

		for (size_t i = 1; i < count; i++)
			if (seats_left(wide, &parts[i]) > seats_left(wide, best))
				best = &parts[i];
		best->vcpus++;
	}
}

size_t hn_wide_grow(const struct hn_wide *wide, size_t start, struct hn_part *ret)
{
	size_t count = 0;
	uint64_t room = 0, cpus = 0;

	for (size_t node = 0; node < wide->node_count; node++)
		wide->keys[node] = key_of(wide->rooms[node]);
	for (int node = (int)start; node >= 0; node = nearest(wide)) {
		ret[count++] = (struct hn_part){.node = (size_t)node};
		room += wide->rooms[node];
		cpus += wide->cpus[node];
		if (room >= wide->bytes && cpus >= wide->vcpus) {
			pour(wide, ret, count);
			hn_wide_seat(wide, ret, count);
			return count;
		}
		take(wide, (size_t)node);
	}
	return 0;
}
