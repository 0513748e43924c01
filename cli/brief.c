#include "cli/brief.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/scan.h"
#include "model/codec.h"

static void brief_done(struct hn_brief *brief)
{
	hn_report_free(brief->report);
	free(brief->node_busy);
}

void hn_brief_list_done(struct hn_brief_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		brief_done(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static int read_set(const struct hn_scan *scan, const char *key, struct hn_set *ret, struct hn_error *err)
{
	char text[HN_SET_TEXT_MAX];
	int r = hn_scan_text(scan, key, text, sizeof(text), err);

	if (r < 0 || hn_set_parse(text, ret, err) == 0)
		return r;
	hn_error_prefix(err, "member '%s'", key);
	return -EPROTO;
}

static int read_cells(const char *array, struct hn_guest *guest, struct hn_error *err)
{
	static const char *const keys[] = {"id", "memory_bytes", "vcpus", NULL};
	const char *at = NULL;
	int r;

	while ((r = hn_scan_item(array, &at, err)) > 0) {
		struct hn_cell *cell = hn_guest_add_cell(guest, 0);
		struct hn_scan scan;

		if (!cell)
			return hn_oom(err);
		if ((r = hn_scan_object(at, keys, &scan, err)) < 0 ||
		    (r = hn_scan_int(&scan, "id", &cell->id, err)) < 0 ||
		    (r = hn_scan_u64(&scan, "memory_bytes", &cell->memory_bytes, err)) < 0 ||
		    (r = read_set(&scan, "vcpus", &cell->vcpus, err)) < 0)
			return r;
	}
	return r;
}

static int read_words(const struct hn_scan *scan, struct hn_guest *guest, struct hn_error *err)
{
	char mode[32], class[32], state[32];
	int r;

	if ((r = hn_scan_text(scan, "mode", mode, sizeof(mode), err)) < 0 ||
	    (r = hn_scan_text(scan, "class", class, sizeof(class), err)) < 0 ||
	    (r = hn_scan_text(scan, "state", state, sizeof(state), err)) < 0)
		return r;
	if (hn_mode_parse(mode, &guest->mode, err) < 0 || hn_class_parse(class, &guest->class, err) < 0 ||
	    hn_run_state_parse(state, &guest->state, err) < 0)
		return -EPROTO;
	return 0;
}

static int read_guest(const char *value, struct hn_report *report, const char **ret_threads,
		      struct hn_error *err)
{
	static const char *const keys[] = {"name",  "pid",    "start_ticks", "mode",    "class",
					   "state", "policy", "cells",       "threads", NULL};
	struct hn_guest *guest = report->guest = hn_guest_new("");
	struct hn_scan scan;
	int r;

	if (!guest)
		return hn_oom(err);
	if ((r = hn_scan_object(value, keys, &scan, err)) < 0 ||
	    (r = hn_scan_text(&scan, "name", guest->name, sizeof(guest->name), err)) < 0 ||
	    (r = hn_scan_int(&scan, "pid", &guest->pid, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "start_ticks", &guest->start_ticks, err)) < 0 ||
	    (r = hn_scan_text(&scan, "policy", guest->policy, sizeof(guest->policy), err)) < 0 ||
	    (r = read_words(&scan, guest, err)) < 0 ||
	    (r = read_cells(hn_scan_member(&scan, "cells"), guest, err)) < 0)
		return r;
	*ret_threads = hn_scan_member(&scan, "threads");
	return 0;
}

static int read_interval(const char *value, struct hn_interval *ret, struct hn_error *err)
{
	static const char *const keys[] = {"value", "low", "high", NULL};
	struct hn_scan scan;
	int r;

	(void)((r = hn_scan_object(value, keys, &scan, err)) < 0 ||
	       (r = hn_scan_double(&scan, "value", &ret->value, err)) < 0 ||
	       (r = hn_scan_double(&scan, "low", &ret->low, err)) < 0 ||
	       (r = hn_scan_double(&scan, "high", &ret->high, err)) < 0);
	return r;
}

/* Earlier versions tell none. */
static int read_trend(const struct hn_scan *scan, enum hn_trend *ret, struct hn_error *err)
{
	char trend[16];
	int r;

	if (!hn_scan_member(scan, "trend"))
		return 0;
	if ((r = hn_scan_text(scan, "trend", trend, sizeof(trend), err)) < 0)
		return r;
	return hn_trend_parse(trend, ret, err) < 0 ? -EPROTO : 0;
}

static int read_cell_locality(const char *value, struct hn_report *report, size_t cell, struct hn_error *err)
{
	static const char *const keys[] = {"trend", NULL};
	struct hn_scan scan;
	int r = read_interval(value, &report->cell_locality[cell], err);

	if (r == 0 && (r = hn_scan_object(value, keys, &scan, err)) == 0)
		r = read_trend(&scan, &report->cell_trend[cell], err);
	return r;
}

static int read_locality(const struct hn_scan *scan, struct hn_report *report, struct hn_error *err)
{
	const char *locality = hn_scan_member(scan, "locality"), *at = NULL;
	size_t cells = report->guest->cell_count, i = 0;
	int r;

	if (!locality)
		return 0;
	if (hn_report_add_cell_localities(report, cells) < 0)
		return hn_oom(err);
	if ((r = read_interval(locality, &report->locality, err)) < 0)
		return r;
	while ((r = hn_scan_item(hn_scan_member(scan, "cell_locality"), &at, err)) > 0)
		if (i >= cells || read_cell_locality(at, report, i++, err) < 0)
			break;
	if (r != 0 || i != cells)
		return hn_fail(err, -EPROTO, "member 'cell_locality' is not intervals of %zu cells", cells);
	report->locality_known = true;
	return 0;
}

/* As model/codec.h checks them: shares are taken of sums later. */
static bool adds_up(const struct hn_cell_sample *cell, size_t node_count)
{
	uint64_t left = cell->sampled;

	if (cell->absent > left || cell->unknown > left - cell->absent)
		return false;
	left -= cell->absent + cell->unknown;
	for (size_t i = 0; i < node_count; i++) {
		if (cell->on_node[i] > left)
			return false;
		left -= cell->on_node[i];
	}
	return left == 0;
}

static int read_sample_cells(const char *array, struct hn_sample *sample, struct hn_error *err)
{
	static const char *const keys[] = {"cell", "sampled", "absent", "unknown", "on_node", NULL};
	const char *at = NULL;
	size_t i = 0;
	int r;

	while ((r = hn_scan_item(array, &at, err)) > 0 && i < sample->cell_count) {
		struct hn_cell_sample *cell = &sample->cells[i++];
		struct hn_scan scan;

		if ((r = hn_scan_object(at, keys, &scan, err)) < 0 ||
		    (r = hn_scan_int(&scan, "cell", &cell->cell, err)) < 0 ||
		    (r = hn_scan_u64(&scan, "sampled", &cell->sampled, err)) < 0 ||
		    (r = hn_scan_u64(&scan, "absent", &cell->absent, err)) < 0 ||
		    (r = hn_scan_u64(&scan, "unknown", &cell->unknown, err)) < 0 ||
		    (r = hn_scan_u64s(&scan, "on_node", cell->on_node, sample->node_count, err)) < 0)
			return r;
		if (!adds_up(cell, sample->node_count))
			return hn_fail(err, -EPROTO,
				       "member 'sampled' is not the sum of absent, unknown and on_node");
	}
	if (r != 0 || i != sample->cell_count)
		return hn_fail(err, -EPROTO, "its sample does not fit its %zu cells", sample->cell_count);
	return 0;
}

/* The next of the guest's threads: 1 for a vCPU, 0 for another, -EPROTO when there is none. */
static int next_is_vcpu(const char *threads, const char **at, struct hn_scan *scan)
{
	static const char *const keys[] = {"kind", NULL};
	int r = *at ? hn_scan_item_behind(scan->end, at, NULL) : hn_scan_item(threads, at, NULL);
	char kind[16];

	if (r <= 0 || hn_scan_object(*at, keys, scan, NULL) < 0 ||
	    hn_scan_text(scan, "kind", kind, sizeof(kind), NULL) < 0)
		return -EPROTO;
	return strcmp(kind, "vcpu") == 0;
}

static double clamp(double share)
{
	return fmin(1, fmax(0, share));
}

static int add_thread(const char *sample, bool vcpu, struct hn_brief *brief, double *residency,
		      const char **ret_end, struct hn_error *err)
{
	static const char *const keys[] = {"busy", "residency", NULL};
	struct hn_scan scan;
	double busy;
	int r;

	if ((r = hn_scan_object(sample, keys, &scan, err)) < 0 ||
	    (r = hn_scan_double(&scan, "busy", &busy, err)) < 0 ||
	    (r = hn_scan_doubles(&scan, "residency", residency, brief->node_count, err)) < 0)
		return r;
	busy = clamp(busy);
	brief->busy += busy;
	brief->vcpu_busy += vcpu ? busy : 0;
	for (size_t i = 0; i < brief->node_count; i++)
		brief->node_busy[i] += busy * clamp(residency[i]);
	*ret_end = scan.end;
	return 0;
}

/* The sample's threads are in the guest's order; with one more or less, it is not known which are vCPUs. */
static int add_threads(const char *samples, const char *threads, struct hn_brief *brief, struct hn_error *err)
{
	double residency[HN_SET_MAX];
	const char *sample = NULL, *thread = NULL, *end = "";
	struct hn_scan scan;
	bool paired = true;
	int r;

	brief->node_busy = calloc(brief->node_count + 1, sizeof(*brief->node_busy));
	if (!brief->node_busy)
		return hn_oom(err);
	r = hn_scan_item(samples, &sample, err);
	while (r > 0) {
		int vcpu = paired ? next_is_vcpu(threads, &thread, &scan) : 0;

		paired = paired && vcpu >= 0;
		r = add_thread(sample, vcpu > 0, brief, residency, &end, err);
		if (r == 0)
			r = hn_scan_item_behind(end, &sample, err);
	}
	if (!paired || next_is_vcpu(threads, &thread, &scan) >= 0)
		brief->vcpu_busy = 0;
	return r;
}

static int read_sample(const char *value, const char *threads, struct hn_brief *brief, struct hn_error *err)
{
	static const char *const keys[] = {"taken_ns", "cost_ns", "exhaustive", "node_count",
					   "cells",    "threads", NULL};
	size_t cells = brief->report->guest->cell_count;
	struct hn_sample *sample;
	struct hn_scan scan;
	uint64_t nodes;
	int r;

	if ((r = hn_scan_object(value, keys, &scan, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "node_count", &nodes, err)) < 0)
		return r;
	if (nodes > HN_SET_MAX || cells * nodes > HN_CODEC_TABLE_MAX)
		return hn_fail(err, -EPROTO, "its sample has too many nodes and cells");
	sample = brief->report->sample = hn_sample_new((size_t)nodes, cells, 0);
	if (!sample)
		return hn_oom(err);
	brief->node_count = (size_t)nodes;
	if ((r = hn_scan_u64(&scan, "taken_ns", &sample->taken_ns, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "cost_ns", &sample->cost_ns, err)) < 0 ||
	    (r = hn_scan_bool(&scan, "exhaustive", &sample->exhaustive, err)) < 0 ||
	    (r = read_sample_cells(hn_scan_member(&scan, "cells"), sample, err)) < 0)
		return r;
	return add_threads(hn_scan_member(&scan, "threads"), threads, brief, err);
}

static int read_home(const char *value, struct hn_report *report, struct hn_error *err)
{
	static const char *const keys[] = {"cells", NULL}, *const cell_keys[] = {"cell", "nodes", NULL};
	size_t cells = report->guest->cell_count, i = 0;
	const char *at = NULL;
	struct hn_scan scan, cell;
	int r;

	report->home = hn_placement_new(0, cells);
	if (!report->home)
		return hn_oom(err);
	if ((r = hn_scan_object(value, keys, &scan, err)) < 0)
		return r;
	while ((r = hn_scan_item(hn_scan_member(&scan, "cells"), &at, err)) > 0 && i < cells) {
		struct hn_cell_home *home = &report->home->cells[i++];

		if ((r = hn_scan_object(at, cell_keys, &cell, err)) < 0 ||
		    (r = hn_scan_int(&cell, "cell", &home->cell, err)) < 0 ||
		    (r = read_set(&cell, "nodes", &home->nodes, err)) < 0)
			return r;
	}
	return r == 0 && i == cells ? 0 : hn_fail(err, -EPROTO, "its home does not fit its %zu cells", cells);
}

static int read_plan(const char *value, struct hn_report *report, struct hn_error *err)
{
	static const char *const keys[] = {"verdict", "reason", NULL};
	struct hn_scan scan;
	char verdict[32];
	int r;

	report->plan = hn_plan_new();
	if (!report->plan)
		return hn_oom(err);
	if ((r = hn_scan_object(value, keys, &scan, err)) < 0 ||
	    (r = hn_scan_text(&scan, "verdict", verdict, sizeof(verdict), err)) < 0 ||
	    (r = hn_scan_text(&scan, "reason", report->plan->reason, sizeof(report->plan->reason), err)) < 0)
		return r;
	return hn_verdict_parse(verdict, &report->plan->verdict, err) < 0 ? -EPROTO : 0;
}

static int read_operation(const char *value, struct hn_operation *operation, struct hn_error *err)
{
	static const char *const keys[] = {"id",           "state",   "elapsed_ns",    "to_move_bytes",
					   "moved_bytes",  "to_node", "cell",          "message",
					   "stayed_bytes", "cpu_ns",  "threads_bound", NULL};
	struct hn_scan scan;
	uint64_t bound;
	char state[32];
	int r;

	if ((r = hn_scan_object(value, keys, &scan, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "id", &operation->id, err)) < 0 ||
	    (r = hn_scan_text(&scan, "state", state, sizeof(state), err)) < 0 ||
	    (r = hn_scan_u64(&scan, "elapsed_ns", &operation->elapsed_ns, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "to_move_bytes", &operation->to_move_bytes, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "moved_bytes", &operation->moved_bytes, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "stayed_bytes", &operation->stayed_bytes, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "cpu_ns", &operation->cpu_ns, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "threads_bound", &bound, err)) < 0 ||
	    (r = hn_scan_int(&scan, "to_node", &operation->to_node, err)) < 0 ||
	    (r = hn_scan_int(&scan, "cell", &operation->cell, err)) < 0 ||
	    (r = hn_scan_text(&scan, "message", operation->message, sizeof(operation->message), err)) < 0)
		return r;
	operation->threads_bound = (unsigned)bound;
	return hn_operation_state_parse(state, &operation->state, err) < 0 ? -EPROTO : 0;
}

static int read_parts(const struct hn_scan *scan, struct hn_brief *brief, const char *threads,
		      struct hn_error *err)
{
	struct hn_report *report = brief->report;
	const char *part;
	int r;

	if ((part = hn_scan_member(scan, "sample")) && (r = read_sample(part, threads, brief, err)) < 0)
		return r;
	if ((part = hn_scan_member(scan, "home")) && (r = read_home(part, report, err)) < 0)
		return r;
	if ((part = hn_scan_member(scan, "plan")) && (r = read_plan(part, report, err)) < 0)
		return r;
	if (!(part = hn_scan_member(scan, "operation")))
		return hn_fail(err, -EPROTO, "member 'operation' is missing");
	return read_operation(part, &report->operation, err);
}

static int read_report(const char *value, struct hn_brief *brief, const char **ret_end, struct hn_error *err)
{
	static const char *const keys[] = {"guest", "locality",  "cell_locality", "age_ns", "sample", "home",
					   "plan",  "operation", "problem",       "trend",  NULL};
	struct hn_report *report = brief->report = hn_report_new();
	const char *guest, *threads = NULL;
	struct hn_scan scan;
	int r;

	if (!report)
		return hn_oom(err);
	if ((r = hn_scan_object(value, keys, &scan, err)) < 0)
		return r;
	if (!(guest = hn_scan_member(&scan, "guest")))
		return hn_fail(err, -EPROTO, "member 'guest' is missing");
	if ((r = read_guest(guest, report, &threads, err)) < 0)
		return r;
	if ((r = read_locality(&scan, report, err)) < 0 || (r = read_trend(&scan, &report->trend, err)) < 0 ||
	    (r = hn_scan_u64(&scan, "age_ns", &report->age_ns, err)) < 0 ||
	    (r = hn_scan_text(&scan, "problem", report->problem, sizeof(report->problem), err)) < 0 ||
	    (r = read_parts(&scan, brief, threads, err)) < 0)
		return hn_error_prefix(err, "guest '%s'", report->guest->name), r;
	*ret_end = scan.end;
	return 0;
}

/* A zeroed item more, in room that doubles; NULL when out of memory. */
static struct hn_brief *add_brief(struct hn_brief_list *list)
{
	/* a power of two is full */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? 2 * list->count : 1;
		struct hn_brief *items = reallocarray(list->items, room, sizeof(*items));

		if (!items)
			return NULL;
		list->items = items;
	}
	list->items[list->count] = (struct hn_brief){0};
	return &list->items[list->count++];
}

int hn_brief_list_read(const char *text, struct hn_brief_list *ret, struct hn_error *err)
{
	static const char *const keys[] = {"guests", NULL};
	const char *at = NULL, *end = "";
	struct hn_brief *brief;
	struct hn_scan scan;
	int r;

	memset(ret, 0, sizeof(*ret));
	if ((r = hn_scan_object(text, keys, &scan, err)) < 0)
		return r;
	r = hn_scan_item(hn_scan_member(&scan, "guests"), &at, err);
	while (r > 0) {
		brief = add_brief(ret);
		r = brief ? read_report(at, brief, &end, err) : hn_oom(err);
		if (r == 0)
			r = hn_scan_item_behind(end, &at, err);
	}
	if (r < 0)
		hn_brief_list_done(ret);
	return r;
}
