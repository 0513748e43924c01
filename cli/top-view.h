#pragma once
/*
 * top-view - draws what homenode top knows on a canvas of any size.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cli/canvas.h"
#include "cli/top-layout.h"
#include "cli/top-model.h"

struct hn_top_view {
	uint64_t now_ns;      /* CLOCK_MONOTONIC */
	uint64_t patience_ns; /* a picture that is older than that is out of date */
	time_t clock;         /* shown, in local time */
	uint64_t page_bytes;  /* the host's base pages */
	bool keys;            /* someone is there to press them: tell which, and show what is selected */
};

/* The whole screen. Scrolls the model to what is selected. */
void hn_top_draw(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view);

/* Rows that all guests and nodes need, so that nothing scrolls. */
unsigned hn_top_rows_needed(const struct hn_top *top);

/* The parts, by file. Each draws rows from..to-1. */

/* top-nodes.c: a heading, then nodes; what there is no room for is counted in the last row. */
void hn_top_draw_nodes(const struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
		       int from, int to);
/* All of them, scrolled. */
void hn_top_draw_nodes_page(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
			    int from, int to);
/* top-list.c: a heading, then guests. */
void hn_top_draw_guests(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
			int from, int to);
/* A character a node, or for several neighbours: where memory is, green at home. */
void hn_top_draw_strip(struct hn_canvas *canvas, int row, int at, int width, const struct hn_host *host,
		       const struct hn_report *report, int cell);
/* top-detail.c: the guest selected. */
void hn_top_draw_detail(struct hn_top *top, struct hn_canvas *canvas, int from, int to);
/* top-help.c */
void hn_top_draw_help(struct hn_top *top, struct hn_canvas *canvas, int from, int to);

/* Cuts the page's scroll so that lines fill rows from its end, and returns it. */
int hn_top_page_scroll(struct hn_top *top, unsigned lines, unsigned rows);
