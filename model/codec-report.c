#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static json_object *encode_interval(const void *element)
{
	const struct hn_interval *interval = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_double(json, "value", interval->value) ||
		 hn_json_add_double(json, "low", interval->low) ||
		 hn_json_add_double(json, "high", interval->high);
	return hn_codec_finish(json, failed);
}

static int decode_interval(json_object *json, struct hn_interval *ret, struct hn_error *err)
{
	int r;

	(void)((r = hn_json_get_double(json, "value", &ret->value, err)) < 0 ||
	       (r = hn_json_get_double(json, "low", &ret->low, err)) < 0 ||
	       (r = hn_json_get_double(json, "high", &ret->high, err)) < 0);
	return r;
}

static json_object *encode_operation(const struct hn_operation *operation)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_u64(json, "id", operation->id) ||
		 hn_json_add_string(json, "state", hn_operation_state_name(operation->state)) ||
		 hn_json_add_u64(json, "elapsed_ns", operation->elapsed_ns) ||
		 hn_json_add_u64(json, "to_move_bytes", operation->to_move_bytes) ||
		 hn_json_add_u64(json, "moved_bytes", operation->moved_bytes) ||
		 hn_json_add_u64(json, "stayed_bytes", operation->stayed_bytes) ||
		 hn_json_add_u64(json, "bytes_per_second", operation->bytes_per_second) ||
		 hn_json_add_u64(json, "cpu_ns", operation->cpu_ns) ||
		 hn_json_add_u64(json, "threads_bound", operation->threads_bound) ||
		 hn_json_add_int(json, "cell", operation->cell) ||
		 hn_json_add_int(json, "to_node", operation->to_node) ||
		 hn_json_add_string(json, "message", operation->message);
	return hn_codec_finish(json, failed);
}

static int decode_operation(json_object *json, struct hn_operation *ret, struct hn_error *err)
{
	const char *state;
	int r;

	(void)((r = hn_json_get_u64(json, "id", &ret->id, err)) < 0 ||
	       (r = hn_json_get_string(json, "state", &state, err)) < 0 ||
	       (r = hn_codec_word(hn_operation_state_parse(state, &ret->state, err), "state", err)) < 0 ||
	       (r = hn_json_get_u64(json, "elapsed_ns", &ret->elapsed_ns, err)) < 0 ||
	       (r = hn_json_get_u64(json, "to_move_bytes", &ret->to_move_bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "moved_bytes", &ret->moved_bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "stayed_bytes", &ret->stayed_bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "bytes_per_second", &ret->bytes_per_second, err)) < 0 ||
	       (r = hn_json_get_u64(json, "cpu_ns", &ret->cpu_ns, err)) < 0 ||
	       (r = hn_codec_get_unsigned(json, "threads_bound", &ret->threads_bound, err)) < 0 ||
	       (r = hn_json_get_int(json, "cell", &ret->cell, err)) < 0 ||
	       (r = hn_json_get_int(json, "to_node", &ret->to_node, err)) < 0 ||
	       (r = hn_codec_get_text(json, "message", ret->message, sizeof(ret->message), err)) < 0);
	return r;
}

static int add_locality(json_object *json, const struct hn_report *report)
{
	if (!report->locality_known)
		return hn_json_add(json, "locality", NULL);
	return hn_codec_add_part(json, "locality", encode_interval(&report->locality)) ||
	       hn_codec_add_items(json, "cell_locality", report->cell_locality, report->guest->cell_count,
				  sizeof(*report->cell_locality), encode_interval);
}

json_object *hn_report_encode(const struct hn_report *report)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_codec_add_part(json, "guest", hn_guest_encode(report->guest)) ||
		 add_locality(json, report) || hn_json_add_u64(json, "age_ns", report->age_ns) ||
		 (report->sample ? hn_codec_add_part(json, "sample", hn_sample_encode(report->sample))
				 : hn_json_add(json, "sample", NULL)) ||
		 (report->home ? hn_codec_add_part(json, "home", hn_placement_encode(report->home))
			       : hn_json_add(json, "home", NULL)) ||
		 (report->plan ? hn_codec_add_part(json, "plan", hn_plan_encode(report->plan))
			       : hn_json_add(json, "plan", NULL)) ||
		 hn_codec_add_part(json, "operation", encode_operation(&report->operation)) ||
		 hn_json_add_string(json, "problem", report->problem);
	return hn_codec_finish(json, failed);
}

static int decode_locality(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *locality, *items;
	size_t count;
	int r;

	if (!hn_json_has(json, "locality"))
		return 0;
	if ((r = hn_json_get_object(json, "locality", &locality, err)) < 0 ||
	    (r = decode_interval(locality, &report->locality, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cell_locality", &items, &count, err)) < 0)
		return r;
	if (count != report->guest->cell_count)
		return hn_fail(err, -EPROTO, "member 'cell_locality' has %zu items for %zu cells", count,
			       report->guest->cell_count);
	report->cell_locality = calloc(count ? count : 1, sizeof(*report->cell_locality));
	if (!report->cell_locality)
		return hn_oom(err);
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = decode_interval(json_object_array_get_idx(items, i), &report->cell_locality[i],
					 err)) < 0)
			hn_error_prefix(err, "cell_locality[%zu]", i);
	report->locality_known = r == 0;
	return r;
}

/* Readers go through sample and home by the guest's cells. */
static int check_sizes(const struct hn_report *report, struct hn_error *err)
{
	size_t cells = report->guest->cell_count;

	if ((report->sample && report->sample->cell_count != cells) ||
	    (report->home && report->home->cell_count != cells))
		return hn_fail(err, -EPROTO, "guest '%s': its sample or home does not fit its %zu cells",
			       report->guest->name, cells);
	return 0;
}

static int decode_parts(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *part;
	int r = 0;

	if (hn_json_has(json, "sample") && (r = hn_json_get_object(json, "sample", &part, err)) == 0)
		r = hn_sample_decode(part, &report->sample, err);
	if (r == 0 && hn_json_has(json, "home") && (r = hn_json_get_object(json, "home", &part, err)) == 0)
		r = hn_placement_decode(part, &report->home, err);
	if (r == 0 && hn_json_has(json, "plan") && (r = hn_json_get_object(json, "plan", &part, err)) == 0)
		r = hn_plan_decode(part, &report->plan, err);
	return r < 0 ? r : check_sizes(report, err);
}

int hn_report_decode(json_object *json, struct hn_report **ret, struct hn_error *err)
{
	HN_AUTO(hn_report) struct hn_report *report = hn_report_new();
	json_object *guest, *operation;
	int r;

	if (!report)
		return hn_oom(err);
	if ((r = hn_json_get_object(json, "guest", &guest, err)) < 0 ||
	    (r = hn_guest_decode(guest, &report->guest, err)) < 0 ||
	    (r = decode_locality(json, report, err)) < 0 ||
	    (r = hn_json_get_u64(json, "age_ns", &report->age_ns, err)) < 0 ||
	    (r = decode_parts(json, report, err)) < 0 ||
	    (r = hn_json_get_object(json, "operation", &operation, err)) < 0 ||
	    (r = decode_operation(operation, &report->operation, err)) < 0 ||
	    (r = hn_codec_get_text(json, "problem", report->problem, sizeof(report->problem), err)) < 0)
		return r;
	*ret = hn_steal(report);
	return 0;
}
