#pragma once
/*
 * recall - bounds that were found before: of a fleet that is asked for the same few shapes again and again
 * only what has changed since is looked at anew. What comes out is what fleet/bound.h says, to the bit and
 * to the step, so that no answer depends on what was asked before.
 */
#include "fleet/bound.h"

#define HN_RECALL_SHAPES 8 /* the latest */

struct hn_fleet_recall;
struct hn_fleet_memory; /* of one shape */

struct hn_fleet_recall *hn_fleet_recall_new(void); /* NULL when out of memory */
void hn_fleet_recall_free(struct hn_fleet_recall *recall);

/* What is known of that demand, on all hosts of the index; the shape that was not asked for longest is
 * forgotten for it. NULL when out of memory. Valid until the next call, or until a host is put or removed. */
struct hn_fleet_memory *hn_fleet_recall_find(struct hn_fleet_recall *recall,
					     const struct hn_fleet_demand *demand,
					     const struct hn_fleet_index *index);

/* As hn_fleet_bound() and hn_fleet_bound_refine(); group: its place in the index. Without memory (NULL) they
 * are just that. */
enum hn_fleet_refusal hn_fleet_memory_bound(struct hn_fleet_memory *memory, size_t group,
					    const struct hn_fleet_asked *asked, size_t host,
					    struct hn_fleet_bound *ret);
void hn_fleet_memory_refine(struct hn_fleet_memory *memory, size_t group, const struct hn_fleet_asked *asked,
			    size_t host, uint64_t *steps, struct hn_fleet_bound *bound);
