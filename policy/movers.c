#include "policy/movers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/capacity.h"

#define ITEMS_MAX 16   /* cells that are counted together */
#define SETS_MAX 50000 /* looked at */
#define STEPS_MAX 2000 /* of counting one set through */
#define STEPS_OF_ALL 400000

/* What a cell takes of one node, or what a node has left. */
struct room {
	int64_t cores, bytes;
};

struct item {
	size_t guest, cell;
	struct room wants;
};

struct quest {
	const struct hn_snapshot *snapshot;
	size_t newcomer, node_count;
	struct room *without; /* workspace: by node, without those of a set */
	size_t guest_count;
	size_t *guests; /* that may move, the smallest first */
	uint64_t looks, steps_left;
	struct hn_movers *ret;
	size_t ret_most, ret_count;
};

static bool may_move(const struct hn_snapshot *snapshot, size_t guest)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];

	if (state->guest->mode != HN_MODE_ENFORCE || state->guest->class == HN_CLASS_REALTIME ||
	    state->moving)
		return false;
	if (!state->home || state->home->node_count != snapshot->host->node_count ||
	    state->home->cell_count != state->guest->cell_count)
		return false;
	for (size_t cell = 0; cell < state->guest->cell_count; cell++)
		if (!hn_guest_cell_movable(state->guest, cell))
			return false;
	return true;
}

/* Shared vCPUs need no core, and huge pages no base pages: what is not counted is no reason against. */
static struct room wants_of(const struct hn_guest *guest, size_t cell)
{
	const struct hn_cell *model = &guest->cells[cell];

	return (struct room){.cores = guest->class == HN_CLASS_SHARED ? 0 : hn_set_count(&model->vcpus),
			     .bytes = model->page_bytes ? 0 : (int64_t)model->memory_bytes};
}

/* Adds what the guest gives back when it leaves its home; or takes it again, with sign -1. */
static void give_back(struct quest *quest, size_t guest, int sign)
{
	const struct hn_guest_state *state = &quest->snapshot->guests[guest];

	for (size_t cell = 0; cell < state->guest->cell_count; cell++) {
		const struct hn_cell_home *home = &state->home->cells[cell];
		struct room wants = wants_of(state->guest, cell);
		bool known = hn_placement_seats_known(state->home, cell, (unsigned)wants.cores);

		HN_SET_FOREACH (id, &home->nodes) {
			int node = hn_host_node_index(quest->snapshot->host, id);

			if (node < 0)
				continue;
			quest->without[node].cores +=
				sign * (known ? (int64_t)home->vcpus[node] : wants.cores);
			if (wants.bytes)
				quest->without[node].bytes += sign * (int64_t)home->bytes[node];
		}
	}
}

static bool holds(const struct room *room, const struct room *wants)
{
	return wants->cores <= room->cores && wants->bytes <= room->bytes;
}

static bool may_be_on(const struct quest *quest, const struct item *item, size_t node)
{
	const struct hn_node *place = &quest->snapshot->host->nodes[node];

	return !place->draining &&
	       hn_guest_allows(quest->snapshot->guests[item->guest].guest, item->cell, place->id);
}

/* Whether the items from that one on find room, one after the other. */
static bool place(const struct quest *quest, const struct item *items, size_t count, unsigned *steps)
{
	if (count == 0)
		return true;
	for (size_t node = 0; node<quest->node_count && * steps> 0; node++) {
		struct room *room = &quest->without[node];
		bool placed;

		if (!holds(room, &items->wants) || !may_be_on(quest, items, node))
			continue;
		--*steps;
		room->cores -= items->wants.cores;
		room->bytes -= items->wants.bytes;
		placed = place(quest, items + 1, count - 1, steps);
		room->cores += items->wants.cores;
		room->bytes += items->wants.bytes;
		if (placed)
			return true;
	}
	return false;
}

