#pragma once
/*
 * names - which host is where in the index: a hash table with open addressing. The names are the records'.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet/index.h"

struct hn_fleet_name {
	uint64_t hash;
	struct hn_fleet_place place; /* group NULL: free */
};

struct hn_fleet_names {
	size_t count, slots; /* slots: a power of two, at most half full; 0 at the beginning */
	struct hn_fleet_name *table;
};

void hn_fleet_names_done(struct hn_fleet_names *names);

/* FNV-1a, then mixed; the same on every machine. */
uint64_t hn_fleet_name_hash(const char *name);

/* Room for one more. -ENOMEM. */
int hn_fleet_names_reserve(struct hn_fleet_names *names);
/* Reserved before, and not there yet; the record is at that place already. */
void hn_fleet_names_add(struct hn_fleet_names *names, const char *host, const struct hn_fleet_place *place);
bool hn_fleet_names_find(const struct hn_fleet_names *names, const char *host, struct hn_fleet_place *ret);
/* Its record is still at its place: before it leaves the group. */
void hn_fleet_names_remove(struct hn_fleet_names *names, const char *host);
/* The record at one place has gone to another of its group. */
void hn_fleet_names_move(struct hn_fleet_names *names, const char *host, const struct hn_fleet_place *from,
			 const struct hn_fleet_place *to);
