#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

#include "model/names.h"

/* One word a record in JSON. */
static const char *const words[HN_RECORD_KIND_COUNT] = {"sample", "decision", "move"};

static json_object *encode_cell_nodes(const void *element)
{
	const struct hn_cell_nodes *item = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "cell", item->cell) ||
		 hn_codec_add_set(json, "nodes", &item->nodes);
	return hn_codec_finish(json, failed);
}

static int add_sample(json_object *json, const struct hn_sample_record *sample)
{
	return hn_json_add_int(json, "cell", sample->cell) || hn_json_add_u64(json, "looks", sample->looks) ||
	       (sample->locality_known
			? hn_codec_add_part(json, "locality", hn_codec_encode_interval(&sample->locality))
			: hn_json_add(json, "locality", NULL)) ||
	       hn_json_add_double(json, "busy", sample->busy) ||
	       hn_json_add_u64(json, "node_count", sample->node_count) ||
	       hn_codec_add_doubles(json, "memory_share", sample->memory_share, sample->node_count);
}

static int add_decision(json_object *json, const struct hn_decision_record *decision)
{
	return hn_json_add_string(json, "verdict", hn_verdict_name(decision->verdict)) ||
	       hn_json_add_bool(json, "verdict_changed", decision->verdict_changed) ||
	       hn_json_add_bool(json, "home_changed", decision->home_changed) ||
	       hn_json_add_string(json, "reason", decision->reason) ||
	       hn_codec_add_items(json, "home", decision->home, decision->cell_count, sizeof(*decision->home),
				  encode_cell_nodes);
}

static int add_move(json_object *json, const struct hn_move_record *move)
{
	return hn_json_add_u64(json, "operation", move->operation) ||
	       hn_json_add_double(json, "price", move->price) ||
	       hn_json_add_u64(json, "predicted_bytes", move->predicted_bytes) ||
	       hn_json_add_double(json, "predicted_gain", move->predicted_gain) ||
	       hn_json_add_u64(json, "moved_bytes", move->moved_bytes) ||
	       hn_json_add_u64(json, "stayed_bytes", move->stayed_bytes) ||
	       hn_json_add_u64(json, "cpu_ns", move->cpu_ns) ||
	       hn_json_add_u64(json, "elapsed_ns", move->elapsed_ns) ||
	       hn_json_add_string(json, "outcome", hn_operation_state_name(move->outcome)) ||
	       hn_json_add_string(json, "message", move->message);
}

json_object *hn_record_encode(const struct hn_record *record)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "kind", words[record->kind]) ||
		 hn_json_add_u64(json, "sequence", record->sequence) ||
		 hn_json_add_u64(json, "time_ns", record->time_ns) ||
		 hn_json_add_string(json, "boot", record->boot) ||
		 hn_json_add_string(json, "guest", record->guest) ||
		 hn_json_add_string(json, "uuid", record->uuid);
	if (!failed && record->kind == HN_RECORD_SAMPLE)
		failed = add_sample(json, &record->sample);
	else if (!failed && record->kind == HN_RECORD_DECISION)
		failed = add_decision(json, &record->decision);
	else if (!failed)
		failed = add_move(json, &record->move);
	return hn_codec_finish(json, failed);
}

static int decode_sample(json_object *json, struct hn_record **ret, struct hn_error *err)
{
	struct hn_sample_record *sample;
	json_object *locality;
	uint64_t node_count;
	int r = hn_json_get_u64(json, "node_count", &node_count, err);

	if (r < 0)
		return r;
	if (node_count > HN_SET_MAX)
		return hn_fail(err, -EPROTO, "member 'node_count' is above %d", HN_SET_MAX);
	*ret = hn_record_new_sample("", "", -1, (size_t)node_count);
	if (!*ret)
		return hn_oom(err);
	sample = &(*ret)->sample;
	if ((r = hn_json_get_int(json, "cell", &sample->cell, err)) < 0 ||
	    (r = hn_codec_get_unsigned(json, "looks", &sample->looks, err)) < 0 ||
	    (r = hn_json_get_double(json, "busy", &sample->busy, err)) < 0 ||
	    (r = hn_codec_get_doubles(json, "memory_share", sample->memory_share, sample->node_count, err)) <
		    0)
		return r;
	if (!hn_json_has(json, "locality"))
		return 0;
	sample->locality_known = true;
	(void)((r = hn_json_get_object(json, "locality", &locality, err)) < 0 ||
	       (r = hn_codec_decode_interval(locality, &sample->locality, err)) < 0);
	return r;
}

