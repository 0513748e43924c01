/*
 * One guest in full: its cells over the nodes, why it is as it is, its threads by kind, its memory backends.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/activity-words.h"
#include "cli/glyphs.h"
#include "cli/top-view.h"
#include "cli/words.h"

#define NODE_WIDTH 6

/* Lines below each other; those off the screen have row -1 and are not drawn. */
struct page {
	struct hn_top *top;
	struct hn_canvas *canvas;
	const struct hn_host *host;
	const struct hn_report *report;
	const struct hn_sample *sample; /* NULL: none that fits host and guest */
	int from, to, scroll;
	unsigned lines;
};

static int next_row(struct page *page)
{
	int row = page->from + (int)page->lines++ - page->scroll;

	return row >= page->from && row < page->to ? row : -1;
}

static int width_of(const struct page *page)
{
	return (int)page->canvas->columns - 2;
}

static int draw_title(struct page *page, const char *title)
{
	int row = next_row(page);

	hn_canvas_put(page->canvas, row, 1, width_of(page), HN_TONE_PLAIN, title);
	hn_canvas_mark(page->canvas, row, HN_STYLE_BOLD);
	return row;
}

/* A word in front, and a sentence broken between words into as many lines as it takes. */
static void draw_sentence(struct page *page, const char *label, enum hn_tone tone, const char *text)
{
	size_t room = (size_t)(width_of(page) - 11);
	bool first = true;

	while (*text || first) {
		size_t length = strlen(text), rest;
		char line[HN_ERROR_MAX];
		int row = next_row(page);

		if (length > room) {
			length = room;
			while (length > room / 2 && text[length] != ' ')
				length--;
			length = text[length] == ' ' ? length : room;
		}
		rest = length + (text[length] == ' ');
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		hn_canvas_put(page->canvas, row, 1, 10, HN_TONE_FAINT, first ? label : "");
		hn_canvas_put(page->canvas, row, 12, (int)room, tone, line);
		text += rest;
		first = false;
	}
}

static void draw_guest(struct page *page)
{
	const struct hn_guest *guest = page->report->guest;
	char memory[HN_UNITS_TEXT_MAX];
	int row = next_row(page);

	hn_canvas_print(page->canvas, row, 1, width_of(page), HN_TONE_PLAIN,
			"%s  %s, %s, %s, policy %s, pid %d, %d vCPUs, %s", guest->name,
			hn_run_state_name(guest->state), hn_mode_name(guest->mode),
			hn_class_name(guest->class), guest->policy[0] ? guest->policy : "-", guest->pid,
			hn_guest_vcpu_count(guest),
			hn_bytes_format(hn_guest_memory_bytes(guest), memory, sizeof(memory)));
	hn_canvas_mark(page->canvas, row, HN_STYLE_BOLD);
	next_row(page);
}

#define CELLS_AT 24  /* where the columns of nodes begin */
#define CELLS_END 32 /* what stands behind them */

/* Nodes that fit beside the rest, scrolled to the right as far as there are more. */
static size_t nodes_shown(struct page *page, size_t *ret_first)
{
	int room = ((int)page->canvas->columns - CELLS_AT - CELLS_END) / NODE_WIDTH;
	size_t shown = room < 1 ? 1 : (size_t)room, nodes = page->host->node_count;

	shown = shown < nodes ? shown : nodes;
	if (page->top->node_scroll > nodes - shown)
		page->top->node_scroll = (unsigned)(nodes - shown);
	*ret_first = page->top->node_scroll;
	return shown;
}

static void draw_share(struct page *page, int row, int at, uint64_t part, uint64_t whole, bool home)
{
	char text[32];

	if (part == 0) {
		hn_canvas_put_right(page->canvas, row, at, NODE_WIDTH, HN_TONE_FAINT, ".");
		return;
	}
	snprintf(text, sizeof(text), "%.0f %%", 100 * (double)part / (double)whole);
	hn_canvas_put_right(page->canvas, row, at, NODE_WIDTH, home ? HN_TONE_GOOD : HN_TONE_PLAIN,
			    strcmp(text, "0 %") == 0 ? "<1 %" : text);
}

