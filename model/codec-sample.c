#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static int add_cells(json_object *json, const struct hn_sample *sample)
{
	json_object *array = json_object_new_array();
	int failed = !array;

	for (size_t i = 0; i < sample->cell_count && !failed; i++) {
		const struct hn_cell_sample *cell = &sample->cells[i];
		json_object *item = json_object_new_object();

		failed = hn_codec_append(array, item) || hn_json_add_int(item, "cell", cell->cell) ||
			 hn_json_add_u64(item, "sampled", cell->sampled) ||
			 hn_json_add_u64(item, "absent", cell->absent) ||
			 hn_json_add_u64(item, "unknown", cell->unknown) ||
			 hn_codec_add_u64s(item, "on_node", cell->on_node, sample->node_count);
	}
	return failed ? (json_object_put(array), -1) : hn_json_add(json, "cells", array);
}

static int add_threads(json_object *json, const struct hn_sample *sample)
{
	json_object *array = json_object_new_array();
	int failed = !array;

	for (size_t i = 0; i < sample->thread_count && !failed; i++) {
		const struct hn_thread_sample *thread = &sample->threads[i];
		json_object *item = json_object_new_object();

		failed = hn_codec_append(array, item) || hn_json_add_int(item, "tid", thread->tid) ||
			 hn_json_add_int(item, "last_cpu", thread->last_cpu) ||
			 hn_json_add_int(item, "last_node", thread->last_node) ||
			 hn_json_add_u64(item, "cpu_ns", thread->cpu_ns) ||
			 hn_json_add_double(item, "busy", thread->busy) ||
			 hn_codec_add_doubles(item, "residency", thread->residency, sample->node_count) ||
			 hn_codec_add_set(item, "allowed", thread->allowed) ||
			 hn_json_add_string(item, "scheduler", hn_scheduler_name(thread->scheduler));
	}
	return failed ? (json_object_put(array), -1) : hn_json_add(json, "threads", array);
}

json_object *hn_sample_encode(const struct hn_sample *sample)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_u64(json, "taken_ns", sample->taken_ns) ||
		 hn_json_add_u64(json, "cost_ns", sample->cost_ns) ||
		 hn_json_add_bool(json, "exhaustive", sample->exhaustive) ||
		 hn_json_add_u64(json, "node_count", sample->node_count) || add_cells(json, sample) ||
		 add_threads(json, sample);
	return hn_codec_finish(json, failed);
}

/* As sample.h has it; sums and shares are taken for granted later. */
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

static int decode_cell(json_object *json, struct hn_cell_sample *cell, size_t node_count,
		       struct hn_error *err)
{
	int r;

	if ((r = hn_json_get_int(json, "cell", &cell->cell, err)) < 0 ||
	    (r = hn_json_get_u64(json, "sampled", &cell->sampled, err)) < 0 ||
	    (r = hn_json_get_u64(json, "absent", &cell->absent, err)) < 0 ||
	    (r = hn_json_get_u64(json, "unknown", &cell->unknown, err)) < 0 ||
	    (r = hn_codec_get_u64s(json, "on_node", cell->on_node, node_count, err)) < 0)
		return r;
	if (!adds_up(cell, node_count))
		return hn_fail(err, -EPROTO,
			       "member 'sampled' is not the sum of absent, unknown and on_node");
	return 0;
}

/* Versions before 0.3 do not tell. */
static int decode_scheduler(json_object *json, struct hn_thread_sample *thread, struct hn_error *err)
{
	const char *scheduler;
	int r;

	if (!hn_codec_present(json, "scheduler"))
		return 0;
	r = hn_json_get_string(json, "scheduler", &scheduler, err);
	return r < 0 ? r
		     : hn_codec_word(hn_scheduler_parse(scheduler, &thread->scheduler, err), "scheduler",
				     err);
}

static int decode_thread(json_object *json, struct hn_sample *sample, size_t index, struct hn_error *err)
{
	struct hn_thread_sample *thread = &sample->threads[index];
	struct hn_set allowed;
	int r;

	(void)((r = hn_json_get_int(json, "tid", &thread->tid, err)) < 0 ||
	       (r = hn_json_get_int(json, "last_cpu", &thread->last_cpu, err)) < 0 ||
	       (r = hn_json_get_int(json, "last_node", &thread->last_node, err)) < 0 ||
	       (r = hn_json_get_u64(json, "cpu_ns", &thread->cpu_ns, err)) < 0 ||
	       (r = hn_json_get_double(json, "busy", &thread->busy, err)) < 0 ||
	       (r = hn_codec_get_doubles(json, "residency", thread->residency, sample->node_count, err)) <
		       0 ||
	       (r = hn_codec_get_set(json, "allowed", &allowed, err)) < 0 ||
	       (r = decode_scheduler(json, thread, err)) < 0);
	if (r == 0 && hn_sample_allow(sample, index, &allowed) < 0)
		r = hn_oom(err);
	return r;
}

int hn_sample_decode(json_object *json, struct hn_sample **ret, struct hn_error *err)
{
	HN_AUTO(hn_sample) struct hn_sample *sample = NULL;
	json_object *cells, *threads;
	size_t cell_count, thread_count;
	uint64_t node_count;
	int r;

	if ((r = hn_json_get_u64(json, "node_count", &node_count, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cells", &cells, &cell_count, err)) < 0 ||
	    (r = hn_codec_get_items(json, "threads", &threads, &thread_count, err)) < 0)
		return r;
	if (node_count > HN_SET_MAX)
		return hn_fail(err, -EPROTO, "member 'node_count' is above %d", HN_SET_MAX);
	if ((cell_count + thread_count) * node_count > HN_CODEC_TABLE_MAX)
		return hn_fail(err, -EPROTO,
			       "members 'cells' and 'threads' have %zu items for %d nodes: too many",
			       cell_count + thread_count, (int)node_count);
	sample = hn_sample_new((size_t)node_count, cell_count, thread_count);
	if (!sample)
		return hn_oom(err);
	(void)((r = hn_json_get_u64(json, "taken_ns", &sample->taken_ns, err)) < 0 ||
	       (r = hn_json_get_u64(json, "cost_ns", &sample->cost_ns, err)) < 0 ||
	       (r = hn_json_get_bool(json, "exhaustive", &sample->exhaustive, err)) < 0);
	for (size_t i = 0; r == 0 && i < cell_count; i++) {
		r = decode_cell(json_object_array_get_idx(cells, i), &sample->cells[i], sample->node_count,
				err);
		if (r < 0)
			hn_error_prefix(err, "cells[%zu]", i);
	}
	for (size_t i = 0; r == 0 && i < thread_count; i++) {
		r = decode_thread(json_object_array_get_idx(threads, i), sample, i, err);
		if (r < 0)
			hn_error_prefix(err, "threads[%zu]", i);
	}
	if (r == 0)
		*ret = hn_steal(sample);
	return r;
}
