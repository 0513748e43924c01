#pragma once
/*
 * resident - guests that come to, live on and leave a modelled host, for benchmarks of placement.
 *
 * A guest that lives there is in mode enforce, at home by every page and thread: an exhaustive sample of
 * pages of 4 KiB says so, and the host's free memory is less by what it has. Sizes are whole MiB.
 */
#include "model/snapshot.h"

#define BENCH_CELLS_MAX 8

struct bench_size {
	size_t cells;
	unsigned vcpus[BENCH_CELLS_MAX];
	uint64_t mib[BENCH_CELLS_MAX];
};

/* Sums over its cells. */
unsigned bench_size_vcpus(const struct bench_size *size);
uint64_t bench_size_mib(const struct bench_size *size);

/* Appends a guest that is nowhere yet. Its index, or -ENOMEM. */
int bench_guest_add(struct hn_snapshot *snapshot, const char *name, enum hn_class class,
		    const struct bench_size *size);

/*
 * Lets it live at that home, which is taken over whatever becomes of it; out of what it had before, if
 * anything. -ENOSPC, with nothing changed, when a node has not that much memory free. -ENOMEM.
 */
int bench_guest_settle(struct hn_snapshot *snapshot, size_t guest, struct hn_placement *home);

/* As bench_guest_settle(), each cell whole on one node, by index. */
int bench_guest_settle_on(struct hn_snapshot *snapshot, size_t guest, const size_t *node_of);

/* Takes what it has away from the guest: it is nowhere again. */
void bench_guest_unsettle(struct hn_snapshot *snapshot, size_t guest);

/* Takes the guest away with what it has; those behind it move up by one. */
void bench_guest_remove(struct hn_snapshot *snapshot, size_t guest);
