#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>
#include <string.h>

/* What the guest does not say is null. */
static int add_said(json_object *json, const char *key, uint64_t value)
{
	return value == HN_REPORTED_UNKNOWN ? hn_json_add(json, key, NULL)
					    : hn_json_add_u64(json, key, value);
}

static int get_said(json_object *json, const char *key, uint64_t *ret, struct hn_error *err)
{
	int r;

	*ret = HN_REPORTED_UNKNOWN;
	if (!hn_json_has(json, key))
		return 0;
	r = hn_json_get_u64(json, key, ret, err);
	return r == 0 && *ret == HN_REPORTED_UNKNOWN ? hn_fail(err, -EPROTO, "member '%s' is too large", key)
						     : r;
}

static json_object *encode_node(const void *element)
{
	const struct hn_reported_node *node = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "node", node->node) || add_said(json, "hit", node->hit) ||
		 add_said(json, "miss", node->miss) || add_said(json, "foreign", node->foreign) ||
		 add_said(json, "interleave", node->interleave) || add_said(json, "local", node->local) ||
		 add_said(json, "other", node->other) || add_said(json, "total_bytes", node->total_bytes) ||
		 add_said(json, "free_bytes", node->free_bytes);
	return hn_codec_finish(json, failed);
}

static int decode_node(json_object *json, struct hn_reported *reported, struct hn_error *err)
{
	struct hn_reported_node *node;
	int id, r = hn_json_get_int(json, "node", &id, err);

	if (r < 0)
		return r;
	if (id < 0 || (reported->node_count && id <= reported->nodes[reported->node_count - 1].node))
		return hn_fail(err, -EPROTO, "member 'node' is %d: not in ascending order from 0", id);
	if (!(node = hn_reported_add_node(reported, id)))
		return hn_oom(err);
	(void)((r = get_said(json, "hit", &node->hit, err)) < 0 ||
	       (r = get_said(json, "miss", &node->miss, err)) < 0 ||
	       (r = get_said(json, "foreign", &node->foreign, err)) < 0 ||
	       (r = get_said(json, "interleave", &node->interleave, err)) < 0 ||
	       (r = get_said(json, "local", &node->local, err)) < 0 ||
	       (r = get_said(json, "other", &node->other, err)) < 0 ||
	       (r = get_said(json, "total_bytes", &node->total_bytes, err)) < 0 ||
	       (r = get_said(json, "free_bytes", &node->free_bytes, err)) < 0);
	return r;
}

static json_object *encode_cpu(const void *element)
{
	const struct hn_reported_cpu *cpu = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "cpu", cpu->cpu) ||
		 hn_json_add_u64(json, "busy_ns", cpu->busy_ns) ||
		 hn_json_add_u64(json, "idle_ns", cpu->idle_ns) ||
		 hn_json_add_u64(json, "steal_ns", cpu->steal_ns);
	return hn_codec_finish(json, failed);
}

static int decode_cpu(json_object *json, struct hn_reported *reported, struct hn_error *err)
{
	struct hn_reported_cpu *cpu;
	int id, r = hn_json_get_int(json, "cpu", &id, err);

	if (r < 0)
		return r;
	if (id < 0 || (reported->cpu_count && id <= reported->cpus[reported->cpu_count - 1].cpu))
		return hn_fail(err, -EPROTO, "member 'cpu' is %d: not in ascending order from 0", id);
	if (!(cpu = hn_reported_add_cpu(reported, id)))
		return hn_oom(err);
	(void)((r = hn_json_get_u64(json, "busy_ns", &cpu->busy_ns, err)) < 0 ||
	       (r = hn_json_get_u64(json, "idle_ns", &cpu->idle_ns, err)) < 0 ||
	       (r = hn_json_get_u64(json, "steal_ns", &cpu->steal_ns, err)) < 0);
	return r;
}

static int add_balloon(json_object *json, const struct hn_reported_balloon *balloon)
{
	return add_said(json, "balloon_actual_bytes", balloon->actual_bytes) ||
	       add_said(json, "balloon_free_bytes", balloon->free_bytes) ||
	       add_said(json, "balloon_available_bytes", balloon->available_bytes) ||
	       add_said(json, "balloon_swapped_in_bytes", balloon->swapped_in_bytes) ||
	       add_said(json, "balloon_swapped_out_bytes", balloon->swapped_out_bytes);
}

