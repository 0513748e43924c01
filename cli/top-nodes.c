/*
 * The host's nodes: CPUs and how busy guests keep them, memory in use, what is free of each size of page.
 */
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "cli/activity-words.h"
#include "cli/pools.h"
#include "cli/top-view.h"
#include "cli/words.h"

#define AMOUNT 9 /* columns of a size */
#define BAR_MIN 6
#define BAR_MAX 30

struct columns {
	int bar;
	struct hn_pool_sizes pools;
};

/* Pools that do not fit are left out, the largest pages first. */
static struct columns choose_columns(const struct hn_host *host, int width)
{
	struct columns columns = {0};
	int used = 1 + 4 + 1 + 4 + 1 + 5 + 1 + 2 + 1 + 5 + 1 + AMOUNT + 1 + AMOUNT;

	hn_pool_sizes_gather(host, &columns.pools);
	while (columns.pools.count > 0 &&
	       used + BAR_MIN + (int)columns.pools.count * (1 + AMOUNT) > width - 1)
		columns.pools.count--;
	used += (int)columns.pools.count * (1 + AMOUNT);
	columns.bar = width - 1 - used;
	if (columns.bar > BAR_MAX)
		columns.bar = BAR_MAX;
	return columns;
}

/* "4K", "2M", "1G" */
static const char *say_page(uint64_t bytes, char *buffer, size_t size)
{
	if (bytes >= HN_GIB)
		snprintf(buffer, size, "FREE %lluG", (unsigned long long)(bytes / HN_GIB));
	else if (bytes >= HN_MIB)
		snprintf(buffer, size, "FREE %lluM", (unsigned long long)(bytes / HN_MIB));
	else
		snprintf(buffer, size, "FREE %lluK", (unsigned long long)(bytes / HN_KIB));
	return buffer;
}

static void draw_heading(struct hn_canvas *canvas, const struct hn_top_view *view,
			 const struct columns *columns, int row)
{
	int at = 1;
	char text[32];

	hn_canvas_put(canvas, row, at, 4, HN_TONE_PLAIN, "NODE");
	hn_canvas_put(canvas, row, at += 5, 4, HN_TONE_PLAIN, "CPUS");
	hn_canvas_put_right(canvas, row, at += 5, 5, HN_TONE_PLAIN, "BUSY");
	hn_canvas_put_right(canvas, row, at += 6, AMOUNT, HN_TONE_PLAIN, "MEMORY");
	hn_canvas_put(canvas, row, at += AMOUNT + 1, columns->bar + 2, HN_TONE_PLAIN, "IN USE");
	at += columns->bar + 2 + 1 + 5 + 1;
	hn_canvas_put_right(canvas, row, at, AMOUNT, HN_TONE_PLAIN,
			    say_page(view->page_bytes, text, sizeof(text)));
	for (size_t i = 0; i < columns->pools.count; i++)
		hn_canvas_put_right(canvas, row, at += AMOUNT + 1, AMOUNT, HN_TONE_PLAIN,
				    say_page(columns->pools.page_bytes[i], text, sizeof(text)));
	hn_canvas_mark(canvas, row, HN_STYLE_REVERSE);
}

/* What is neither free nor in a free huge page. */
static double share_in_use(const struct hn_node *node)
{
	double available = (double)node->free_bytes;

	for (size_t i = 0; i < node->pool_count; i++)
		available += (double)node->pools[i].free_pages * (double)node->pools[i].page_bytes;
	return node->memory_bytes ? fmax(0, 1 - available / (double)node->memory_bytes) : 0;
}

static enum hn_tone tone_of_use(double share)
{
	return share < 0.8 ? HN_TONE_GOOD : share < 0.95 ? HN_TONE_MIDDLING : HN_TONE_BAD;
}

static void draw_pool(struct hn_canvas *canvas, int row, int at, const struct hn_page_pool *pool)
{
	char text[HN_UNITS_TEXT_MAX];

	if (!pool || pool->total_pages == 0)
		hn_canvas_put_right(canvas, row, at, AMOUNT, HN_TONE_FAINT, "-");
	else
		hn_canvas_put_right(canvas, row, at, AMOUNT,
				    pool->free_pages ? HN_TONE_PLAIN : HN_TONE_MIDDLING,
				    hn_bytes_format(pool->free_pages * pool->page_bytes, text, sizeof(text)));
}

