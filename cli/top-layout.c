#include "cli/top-layout.h"

#include <string.h>

#define GAP 1
#define NAME_MAX_WIDTH 24
#define STRIP_MIN 4

/* What a screen of at least that many columns shows, without the gaps. */
struct tier {
	int columns;
	bool words;
	int widths[HN_TOP_COLUMN_COUNT]; /* the strip's is the most */
	int now_wanted;                  /* before names may be wider */
};

static const struct tier tiers[] = {
	/*         NAME STATE MODE CLASS MEMORY BAR LOCAL STRIP HOME ARROW COURSE NOW */
	{150, true, {16, 8, 7, 9, 8, 14, 8, 32, 6, 1, 16, 0}, 44},
	{110, true, {14, 8, 7, 9, 0, 10, 8, 16, 5, 1, 8, 0}, 26},
	{76, false, {12, 3, 3, 3, 0, 8, 8, 8, 4, 1, 6, 0}, 16},
	{0, false, {10, 3, 3, 0, 0, 6, 8, 8, 4, 1, 0, 0}, 11},
};

static const struct tier *choose(int columns)
{
	const struct tier *tier = tiers;

	while (columns < tier->columns)
		tier++;
	return tier;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* The arrow and its course stand side by side. */
static int gap_behind(const struct tier *tier, int column)
{
	return column == HN_TOP_ARROW && tier->widths[HN_TOP_COURSE] ? 0 : GAP;
}

struct hn_top_layout hn_top_layout(int columns, size_t node_count, int name_width)
{
	const struct tier *tier = choose(columns);
	struct hn_top_layout layout = {.words = tier->words};
	int at = GAP, used = GAP, spare;

	for (int i = 0; i < HN_TOP_COLUMN_COUNT; i++) {
		int width = tier->widths[i];

		if (i == HN_TOP_STRIP)
			width = node_count < STRIP_MIN       ? STRIP_MIN
				: node_count < (size_t)width ? (int)node_count
							     : width;
		layout.places[i].width = width;
		used += width ? width + gap_behind(tier, i) : 0;
	}
	spare = columns - used - tier->now_wanted;
	if (name_width > tier->widths[HN_TOP_NAME] && spare > 0)
		layout.places[HN_TOP_NAME].width +=
			least(spare, least(name_width, NAME_MAX_WIDTH) - tier->widths[HN_TOP_NAME]);
	for (int i = 0; i < HN_TOP_COLUMN_COUNT; i++) {
		layout.places[i].at = at;
		if (layout.places[i].width)
			at += layout.places[i].width + gap_behind(tier, i);
	}
	layout.places[HN_TOP_NOW].at = at;
	layout.places[HN_TOP_NOW].width = columns > at ? columns - at : 0;
	return layout;
}
