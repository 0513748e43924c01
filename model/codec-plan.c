#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>
#include <string.h>

static json_object *encode_action(const void *element)
{
	const struct hn_action *action = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "kind", hn_action_kind_name(action->kind)) ||
		 hn_json_add_string(json, "reason", action->reason);
	if (action->kind == HN_ACTION_BIND)
		failed = failed || hn_json_add_int(json, "tid", action->tid) ||
			 hn_codec_add_set(json, "cpus", &action->cpus) ||
			 hn_codec_add_set(json, "nodes", &action->nodes);
	else
		failed = failed || hn_json_add_int(json, "cell", action->cell) ||
			 hn_json_add_int(json, "to_node", action->to_node) ||
			 hn_json_add_u64(json, "bytes", action->bytes) ||
			 hn_json_add_u64(json, "limit_bytes", action->limit_bytes);
	return hn_codec_finish(json, failed);
}

static json_object *encode_note(const void *element)
{
	return hn_json_new_string(element);
}

json_object *hn_plan_encode(const struct hn_plan *plan)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "verdict", hn_verdict_name(plan->verdict)) ||
		 hn_json_add_string(json, "reason", plan->reason) ||
		 (plan->home ? hn_codec_add_part(json, "home", hn_placement_encode(plan->home))
			     : hn_json_add(json, "home", NULL)) ||
		 hn_json_add_u64(json, "migrate_bytes", hn_plan_migrate_bytes(plan)) ||
		 hn_codec_add_items(json, "actions", plan->actions, plan->action_count,
				    sizeof(*plan->actions), encode_action) ||
		 hn_codec_add_items(json, "notes", plan->notes, plan->note_count, sizeof(*plan->notes),
				    encode_note);
	return hn_codec_finish(json, failed);
}

static int decode_bind(json_object *json, struct hn_action *action, struct hn_error *err)
{
	int r;

	(void)((r = hn_json_get_int(json, "tid", &action->tid, err)) < 0 ||
	       (r = hn_codec_get_set(json, "cpus", &action->cpus, err)) < 0 ||
	       (r = hn_codec_get_set(json, "nodes", &action->nodes, err)) < 0);
	return r;
}

static int decode_migrate(json_object *json, struct hn_action *action, struct hn_error *err)
{
	int r;

	(void)((r = hn_json_get_int(json, "cell", &action->cell, err)) < 0 ||
	       (r = hn_json_get_int(json, "to_node", &action->to_node, err)) < 0 ||
	       (r = hn_json_get_u64(json, "bytes", &action->bytes, err)) < 0 ||
	       (r = hn_json_get_u64(json, "limit_bytes", &action->limit_bytes, err)) < 0);
	return r;
}

static int decode_action(json_object *json, struct hn_plan *plan, struct hn_error *err)
{
	struct hn_action *action;
	const char *kind;
	bool bind;
	int r = hn_json_get_string(json, "kind", &kind, err);

	if (r < 0)
		return r;
	bind = strcmp(kind, hn_action_kind_name(HN_ACTION_BIND)) == 0;
	if (!bind && strcmp(kind, hn_action_kind_name(HN_ACTION_MIGRATE)) != 0)
		return hn_fail(err, -EPROTO, "member 'kind' is the unknown action '%.40s'", kind);
	action = hn_plan_add_action(plan, bind ? HN_ACTION_BIND : HN_ACTION_MIGRATE);
	if (!action)
		return hn_oom(err);
	r = hn_codec_get_text(json, "reason", action->reason, sizeof(action->reason), err);
	if (r < 0)
		return r;
	return bind ? decode_bind(json, action, err) : decode_migrate(json, action, err);
}

static int decode_notes(json_object *json, struct hn_plan *plan, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "notes", &items, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *item = json_object_array_get_idx(items, i);

		if (!json_object_is_type(item, json_type_string))
			return hn_fail(err, -EPROTO, "notes[%zu] is not a string", i);
		if (strlen(json_object_get_string(item)) != (size_t)json_object_get_string_len(item) ||
		    json_object_get_string_len(item) >= HN_REASON_MAX)
			return hn_fail(err, -EPROTO, "notes[%zu] is longer than %d bytes or has a NUL inside",
				       i, HN_REASON_MAX - 1);
		if (hn_plan_add_note(plan, "%s", json_object_get_string(item)) < 0)
			return hn_oom(err);
	}
	return r;
}

int hn_plan_decode(json_object *json, struct hn_plan **ret, struct hn_error *err)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	json_object *home, *actions;
	const char *verdict;
	size_t count;
	int r;

	if (!plan)
		return hn_oom(err);
	if ((r = hn_json_get_string(json, "verdict", &verdict, err)) < 0 ||
	    (r = hn_codec_word(hn_verdict_parse(verdict, &plan->verdict, err), "verdict", err)) < 0 ||
	    (r = hn_codec_get_text(json, "reason", plan->reason, sizeof(plan->reason), err)) < 0 ||
	    (r = hn_codec_get_items(json, "actions", &actions, &count, err)) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode_action(json_object_array_get_idx(actions, i), plan, err)) < 0)
			hn_error_prefix(err, "actions[%zu]", i);
	if (r == 0 && hn_json_has(json, "home") && (r = hn_json_get_object(json, "home", &home, err)) == 0)
		r = hn_placement_decode(home, &plan->home, err);
	if (r == 0)
		r = decode_notes(json, plan, err);
	if (r == 0)
		*ret = hn_steal(plan);
	return r;
}
