#pragma once
/*
 * move-harness - orders carried out by the mover on a fake kernel, the books checked whenever they are shown.
 */
#include "fake-kernel.h"

#define PAGE hn_base_page_bytes()
#define TARGET 2

struct watcher {
	struct fake_kernel *fake;
	uint64_t last_ns, longest_gap_ns; /* between two calls */
	uint64_t stop_at_ns;              /* 0: never */
	uint64_t stopped_ns;
	uint64_t repace_at_ns; /* 0: never; gives the move this pace: */
	struct hn_move_pace repace;
	uint64_t repaced_ns;
	void (*strike)(struct fake_kernel *fake); /* once, when so much has moved; NULL: nothing happens */
	uint64_t strike_at_bytes;
	struct hn_move_progress last;
	int calls;
};

/*
 * Moves to TARGET as wanted says, all of the fake's memory where wanted has no ranges. watcher may be NULL.
 * Returns what hn_move_with() does.
 */
int order_run(struct fake_kernel *fake, const struct hn_move_order *wanted, struct watcher *watcher,
	      struct hn_move_progress *ret);