static int decode_decision(json_object *json, struct hn_record **ret, struct hn_error *err)
{
	struct hn_decision_record *decision;
	const char *verdict;
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "home", &items, &count, err);

	if (r < 0)
		return r;
	*ret = hn_record_new_decision("", "", count);
	if (!*ret)
		return hn_oom(err);
	decision = &(*ret)->decision;
	if ((r = hn_json_get_string(json, "verdict", &verdict, err)) < 0 ||
	    (r = hn_codec_word(hn_verdict_parse(verdict, &decision->verdict, err), "verdict", err)) < 0 ||
	    (r = hn_json_get_bool(json, "verdict_changed", &decision->verdict_changed, err)) < 0 ||
	    (r = hn_json_get_bool(json, "home_changed", &decision->home_changed, err)) < 0 ||
	    (r = hn_codec_get_text(json, "reason", decision->reason, sizeof(decision->reason), err)) < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		json_object *item = json_object_array_get_idx(items, i);

		if ((r = hn_json_get_int(item, "cell", &decision->home[i].cell, err)) < 0 ||
		    (r = hn_codec_get_set(item, "nodes", &decision->home[i].nodes, err)) < 0)
			return hn_error_prefix(err, "home[%zu]", i), r;
	}
	return 0;
}

static int decode_move(json_object *json, struct hn_record **ret, struct hn_error *err)
{
	struct hn_move_record *move;
	const char *outcome;
	int r;

	*ret = hn_record_new_move("", "");
	if (!*ret)
		return hn_oom(err);
	move = &(*ret)->move;
	(void)((r = hn_json_get_u64(json, "operation", &move->operation, err)) < 0 ||
	       (r = hn_json_get_double(json, "price", &move->price, err)) < 0 ||
	       (r = hn_json_get_u64(json, "predicted_bytes", &move->predicted_bytes, err)) < 0 ||
	       (r = hn_json_get_double(json, "predicted_gain", &move->predicted_gain, err)) < 0 ||
	       (r = hn_json_get_u64(json, "moved_bytes", &move->moved_bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "stayed_bytes", &move->stayed_bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "cpu_ns", &move->cpu_ns, err)) < 0 ||
	       (r = hn_json_get_u64(json, "elapsed_ns", &move->elapsed_ns, err)) < 0 ||
	       (r = hn_json_get_string(json, "outcome", &outcome, err)) < 0 ||
	       (r = hn_codec_word(hn_operation_state_parse(outcome, &move->outcome, err), "outcome", err)) <
		       0 ||
	       (r = hn_codec_get_text(json, "message", move->message, sizeof(move->message), err)) < 0);
	return r;
}

static int decode_common(json_object *json, struct hn_record *record, struct hn_error *err)
{
	int r;

	(void)((r = hn_json_get_u64(json, "sequence", &record->sequence, err)) < 0 ||
	       (r = hn_json_get_u64(json, "time_ns", &record->time_ns, err)) < 0 ||
	       (r = hn_codec_get_text(json, "boot", record->boot, sizeof(record->boot), err)) < 0 ||
	       (r = hn_codec_get_text(json, "guest", record->guest, sizeof(record->guest), err)) < 0 ||
	       (r = hn_codec_get_text(json, "uuid", record->uuid, sizeof(record->uuid), err)) < 0);
	return r;
}

int hn_record_decode(json_object *json, struct hn_record **ret, struct hn_error *err)
{
	static int (*const decoders[HN_RECORD_KIND_COUNT])(
		json_object *, struct hn_record **, struct hn_error *) = {decode_sample, decode_decision,
									  decode_move};
	HN_AUTO(hn_record) struct hn_record *record = NULL;
	const char *word;
	int kind, r = hn_json_get_string(json, "kind", &word, err);

	if (r < 0)
		return r;
	kind = hn_name_parse(words, HN_COUNT(words), "kind of record", word, err);
	if ((r = hn_codec_word(kind, "kind", err)) < 0 || (r = decoders[kind](json, &record, err)) < 0 ||
	    (r = decode_common(json, record, err)) < 0)
		return r;
	*ret = hn_steal(record);
	return 0;
}

json_object *hn_history_encode(const struct hn_history *history)
{
	json_object *json = json_object_new_object(), *records = json_object_new_array();
	int failed = !json || !records;

	for (size_t i = 0; i < history->count && !failed; i++)
		failed = hn_codec_append(records, hn_record_encode(history->records[i]));
	if (failed) {
		json_object_put(records);
		return hn_codec_finish(json, failed);
	}
	failed = hn_json_add(json, "records", records) || hn_json_add_bool(json, "more", history->more) ||
		 hn_json_add_u64(json, "lost", history->lost) ||
		 hn_json_add_string(json, "problem", history->problem);
	return hn_codec_finish(json, failed);
}

int hn_history_decode(json_object *json, struct hn_history **ret, struct hn_error *err)
{
	HN_AUTO(hn_history) struct hn_history *history = hn_history_new();
	json_object *items;
	size_t count;
	int r;

	if (!history)
		return hn_oom(err);
	if ((r = hn_codec_get_items(json, "records", &items, &count, err)) < 0 ||
	    (r = hn_json_get_bool(json, "more", &history->more, err)) < 0 ||
	    (r = hn_json_get_u64(json, "lost", &history->lost, err)) < 0 ||
	    (r = hn_codec_get_text(json, "problem", history->problem, sizeof(history->problem), err)) < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		struct hn_record *record = NULL;

		r = hn_record_decode(json_object_array_get_idx(items, i), &record, err);
		if (r < 0)
			return hn_error_prefix(err, "records[%zu]", i), r;
		if (hn_history_add(history, record) < 0)
			return hn_oom(err);
	}
	*ret = hn_steal(history);
	return 0;
}
