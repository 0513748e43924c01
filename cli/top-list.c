/*
 * The list of guests, with their cells below them where these are shown.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/glyphs.h"
#include "cli/top-view.h"
#include "cli/words.h"

struct list {
	struct hn_top *top;
	struct hn_canvas *canvas;
	const struct hn_host *host;
	struct hn_top_layout layout;
};

static void put(const struct list *list, enum hn_top_column column, int row, enum hn_tone tone,
		const char *text)
{
	const struct hn_top_place *place = &list->layout.places[column];

	hn_canvas_put(list->canvas, row, place->at, place->width, tone, text);
}

static void put_right(const struct list *list, enum hn_top_column column, int row, enum hn_tone tone,
		      const char *text)
{
	const struct hn_top_place *place = &list->layout.places[column];

	hn_canvas_put_right(list->canvas, row, place->at, place->width, tone, text);
}

/* Of each node the last digit of its id, where each has a character of its own. */
static void say_strip_title(const struct hn_host *host, int width, char *text, size_t size)
{
	if (host->node_count > (size_t)width || host->node_count + 1 > size) {
		snprintf(text, size, "NODES");
		return;
	}
	for (size_t i = 0; i < host->node_count; i++)
		text[i] = (char)('0' + host->nodes[i].id % 10);
	text[host->node_count] = '\0';
}

static void draw_heading(const struct list *list, int row)
{
	static const char *const titles[HN_TOP_COLUMN_COUNT] = {
		"GUEST", "STATE", "MODE", "CLASS", "MEMORY", "LOCAL", "", "", "HOME", "", "", "NOW"};
	char strip[72];

	for (int i = 0; i < HN_TOP_COLUMN_COUNT; i++)
		put(list, (enum hn_top_column)i, row, HN_TONE_PLAIN, titles[i]);
	if (!list->layout.words) {
		put(list, HN_TOP_STATE, row, HN_TONE_PLAIN, "STA");
		put(list, HN_TOP_MODE, row, HN_TONE_PLAIN, "MOD");
		put(list, HN_TOP_CLASS, row, HN_TONE_PLAIN, "CLA");
	}
	if (list->layout.places[HN_TOP_COURSE].width)
		hn_canvas_put(list->canvas, row, list->layout.places[HN_TOP_ARROW].at,
			      1 + list->layout.places[HN_TOP_COURSE].width, HN_TONE_PLAIN, "TREND");
	say_strip_title(list->host, list->layout.places[HN_TOP_STRIP].width, strip, sizeof(strip));
	put(list, HN_TOP_STRIP, row, HN_TONE_PLAIN, strip);
	hn_canvas_mark(list->canvas, row, HN_STYLE_REVERSE);
}

/* Nodes that the cell, or with -1 any of them, is at home on; empty where homenode decides nothing. */
static struct hn_set home_of(const struct hn_report *report, int cell)
{
	struct hn_set none = {0};

	if (!report->home || report->guest->mode < HN_MODE_ADVISE)
		return none;
	return cell < 0 ? hn_placement_nodes(report->home) : report->home->cells[cell].nodes;
}

static bool is_any_home(const struct hn_host *host, const struct hn_set *home, size_t from, size_t count)
{
	for (size_t i = from; i < from + count && i < host->node_count; i++)
		if (hn_set_has(home, host->nodes[i].id))
			return true;
	return false;
}

void hn_top_draw_strip(struct hn_canvas *canvas, int row, int at, int width, const struct hn_host *host,
		       const struct hn_report *report, int cell)
{
	double shares[HN_SET_MAX], sums[HN_SET_MAX];
	struct hn_set home = home_of(report, cell);
	size_t nodes = host->node_count, step, used;

	if (width <= 0 || nodes > HN_COUNT(shares))
		return;
	if (!hn_top_shares(report, cell, nodes, shares)) {
		hn_canvas_put(canvas, row, at, width, HN_TONE_FAINT, "-");
		return;
	}
	step = hn_strip_step(nodes, (size_t)width);
	used = hn_strip_fold(shares, nodes, (size_t)width, sums);
	for (size_t i = 0; i < used; i++) {
		enum hn_tone tone = sums[i] <= 0 ? HN_TONE_FAINT : HN_TONE_PLAIN;

		if (sums[i] > 0 && !hn_set_empty(&home))
			tone = is_any_home(host, &home, i * step, step) ? HN_TONE_GOOD : HN_TONE_MIDDLING;
		hn_canvas_put(canvas, row, at + (int)i, 1, tone, hn_glyph_heat(sums[i], canvas->unicode));
	}
}

