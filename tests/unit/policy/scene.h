#pragma once
/*
 * scene - snapshots put together by hand or drawn from a seed, for tests of decisions.
 *
 * Guests are numbered as they are added. Pages are sampled at 1000 a cell unless told otherwise; a cell's
 * memory is in MiB, and its threads are allowed everywhere until they are put somewhere.
 */
#include <stdbool.h>

#include "base/random.h"
#include "model/plan.h"
#include "model/snapshot.h"

#define MIB (UINT64_C(1) << 20)

/* So many nodes with that many CPUs each, numbered on, and that much memory, all free. now_ns is 1000 s. */
struct hn_snapshot *scene_new(size_t nodes, int cpus, uint64_t mib);
void scene_free_mib(struct hn_snapshot *snapshot, size_t node, uint64_t mib);
void scene_distance(struct hn_snapshot *snapshot, size_t a, size_t b, unsigned distance);
/* Takes all CPUs of the node away. */
void scene_memory_only(struct hn_snapshot *snapshot, size_t node);
void scene_isolate(struct hn_snapshot *snapshot, int cpu);

/* A running guest in mode enforce, without cells. */
size_t scene_guest(struct hn_snapshot *snapshot, const char *name);
/* A cell with one movable backend and vCPUs, numbered on; its id is its index. */
void scene_cell(struct hn_snapshot *snapshot, size_t guest, uint64_t mib, int vcpus);
/* The emulator's thread. */
void scene_emulator(struct hn_snapshot *snapshot, size_t guest);
/* An empty sample for all cells and threads; threads may run anywhere and have not been seen. */
struct hn_sample *scene_sample(struct hn_snapshot *snapshot, size_t guest);
/* Adds sampled pages of the cell: on a node, or absent (-1), or unknown (-2). */
void scene_pages(struct hn_snapshot *snapshot, size_t guest, size_t cell, int node, uint64_t count);
/* The thread may run on these CPUs; and on these besides. */
void scene_allow(struct hn_sample *sample, size_t thread, struct hn_set cpus);
void scene_allow_also(struct hn_sample *sample, size_t thread, const struct hn_set *cpus);
/* Lets threads of that cell (-1: all of the guest) run on the node's CPUs only, where they have always been.
 */
void scene_threads(struct hn_snapshot *snapshot, size_t guest, int cell, size_t node);
/* A home that has the cell wholly on the node; made when there is none. */
void scene_home(struct hn_snapshot *snapshot, size_t guest, size_t cell, size_t node);

/* One guest of cells x (mib, vcpus) with all its pages and threads on a node. */
size_t scene_guest_on(struct hn_snapshot *snapshot, const char *name, int cells, uint64_t mib, int vcpus,
		      size_t node);

/* What is drawn. */
struct scene_limits {
	size_t nodes, cells, others;
	bool narrow; /* no cell has more vCPUs than the node with the fewest CPUs */
};
/*
 * Guest 0 of at least one cell, on a host where it sometimes fits: uneven distances, a memory-only node now
 * and then, isolated CPUs, others' load and homes.
 */
struct hn_snapshot *scene_draw(struct hn_random *random, const struct scene_limits *limits);

/* As perfect hands would do it: threads are bound, pages outside the home go to the action's node up to its
 * limit. */
void scene_carry_out(struct hn_snapshot *snapshot, size_t guest, const struct hn_plan *plan);
/* Takes the plan's home over into the guest's state. */
void scene_adopt(struct hn_snapshot *snapshot, size_t guest, const struct hn_plan *plan);

struct hn_snapshot *scene_copy(const struct hn_snapshot *snapshot);
