#include "fleet/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void hn_fleet_names_done(struct hn_fleet_names *names)
{
	free(names->table);
	memset(names, 0, sizeof(*names));
}

uint64_t hn_fleet_name_hash(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	return hash * UINT64_C(0x9e3779b97f4a7c15);
}

static struct hn_fleet_name *probe(const struct hn_fleet_names *names, uint64_t hash)
{
	return &names->table[hash & (names->slots - 1)];
}

static struct hn_fleet_name *next(const struct hn_fleet_names *names, const struct hn_fleet_name *slot)
{
	return &names->table[(size_t)(slot - names->table + 1) & (names->slots - 1)];
}

static void insert(struct hn_fleet_names *names, const struct hn_fleet_name *name)
{
	struct hn_fleet_name *slot = probe(names, name->hash);

	while (slot->place.group)
		slot = next(names, slot);
	*slot = *name;
}

int hn_fleet_names_reserve(struct hn_fleet_names *names)
{
	struct hn_fleet_names grown = {.count = names->count, .slots = names->slots ? 2 * names->slots : 64};

	if (2 * (names->count + 1) <= names->slots)
		return 0;
	grown.table = calloc(grown.slots, sizeof(*grown.table));
	if (!grown.table)
		return -ENOMEM;
	for (size_t i = 0; i < names->slots; i++)
		if (names->table[i].place.group)
			insert(&grown, &names->table[i]);
	free(names->table);
	*names = grown;
	return 0;
}

void hn_fleet_names_add(struct hn_fleet_names *names, const char *host, const struct hn_fleet_place *place)
{
	insert(names, &(struct hn_fleet_name){hn_fleet_name_hash(host), *place});
	names->count++;
}

static struct hn_fleet_name *find(const struct hn_fleet_names *names, const char *host)
{
	uint64_t hash = hn_fleet_name_hash(host);

	for (struct hn_fleet_name *slot = names->slots ? probe(names, hash) : NULL; slot && slot->place.group;
	     slot = next(names, slot))
		if (slot->hash == hash &&
		    strcmp(slot->place.group->records[slot->place.host]->host, host) == 0)
			return slot;
	return NULL;
}

bool hn_fleet_names_find(const struct hn_fleet_names *names, const char *host, struct hn_fleet_place *ret)
{
	const struct hn_fleet_name *slot = find(names, host);

	if (slot)
		*ret = slot->place;
	return slot != NULL;
}

void hn_fleet_names_remove(struct hn_fleet_names *names, const char *host)
{
	struct hn_fleet_name *hole = find(names, host), *slot;

	if (!hole)
		return;
	names->count--;
	/* those behind that would no longer be found close the gap */
	for (slot = next(names, hole); slot->place.group; slot = next(names, slot)) {
		size_t mask = names->slots - 1, home = slot->hash & mask;
		size_t here = (size_t)(slot - names->table), gap = (size_t)(hole - names->table);

		if (((here - home) & mask) >= ((here - gap) & mask)) {
			*hole = *slot;
			hole = slot;
		}
	}
	*hole = (struct hn_fleet_name){0};
}

void hn_fleet_names_move(struct hn_fleet_names *names, const char *host, const struct hn_fleet_place *from,
			 const struct hn_fleet_place *to)
{
	struct hn_fleet_name *slot = probe(names, hn_fleet_name_hash(host));

	while (slot->place.group && (slot->place.group != from->group || slot->place.host != from->host))
		slot = next(names, slot);
	if (slot->place.group)
		slot->place = *to;
}
