#pragma once
/*
 * fake-kernel - memory of one process over some nodes, with move_pages(2) as Linux 6.1's mm/migrate.c does
 * it: pages are queued, a page that cannot be queued ends the group before it, and the call stops at the
 * first group in which a page could not be moved, storing no status for it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/pages.h"
#include "host/mover.h"

#define FAKE_BASE UINT64_C(0x7f0000000000)
#define FAKE_NODES 4
#define FAKE_HUGE (hn_huge_page_bytes() / hn_base_page_bytes()) /* pages of a huge one */

struct fake_page {
	int node;       /* -1: absent */
	uint32_t head;  /* first page of its huge page; its own number when it is small */
	uint32_t order; /* pages of its huge page: 1 or FAKE_HUGE */
	bool pinned;    /* is queued, and cannot be moved */
	bool shared;    /* mapped by others */
	bool lost;      /* cannot be queued: EBUSY */
	bool hidden;    /* ENOENT when moved, though asking finds it */
	int busy;       /* that many moves of it fail first */
};

struct fake_event {
	uint64_t at_ns, bytes;
};

struct fake_kernel {
	struct hn_move_kernel kernel; /* hand this to hn_move_with() */
	uint64_t count;
	struct fake_page *pages;
	uint64_t page_bytes; /* memory behind one address */
	uint64_t free_pages[FAKE_NODES];
	bool cpuset_allows[FAKE_NODES];
	bool has_memory[FAKE_NODES];
	bool all_allowed;  /* MPOL_MF_MOVE_ALL is */
	bool no_huge_room; /* a huge page finds no room whole */
	bool blind;        /* its page table tells nothing */
	bool splits;       /* a huge page that finds no room whole moves page by page */
	uint64_t now_ns, oversleep_ns;
	uint64_t copy_ns;        /* cost of moving one page */
	int calls_until_gone;    /* the process vanishes at that call; -1 never */
	int calls_until_refused; /* the target leaves the cpuset at that moving call; -1 never */
	int interrupts;          /* that many calls are interrupted first */
	int asks, moves;         /* calls seen */
	int rounds;              /* of moving calls: those made at the same time are one */
	uint64_t longest_list;
	bool one_cpu;              /* lanes take turns on it */
	size_t most_lanes;         /* calls seen at the same time */
	int shared_rounds;         /* made by several lanes */
	bool moved_shared_alone;   /* a shared page was moved without MOVE_ALL: must never be */
	struct fake_event *events; /* bytes moved, by call */
	size_t event_count;
};

/* All pages small and on node 0, a quarter of room left on every node. free with fake_kernel_done(). */
void fake_kernel_init(struct fake_kernel *fake, uint64_t count);
void fake_kernel_done(struct fake_kernel *fake);

/* Makes pages first..first+FAKE_HUGE-1 one huge page on that node. */
void fake_kernel_huge(struct fake_kernel *fake, uint64_t first, int node);

/* The whole memory as a range. */
struct hn_range fake_kernel_range(const struct fake_kernel *fake);

/* Pages on a node. */
uint64_t fake_kernel_on(const struct fake_kernel *fake, int node);
