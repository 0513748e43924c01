#pragma once
/*
 * mover - brings a guest's pages to a node: asks first where they are, moves only what is elsewhere, whole
 * huge pages as one, no faster than told, and reports by reason what stayed.
 *
 * A status of move_pages(2) that tells of success is counted; any other is a hint (a page can be reported
 * busy and have arrived), and a second query is the truth.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "host/page-sampler.h"
#include "host/process.h"

enum hn_stay {
	HN_STAY_BUSY,      /* EBUSY, EAGAIN: pinned, or in use at every try */
	HN_STAY_NO_MEMORY, /* ENOMEM: the target is full */
	HN_STAY_CPUSET,    /* EACCES: the target is outside the process's cpuset.mems */
	HN_STAY_SHARED,    /* mapped by several processes and not asked to move such */
	HN_STAY_OTHER,     /* anything else */
	HN_STAY_COUNT,
};
const char *hn_stay_name(enum hn_stay stay);

struct hn_move_order {
	struct hn_process process;
	const struct hn_range *ranges;
	size_t range_count;
	int to_node;               /* node id */
	struct hn_set stay_nodes;  /* ids: pages on these stay as well, for a cell that lives on several nodes */
	uint64_t limit_bytes;      /* stop once that much of the ranges lies on the target; 0: all */
	uint64_t bytes_per_second; /* cap, averaged over any second and over the whole; 0: none */
	bool shared;               /* also pages mapped by several processes (MPOL_MF_MOVE_ALL) */
	uint64_t page_bytes;       /* of hugetlb pages; 0: base pages, and THP as it is found */
};

/*
 * Everything in bytes of real memory, huge pages counted whole. Between calls: there = already + moved, and
 * already + moved + absent + left + all stayed = scanned.
 */
struct hn_move_progress {
	uint64_t total_bytes;   /* of the ranges */
	uint64_t scanned_bytes; /* of them, looked at so far */
	uint64_t already_bytes; /* were on the target before */
	uint64_t absent_bytes;  /* never touched: nothing to move */
	uint64_t left_bytes;    /* elsewhere, and not tried: on a node where they may stay, or the limit was reached */
	uint64_t moved_bytes;
	uint64_t stayed_bytes[HN_STAY_COUNT];
	uint64_t calls;           /* moving calls made */
	uint64_t wall_ns, cpu_ns; /* since the start; CPU of the calling thread */
};

/*
 * Called between pieces and while pausing, at least every 50 ms; false stops the move cleanly. A piece is at
 * most 16 MiB of small pages, 128 MiB of huge ones, or one hugetlb page: where copying that takes longer, so
 * does the next call.
 */
typedef bool (*hn_move_watch)(void *context, const struct hn_move_progress *progress);

/*
 * Carries out the order on the calling thread; blocks. *ret is filled whatever the outcome. 0 when it ran to
 * the end (pages may have stayed), -ECANCELED when watch said stop, -ESRCH when the process went away,
 * -EPERM, -ENODEV (target without memory), -ENOMEM for its own needs.
 */
int hn_move(const struct hn_move_order *order, hn_move_watch watch, void *context,
	    struct hn_move_progress *ret, struct hn_error *err);

/* The kernel as the mover sees it; a test can stand in for it. hn_move() uses the real one. */
struct hn_move_kernel {
	/* as move_pages(2), but returns -errno */
	long (*move_pages)(void *context, pid_t pid, unsigned long count, void **pages, const int *nodes,
			   int *status, int flags);
	/* marks the pages that move along with an earlier page of the same compound page; may be NULL */
	int (*find_tails)(void *context, const struct hn_process *process, void *const *pages, size_t count,
			  bool *ret_tail);
	uint64_t (*now_ns)(void *context);
	void (*sleep_ns)(void *context, uint64_t ns);
	void *context;
};
int hn_move_with(const struct hn_move_kernel *kernel, const struct hn_move_order *order, hn_move_watch watch,
		 void *context, struct hn_move_progress *ret, struct hn_error *err);
