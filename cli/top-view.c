#include "cli/top-view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/words.h"

static bool is_stale(const struct hn_top *top, const struct hn_top_view *view)
{
	return top->silence.code || view->now_ns > top->answered_ns + view->patience_ns;
}

static void draw_silence(const struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
			 int width)
{
	uint64_t seconds =
		view->now_ns > top->answered_ns ? (view->now_ns - top->answered_ns) / HN_NS_PER_S : 0;
	char since[HN_UNITS_TEXT_MAX];
	const char *what = !top->silence.code || top->silence.code == -ECONNREFUSED
				   ? "homenoded has not answered for"
				   : "no answer of homenoded could be used for";

	hn_duration_format((seconds ? seconds : 1) * HN_NS_PER_S, since, sizeof(since));
	hn_canvas_print(canvas, 0, 1, width, HN_TONE_BAD, "%s %s", what, since);
}

static int say_counts(const struct hn_top *top, char *buffer, size_t size)
{
	size_t moving = 0, trouble = 0;
	int used;

	for (size_t i = 0; i < top->guest_count; i++) {
		const struct hn_report *report = top->guests[i].report;

		moving += report->operation.state == HN_OPERATION_RUNNING;
		trouble +=
			report->problem[0] || (report->plan && report->plan->verdict == HN_VERDICT_BLOCKED);
	}
	used = snprintf(buffer, size, "%zu guest%s", top->guest_count, top->guest_count == 1 ? "" : "s");
	if (moving > 0)
		used += snprintf(buffer + used, size - (size_t)used, ", %zu moving", moving);
	if (trouble > 0)
		used += snprintf(buffer + used, size - (size_t)used, ", %zu in trouble", trouble);
	return used;
}

/* ", nodes 2-3 drain" */
static void say_draining(const struct hn_host *host, char *buffer, size_t size)
{
	struct hn_set nodes = {0};
	char text[HN_SET_TEXT_MAX];

	for (size_t i = 0; i < host->node_count; i++)
		if (host->nodes[i].draining)
			hn_set_add(&nodes, host->nodes[i].id);
	if (hn_set_count(&nodes) > 0)
		snprintf(buffer, size,
			 hn_set_count(&nodes) == 1 ? ", node %.40s drains" : ", nodes %.40s drain",
			 hn_set_format(&nodes, text, sizeof(text)));
}

static int draw_pressure(const struct hn_pressure *pressure, struct hn_canvas *canvas, int at, int end)
{
	char cpu[32] = "", memory[32] = "";

	if (!pressure->cpu_known && !pressure->memory_known)
		return at;
	if (pressure->cpu_known)
		snprintf(cpu, sizeof(cpu), "  CPU %.1f %%", pressure->cpu);
	if (pressure->memory_known)
		snprintf(memory, sizeof(memory), "  memory %.1f %%", pressure->memory);
	return hn_canvas_print(canvas, 0, at, end - at, pressure->memory >= 10 ? HN_TONE_BAD : HN_TONE_PLAIN,
			       "pressure%s%s", cpu, memory);
}

static void draw_header(const struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view)
{
	int end = (int)canvas->columns - 10, at;
	char text[160];
	struct tm local;
	int used;

	if (is_stale(top, view)) {
		draw_silence(top, canvas, view, end - 2);
	} else {
		at = hn_canvas_put(canvas, 0, 1, end - 2 > 24 ? 24 : end - 2, HN_TONE_PLAIN,
				   top->picture->host->name);
		used = say_counts(top, text, sizeof(text));
		say_draining(top->picture->host, text + used, sizeof(text) - (size_t)used);
		at = hn_canvas_put(canvas, 0, at + 2, end - at - 2, HN_TONE_PLAIN, text);
		draw_pressure(&top->picture->pressure, canvas, at + 2, end);
	}
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&view->clock, &local));
	hn_canvas_put_right(canvas, 0, end, 9, HN_TONE_PLAIN, text);
	hn_canvas_mark(canvas, 0, HN_STYLE_BOLD);
}

/* The guest selected, in full: lists have room for a few words only. */
static void draw_sentence(const struct hn_top *top, struct hn_canvas *canvas, int row)
{
	const struct hn_top_guest *guest = hn_top_selected(top);
	int width = (int)canvas->columns - 2;
	char text[600];

	if (top->silence.code)
		hn_canvas_put(canvas, row, 1, width, HN_TONE_BAD, top->silence.message);
	else if (guest && top->page == HN_TOP_GUESTS && top->shown_count > 0)
		hn_canvas_print(canvas, row, 1, width, hn_tone_of_now(guest->report), "%s: %s",
				guest->report->guest->name, hn_say_now(guest->report, text, sizeof(text)));
}

