#include "cli/top-model.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hn_top_sort_name(enum hn_top_sort sort)
{
	static const char *const names[] = {"loss", "name", "locality", "memory", "activity"};

	return (unsigned)sort < HN_COUNT(names) ? names[sort] : "?";
}

void hn_top_done(struct hn_top *top)
{
	hn_picture_free(top->picture);
	free(top->guests);
	free(top->shown);
	memset(top, 0, sizeof(*top));
}

static double clamp(double share)
{
	return fmin(1, fmax(0, share));
}

static bool is_moving(const struct hn_report *report)
{
	return report->operation.state == HN_OPERATION_RUNNING;
}

static void measure(struct hn_top_guest *guest)
{
	const struct hn_report *report = guest->report;

	guest->memory_bytes = hn_guest_memory_bytes(report->guest);
	if (report->locality_known)
		guest->loss = guest->brief->vcpu_busy * (1 - clamp(report->locality.value));
}

static int compare_names(const void *left, const void *right)
{
	const struct hn_top_guest *a = left, *b = right;

	return strcmp(a->report->guest->name, b->report->guest->name);
}

static bool is_same_guest(const struct hn_guest *a, const struct hn_guest *b)
{
	return strcmp(a->name, b->name) == 0 && a->pid == b->pid && a->start_ticks == b->start_ticks;
}

/* Both are in order of name; a guest that was started again begins anew. */
static void keep_courses(const struct hn_top *top, struct hn_top_guest *guests, size_t count)
{
	size_t old = 0;

	for (size_t i = 0; i < count; i++) {
		const struct hn_report *report = guests[i].report;

		while (old < top->guest_count && compare_names(&top->guests[old], &guests[i]) < 0)
			old++;
		if (old < top->guest_count && is_same_guest(top->guests[old].report->guest, report->guest))
			guests[i].course = top->guests[old].course;
		if (report->locality_known)
			hn_course_add(&guests[i].course, report->sample ? report->sample->taken_ns : 0,
				      report->locality.value);
	}
}

static int compare_doubles(double a, double b)
{
	return (a > b) - (a < b);
}

static int compare_by(enum hn_top_sort sort, const struct hn_top_guest *a, const struct hn_top_guest *b)
{
	switch (sort) {
	case HN_TOP_SORT_LOSS:
		return compare_doubles(b->loss, a->loss);
	case HN_TOP_SORT_LOCALITY:
		return compare_doubles(a->report->locality_known ? a->report->locality.value : 2,
				       b->report->locality_known ? b->report->locality.value : 2);
	case HN_TOP_SORT_MEMORY:
		return (a->memory_bytes < b->memory_bytes) - (a->memory_bytes > b->memory_bytes);
	case HN_TOP_SORT_ACTIVITY:
		if (is_moving(a->report) != is_moving(b->report))
			return is_moving(a->report) ? -1 : 1;
		return compare_doubles(b->brief->busy, a->brief->busy);
	default:
		return 0;
	}
}

/* Guests are in order of name already: what is equal stays in it. */
static int compare_shown(const void *left, const void *right, void *context)
{
	const struct hn_top *top = context;
	size_t a = *(const size_t *)left, b = *(const size_t *)right;
	int order = compare_by(top->sort, &top->guests[a], &top->guests[b]);

	return order ? order : (a > b) - (a < b);
}

static bool is_shown(const struct hn_top *top, const struct hn_top_guest *guest)
{
	return strcasestr(guest->report->guest->name, top->filter) != NULL;
}

static void select_at(struct hn_top *top, size_t cursor)
{
	if (top->shown_count == 0) {
		top->cursor = 0;
		return;
	}
	top->cursor = cursor < top->shown_count ? cursor : top->shown_count - 1;
	snprintf(top->selected, sizeof(top->selected), "%s",
		 top->guests[top->shown[top->cursor]].report->guest->name);
}

/* The selection stays on its guest; one that is not shown gives it to whoever is in its place. */
static void arrange(struct hn_top *top)
{
	size_t cursor = top->cursor;

	top->shown_count = 0;
	for (size_t i = 0; i < top->guest_count; i++)
		if (is_shown(top, &top->guests[i]))
			top->shown[top->shown_count++] = i;
	if (top->shown_count > 1)
		qsort_r(top->shown, top->shown_count, sizeof(*top->shown), compare_shown, top);
	for (size_t i = 0; i < top->shown_count; i++)
		if (strcmp(top->guests[top->shown[i]].report->guest->name, top->selected) == 0)
			cursor = i;
	if (top->page != HN_TOP_DETAIL)
		select_at(top, cursor);
	else
		top->cursor = cursor < top->shown_count ? cursor : 0;
}