static void draw_cpus(const struct hn_top *top, struct hn_canvas *canvas, size_t index, int row)
{
	int cpus = hn_set_count(&top->picture->host->nodes[index].cpus);
	double busy;
	char text[32];

	if (cpus == 0) {
		hn_canvas_put_right(canvas, row, 6, 4, HN_TONE_FAINT, "-");
		hn_canvas_put_right(canvas, row, 11, 5, HN_TONE_FAINT, "-");
		return;
	}
	snprintf(text, sizeof(text), "%d", cpus);
	hn_canvas_put_right(canvas, row, 6, 4, HN_TONE_PLAIN, text);
	busy = hn_top_node_busy(top, index) / cpus;
	snprintf(text, sizeof(text), "%.0f %%", 100 * fmin(1, busy));
	hn_canvas_put_right(canvas, row, 11, 5, busy > 0.95 ? HN_TONE_BAD : HN_TONE_PLAIN, text);
}

static void draw_memory(struct hn_canvas *canvas, const struct hn_node *node, const struct columns *columns,
			int row)
{
	double share = share_in_use(node);
	char text[64];
	int at = 17;

	hn_canvas_put_right(canvas, row, at, AMOUNT, HN_TONE_PLAIN,
			    hn_bytes_format(node->memory_bytes, text, sizeof(text)));
	hn_canvas_put(canvas, row, at += AMOUNT + 1, columns->bar + 2, tone_of_use(share),
		      hn_say_bar(share, (unsigned)columns->bar, text, sizeof(text)));
	snprintf(text, sizeof(text), "%.0f %%", 100 * share);
	hn_canvas_put_right(canvas, row, at += columns->bar + 3, 5, HN_TONE_PLAIN, text);
	hn_canvas_put_right(canvas, row, at += 6, AMOUNT, HN_TONE_PLAIN,
			    hn_bytes_format(node->free_bytes, text, sizeof(text)));
	for (size_t i = 0; i < columns->pools.count; i++)
		draw_pool(canvas, row, at += AMOUNT + 1, hn_pool_find(node, columns->pools.page_bytes[i]));
}

static void draw_node(const struct hn_top *top, struct hn_canvas *canvas, const struct columns *columns,
		      size_t index, int row)
{
	const struct hn_node *node = &top->picture->host->nodes[index];
	char text[32];

	snprintf(text, sizeof(text), "%d", node->id);
	hn_canvas_put_right(canvas, row, 1, 4, node->draining ? HN_TONE_MIDDLING : HN_TONE_PLAIN, text);
	if (node->draining)
		hn_canvas_put(canvas, row, 5, 1, HN_TONE_MIDDLING, "d"); /* the header spells it out */
	draw_cpus(top, canvas, index, row);
	draw_memory(canvas, node, columns, row);
}

void hn_top_draw_nodes(const struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
		       int from, int to)
{
	const struct hn_host *host = top->picture->host;
	struct columns columns = choose_columns(host, (int)canvas->columns);
	size_t room = (size_t)(to - from - 1), shown = host->node_count <= room ? host->node_count : room - 1;

	draw_heading(canvas, view, &columns, from);
	for (size_t i = 0; i < shown; i++)
		draw_node(top, canvas, &columns, i, from + 1 + (int)i);
	if (shown < host->node_count)
		hn_canvas_print(canvas, to - 1, 1, (int)canvas->columns - 2, HN_TONE_FAINT,
				"and %zu more nodes; n shows them", host->node_count - shown);
}

/* What the kernel does about memory by itself, in the page's last row; how many rows that takes. */
static int draw_kernel(const struct hn_top *top, struct hn_canvas *canvas, int row)
{
	char text[HN_REASON_MAX] = "";

	if (top->picture->activity)
		hn_say_kernel(top->picture->activity, text, sizeof(text));
	if (*text)
		hn_canvas_print(canvas, row, 1, (int)canvas->columns - 2, HN_TONE_PLAIN, "kernel  %s", text);
	return *text != '\0';
}

void hn_top_draw_nodes_page(struct hn_top *top, struct hn_canvas *canvas, const struct hn_top_view *view,
			    int from, int to)
{
	const struct hn_host *host = top->picture->host;
	struct columns columns = choose_columns(host, (int)canvas->columns);
	int rows = to - from - 1 - draw_kernel(top, canvas, to - 1);
	size_t first = (size_t)hn_top_page_scroll(top, (unsigned)host->node_count, (unsigned)rows);

	draw_heading(canvas, view, &columns, from);
	for (size_t i = 0; i < (size_t)rows && first + i < host->node_count; i++)
		draw_node(top, canvas, &columns, first + i, from + 1 + (int)i);
}
