#pragma once
/*
 * turn - whether a migration may begin beside those that run. Pure: no I/O, clock, logging or globals.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/set.h"
#include "model/guest.h"

/* A migration that runs, or wants to. */
struct hn_turn_move {
	char guest[HN_NAME_MAX];
	struct hn_set from;  /* node ids that it takes memory from */
	int to_node;         /* node id */
	uint64_t page_bytes; /* of hugetlb pages; 0: base pages, and what is made of them */
	uint64_t left_bytes; /* still to arrive */
};

/* The target, for memory in pages of the migration's size. */
struct hn_turn_room {
	uint64_t free_bytes;
	uint64_t watermark_bytes; /* below which the kernel would begin to reclaim */
	uint64_t reserved_bytes;  /* for guests that are about to start */
};

enum hn_wait {
	HN_WAIT_NOT,
	HN_WAIT_FOR_ANOTHER,  /* another migration must end first */
	HN_WAIT_FOR_ROOM,     /* memory must become free first */
	HN_WAIT_FOR_EVIDENCE, /* the guest must be inspected first: daemon/admission.h's, not of a turn */
};

/*
 * One migration a target node, one between any two nodes in either direction, at_once in all; and free memory
 * for it, the watermark and the reservations. Unless it may begin now, why is a sentence's rest behind
 * "waits". Who takes memory in alone has all of the room: what others that run still bring goes to other
 * nodes.
 */
enum hn_wait hn_turn_ask(const struct hn_turn_move *asked, const struct hn_turn_move *running, size_t count,
			 uint64_t at_once, const struct hn_turn_room *room, char *why, size_t size);
