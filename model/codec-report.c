#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

json_object *hn_operation_encode(const struct hn_operation *operation)
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
		 hn_json_add_u64(json, "stall_ns", operation->stall_ns) ||
		 hn_json_add_bool(json, "paused", operation->paused) ||
		 hn_json_add_u64(json, "threads_bound", operation->threads_bound) ||
		 hn_json_add_int(json, "cell", operation->cell) ||
		 hn_json_add_int(json, "to_node", operation->to_node) ||
		 hn_json_add_string(json, "message", operation->message);
	return hn_codec_finish(json, failed);
}

/* What an earlier version did not write may be missing. */
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
	       (json_object_object_get_ex(json, "stall_ns", NULL) &&
		(r = hn_json_get_u64(json, "stall_ns", &ret->stall_ns, err)) < 0) ||
	       (json_object_object_get_ex(json, "paused", NULL) &&
		(r = hn_json_get_bool(json, "paused", &ret->paused, err)) < 0) ||
	       (r = hn_codec_get_unsigned(json, "threads_bound", &ret->threads_bound, err)) < 0 ||
	       (r = hn_json_get_int(json, "cell", &ret->cell, err)) < 0 ||
	       (r = hn_json_get_int(json, "to_node", &ret->to_node, err)) < 0 ||
	       (r = hn_codec_get_text(json, "message", ret->message, sizeof(ret->message), err)) < 0);
	return r;
}

static json_object *encode_cell_locality(const struct hn_report *report, size_t cell)
{
	json_object *json = hn_codec_encode_interval(&report->cell_locality[cell]);

	return hn_codec_finish(
		json, !json || hn_json_add_string(json, "trend", hn_trend_name(report->cell_trend[cell])));
}

static int add_cell_localities(json_object *json, const struct hn_report *report)
{
	json_object *items = json_object_new_array();
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < report->guest->cell_count; i++)
		r = hn_codec_append(items, encode_cell_locality(report, i));
	if (r == 0)
		return hn_codec_add_part(json, "cell_locality", items);
	json_object_put(items);
	return r;
}

static int add_locality(json_object *json, const struct hn_report *report)
{
	if (!report->locality_known)
		return hn_json_add(json, "locality", NULL);
	return hn_codec_add_part(json, "locality", hn_codec_encode_interval(&report->locality)) ||
	       add_cell_localities(json, report);
}

static json_object *encode_remote_cost(const struct hn_report *report)
{
	json_object *json = hn_codec_encode_interval(&report->remote_cost);

	return hn_codec_finish(json,
			       !json || hn_json_add_bool(json, "estimated", report->remote_cost_estimated));
}

/* What is known of the guest besides where its pages and threads are. */
static int add_insight(json_object *json, const struct hn_report *report)
{
	return hn_json_add_string(json, "trend", hn_trend_name(report->trend)) ||
	       (report->remote_cost_known ? hn_codec_add_part(json, "remote_cost", encode_remote_cost(report))
					  : hn_json_add(json, "remote_cost", NULL)) ||
	       (report->reported ? hn_codec_add_part(json, "reported", hn_reported_encode(report->reported))
				 : hn_json_add(json, "reported", NULL)) ||
	       (report->access ? hn_codec_add_part(json, "access", hn_access_encode(report->access))
			       : hn_json_add(json, "access", NULL)) ||
	       (report->activity ? hn_codec_add_part(json, "activity", hn_activity_encode(report->activity))
				 : hn_json_add(json, "activity", NULL)) ||
	       hn_json_add_string(json, "inside", report->inside) ||
	       hn_codec_add_items(json, "device_places", report->devices, report->device_count,
				  sizeof(*report->devices), hn_device_place_encode) ||
	       hn_codec_add_part(json, "calls", hn_calls_encode(&report->calls)) ||
	       hn_json_add_u64(json, "window_left_ns", report->window_left_ns);
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
		 add_insight(json, report) ||
		 hn_codec_add_part(json, "operation", hn_operation_encode(&report->operation)) ||
		 hn_json_add_string(json, "problem", report->problem);
	return hn_codec_finish(json, failed);
}

/* What an earlier version did not write may be missing. */
static int decode_trend(json_object *json, enum hn_trend *ret, struct hn_error *err)
{
	const char *trend;
	int r;

	if (!hn_codec_present(json, "trend"))
		return 0;
	if ((r = hn_json_get_string(json, "trend", &trend, err)) < 0)
		return r;
	return hn_codec_word(hn_trend_parse(trend, ret, err), "trend", err);
}

