#include "pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

struct hn_picture *make_picture(size_t nodes)
{
	struct hn_picture *picture = hn_picture_new();

	assert_non_null(picture);
	picture->host = hn_host_new("testhost", nodes, 4 * nodes);
	assert_non_null(picture->host);
	for (size_t i = 0; i < nodes; i++) {
		struct hn_node *node = &picture->host->nodes[i];

		for (int cpu = 0; cpu < 4; cpu++)
			hn_set_add(&node->cpus, (int)i * 4 + cpu);
		node->memory_bytes = 8 * HN_GIB;
		node->free_bytes = 4 * HN_GIB;
	}
	return picture;
}

struct hn_report *add_guest(struct hn_picture *picture, const char *name, size_t cells)
{
	struct hn_brief_list *list = &picture->guests;
	struct hn_brief *brief;

	list->items = realloc(list->items, (list->count + 1) * sizeof(*list->items));
	assert_non_null(list->items);
	brief = &list->items[list->count++];
	memset(brief, 0, sizeof(*brief));
	brief->report = hn_report_new();
	brief->report->guest = hn_guest_new(name);
	brief->report->guest->mode = HN_MODE_ENFORCE;
	brief->report->guest->state = HN_RUN_RUNNING;
	for (size_t i = 0; i < cells; i++) {
		struct hn_cell *cell = hn_guest_add_cell(brief->report->guest, (int)i);

		cell->memory_bytes = HN_GIB;
		hn_set_add(&cell->vcpus, 2 * (int)i);
		hn_set_add(&cell->vcpus, 2 * (int)i + 1);
	}
	return brief->report;
}

void set_locality(struct hn_report *report, double value, double half)
{
	struct hn_interval interval = {value - half, value, value + half};
	size_t cells = report->guest->cell_count;

	report->locality_known = true;
	report->locality = interval;
	assert_int_equal(hn_report_add_cell_localities(report, cells), 0);
	for (size_t i = 0; i < cells; i++)
		report->cell_locality[i] = interval;
}

void set_busy(struct hn_picture *picture, double busy, size_t node)
{
	struct hn_brief *brief = &picture->guests.items[picture->guests.count - 1];

	brief->busy = brief->vcpu_busy = busy;
	brief->node_count = picture->host->node_count;
	brief->node_busy = calloc(brief->node_count, sizeof(double));
	brief->node_busy[node] = busy;
}

void set_pages(struct hn_picture *picture, struct hn_report *report, size_t cell, const uint64_t *pages)
{
	size_t nodes = picture->host->node_count;

	if (!report->sample)
		report->sample = hn_sample_new(nodes, report->guest->cell_count, 0);
	memcpy(report->sample->cells[cell].on_node, pages, nodes * sizeof(*pages));
	report->sample->cells[cell].sampled = 0;
	for (size_t i = 0; i < nodes; i++)
		report->sample->cells[cell].sampled += pages[i];
}