int hn_top_take(struct hn_top *top, struct hn_picture *picture, uint64_t now_ns, struct hn_error *err)
{
	size_t count = picture->guests.count;
	struct hn_top_guest *guests = calloc(count + 1, sizeof(*guests));
	size_t *shown = calloc(count + 1, sizeof(*shown));

	if (!guests || !shown) {
		free(guests);
		free(shown);
		hn_picture_free(picture);
		return hn_oom(err);
	}
	for (size_t i = 0; i < count; i++) {
		guests[i].brief = &picture->guests.items[i];
		guests[i].report = picture->guests.items[i].report;
		measure(&guests[i]);
	}
	qsort(guests, count, sizeof(*guests), compare_names);
	keep_courses(top, guests, count);
	hn_picture_free(top->picture);
	free(top->guests);
	free(top->shown);
	top->picture = picture;
	top->guests = guests;
	top->guest_count = count;
	top->shown = shown;
	top->answered_ns = now_ns;
	top->silence = (struct hn_error){0};
	arrange(top);
	return 0;
}

void hn_top_miss(struct hn_top *top, const struct hn_error *why)
{
	top->silence = *why;
}

const struct hn_top_guest *hn_top_selected(const struct hn_top *top)
{
	for (size_t i = 0; i < top->guest_count; i++)
		if (strcmp(top->guests[i].report->guest->name, top->selected) == 0)
			return &top->guests[i];
	return NULL;
}

const char *hn_top_watched(const struct hn_top *top)
{
	return top->page == HN_TOP_DETAIL ? top->selected : "";
}

unsigned hn_top_lines(const struct hn_top *top, const struct hn_top_guest *guest)
{
	size_t cells = guest->report->guest->cell_count;

	return top->cells_hidden || cells < 2 ? 1 : 1 + (unsigned)cells;
}

void hn_top_scroll(struct hn_top *top, unsigned rows)
{
	unsigned before = 0, own = 0, all = 0;

	top->list_rows = rows;
	for (size_t i = 0; i < top->shown_count; i++) {
		unsigned lines = hn_top_lines(top, &top->guests[top->shown[i]]);

		if (i == top->cursor) {
			before = all;
			own = lines < rows ? lines : rows;
		}
		all += lines;
	}
	if (before + own > top->scroll + rows)
		top->scroll = before + own - rows;
	if (before < top->scroll)
		top->scroll = before;
	if (all <= rows)
		top->scroll = 0;
	else if (top->scroll > all - rows)
		top->scroll = all - rows;
}

static void type_key(struct hn_top *top, int key)
{
	size_t length = strlen(top->filter);

	if (key == HN_KEY_ENTER) {
		top->typing = false;
	} else if (key == HN_KEY_ESCAPE) {
		top->typing = false;
		top->filter[0] = '\0';
	} else if (key == HN_KEY_BACKSPACE && length > 0) {
		top->filter[length - 1] = '\0';
	} else if (key >= ' ' && key < 127 && length + 1 < sizeof(top->filter)) {
		top->filter[length] = (char)key;
		top->filter[length + 1] = '\0';
	}
	arrange(top);
}

/* Guests that fill a screen, the one selected left out. */
static size_t page_of_guests(const struct hn_top *top)
{
	unsigned lines = 0;
	size_t guests = 0;

	for (size_t i = top->cursor; i < top->shown_count && lines < top->list_rows; i++, guests++)
		lines += hn_top_lines(top, &top->guests[top->shown[i]]);
	return guests > 1 ? guests - 1 : 1;
}

static void move_cursor(struct hn_top *top, int key)
{
	size_t page = page_of_guests(top), cursor = top->cursor;

	switch (key) {
	case HN_KEY_UP:
		select_at(top, cursor ? cursor - 1 : 0);
		break;
	case HN_KEY_DOWN:
		select_at(top, cursor + 1);
		break;
	case HN_KEY_PAGE_UP:
		select_at(top, cursor > page ? cursor - page : 0);
		break;
	case HN_KEY_PAGE_DOWN:
		select_at(top, cursor + page);
		break;
	case HN_KEY_HOME:
		select_at(top, 0);
		break;
	case HN_KEY_END:
		select_at(top, top->shown_count);
		break;
	}
}

