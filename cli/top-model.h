#pragma once
/*
 * top-model - what homenode top knows: the latest picture, each guest's course, and what its user has chosen
 * to see of it. Pure: pictures, keys and times come in.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/course.h"
#include "cli/picture.h"

enum hn_top_sort {
	HN_TOP_SORT_LOSS, /* CPUs kept busy by vCPUs, times the share of accesses that are not local */
	HN_TOP_SORT_NAME,
	HN_TOP_SORT_LOCALITY, /* the least local first, unknown last */
	HN_TOP_SORT_MEMORY,   /* the largest first */
	HN_TOP_SORT_ACTIVITY, /* guests that are being moved, then the busiest */
	HN_TOP_SORT_COUNT,
};
const char *hn_top_sort_name(enum hn_top_sort sort);

enum hn_top_page {
	HN_TOP_GUESTS,
	HN_TOP_DETAIL, /* of the guest selected */
	HN_TOP_NODES,
	HN_TOP_HELP,
};

/* Keys that are no characters; characters are themselves. */
enum hn_key {
	HN_KEY_NONE = -1,
	HN_KEY_ENTER = '\n',
	HN_KEY_ESCAPE = 27,
	HN_KEY_BACKSPACE = 127,
	HN_KEY_UP = 0x110000, /* above Unicode */
	HN_KEY_DOWN,
	HN_KEY_LEFT,
	HN_KEY_RIGHT,
	HN_KEY_PAGE_UP,
	HN_KEY_PAGE_DOWN,
	HN_KEY_HOME,
	HN_KEY_END,
};

struct hn_top_guest {
	const struct hn_brief *brief; /* of the picture */
	const struct hn_report *report;
	struct hn_course course; /* of its locality */
	uint64_t memory_bytes;
	double loss; /* CPUs that vCPUs keep busy, times what is not local; 0 while unknown */
};

#define HN_TOP_FILTER_MAX 64

struct hn_top {
	struct hn_picture *picture; /* NULL before the first */
	size_t guest_count;
	struct hn_top_guest *guests; /* in order of name */
	size_t shown_count;
	size_t *shown; /* indices of guests, filtered and sorted */

	enum hn_top_sort sort;
	enum hn_top_page page;
	bool cells_hidden;
	bool typing; /* of the filter */
	char filter[HN_TOP_FILTER_MAX];
	char selected[HN_NAME_MAX]; /* "" none */
	size_t cursor;              /* index of shown of the guest selected; 0 without any */
	unsigned scroll;            /* lines of the list of guests above the screen */
	unsigned page_scroll;       /* of the other pages, in lines */
	unsigned node_scroll;       /* and in nodes, to the right */
	unsigned list_rows;         /* of the list on the screen, as last drawn */

	uint64_t answered_ns;    /* CLOCK_MONOTONIC, of the latest picture */
	struct hn_error silence; /* why there has been none since, code 0: all is well */
	bool quit;
};

/* Zeroed is ready for use. Frees what it holds. */
void hn_top_done(struct hn_top *top);

/* Takes the picture over, which succeeded the one before. -ENOMEM: the old picture stays. */
int hn_top_take(struct hn_top *top, struct hn_picture *picture, uint64_t now_ns, struct hn_error *err);

/* There is no newer picture, and why. */
void hn_top_miss(struct hn_top *top, const struct hn_error *why);

/* What a key changes. */
void hn_top_key(struct hn_top *top, int key);

/* The guest selected, or NULL when there is none or it is gone. */
const struct hn_top_guest *hn_top_selected(const struct hn_top *top);

/* The name of the guest whose page is open, "" none. */
const char *hn_top_watched(const struct hn_top *top);

/* Lines that a guest takes in the list: itself, and its cells where it has several. */
unsigned hn_top_lines(const struct hn_top *top, const struct hn_top_guest *guest);

/* Scrolls the list so that the guest selected is within that many rows. */
void hn_top_scroll(struct hn_top *top, unsigned rows);

/* Where the memory of a cell, or with cell -1 that of all, lies: shares by host node index, node_count of
 * them, 0 while unknown. False while unknown. */
bool hn_top_shares(const struct hn_report *report, int cell, size_t node_count, double *shares);

/* CPUs of the node, by index, that all guests' threads keep busy. */
double hn_top_node_busy(const struct hn_top *top, size_t node);
