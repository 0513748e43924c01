#pragma once
/*
 * mtree - reads the texts of QEMU's human monitor that tell where guest memory lies: pure functions on text.
 *
 * QEMU promises nothing about these texts, so a line that is not understood is passed over, and only a text
 * without anything in it is an error.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/guest.h"

#define HN_MTREE_MAX 1024      /* pieces of memory, RAM blocks: -EPROTO above */
#define HN_MTREE_NODES_MAX 256 /* NUMA nodes, the same; QEMU has 128 at most */

/* A range of guest-physical addresses backed by part of a memory region. */
struct hn_mtree_piece {
	char region[HN_NAME_MAX]; /* of a backend its id */
	uint64_t guest_address;
	uint64_t bytes;
	uint64_t offset; /* in the region */
};

/*
 * "info mtree -f": the RAM of the flat view of the address space "memory", in order of addresses. *ret is to
 * be freed. -ENODATA when there is none, -EPROTO.
 */
int hn_mtree_parse(const char *text, struct hn_mtree_piece **ret, size_t *ret_count, struct hn_error *err);

/* "gpa2hva ADDRESS": *ret_region has room for HN_NAME_MAX. -ENODATA with what the text says instead. */
int hn_mtree_parse_gpa2hva(const char *text, char *ret_region, uint64_t *ret_host_address,
			   struct hn_error *err);

struct hn_ramblock {
	char name[HN_NAME_MAX]; /* "ram-node0", "/objects/mem0", "0000:00:02.0/vmem0" */
	uint64_t page_bytes;
	uint64_t bytes;
	uint64_t host_address; /* 0: this QEMU does not print it (before 8.0) */
};

/* "info ramblock". *ret is to be freed. -ENODATA when there is none, -EPROTO. */
int hn_mtree_parse_ramblocks(const char *text, struct hn_ramblock **ret, size_t *ret_count,
			     struct hn_error *err);

/* The block of a memory backend, by its id; NULL when there is none. */
const struct hn_ramblock *hn_mtree_find_ramblock(const struct hn_ramblock *blocks, size_t count,
						 const char *id);

struct hn_numa_node {
	int id;
	uint64_t bytes;         /* with what is plugged in */
	uint64_t plugged_bytes; /* by DIMMs and virtio-mem */
	struct hn_set vcpus;
};

/* "info numa". *ret is to be freed; NULL and 0 for a guest without -numa. -ENODATA for any other text,
 * -EPROTO.
 */
int hn_mtree_parse_numa(const char *text, struct hn_numa_node **ret, size_t *ret_count, struct hn_error *err);
