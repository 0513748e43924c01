#pragma once
/*
 * toll - what guests pay: for memory that is remote, for being moved, and for others that are moved beside
 * them. Pure. Private to sim/.
 *
 * All in vCPU-seconds. Remote memory costs what the policies take it to cost (policy/regret.h). A guest whose
 * pages are on their way loses a share of its time to faults on them. And copying takes bandwidth from the
 * nodes it reads and writes: accesses there get slower by the share that it takes, which costs whoever has
 * memory there as much as memory that is so much farther away.
 */
#include "sim/resident.h"
#include "sim/world.h"

/* Adds what the guests of the snapshot pay in a tick, in which so many pages at most could be moved, and
 * forgets what was moved. */
void toll_take(const struct hn_snapshot *snapshot, struct resident *residents, uint64_t pages,
	       const struct hn_world_options *options, struct hn_world_counts *counts);