static int decode_balloon(json_object *json, struct hn_reported_balloon *ret, struct hn_error *err)
{
	int r;

	(void)((r = get_said(json, "balloon_actual_bytes", &ret->actual_bytes, err)) < 0 ||
	       (r = get_said(json, "balloon_free_bytes", &ret->free_bytes, err)) < 0 ||
	       (r = get_said(json, "balloon_available_bytes", &ret->available_bytes, err)) < 0 ||
	       (r = get_said(json, "balloon_swapped_in_bytes", &ret->swapped_in_bytes, err)) < 0 ||
	       (r = get_said(json, "balloon_swapped_out_bytes", &ret->swapped_out_bytes, err)) < 0);
	return r;
}

static int add_notes(json_object *json, const struct hn_reported *reported)
{
	json_object *array = json_object_new_array();
	int failed = !array;

	for (size_t i = 0; i < reported->note_count && !failed; i++)
		failed = hn_codec_append(array, hn_json_new_string(reported->notes[i]));
	return failed ? (json_object_put(array), -1) : hn_json_add(json, "notes", array);
}

static int decode_notes(json_object *json, struct hn_reported *reported, struct hn_error *err)
{
	json_object *array;
	int r = hn_json_get_array(json, "notes", &array, err);

	if (r == 0 && json_object_array_length(array) > HN_REPORTED_NOTES_MAX)
		return hn_fail(err, -EPROTO, "member 'notes' has more than %d items", HN_REPORTED_NOTES_MAX);
	for (size_t i = 0; r == 0 && i < json_object_array_length(array); i++) {
		json_object *item = json_object_array_get_idx(array, i);
		const char *text =
			json_object_is_type(item, json_type_string) ? json_object_get_string(item) : NULL;

		if (!text || strlen(text) >= sizeof(reported->notes[0]) ||
		    strlen(text) != (size_t)json_object_get_string_len(item))
			return hn_fail(err, -EPROTO, "member 'notes' holds something that is not a sentence");
		if (hn_reported_add_note(reported, text) < 0)
			return hn_oom(err);
	}
	return r;
}

json_object *hn_reported_encode(const struct hn_reported *reported)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_u64(json, "started_ns", reported->started_ns) ||
		 hn_json_add_u64(json, "taken_ns", reported->taken_ns) ||
		 hn_json_add_u64(json, "vcpu_ns", reported->vcpu_ns) ||
		 hn_json_add_u64(json, "vcpu_taken_ns", reported->vcpu_taken_ns) ||
		 hn_codec_add_items(json, "nodes", reported->nodes, reported->node_count,
				    sizeof(*reported->nodes), encode_node) ||
		 hn_codec_add_items(json, "cpus", reported->cpus, reported->cpu_count,
				    sizeof(*reported->cpus), encode_cpu) ||
		 add_said(json, "hint_faults", reported->hint_faults) ||
		 add_said(json, "hint_faults_local", reported->hint_faults_local) ||
		 add_said(json, "pages_migrated", reported->pages_migrated) ||
		 add_said(json, "migrate_success", reported->migrate_success) ||
		 add_balloon(json, &reported->balloon) || add_notes(json, reported);
	return hn_codec_finish(json, failed);
}

typedef int (*decode_item)(json_object *json, struct hn_reported *reported, struct hn_error *err);

static int decode_items(json_object *json, const char *key, size_t most, decode_item decode,
			struct hn_reported *reported, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, key, &items, &count, err);

	if (r == 0 && count > most)
		return hn_fail(err, -EPROTO, "member '%s' has %zu items, more than %zu", key, count, most);
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode(json_object_array_get_idx(items, i), reported, err)) < 0)
			hn_error_prefix(err, "%s[%zu]", key, i);
	return r;
}

int hn_reported_decode(json_object *json, struct hn_reported **ret, struct hn_error *err)
{
	HN_AUTO(hn_reported) struct hn_reported *reported = hn_reported_new();
	int r;

	if (!reported)
		return hn_oom(err);
	if ((r = hn_json_get_u64(json, "started_ns", &reported->started_ns, err)) < 0 ||
	    (r = hn_json_get_u64(json, "taken_ns", &reported->taken_ns, err)) < 0 ||
	    (r = hn_json_get_u64(json, "vcpu_ns", &reported->vcpu_ns, err)) < 0 ||
	    (r = hn_json_get_u64(json, "vcpu_taken_ns", &reported->vcpu_taken_ns, err)) < 0 ||
	    (r = decode_items(json, "nodes", HN_REPORTED_NODES_MAX, decode_node, reported, err)) < 0 ||
	    (r = decode_items(json, "cpus", HN_REPORTED_CPUS_MAX, decode_cpu, reported, err)) < 0 ||
	    (r = get_said(json, "hint_faults", &reported->hint_faults, err)) < 0 ||
	    (r = get_said(json, "hint_faults_local", &reported->hint_faults_local, err)) < 0 ||
	    (r = get_said(json, "pages_migrated", &reported->pages_migrated, err)) < 0 ||
	    (r = get_said(json, "migrate_success", &reported->migrate_success, err)) < 0 ||
	    (r = decode_balloon(json, &reported->balloon, err)) < 0 ||
	    (r = decode_notes(json, reported, err)) < 0)
		return r;
	*ret = hn_steal(reported);
	return 0;
}

