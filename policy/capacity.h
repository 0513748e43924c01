#pragma once
/*
 * capacity - what each node could give one guest: CPUs, memory, and how busy others keep it.
 * Pure: no I/O, clock, logging or globals.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/snapshot.h"

struct hn_node_capacity {
	unsigned cpus;         /* usable by this guest's class: isolated CPUs are for realtime guests only */
	unsigned others_vcpus; /* vCPUs of other guests brought home here, or last seen here */
	uint64_t own_bytes;    /* of this guest's memory that can move, here now */
	uint64_t
		room_bytes; /* own_bytes + what is free beyond keep_free and what others have been promised */
	uint64_t short_bytes; /* what is missing to that: own memory may stay, but what leaves fills this
				 first */
};

struct hn_capacity {
	size_t node_count;
	uint64_t *cell_bytes; /* [cell][node]: of each cell's memory, here now */
	struct hn_node_capacity nodes[];
};

/*
 * The part of a cell's memory that may be elsewhere while it is taken to be at home, where there is no room
 * for that part: strays are no reason to move a guest. About what a sample of 4096 pages cannot tell from
 * nothing.
 */
#define HN_STRAY_FRACTION 64

/* keep_free_bytes stay free on every node whatever happens. NULL when out of memory; free with
 * hn_capacity_free(). */
struct hn_capacity *hn_capacity_new(const struct hn_snapshot *snapshot, size_t guest,
				    uint64_t keep_free_bytes);
void hn_capacity_free(struct hn_capacity *capacity);

/* The node, by index, that a cell with memory that cannot move is tied to: where most of it is. -1: none. */
int hn_capacity_tie(const struct hn_capacity *capacity, const struct hn_guest *guest, size_t cell);
HN_CLEANUP_DEFINE(hn_capacity, struct hn_capacity *, hn_capacity_free);

/*
 * Bytes of a cell on a node, by indices: the sampled share of its present pages, scaled to what is present.
 * Pages that the kernel would not tell of are taken to lie as the others do.
 */
uint64_t hn_cell_bytes_on(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			  size_t node);

/* Bytes of a cell that are present, wherever. */
uint64_t hn_cell_bytes_present(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell);

/* CPUs of a node that threads of that class may be bound to. */
struct hn_set hn_usable_cpus(const struct hn_host *host, size_t node, enum hn_class class);
