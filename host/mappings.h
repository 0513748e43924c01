#pragma once
/*
 * mappings - the large pieces of a process's address space, and which of them are a guest's backends when
 * QEMU cannot be asked.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/set.h"
#include "host/process.h"
#include "model/guest.h"

#define HN_MAPPINGS_MAX 4096

struct hn_mapping {
	uint64_t start, bytes;
	uint64_t page_bytes; /* of hugetlb pages behind it, else the base page's; 0 unknown */
	bool shared;
	char name[128];      /* path as in maps, without " (deleted)", its end when too long; "" anonymous */
	char policy[16];     /* "default", "bind", "preferred", "interleave", "local"; "" not asked for */
	struct hn_set nodes; /* of that policy */
};

/*
 * Mappings of at least least_bytes that are read and written and not executed, in order of address. Pieces
 * of one file that continue each other are one (with policies that differ it has none); anonymous ones that
 * touch are not: below a RAM block may lie anything, two RAM blocks never touch. with_policies reads
 * numa_maps, which walks every page (8-11 ms a GiB of 4 KiB pages, under mmap_lock): only when sizes and
 * names do not tell backends apart. -E2BIG above HN_MAPPINGS_MAX, -ESRCH, -EACCES, -ENOMEM. The caller frees
 * *ret.
 */
int hn_mappings_read(const char *root, const struct hn_process *process, uint64_t least_bytes,
		     bool with_policies, struct hn_mapping **ret, size_t *ret_count, struct hn_error *err);

#define HN_BACKING_NOTES_MAX 8

struct hn_backing_notes {
	bool ambiguous; /* policies could tell more: read the mappings again with them */
	size_t count;
	char notes[HN_BACKING_NOTES_MAX]
		  [HN_ERROR_MAX]; /* what could not be told, and why: sentences for people */
};

/*
 * Finds the guest's backends among the mappings and fills in host_address, page_bytes, shared, policy and
 * host_nodes where it does: by name (QEMU's and libvirt's memory files carry the backend's id), by size, then
 * by the policies and nodes that the backends are said to have. Those are believed when all backends of a
 * size agree with all mappings of it: a cpuset change may have moved them all along by one. Where two
 * backends could be either of two mappings and nothing tells them apart, host_address stays 0 and notes say
 * so; nothing is guessed. Backends of one size in one cell are interchangeable. Pure: no I/O.
 */
void hn_backing_match(struct hn_guest *guest, const struct hn_mapping *mappings, size_t count,
		      struct hn_backing_notes *ret);