/* Behind the nodes: what is on none of them, and where the cell belongs. */
static void draw_cell_place(struct page *page, size_t index, int row, int at, const struct hn_set *home)
{
	const struct hn_report *report = page->report;
	const struct hn_cell_sample *pages = page->sample ? &page->sample->cells[index] : NULL;
	char text[64];

	draw_share(page, row, at + 1, pages ? pages->absent : 0, pages ? pages->sampled : 1, false);
	draw_share(page, row, at + 9, pages ? pages->unknown : 0, pages ? pages->sampled : 1, false);
	hn_canvas_put(page->canvas, row, at + 16, 4, HN_TONE_PLAIN,
		      home && report->guest->mode >= HN_MODE_ADVISE ? hn_set_format(home, text, sizeof(text))
								    : "-");
	if (report->locality_known) {
		hn_canvas_put_right(page->canvas, row, at + 21, 9,
				    hn_tone_of_share(report->cell_locality[index].value),
				    hn_say_share(&report->cell_locality[index], text, sizeof(text)));
		hn_canvas_put(page->canvas, row, at + 31, 1, HN_TONE_FAINT,
			      hn_glyph_trend(report->cell_trend[index], page->canvas->unicode));
	} else {
		hn_canvas_put_right(page->canvas, row, at + 21, 9, HN_TONE_FAINT, "-");
	}
}

static void draw_cell(struct page *page, size_t index, size_t first, size_t shown)
{
	const struct hn_cell *cell = &page->report->guest->cells[index];
	const struct hn_cell_sample *pages = page->sample ? &page->sample->cells[index] : NULL;
	const struct hn_set *home = page->report->home ? &page->report->home->cells[index].nodes : NULL;
	int row = next_row(page), at = CELLS_AT;
	char text[64];

	hn_canvas_print(page->canvas, row, 1, 4, HN_TONE_PLAIN, "%4d", cell->id);
	hn_set_format(&cell->vcpus, text, sizeof(text));
	hn_canvas_put(page->canvas, row, 6, 9, HN_TONE_PLAIN, *text ? text : "-");
	hn_canvas_put_right(page->canvas, row, 15, 9, HN_TONE_PLAIN,
			    hn_bytes_format(cell->memory_bytes, text, sizeof(text)));
	for (size_t i = first; i < first + shown; i++, at += NODE_WIDTH)
		draw_share(page, row, at, pages ? pages->on_node[i] : 0, pages ? pages->sampled : 1,
			   home && hn_set_has(home, page->host->nodes[i].id));
	draw_cell_place(page, index, row, at, home);
}

static void draw_cells_heading(struct page *page, size_t first, size_t shown)
{
	int row = draw_title(page, "CELL vCPU        MEMORY"), at = CELLS_AT;
	char text[32];

	for (size_t i = first; i < first + shown; i++, at += NODE_WIDTH) {
		int id = page->host->nodes[i].id;

		snprintf(text, sizeof(text), id < 10 ? "NODE%d" : "N%d", id);
		hn_canvas_put_right(page->canvas, row, at, NODE_WIDTH, HN_TONE_PLAIN, text);
	}
	hn_canvas_put(page->canvas, row, at + 1, CELLS_END, HN_TONE_PLAIN, "ABSENT UNKNOWN HOME      LOCAL");
	hn_canvas_mark(page->canvas, row, HN_STYLE_BOLD);
}

static void draw_cells(struct page *page)
{
	size_t first, shown = nodes_shown(page, &first);

	draw_cells_heading(page, first, shown);
	for (size_t i = 0; i < page->report->guest->cell_count; i++)
		draw_cell(page, i, first, shown);
	if (shown < page->host->node_count)
		hn_canvas_print(page->canvas, next_row(page), 1, width_of(page), HN_TONE_FAINT,
				"%zu of %zu nodes; left and right show the others", shown,
				page->host->node_count);
	next_row(page);
}

static void draw_evidence(struct page *page)
{
	uint64_t sampled = 0;
	char text[160], age[HN_UNITS_TEXT_MAX], cost[HN_UNITS_TEXT_MAX];

	if (!page->sample)
		return;
	for (size_t i = 0; i < page->sample->cell_count; i++)
		sampled += page->sample->cells[i].sampled;
	snprintf(text, sizeof(text), "%s of %llu pages %s ago, which cost %s of CPU",
		 page->sample->exhaustive ? "count" : "sample", (unsigned long long)sampled,
		 hn_duration_format(page->report->age_ns, age, sizeof(age)),
		 hn_duration_format(page->sample->cost_ns, cost, sizeof(cost)));
	draw_sentence(page, "Evidence", HN_TONE_PLAIN, text);
}

