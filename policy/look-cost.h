#pragma once
/*
 * look-cost - which way of looking at a guest's pages is the cheaper: asking move_pages(2) about a sample, or
 * a walk through /proc/PID/numa_maps, which counts every page. Pure: no I/O, clock, logging or globals.
 *
 * A sample costs by its draws, of which it may need an eighth, a walk by the page table entries of what is
 * present: 8-11 ms a GiB of 4 KiB pages, 0.05-0.12 ms of huge ones (docs/host.md). Which pages a guest is
 * made of is not known beforehand, so what looks have cost corrects what is predicted. The kernel walks
 * numa_maps from its beginning, whichever mapping is wanted: each backend has its prediction, their sum
 * decides for the guest.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/guest.h"
#include "model/sample.h"

enum hn_look_way {
	HN_LOOK_SAMPLE,
	HN_LOOK_WALK, /* exact */
	HN_LOOK_WAY_COUNT,
};

/* A walk holds the guest's mmap_lock from the beginning of a mapping to its end: not one that is expected to
 * take longer in all. */
#define HN_WALK_MOST_NS (10u * 1000000u)

/* What looks at one guest have cost so far. Plain data, zeroed to begin with. */
struct hn_look_cost {
	/* What a look that way has cost, relative to what the figures above say: of the last looks, the
	 * latest weighing a quarter; 0: not tried yet. */
	double factor[HN_LOOK_WAY_COUNT];
	unsigned since[HN_LOOK_WAY_COUNT]; /* looks since one was that way */
	bool walk_barred;                  /* its mappings are not such that a walk could tell */
};

/*
 * The cheaper way; at the same price the exact one. The other is tried now and then, at a fiftieth of what
 * looks have cost since, as what the guest is made of changes. Never a walk of a realtime guest, nor one of
 * more than HN_WALK_MOST_NS.
 */
enum hn_look_way hn_look_choose(const struct hn_guest *guest, const struct hn_sample *sample,
				const struct hn_look_cost *costs, uint32_t samples_per_cell);

/* A look that way has cost ns; sample is the one before it, as it was given to hn_look_choose(). */
void hn_look_learn(struct hn_look_cost *costs, const struct hn_guest *guest, const struct hn_sample *sample,
		   uint32_t samples_per_cell, enum hn_look_way way, uint64_t ns);
