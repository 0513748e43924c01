#pragma once
/*
 * move-call - one moving call of move_pages(2): what to name to the kernel, in which order, and what its
 * answer means.
 *
 * Part of the mover; see mover.h for the terms.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/mover.h"

#define HN_CALL_PAGES 32768 /* at most UINT16_MAX + 1 */

/* A page's turn in the next call. */
enum hn_turn {
	HN_TURN_TOLD,    /* the kernel gave it a status of its own: it may end a group again, then best one of
			    nothing */
	HN_TURN_UNTRIED, /* no call has come to it */
	HN_TURN_TRIED,
	HN_TURN_NEVER, /* given up: named no more */
};

/* Pages still to be moved, in order of address. */
struct hn_move_pending {
	size_t count;
	void *pages[HN_CALL_PAGES];
	bool tail[HN_CALL_PAGES]; /* moves with the page before it */
	uint8_t turn[HN_CALL_PAGES];
	bool arrived[HN_CALL_PAGES];        /* by its status */
	enum hn_stay reason[HN_CALL_PAGES]; /* why it stays, should it be found where it was */
};

/* The list in order of turn, cut into spans that are called for at the same time. */
struct hn_move_call {
	size_t count;
	void *heads[HN_CALL_PAGES];
	int nodes[HN_CALL_PAGES];
	int status[HN_CALL_PAGES];
	uint16_t place[HN_CALL_PAGES]; /* of each pending page's head among these */
	struct hn_move_span spans[HN_LANES];
	size_t span_count;
	long failure; /* why it is useless to try again: -EACCES, nothing may go to the target; -ESRCH and the
			 like, nothing can be moved; else 0 */
	bool complete; /* the kernel came to every page named */
};

/* Lists the pending pages that have a turn, by turn; backwards or not within a turn. */
void hn_move_call_list(struct hn_move_call *call, struct hn_move_pending *pending, int to_node,
		       bool backwards);

/*
 * Makes the call in at most that many spans (1 to HN_LANES), again when one is interrupted, and without
 * MPOL_MF_MOVE_ALL (in *flags) where that is not allowed. Counts calls made and the time they took in
 * *progress. A span's answer: how many pages the kernel says it left, or -errno.
 */
void hn_move_call_make(struct hn_move_call *call, const struct hn_move_kernel *kernel, pid_t pid,
		       unsigned lanes, int *flags, struct hn_move_progress *progress);

/* Notes of each pending page that had a turn whether it has arrived, else its reason and next turn. */
void hn_move_call_read(const struct hn_move_call *call, struct hn_move_pending *pending);
