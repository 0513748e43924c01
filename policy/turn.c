#include "policy/turn.h"

#include <stdio.h>

#include "base/units.h"

static bool between_the_same(const struct hn_turn_move *a, const struct hn_turn_move *b)
{
	return hn_set_has(&a->from, b->to_node) && hn_set_has(&b->from, a->to_node);
}

static const struct hn_turn_move *find_rival(const struct hn_turn_move *asked,
					     const struct hn_turn_move *running, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (running[i].to_node == asked->to_node || between_the_same(asked, &running[i]))
			return &running[i];
	return NULL;
}

static enum hn_wait refuse_room(const struct hn_turn_move *asked, const struct hn_turn_room *room, char *why,
				size_t size)
{
	char needs[HN_UNITS_TEXT_MAX], free[HN_UNITS_TEXT_MAX], low[HN_UNITS_TEXT_MAX],
		kept[HN_UNITS_TEXT_MAX];

	snprintf(why, size,
		 "for room on node %d: %s are to go there, %s are free, less %s for the kernel and %s "
		 "promised "
		 "to others",
		 asked->to_node, hn_bytes_format(asked->left_bytes, needs, sizeof(needs)),
		 hn_bytes_format(room->free_bytes, free, sizeof(free)),
		 hn_bytes_format(room->watermark_bytes, low, sizeof(low)),
		 hn_bytes_format(room->reserved_bytes, kept, sizeof(kept)));
	return HN_WAIT_FOR_ROOM;
}

enum hn_wait hn_turn_ask(const struct hn_turn_move *asked, const struct hn_turn_move *running, size_t count,
			 uint64_t at_once, const struct hn_turn_room *room, char *why, size_t size)
{
	const struct hn_turn_move *rival = find_rival(asked, running, count);

	if (size)
		*why = '\0';
	if (rival && rival->to_node == asked->to_node) {
		snprintf(why, size, "for '%s', whose memory goes to node %d, too", rival->guest,
			 rival->to_node);
		return HN_WAIT_FOR_ANOTHER;
	}
	if (rival) {
		snprintf(why, size, "for '%s', whose memory goes the other way, from node %d to node %d",
			 rival->guest, asked->to_node, rival->to_node);
		return HN_WAIT_FOR_ANOTHER;
	}
	if (count >= at_once) {
		snprintf(why, size, "for another migration to end: %zu run, as many as may at once", count);
		return HN_WAIT_FOR_ANOTHER;
	}
	if (room->free_bytes < asked->left_bytes + room->watermark_bytes + room->reserved_bytes)
		return refuse_room(asked, room, why, size);
	return HN_WAIT_NOT;
}
