#pragma once
/*
 * room - what each node of a host has left for guests that are to come, as other schedulers count it: in
 * whole CPUs and bytes, guests without homes where they were last seen.
 */
#include <stdint.h>

#include "model/snapshot.h"

struct hn_room {
	unsigned cpus;        /* online */
	unsigned allocatable; /* of these, not reserved for the host itself */
	unsigned taken;       /* vCPUs at home here; shared ones may be more than there are CPUs */
	uint64_t allocatable_bytes;
	uint64_t free_bytes; /* base pages: free, less what is promised to guests that have yet to come */
	uint64_t free_pages[HN_POOLS_MAX];
};

/* By node index; the caller frees it. NULL when out of memory. */
struct hn_room *hn_room_of(const struct hn_snapshot *snapshot);