static void draw_locality(const struct list *list, int row, const struct hn_interval *locality)
{
	char text[64];
	int width = list->layout.places[HN_TOP_BAR].width;

	if (!locality) {
		put_right(list, HN_TOP_LOCAL, row, HN_TONE_FAINT, "-");
		return;
	}
	put(list, HN_TOP_BAR, row, hn_tone_of_share(locality->value),
	    hn_say_bar(locality->value, (unsigned)width - 2, text, sizeof(text)));
	put_right(list, HN_TOP_LOCAL, row, hn_tone_of_share(locality->value),
		  hn_say_share(locality, text, sizeof(text)));
}

static void draw_strip(const struct list *list, int row, const struct hn_report *report, int cell)
{
	const struct hn_top_place *place = &list->layout.places[HN_TOP_STRIP];

	hn_top_draw_strip(list->canvas, row, place->at, place->width, list->host, report, cell);
}

static void draw_trend(const struct list *list, int row, enum hn_trend trend)
{
	put(list, HN_TOP_ARROW, row,
	    trend == HN_TREND_RISING    ? HN_TONE_GOOD
	    : trend == HN_TREND_FALLING ? HN_TONE_BAD
					: HN_TONE_FAINT,
	    hn_glyph_trend(trend, list->canvas->unicode));
}

static void draw_cell(const struct list *list, const struct hn_report *report, size_t index, int row)
{
	const struct hn_cell *cell = &report->guest->cells[index];
	struct hn_set home = home_of(report, (int)index);
	char text[64], vcpus[32];
	/* words about its guest have no meaning for a cell: name and these are one column */
	int width = list->layout.places[HN_TOP_BAR].at - 1 - list->layout.places[HN_TOP_NAME].at;

	hn_set_format(&cell->vcpus, vcpus, sizeof(vcpus));
	hn_canvas_print(list->canvas, row, list->layout.places[HN_TOP_NAME].at, width, HN_TONE_PLAIN,
			"  cell %d%s%s", cell->id, *vcpus ? " vCPU " : "", vcpus);
	put_right(list, HN_TOP_MEMORY, row, HN_TONE_PLAIN,
		  hn_bytes_format(cell->memory_bytes, text, sizeof(text)));
	draw_locality(list, row, report->locality_known ? &report->cell_locality[index] : NULL);
	draw_strip(list, row, report, (int)index);
	if (report->locality_known)
		draw_trend(list, row, report->cell_trend[index]);
	put(list, HN_TOP_HOME_NODES, row, HN_TONE_PLAIN,
	    hn_set_empty(&home) ? "-" : hn_set_format(&home, text, sizeof(text)));
	if (!list->layout.places[HN_TOP_MEMORY].width)
		put(list, HN_TOP_NOW, row, HN_TONE_FAINT,
		    hn_bytes_format(cell->memory_bytes, text, sizeof(text)));
}

static void put_word(const struct list *list, enum hn_top_column column, int row, const char *word)
{
	char cut[4];

	snprintf(cut, sizeof(cut), "%s", word);
	put(list, column, row, HN_TONE_PLAIN, list->layout.words ? word : cut);
}

/* "to 2 [####------] 43 %  12 s left", with what there is room for */
static void say_move(const struct hn_operation *operation, int room, char *text, size_t size)
{
	double share = operation->to_move_bytes
			       ? fmin(1, (double)operation->moved_bytes / (double)operation->to_move_bytes)
			       : 0;
	unsigned width = room >= 22 ? 10 : room >= 17 ? 5 : room >= 15 ? 3 : 0;
	char bar[32] = "", left[HN_UNITS_TEXT_MAX + 8];

	if (width > 0) {
		hn_say_bar(share, width, bar, sizeof(bar) - 1);
		strcat(bar, " ");
	}
	snprintf(text, size, "to %d %s%.0f %%", operation->to_node, bar, 100 * share);
	hn_say_left(operation, left, sizeof(left));
	if (*left && (int)(strlen(text) + 2 + strlen(left)) <= room)
		snprintf(text + strlen(text), size - strlen(text), "  %s", left);
}

