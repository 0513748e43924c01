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
#include "base/units.h"
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

/* How fast an order is carried out; it may change while it is. */
struct hn_move_pace {
	uint64_t bytes_per_second; /* cap, averaged over any second and over the whole; 0: none */
	uint32_t duty_permille;    /* share of the time that moving calls may take; 0 and 1000: all of it */
	uint32_t paused;           /* no piece is begun */
};

struct hn_move_order {
	struct hn_process process;
	const struct hn_range *ranges;
	size_t range_count;
	int to_node; /* node id */
	struct hn_set
		stay_nodes;   /* ids: pages on these stay as well, for a cell that lives on several nodes */
	uint64_t limit_bytes; /* stop once that much of the ranges lies on the target; 0: all */
	struct hn_move_pace pace; /* to begin with */
	bool shared;              /* also pages mapped by several processes (MPOL_MF_MOVE_ALL) */
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
	uint64_t left_bytes;    /* elsewhere, and not tried: on a node where they may stay, or the limit was
				   reached */
	uint64_t moved_bytes;
	uint64_t stayed_bytes[HN_STAY_COUNT];
	uint64_t calls;           /* moving calls made */
	uint64_t wall_ns, cpu_ns; /* since the start; CPU of all threads that moved */
	uint64_t
		copying_ns; /* in moving calls: at most that long did a thread of the guest wait for a page */
	struct hn_move_pace pace; /* in force */
};

/*
 * Called between pieces and while waiting, at least every 50 ms; false stops the move cleanly. May change the
 * pace, which holds from then on. A piece is what the copying so far says takes HN_PIECE_PACED_NS, or without
 * a cap and a duty HN_PIECE_NS, yet at least one page: where a page of 1 GiB takes longer, so does the next
 * call. Without a cap and a duty several threads move parts of a piece at once, where they find CPUs free
 * (host/move-lanes.h).
 */
#define HN_PIECE_PACED_NS (10 * HN_NS_PER_MS)
#define HN_PIECE_NS (45 * HN_NS_PER_MS) /* twice that when a lane loses its CPU */
typedef bool (*hn_move_watch)(void *context, const struct hn_move_progress *progress,
			      struct hn_move_pace *pace);

/*
 * Carries out the order; blocks. *ret is filled whatever the outcome. 0 when it ran to
 * the end (pages may have stayed), -ECANCELED when watch said stop, -ESRCH when the process went away,
 * -EPERM, -ENODEV (target without memory), -ENOMEM for its own needs.
 */
int hn_move(const struct hn_move_order *order, hn_move_watch watch, void *context,
	    struct hn_move_progress *ret, struct hn_error *err);

/* Moving calls at the same time, at most. Two is what has been measured (bench/README.md). */
#define HN_LANES 2

/* A part of a list of pages, and what one moving call made of it. */
struct hn_move_span {
	void **pages;
	const int *nodes;
	int *status;
	size_t count;
	long answer;              /* as move_pages(2), but -errno */
	uint64_t wall_ns, cpu_ns; /* since the crew began; of the thread that made it */
};

/* The kernel as the mover sees it; a test can stand in for it. hn_move() uses the real one. */
struct hn_move_kernel {
	/* where pages are, as move_pages(2) tells it; 0 or -errno */
	long (*ask)(void *context, pid_t pid, void **pages, size_t count, int *ret_status);
	/* one moving call a span, at most HN_LANES, at the same time if it can */
	void (*move)(void *context, pid_t pid, struct hn_move_span *spans, size_t count, int flags);
	/* where pages are, HN_PAGE_UNKNOWN where that must be asked for, and which of them move along with
	 * the page before as parts of the same compound page */
	void (*look)(void *context, void *const *pages, size_t count, int *ret_status, bool *ret_tail);
	uint64_t (*now_ns)(void *context);
	void (*sleep_ns)(void *context, uint64_t ns);
	unsigned lanes; /* spans that it may make at the same time, for it has as many CPUs: 1 to HN_LANES */
	void *context;
};

/* This machine's, for that process; closed by the caller. -ESRCH, -ENOMEM. */
int hn_move_kernel_open(const struct hn_process *process, struct hn_move_kernel *ret, struct hn_error *err);
void hn_move_kernel_close(struct hn_move_kernel *kernel);

int hn_move_with(const struct hn_move_kernel *kernel, const struct hn_move_order *order, hn_move_watch watch,
		 void *context, struct hn_move_progress *ret, struct hn_error *err);