/* Drawing cuts what is beyond the end. */
static void move_page(struct hn_top *top, int key)
{
	unsigned page = top->list_rows > 1 ? top->list_rows - 1 : 1;

	switch (key) {
	case HN_KEY_UP:
		top->page_scroll -= top->page_scroll > 0;
		break;
	case HN_KEY_DOWN:
		top->page_scroll++;
		break;
	case HN_KEY_PAGE_UP:
		top->page_scroll -= top->page_scroll < page ? top->page_scroll : page;
		break;
	case HN_KEY_PAGE_DOWN:
		top->page_scroll += page;
		break;
	case HN_KEY_HOME:
		top->page_scroll = 0;
		break;
	case HN_KEY_END:
		top->page_scroll = 1u << 30;
		break;
	case HN_KEY_LEFT:
		top->node_scroll -= top->node_scroll > 0;
		break;
	case HN_KEY_RIGHT:
		top->node_scroll++;
		break;
	}
}

static void open_page(struct hn_top *top, enum hn_top_page page)
{
	top->page = top->page == page ? HN_TOP_GUESTS : page;
	top->page_scroll = top->node_scroll = 0;
	if (top->page == HN_TOP_GUESTS)
		arrange(top);
}

static void guests_key(struct hn_top *top, int key)
{
	if (key == HN_KEY_ENTER && top->shown_count > 0) {
		open_page(top, HN_TOP_DETAIL);
	} else if (key == 's') {
		top->sort = (top->sort + 1) % HN_TOP_SORT_COUNT;
		arrange(top);
	} else if (key == '/') {
		top->typing = true;
	} else if (key == 'c') {
		top->cells_hidden = !top->cells_hidden;
	} else if (key == HN_KEY_ESCAPE) {
		top->filter[0] = '\0';
		arrange(top);
	} else {
		move_cursor(top, key);
	}
}

void hn_top_key(struct hn_top *top, int key)
{
	if (top->typing)
		type_key(top, key);
	else if (key == 'q')
		top->quit = true;
	else if (key == '?' || key == 'h')
		open_page(top, HN_TOP_HELP);
	else if (key == 'n')
		open_page(top, HN_TOP_NODES);
	else if (top->page == HN_TOP_GUESTS)
		guests_key(top, key);
	else if (key == HN_KEY_ENTER || key == HN_KEY_ESCAPE)
		open_page(top, top->page);
	else
		move_page(top, key);
}

static bool add_shares(const struct hn_report *report, size_t index, size_t node_count, double *shares)
{
	const struct hn_cell_sample *sample = &report->sample->cells[index];
	double bytes = (double)report->guest->cells[index].memory_bytes;
	bool any = false;

	for (size_t node = 0; node < node_count; node++) {
		if (sample->on_node[node] == 0)
			continue;
		shares[node] += bytes * (double)sample->on_node[node] / (double)sample->sampled;
		any = true;
	}
	return any;
}

bool hn_top_shares(const struct hn_report *report, int cell, size_t node_count, double *shares)
{
	bool any = false;
	double sum = 0;

	memset(shares, 0, node_count * sizeof(*shares));
	if (!report->sample || report->sample->node_count != node_count)
		return false;
	for (size_t i = 0; i < report->sample->cell_count; i++)
		if (cell < 0 || (size_t)cell == i)
			any = add_shares(report, i, node_count, shares) || any;
	for (size_t node = 0; node < node_count; node++)
		sum += shares[node];
	for (size_t node = 0; node < node_count && sum > 0; node++)
		shares[node] /= sum;
	return any && sum > 0;
}

double hn_top_node_busy(const struct hn_top *top, size_t node)
{
	double busy = 0;

	for (size_t i = 0; i < top->guest_count; i++) {
		const struct hn_brief *brief = top->guests[i].brief;

		if (brief->node_busy && brief->node_count == top->picture->host->node_count)
			busy += brief->node_busy[node];
	}
	return busy;
}