static size_t add_items(const struct quest *quest, size_t guest, struct item *items, size_t count)
{
	const struct hn_guest *model = quest->snapshot->guests[guest].guest;

	for (size_t cell = 0; cell < model->cell_count && count <= ITEMS_MAX; cell++) {
		struct item item = {guest, cell, wants_of(model, cell)};
		size_t at = count++;

		if (count > ITEMS_MAX)
			break;
		for (; at > 0 && items[at - 1].wants.bytes < item.wants.bytes; at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
	return count;
}

/* Whether the newcomer and the set, which has left, find room. The newcomer's largest cell is looked at
 * first: most sets do not help it. */
static bool makes_room(struct quest *quest, const struct hn_movers *movers)
{
	struct item items[ITEMS_MAX];
	size_t count = add_items(quest, quest->newcomer, items, 0), node = 0;
	unsigned most = quest->steps_left < STEPS_MAX ? (unsigned)quest->steps_left : STEPS_MAX, steps = most;
	bool placed;

	if (count == 0 || count > ITEMS_MAX)
		return false;
	while (node < quest->node_count && !holds(&quest->without[node], &items[0].wants))
		node++;
	if (node == quest->node_count)
		return false;
	for (size_t i = 0; i < movers->count; i++)
		count = add_items(quest, movers->guests[i], items, count);
	placed = count <= ITEMS_MAX && place(quest, items, count, &steps);
	quest->steps_left -= most - steps;
	return placed;
}

/* Keeps the sets of fewest bytes. */
static void keep(struct quest *quest, const struct hn_movers *movers)
{
	size_t at = quest->ret_count;

	if (at == quest->ret_most && movers->bytes >= quest->ret[at - 1].bytes)
		return;
	if (at < quest->ret_most)
		quest->ret_count++;
	else
		at--;
	for (; at > 0 && quest->ret[at - 1].bytes > movers->bytes; at--)
		quest->ret[at] = quest->ret[at - 1];
	quest->ret[at] = *movers;
}

/* All sets of so many more, of guests from that one on. */
static void try_sets(struct quest *quest, struct hn_movers *movers, size_t first, unsigned more)
{
	if (more == 0) {
		quest->looks++;
		if (makes_room(quest, movers))
			keep(quest, movers);
		return;
	}
	for (size_t i = first; i < quest->guest_count && quest->looks < SETS_MAX && quest->steps_left > 0;
	     i++) {
		uint64_t bytes = hn_guest_memory_bytes(quest->snapshot->guests[quest->guests[i]].guest);

		if (quest->ret_count == quest->ret_most &&
		    movers->bytes + bytes >= quest->ret[quest->ret_most - 1].bytes)
			return; /* those that follow are larger still */
		movers->guests[movers->count++] = quest->guests[i];
		movers->bytes += bytes;
		give_back(quest, quest->guests[i], 1);
		try_sets(quest, movers, i + 1, more - 1);
		give_back(quest, quest->guests[i], -1);
		movers->bytes -= bytes;
		movers->count--;
	}
}

static void list_guests(struct quest *quest)
{
	const struct hn_snapshot *snapshot = quest->snapshot;

	for (size_t i = 0; i < snapshot->guest_count; i++) {
		uint64_t bytes = hn_guest_memory_bytes(snapshot->guests[i].guest);
		size_t at = quest->guest_count;

		if (i == quest->newcomer || !may_move(snapshot, i))
			continue;
		for (; at > 0 && hn_guest_memory_bytes(snapshot->guests[quest->guests[at - 1]].guest) > bytes;
		     at--)
			quest->guests[at] = quest->guests[at - 1];
		quest->guests[at] = i;
		quest->guest_count++;
	}
}

static void fill_rooms(struct quest *quest, const struct hn_capacity *capacity)
{
	const struct hn_host *host = quest->snapshot->host;

	for (size_t node = 0; node < quest->node_count; node++)
		if (!hn_set_empty(&host->nodes[node].cpus) && host->nodes[node].memory_kind != HN_MEMORY_GPU)
			quest->without[node] =
				(struct room){.cores = capacity->nodes[node].seats[HN_CLASS_DEDICATED],
					      .bytes = (int64_t)capacity->nodes[node].room_bytes};
}

/* Moving does not make more of it. */
static bool has_enough(const struct quest *quest)
{
	const struct hn_guest *guest = quest->snapshot->guests[quest->newcomer].guest;
	struct room all = {0}, wants = {0};

	for (size_t node = 0; node < quest->node_count; node++) {
		all.cores += quest->without[node].cores;
		all.bytes += quest->without[node].bytes;
	}
	for (size_t cell = 0; cell < guest->cell_count; cell++) {
		struct room one = wants_of(guest, cell);

		wants.cores += one.cores;
		wants.bytes += one.bytes;
	}
	return holds(&all, &wants);
}

int hn_movers_find(const struct hn_snapshot *snapshot, size_t newcomer, const struct hn_solver_limits *limits,
		   unsigned movers_max, struct hn_movers *ret, size_t ret_most, size_t *ret_count)
{
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new(snapshot, newcomer, limits->keep_free_bytes);
	HN_AUTO(memory) struct room *rooms = calloc(snapshot->host->node_count + 1, sizeof(*rooms));
	HN_AUTO(memory) size_t *guests = calloc(snapshot->guest_count + 1, sizeof(*guests));
	struct quest quest = {.snapshot = snapshot,
			      .newcomer = newcomer,
			      .node_count = snapshot->host->node_count,
			      .without = rooms,
			      .guests = guests,
			      .steps_left = STEPS_OF_ALL,
			      .ret = ret,
			      .ret_most = ret_most};
	struct hn_movers movers = {0};

	*ret_count = 0;
	if (!capacity || !rooms || !guests)
		return -ENOMEM;
	fill_rooms(&quest, capacity);
	if (!has_enough(&quest))
		return 0;
	list_guests(&quest);
	for (unsigned count = 1;
	     count <= movers_max && count <= HN_MOVERS_MAX && (count < 4 || quest.ret_count == 0); count++)
		try_sets(&quest, &movers, 0, count);
	*ret_count = quest.ret_count;
	return 0;
}
