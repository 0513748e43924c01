#pragma once
/*
 * wide - the nodes that a cell wider than any one of them gets, and what of it goes to each: neighbours, as
 * many as it takes, beginning with one of them. Pure.
 */
#include <stddef.h>
#include <stdint.h>

#include "policy/capacity.h"

/* What of a cell goes to a node. */
struct hn_part {
	size_t node; /* index */
	uint64_t bytes;
	unsigned vcpus;
};

struct hn_wide {
	uint64_t bytes, page_bytes; /* of the cell; its pages: 0 are base pages */
	unsigned vcpus;
	size_t node_count;
	uint64_t *rooms;           /* by node, hn_wide_room(); 0: the cell gets nothing of it */
	unsigned *cpus;            /* by node: vCPUs that it takes */
	uint64_t *keys;            /* by node: workspace */
	const uint16_t *distances; /* [node][node] above local, the same both ways */
};

/* What of the cell's memory fits into that room: whole pages, and none that would be taken for strays. */
uint64_t hn_wide_room(const struct hn_wide *wide, uint64_t room);

/*
 * Begins with a node that has room and adds the nearest to all that it has, the roomiest of these, until the
 * cell fits: memory evenly as far as rooms reach, vCPUs as memory. Returns how many nodes, in ret, which has
 * room for all; 0: it does not fit at all.
 */
size_t hn_wide_grow(const struct hn_wide *wide, size_t start, struct hn_part *ret);

/* Divides the vCPUs among parts whose nodes and bytes are known: in proportion to bytes as far as CPUs reach,
 * the rest one by one to where most CPUs are left. */
void hn_wide_seat(const struct hn_wide *wide, struct hn_part *parts, size_t count);