static int decode_cell_locality(json_object *json, struct hn_report *report, size_t cell,
				struct hn_error *err)
{
	int r = hn_codec_decode_interval(json, &report->cell_locality[cell], err);

	return r < 0 ? r : decode_trend(json, &report->cell_trend[cell], err);
}

static int decode_locality(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *locality, *items;
	size_t count;
	int r;

	if (!hn_json_has(json, "locality"))
		return 0;
	if ((r = hn_json_get_object(json, "locality", &locality, err)) < 0 ||
	    (r = hn_codec_decode_interval(locality, &report->locality, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cell_locality", &items, &count, err)) < 0)
		return r;
	if (count != report->guest->cell_count)
		return hn_fail(err, -EPROTO, "member 'cell_locality' has %zu items for %zu cells", count,
			       report->guest->cell_count);
	if (hn_report_add_cell_localities(report, count) < 0)
		return hn_oom(err);
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = decode_cell_locality(json_object_array_get_idx(items, i), report, i, err)) < 0)
			hn_error_prefix(err, "cell_locality[%zu]", i);
	report->locality_known = r == 0;
	return r;
}

static int decode_remote_cost(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *cost;
	int r;

	if (!hn_json_has(json, "remote_cost"))
		return 0;
	if ((r = hn_json_get_object(json, "remote_cost", &cost, err)) < 0 ||
	    (r = hn_codec_decode_interval(cost, &report->remote_cost, err)) < 0 ||
	    (r = hn_json_get_bool(cost, "estimated", &report->remote_cost_estimated, err)) < 0)
		return r;
	report->remote_cost_known = true;
	return 0;
}

static int decode_devices(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r;

	if (!hn_codec_present(json, "device_places"))
		return 0;
	if ((r = hn_codec_get_items(json, "device_places", &items, &count, err)) < 0)
		return r;
	report->devices = calloc(count ? count : 1, sizeof(*report->devices));
	if (!report->devices)
		return hn_oom(err);
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = hn_device_place_decode(json_object_array_get_idx(items, i), &report->devices[i],
						err)) < 0)
			hn_error_prefix(err, "device_places[%zu]", i);
	report->device_count = count;
	return r;
}

/* How it has been treated. */
static int decode_care(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *calls;
	int r = decode_devices(json, report, err);

	if (r == 0 && hn_codec_present(json, "calls") &&
	    (r = hn_json_get_object(json, "calls", &calls, err)) == 0)
		r = hn_calls_decode(calls, &report->calls, err);
	if (r == 0 && hn_codec_present(json, "window_left_ns"))
		r = hn_json_get_u64(json, "window_left_ns", &report->window_left_ns, err);
	return r;
}

/* What an earlier version did not write may be missing. */
static int decode_insight(json_object *json, struct hn_report *report, struct hn_error *err)
{
	json_object *part;
	int r = decode_remote_cost(json, report, err);

	if (r == 0)
		r = decode_trend(json, &report->trend, err);
	if (r == 0 && hn_json_has(json, "reported") &&
	    (r = hn_json_get_object(json, "reported", &part, err)) == 0)
		r = hn_reported_decode(part, &report->reported, err);
	if (r == 0 && hn_json_has(json, "access") &&
	    (r = hn_json_get_object(json, "access", &part, err)) == 0)
		r = hn_access_decode(part, &report->access, err);
	if (r == 0 && hn_json_has(json, "activity") &&
	    (r = hn_json_get_object(json, "activity", &part, err)) == 0)
		r = hn_activity_decode(part, &report->activity, err);
	if (r == 0 && hn_codec_present(json, "inside"))
		r = hn_codec_get_text(json, "inside", report->inside, sizeof(report->inside), err);
	return r < 0 ? r : decode_care(json, report, err);
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
	    (r = decode_parts(json, report, err)) < 0 || (r = decode_insight(json, report, err)) < 0 ||
	    (r = hn_json_get_object(json, "operation", &operation, err)) < 0 ||
	    (r = decode_operation(operation, &report->operation, err)) < 0 ||
	    (r = hn_codec_get_text(json, "problem", report->problem, sizeof(report->problem), err)) < 0)
		return r;
	*ret = hn_steal(report);
	return 0;
}
