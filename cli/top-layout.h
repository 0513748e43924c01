#pragma once
/*
 * top-layout - which columns the list of guests has on a screen of some width, and where.
 */
#include <stdbool.h>
#include <stddef.h>

#define HN_TOP_COLUMNS_MIN 60 /* a screen that is smaller than this shows nothing but that it is */
#define HN_TOP_ROWS_MIN 10

enum hn_top_column {
	HN_TOP_NAME,
	HN_TOP_STATE,
	HN_TOP_MODE,
	HN_TOP_CLASS,
	HN_TOP_MEMORY,
	HN_TOP_BAR,
	HN_TOP_LOCAL,
	HN_TOP_STRIP,
	HN_TOP_HOME_NODES,
	HN_TOP_ARROW,
	HN_TOP_COURSE,
	HN_TOP_NOW,
	HN_TOP_COLUMN_COUNT,
};

struct hn_top_place {
	int at, width; /* width 0: left out */
};

struct hn_top_layout {
	bool words; /* states, modes and classes are written out; else their first three letters are */
	struct hn_top_place places[HN_TOP_COLUMN_COUNT];
};

/* For a screen of so many columns, at least HN_TOP_COLUMNS_MIN, and guests whose longest name takes
 * name_width. */
struct hn_top_layout hn_top_layout(int columns, size_t node_count, int name_width);