static void draw_now(const struct list *list, const struct hn_report *report, int row)
{
	const struct hn_operation *operation = &report->operation;
	int room = list->layout.places[HN_TOP_NOW].width;
	char text[600];

	hn_say_now(report, text, sizeof(text));
	/* the sentence itself, where it fits */
	if (hn_canvas_width(list->canvas, text) > room && !report->problem[0] &&
	    report->guest->mode != HN_MODE_OFF && operation->state == HN_OPERATION_RUNNING &&
	    !operation->message[0] && operation->to_node >= 0)
		say_move(operation, room, text, sizeof(text));
	put(list, HN_TOP_NOW, row, hn_tone_of_now(report), text);
}

static void draw_guest(const struct list *list, const struct hn_top_guest *guest, int row)
{
	const struct hn_report *report = guest->report;
	char text[64];

	put(list, HN_TOP_NAME, row, HN_TONE_PLAIN, report->guest->name);
	put_word(list, HN_TOP_STATE, row, hn_run_state_name(report->guest->state));
	put_word(list, HN_TOP_MODE, row, hn_mode_name(report->guest->mode));
	put_word(list, HN_TOP_CLASS, row, hn_class_name(report->guest->class));
	put_right(list, HN_TOP_MEMORY, row, HN_TONE_PLAIN,
		  hn_bytes_format(guest->memory_bytes, text, sizeof(text)));
	draw_locality(list, row, report->locality_known ? &report->locality : NULL);
	draw_strip(list, row, report, -1);
	put(list, HN_TOP_HOME_NODES, row, HN_TONE_PLAIN, hn_say_home(report, text, sizeof(text)));
	draw_trend(list, row, report->trend);
	put(list, HN_TOP_COURSE, row, HN_TONE_FAINT,
	    hn_say_course(&guest->course, (unsigned)list->layout.places[HN_TOP_COURSE].width,
			  list->canvas->unicode, text, sizeof(text)));
	draw_now(list, report, row);
}

static void draw_empty(const struct list *list, int row)
{
	hn_canvas_print(list->canvas, row, 1, (int)list->canvas->columns - 2, HN_TONE_FAINT,
			list->top->guest_count
				? "no guest's name has '%s' in it"
				: "%sno guests: homenoded looks for them where homenode.conf(5) says",
			list->top->filter);
}

static int longest_name(const struct list *list)
{
	int longest = 0;

	for (size_t i = 0; i < list->top->shown_count; i++) {
		const struct hn_top_guest *guest = &list->top->guests[list->top->shown[i]];
		int width = hn_canvas_width(list->canvas, guest->report->guest->name);

		longest = width > longest ? width : longest;
	}
	return longest;
}

static void draw_block(const struct list *list, size_t index, int row, int from, int to, bool keys)
{
	const struct hn_top_guest *guest = &list->top->guests[list->top->shown[index]];
	unsigned lines = hn_top_lines(list->top, guest);

	for (unsigned i = 0; i < lines; i++, row++) {
		if (row < from || row >= to)
			continue;
		if (i == 0)
			draw_guest(list, guest, row);
		else
			draw_cell(list, guest->report, i - 1, row);
		if (i == 0 && keys && index == list->top->cursor)
			hn_canvas_mark(list->canvas, row, HN_STYLE_REVERSE);
	}
}

void hn_top_draw_guests(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
			int from, int to)
{
	struct list list = {.top = top, .canvas = canvas, .host = top->picture->host};
	int row;

	list.layout = hn_top_layout((int)canvas->columns, list.host->node_count, longest_name(&list));
	draw_heading(&list, from);
	hn_top_scroll(top, to > from + 1 ? (unsigned)(to - from - 1) : 1);
	if (top->shown_count == 0)
		draw_empty(&list, from + 1);
	row = from + 1 - (int)top->scroll;
	for (size_t i = 0; i < top->shown_count && row < to; i++) {
		int lines = (int)hn_top_lines(top, &top->guests[top->shown[i]]);

		if (row + lines > from + 1)
			draw_block(&list, i, row, from + 1, to, view->keys);
		row += lines;
	}
}