static void draw_said(struct page *page, const char *label, const char *text)
{
	if (*text)
		draw_sentence(page, label, HN_TONE_PLAIN, text);
}

static void draw_activity(struct page *page)
{
	const struct hn_activity *activity = page->report->activity;
	char text[HN_REASON_MAX];

	if (!activity)
		return;
	draw_said(page, "Pressure", hn_say_stalls(activity, text, sizeof(text)));
	draw_said(page, "KVM", hn_say_kvm(activity, text, sizeof(text)));
	draw_said(page, "Traffic", hn_say_traffic(activity, text, sizeof(text)));
}

static void draw_plan(struct page *page)
{
	const struct hn_plan *plan = page->report->plan;
	char text[600];

	draw_sentence(page, "Now", hn_tone_of_now(page->report),
		      hn_say_now(page->report, text, sizeof(text)));
	if (!plan || page->report->guest->mode == HN_MODE_OFF)
		return;
	/* most of these sentences have the reason in them */
	if (!strstr(text, plan->reason))
		draw_sentence(page, "Why", HN_TONE_PLAIN, plan->reason);
	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].kind == HN_ACTION_MIGRATE)
			draw_sentence(page, "", HN_TONE_PLAIN, plan->actions[i].reason);
	for (size_t i = 0; i < plan->note_count; i++)
		draw_sentence(page, "Note", HN_TONE_PLAIN, plan->notes[i]);
}

static void draw_operation(struct page *page)
{
	const struct hn_operation *operation = &page->report->operation;
	char text[HN_REASON_MAX + 200], moved[HN_UNITS_TEXT_MAX], of[HN_UNITS_TEXT_MAX],
		stayed[HN_UNITS_TEXT_MAX], took[HN_UNITS_TEXT_MAX], cpu[HN_UNITS_TEXT_MAX];

	if (operation->id == 0)
		return;
	snprintf(text, sizeof(text),
		 "%llu %s after %s: %s of %s moved, %s stayed, %u threads bound, %s of CPU%s%s",
		 (unsigned long long)operation->id, hn_operation_state_name(operation->state),
		 hn_duration_format(operation->elapsed_ns, took, sizeof(took)),
		 hn_bytes_format(operation->moved_bytes, moved, sizeof(moved)),
		 hn_bytes_format(operation->to_move_bytes, of, sizeof(of)),
		 hn_bytes_format(operation->stayed_bytes, stayed, sizeof(stayed)), operation->threads_bound,
		 hn_duration_format(operation->cpu_ns, cpu, sizeof(cpu)), operation->message[0] ? ": " : "",
		 operation->message);
	draw_sentence(page, "Operation",
		      operation->state == HN_OPERATION_FAILED ? HN_TONE_BAD : HN_TONE_PLAIN, text);
}

static void draw_thread_sample(struct page *page, const struct hn_thread_sample *sample, int row)
{
	char text[256], set[128];

	if (sample->last_node >= 0 && (size_t)sample->last_node < page->host->node_count)
		hn_canvas_print(page->canvas, row, 35, 4, HN_TONE_PLAIN, "%4d",
				page->host->nodes[sample->last_node].id);
	else
		hn_canvas_put_right(page->canvas, row, 35, 4, HN_TONE_FAINT, "-");
	hn_canvas_print(page->canvas, row, 40, 6, HN_TONE_PLAIN, "%4.0f %%",
			100 * fmin(1, fmax(0, sample->busy)));
	hn_canvas_print(page->canvas, row, 48, 12, HN_TONE_PLAIN, "%s",
			hn_set_format(sample->allowed, set, sizeof(set)));
	hn_canvas_put(page->canvas, row, 61, width_of(page) - 60, HN_TONE_PLAIN,
		      hn_say_residency(page->host, sample, text, sizeof(text)));
}

