#pragma once
/*
 * capacity - what each node could give one guest, or several at once: CPUs, memory, and how busy others keep
 * it. Pure: no I/O, clock, logging or globals.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/snapshot.h"

struct hn_node_capacity {
	/*
	 * vCPUs of each class that it seats: shared ones on CPUs that are not reserved, isolated or another
	 * guest's own; dedicated ones on whole cores of these; realtime ones on whole isolated cores, on a
	 * host that has isolated CPUs.
	 */
	unsigned seats[HN_CLASS_COUNT];
	unsigned cpus;             /* = seats for the class of the (first) guest */
	unsigned core_cpus;        /* CPUs that go with a core: SMT siblings */
	unsigned others_vcpus;     /* shared vCPUs of other guests brought home here, or last seen here */
	uint64_t others_bandwidth; /* bytes a second that guests homed here are known to use */
	/* Base pages: */
	uint64_t own_bytes;   /* of this guest's memory that can move, here now */
	uint64_t room_bytes;  /* own_bytes + what is free beyond what must stay free and what others have been
				 promised */
	uint64_t short_bytes; /* what is missing to that: own memory may stay, but what leaves fills this
				 first */
	uint64_t pool_room[HN_POOLS_MAX], pool_short[HN_POOLS_MAX]; /* likewise, by pool of the host's node */
};

struct hn_capacity {
	size_t node_count;
	uint64_t *cell_bytes; /* [cell][node]: of each cell's memory, here now; guests one after the other */
	struct hn_node_capacity nodes[];
};

/*
 * The part of a cell's memory that may be elsewhere while it is taken to be at home, where there is no room
 * for that part: strays are no reason to move a guest. About what a sample of 4096 pages cannot tell from
 * nothing.
 */
#define HN_STRAY_FRACTION 64

/* keep_free_bytes stay free on every node whatever happens, or what the node has reserved if that is more.
 * NULL when out of memory; free with hn_capacity_free(). */
struct hn_capacity *hn_capacity_new(const struct hn_snapshot *snapshot, size_t guest,
				    uint64_t keep_free_bytes);
struct hn_capacity *hn_capacity_new_for(const struct hn_snapshot *snapshot, const size_t *guests,
					size_t guest_count, uint64_t keep_free_bytes);
void hn_capacity_free(struct hn_capacity *capacity);
HN_CLEANUP_DEFINE(hn_capacity, struct hn_capacity *, hn_capacity_free);

/*
 * Room of a node, by index, for memory in pages of that size (0: base pages), in bytes, own memory that is
 * there included; what arrives needs *ret_short besides. No pool of that size: 0.
 */
uint64_t hn_capacity_room(const struct hn_capacity *capacity, const struct hn_host *host, size_t node,
			  uint64_t page_bytes, uint64_t *ret_short);

/* The node, by index, that a cell with memory that cannot move is tied to: where most of it is. -1: none. */
int hn_capacity_tie(const struct hn_capacity *capacity, const struct hn_guest *guest, size_t cell);

/*
 * Bytes of a cell on a node, by indices: the sampled share of its present pages, scaled to what is present.
 * Pages that the kernel would not tell of are taken to lie as the others do.
 */
uint64_t hn_cell_bytes_on(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			  size_t node);

/* Bytes of a cell that are present, wherever. */
uint64_t hn_cell_bytes_present(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell);

/* The class as which vCPUs are seated: on a host without isolated CPUs a realtime guest is a dedicated one.
 */
enum hn_class hn_seated_class(const struct hn_host *host, enum hn_class class);

/* CPUs of a node that vCPUs of that class may be bound to, other guests aside. */
struct hn_set hn_usable_cpus(const struct hn_host *host, size_t node, enum hn_class class);

/* The index of the node every CPU belongs to, by CPU number, -1 where there is none. */
struct hn_cpu_nodes {
	int16_t node[HN_SET_MAX];
};
void hn_cpu_nodes_fill(const struct hn_host *host, struct hn_cpu_nodes *ret);

/* CPUs that other guests' dedicated and realtime vCPUs have been given as their own, or that these sit on
 * already (policy/seated.h). */
struct hn_set hn_owned_cpus(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count);