static void draw_keys(const struct hn_top *top, struct hn_canvas *canvas, int row)
{
	int width = (int)canvas->columns - 2, at;
	char text[64];

	if (top->typing) {
		hn_canvas_print(canvas, row, 1, width, HN_TONE_PLAIN,
				"/%s_   Enter keeps the filter, Esc ends it", top->filter);
		return;
	}
	if (top->page != HN_TOP_GUESTS) {
		hn_canvas_put(canvas, row, 1, width, HN_TONE_FAINT,
			      top->page == HN_TOP_DETAIL ? "Esc back  arrows scroll  ? help  q quit"
							 : "Esc back  arrows scroll  q quit");
		return;
	}
	at = hn_canvas_print(canvas, row, 1, width, HN_TONE_FAINT,
			     "q quit  ? help  Enter detail  s sort: %s  / filter%s%s",
			     hn_top_sort_name(top->sort), top->filter[0] ? ": " : "", top->filter);
	snprintf(text, sizeof(text), "%zu of %zu", top->shown_count ? top->cursor + 1 : 0, top->shown_count);
	if (at + 2 + (int)strlen(text) <= 1 + width)
		hn_canvas_put_right(canvas, row, at + 2, width - at - 1, HN_TONE_FAINT, text);
}

static int rows_of_nodes(const struct hn_top *top, const struct hn_canvas *canvas,
			 const struct hn_top_view *view)
{
	int nodes = (int)top->picture->host->node_count, most = view->keys ? (int)canvas->rows / 3 : nodes;

	if (most < 2)
		most = 2;
	return 1 + (nodes < most ? nodes : most);
}

static void draw_main(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view, int end)
{
	int guests_at = 1 + rows_of_nodes(top, canvas, view);

	hn_top_draw_nodes(top, canvas, view, 1, guests_at);
	if (canvas->rows >= 20 || !view->keys)
		guests_at++;
	hn_top_draw_guests(top, canvas, view, guests_at, end);
}

unsigned hn_top_rows_needed(const struct hn_top *top)
{
	unsigned rows = 1 + 1 + (unsigned)top->picture->host->node_count + 1 + 1;

	for (size_t i = 0; i < top->shown_count; i++)
		rows += hn_top_lines(top, &top->guests[top->shown[i]]);
	return rows + (top->shown_count == 0);
}

int hn_top_page_scroll(struct hn_top *top, unsigned lines, unsigned rows)
{
	unsigned most = lines > rows ? lines - rows : 0;

	top->list_rows = rows;
	if (top->page_scroll > most)
		top->page_scroll = most;
	return (int)top->page_scroll;
}

void hn_top_draw(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view)
{
	int end = (int)canvas->rows - (view->keys ? 2 : 0);

	hn_canvas_clear(canvas);
	canvas->faint = false;
	if (canvas->columns < HN_TOP_COLUMNS_MIN || (view->keys && canvas->rows < HN_TOP_ROWS_MIN)) {
		hn_canvas_print(canvas, 0, 0, (int)canvas->columns, HN_TONE_BAD,
				"too small: %ux%u, not %dx%d", canvas->columns, canvas->rows,
				HN_TOP_COLUMNS_MIN, HN_TOP_ROWS_MIN);
		return;
	}
	if (!top->picture) {
		hn_canvas_put(canvas, 0, 1, (int)canvas->columns - 2, HN_TONE_PLAIN, "asking homenoded");
		return;
	}
	draw_header(top, canvas, view);
	canvas->faint = is_stale(top, view);
	if (top->page == HN_TOP_DETAIL)
		hn_top_draw_detail(top, canvas, 2, end);
	else if (top->page == HN_TOP_NODES)
		hn_top_draw_nodes_page(top, canvas, view, 2, end);
	else if (top->page == HN_TOP_HELP)
		hn_top_draw_help(top, canvas, 2, end);
	else
		draw_main(top, canvas, view, end);
	canvas->faint = false;
	if (view->keys) {
		draw_sentence(top, canvas, end);
		draw_keys(top, canvas, end + 1);
	}
}