static void draw_thread(struct page *page, size_t index)
{
	const struct hn_thread *thread = &page->report->guest->threads[index];
	int row = next_row(page);
	char text[64];

	hn_canvas_put(page->canvas, row, 1, 20, HN_TONE_PLAIN, hn_say_thread(thread, text, sizeof(text)));
	hn_canvas_print(page->canvas, row, 22, 4, HN_TONE_PLAIN, thread->cell < 0 ? "   -" : "%4d",
			thread->cell);
	hn_canvas_print(page->canvas, row, 27, 7, HN_TONE_PLAIN, "%7d", thread->tid);
	if (page->sample && page->sample->thread_count == page->report->guest->thread_count)
		draw_thread_sample(page, &page->sample->threads[index], row);
}

static void draw_threads(struct page *page)
{
	const struct hn_guest *guest = page->report->guest;

	if (guest->thread_count == 0)
		return;
	next_row(page);
	draw_title(page, "THREAD               CELL     TID NODE   BUSY  CPUS         RAN ON");
	for (int kind = 0; kind < HN_THREAD_KIND_COUNT; kind++)
		for (size_t i = 0; i < guest->thread_count; i++)
			if ((int)guest->threads[i].kind == kind)
				draw_thread(page, i);
}

static void draw_backend(struct page *page, const struct hn_backend *backend)
{
	int row = next_row(page);
	char text[HN_UNITS_TEXT_MAX], nodes[64];

	hn_canvas_put(page->canvas, row, 1, 14, HN_TONE_PLAIN, backend->id);
	hn_canvas_print(page->canvas, row, 16, 4, HN_TONE_PLAIN, backend->cell < 0 ? "   -" : "%4d",
			backend->cell);
	hn_canvas_put_right(page->canvas, row, 21, 9, HN_TONE_PLAIN,
			    hn_bytes_format(backend->bytes, text, sizeof(text)));
	hn_canvas_put_right(page->canvas, row, 31, 7, HN_TONE_PLAIN,
			    backend->page_bytes ? hn_bytes_format(backend->page_bytes, text, sizeof(text))
						: "?");
	hn_set_format(&backend->host_nodes, nodes, sizeof(nodes));
	hn_canvas_print(page->canvas, row, 40, width_of(page) - 39,
			backend->movability == HN_MOVABLE ? HN_TONE_PLAIN : HN_TONE_MIDDLING,
			"%s%s%s, %s%s%s%s", backend->policy[0] ? backend->policy : "policy ?",
			*nodes ? " " : "", nodes, hn_movability_name(backend->movability),
			backend->shared ? ", shared" : "", backend->prealloc ? ", preallocated" : "",
			backend->dimm ? ", DIMM" : "");
}

static void draw_backends(struct page *page)
{
	const struct hn_guest *guest = page->report->guest;

	if (guest->backend_count == 0)
		return;
	next_row(page);
	draw_title(page, "BACKEND        CELL    MEMORY   PAGES  POLICY, AND WHETHER IT CAN BE MOVED");
	for (size_t i = 0; i < guest->backend_count; i++)
		draw_backend(page, &guest->backends[i]);
}

static void draw_all(struct page *page)
{
	page->lines = 0;
	draw_guest(page);
	draw_cells(page);
	draw_evidence(page);
	draw_activity(page);
	draw_plan(page);
	draw_operation(page);
	draw_threads(page);
	draw_backends(page);
}

void hn_top_draw_detail(struct hn_top *top, struct hn_canvas *canvas, int from, int to)
{
	const struct hn_top_guest *guest = hn_top_selected(top);
	struct page page = {
		.top = top, .canvas = canvas, .host = top->picture->host, .from = from, .to = from};

	if (!guest) {
		hn_canvas_print(canvas, from, 1, (int)canvas->columns - 2, HN_TONE_MIDDLING,
				"%s is gone; Esc goes back to the others", top->selected);
		return;
	}
	/* in full, once that has been asked for */
	page.report = top->picture->detail && strcmp(top->picture->detail->guest->name, top->selected) == 0
			      ? top->picture->detail
			      : guest->report;
	if (page.report->sample && page.report->sample->node_count == page.host->node_count)
		page.sample = page.report->sample;
	/* once to count the lines, with no row to draw on */
	draw_all(&page);
	page.scroll = hn_top_page_scroll(top, page.lines, (unsigned)(to - from));
	page.to = to;
	draw_all(&page);
}
