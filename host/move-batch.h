#pragma once
/*
 * move-batch - some pages of a process that lie elsewhere than they should, brought to the target and booked.
 *
 * Part of the mover; see mover.h for the terms.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "host/move-call.h"
#include "host/move-lanes.h"
#include "host/mover.h"

#define HN_BATCH_PAGES HN_CALL_PAGES
#define HN_BATCH_BYTES (128 * 1024 * 1024)

/*
 * Addresses named in one moving call: enough that the drain of all CPUs' page lists which each call begins
 * with is a small part of it. How many bytes that may be is measured, see hn_move_watch.
 */
#define HN_PIECE_HEADS HN_CALL_PAGES

struct hn_move_batch {
	const struct hn_move_kernel *kernel;
	const struct hn_move_order *order;
	uint64_t page_bytes; /* memory behind one address: of the range that is walked */
	int flags;           /* of move_pages */
	bool refused;        /* the target lies outside the process's cpuset */

	/* The pages looked at; after hn_move_batch_look() those that lie elsewhere, in order of address. */
	size_t count;
	void *pages[HN_BATCH_PAGES];
	bool tail[HN_BATCH_PAGES]; /* moves with the page before it */
	int status[HN_BATCH_PAGES];

	struct hn_move_pending pending; /* those of a piece that are not there yet */
	struct hn_move_call call;
	struct hn_move_lanes lanes;
	uint64_t mates_cpu_ns; /* of other threads than the caller, in moving calls */
	void *asked[HN_BATCH_PAGES];
	int asked_status[HN_BATCH_PAGES];
};

void hn_move_batch_init(struct hn_move_batch *batch, const struct hn_move_kernel *kernel,
			const struct hn_move_order *order);

/*
 * Asks where batch->pages are. Books those on the target as already there, those nowhere as absent and those
 * at an unknown place as stayed; what is left is to be moved. -ESRCH, -EPERM, -errno.
 */
int hn_move_batch_look(struct hn_move_batch *batch, struct hn_move_progress *progress, struct hn_error *err);

/* How many of the pages from first on make up at most bytes of memory, a huge page never cut, yet at least
 * one. */
size_t hn_move_batch_piece(const struct hn_move_batch *batch, size_t first, uint64_t bytes);

/* Moves count pages from first on, by that many lanes at most, and books each. -ESRCH, -EPERM, -ENODEV,
 * -errno.
 */
int hn_move_batch_run(struct hn_move_batch *batch, size_t first, size_t count, unsigned lanes,
		      struct hn_move_progress *progress, struct hn_error *err);
