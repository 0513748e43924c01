#include "fleet/recall.h"

#include <stdlib.h>
#include <string.h>

/* Of a host as it was at a stamp: its first bound, and each closer one once it was needed. */
struct entry {
	uint64_t stamp; /* 0: nothing is known */
	struct hn_fleet_bound first, fair, close;
	uint16_t steps; /* that the close one took */
	uint8_t refusal;
	bool is_fair; /* the fair one is known */
};

struct known_group {
	size_t room;
	struct entry *entries; /* by host */
};

struct hn_fleet_memory {
	uint64_t asked; /* when, 0: of nothing yet */
	struct hn_fleet_demand demand;
	size_t count;
	struct known_group *groups;
};

struct hn_fleet_recall {
	uint64_t now; /* in questions */
	struct hn_fleet_memory *shapes[HN_RECALL_SHAPES];
};

struct hn_fleet_recall *hn_fleet_recall_new(void)
{
	return calloc(1, sizeof(struct hn_fleet_recall));
}

static void forget(struct hn_fleet_memory *memory)
{
	for (size_t i = 0; memory && i < memory->count; i++)
		free(memory->groups[i].entries);
	if (memory)
		free(memory->groups);
	free(memory);
}

void hn_fleet_recall_free(struct hn_fleet_recall *recall)
{
	for (size_t i = 0; recall && i < HN_RECALL_SHAPES; i++)
		forget(recall->shapes[i]);
	free(recall);
}

static bool is_same(const struct hn_fleet_demand *a, const struct hn_fleet_demand *b)
{
	bool same = a->class == b->class && a->drawn == b->drawn && a->cell_count == b->cell_count;

	for (size_t i = 0; i < a->cell_count && same; i++)
		same = a->cells[i].bytes == b->cells[i].bytes && a->cells[i].vcpus == b->cells[i].vcpus &&
		       a->cells[i].page_bytes == b->cells[i].page_bytes &&
		       a->cells[i].restricted == b->cells[i].restricted &&
		       hn_set_equal(&a->cells[i].allowed, &b->cells[i].allowed);
	return same;
}

/* The one of that demand, or the one to forget. */
static struct hn_fleet_memory **find(struct hn_fleet_recall *recall, const struct hn_fleet_demand *demand)
{
	struct hn_fleet_memory **oldest = &recall->shapes[0];

	for (size_t i = 0; i < HN_RECALL_SHAPES; i++) {
		struct hn_fleet_memory **shape = &recall->shapes[i];

		if (*shape && is_same(&(*shape)->demand, demand))
			return shape;
		if (*oldest && (!*shape || (*shape)->asked < (*oldest)->asked))
			oldest = shape;
	}
	forget(*oldest);
	*oldest = calloc(1, sizeof(**oldest));
	if (*oldest)
		(*oldest)->demand = *demand;
	return oldest;
}

static bool make_room(struct hn_fleet_memory *memory, const struct hn_fleet_index *index)
{
	size_t count = hn_fleet_index_groups(index);

	if (memory->count < count) {
		struct known_group *grown = reallocarray(memory->groups, count, sizeof(*grown));

		if (!grown)
			return false;
		memset(&grown[memory->count], 0, (count - memory->count) * sizeof(*grown));
		memory->groups = grown;
		memory->count = count;
	}
	for (size_t i = 0; i < count; i++) {
		const struct hn_fleet_group *group = hn_fleet_index_group(index, i);
		struct known_group *known = &memory->groups[i];
		struct entry *grown;

		if (known->room >= group->count)
			continue;
		grown = reallocarray(known->entries, group->room, sizeof(*grown));
		if (!grown)
			return false;
		memset(&grown[known->room], 0, (group->room - known->room) * sizeof(*grown));
		known->entries = grown;
		known->room = group->room;
	}
	return true;
}

struct hn_fleet_memory *hn_fleet_recall_find(struct hn_fleet_recall *recall,
					     const struct hn_fleet_demand *demand,
					     const struct hn_fleet_index *index)
{
	struct hn_fleet_memory *memory = *find(recall, demand);

	if (!memory || !make_room(memory, index))
		return NULL;
	memory->asked = ++recall->now;
	return memory;
}

enum hn_fleet_refusal hn_fleet_memory_bound(struct hn_fleet_memory *memory, size_t group,
					    const struct hn_fleet_asked *asked, size_t host,
					    struct hn_fleet_bound *ret)
{
	struct entry *entry = memory ? &memory->groups[group].entries[host] : NULL;
	enum hn_fleet_refusal refusal;

	if (entry && entry->stamp == asked->group->stamps[host]) {
		*ret = entry->first;
		return (enum hn_fleet_refusal)entry->refusal;
	}
	refusal = hn_fleet_bound(asked, host, ret);
	if (entry)
		*entry = (struct entry){
			.stamp = asked->group->stamps[host], .first = *ret, .refusal = (uint8_t)refusal};
	return refusal;
}

/* One that took fewer steps than there are is the same again; one that took all may have been cut short. */
static void close_in(struct entry *entry, const struct hn_fleet_asked *asked, size_t host, uint64_t *steps,
		     struct hn_fleet_bound *bound)
{
	uint64_t before = *steps;

	if (entry->close.close && entry->steps < before) {
		*steps -= entry->steps;
		*bound = entry->close;
		return;
	}
	hn_fleet_bound_refine(asked, host, steps, bound);
	if (*steps > 0) {
		entry->close = *bound;
		entry->steps = (uint16_t)(before - *steps);
	}
}

void hn_fleet_memory_refine(struct hn_fleet_memory *memory, size_t group, const struct hn_fleet_asked *asked,
			    size_t host, uint64_t *steps, struct hn_fleet_bound *bound)
{
	struct entry *entry = memory ? &memory->groups[group].entries[host] : NULL;
	bool rough = bound->rough;

	if (!entry) {
		hn_fleet_bound_refine(asked, host, steps, bound);
	} else if (!rough) {
		close_in(entry, asked, host, steps, bound);
	} else if (entry->is_fair) {
		*bound = entry->fair;
	} else {
		hn_fleet_bound_refine(asked, host, steps, bound);
		entry->fair = *bound;
		entry->is_fair = true;
	}
}