static json_object *encode_use(const void *element)
{
	const struct hn_use *use = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "cpus_of", use->cpus_of) ||
		 hn_json_add_int(json, "memory_of", use->memory_of) ||
		 hn_codec_add_part(json, "share", hn_codec_encode_interval(&use->share)) ||
		 hn_json_add_double(json, "per_second", use->per_second);
	return hn_codec_finish(json, failed);
}

static int decode_use(json_object *json, struct hn_use *ret, struct hn_error *err)
{
	json_object *share;
	int r;

	(void)((r = hn_json_get_int(json, "cpus_of", &ret->cpus_of, err)) < 0 ||
	       (r = hn_json_get_int(json, "memory_of", &ret->memory_of, err)) < 0 ||
	       (r = hn_json_get_object(json, "share", &share, err)) < 0 ||
	       (r = hn_codec_decode_interval(share, &ret->share, err)) < 0 ||
	       (r = hn_json_get_double(json, "per_second", &ret->per_second, err)) < 0);
	return r;
}

static int add_interval(json_object *json, const char *key, bool known, const struct hn_interval *interval)
{
	return known ? hn_codec_add_part(json, key, hn_codec_encode_interval(interval))
		     : hn_json_add(json, key, NULL);
}

static int get_interval(json_object *json, const char *key, bool *ret_known, struct hn_interval *ret,
			struct hn_error *err)
{
	json_object *interval;
	int r;

	*ret_known = hn_json_has(json, key);
	if (!*ret_known)
		return 0;
	r = hn_json_get_object(json, key, &interval, err);
	return r < 0 ? r : hn_codec_decode_interval(interval, ret, err);
}

json_object *hn_access_encode(const struct hn_access *access)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "doubt", hn_doubt_name(access->doubt)) ||
		 hn_json_add_string(json, "reason", access->reason) ||
		 hn_json_add_u64(json, "age_ns", access->age_ns) ||
		 hn_json_add_u64(json, "span_ns", access->span_ns) ||
		 add_interval(json, "remote", access->remote_known, &access->remote) ||
		 add_interval(json, "remote_faults", access->faults_known, &access->remote_faults) ||
		 hn_json_add_double(json, "migrated_per_second", access->migrated_per_second) ||
		 hn_codec_add_items(json, "uses", access->uses, access->use_count, sizeof(*access->uses),
				    encode_use);
	return hn_codec_finish(json, failed);
}

int hn_access_decode(json_object *json, struct hn_access **ret, struct hn_error *err)
{
	HN_AUTO(hn_access) struct hn_access *access = NULL;
	json_object *items;
	const char *doubt;
	size_t count;
	int r = hn_codec_get_items(json, "uses", &items, &count, err);

	if (r < 0)
		return r;
	if (!(access = hn_access_new(count)))
		return hn_oom(err);
	if ((r = hn_json_get_string(json, "doubt", &doubt, err)) < 0 ||
	    (r = hn_codec_word(hn_doubt_parse(doubt, &access->doubt, err), "doubt", err)) < 0 ||
	    (r = hn_codec_get_text(json, "reason", access->reason, sizeof(access->reason), err)) < 0 ||
	    (r = hn_json_get_u64(json, "age_ns", &access->age_ns, err)) < 0 ||
	    (r = hn_json_get_u64(json, "span_ns", &access->span_ns, err)) < 0 ||
	    (r = get_interval(json, "remote", &access->remote_known, &access->remote, err)) < 0 ||
	    (r = get_interval(json, "remote_faults", &access->faults_known, &access->remote_faults, err)) <
		    0 ||
	    (r = hn_json_get_double(json, "migrated_per_second", &access->migrated_per_second, err)) < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode_use(json_object_array_get_idx(items, i), &access->uses[i], err)) < 0)
			hn_error_prefix(err, "uses[%zu]", i);
	access->use_count = count;
	if (r == 0)
		*ret = hn_steal(access);
	return r;
}
