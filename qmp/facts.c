/*
 * One function a reply. A reply that cannot be what QEMU documents is an error of that reply; a single entry
 * of a list that is of no use (a memory device of a kind that is not known yet, a CPU without an index) is
 * left out, with a note where it could matter.
 */
#include "qmp/facts.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "qmp/array.h"

#define NOTES_MAX 64

void hn_facts_done(struct hn_facts *facts)
{
	free(facts->vcpus);
	free(facts->iothreads);
	free(facts->memdevs);
	free(facts->devices);
	free(facts->nodes);
	free(facts->pieces);
	free(facts->blocks);
	for (size_t i = 0; i < facts->note_count; i++)
		free(facts->notes[i]);
	free(facts->notes);
	memset(facts, 0, sizeof(*facts));
}

void hn_facts_note_error(struct hn_facts *facts, const struct hn_error *err)
{
	char *text;
	char **slot;

	if (facts->note_count >= NOTES_MAX)
		return;
	text = strdup(err->message);
	slot = text ? hn_array_add(&facts->notes, &facts->note_count, sizeof(*slot)) : NULL;
	if (slot)
		*slot = text;
	else
		free(text);
}

void hn_facts_note(struct hn_facts *facts, const char *format, ...)
{
	struct hn_error err = {0};
	va_list args;

	va_start(args, format);
	vsnprintf(err.message, sizeof(err.message), format, args);
	va_end(args);
	hn_error_prefix(&err, "guest '%s'", facts->guest);
	hn_facts_note_error(facts, &err);
}

static const struct {
	const char *status;
	enum hn_run_state state;
} run_states[] = {
	{"running", HN_RUN_RUNNING},       {"inmigrate", HN_RUN_INCOMING},
	{"shutdown", HN_RUN_SHUTDOWN},     {"colo", HN_RUN_PAUSED},
	{"debug", HN_RUN_PAUSED},          {"finish-migrate", HN_RUN_PAUSED},
	{"guest-panicked", HN_RUN_PAUSED}, {"internal-error", HN_RUN_PAUSED},
	{"io-error", HN_RUN_PAUSED},       {"paused", HN_RUN_PAUSED},
	{"postmigrate", HN_RUN_PAUSED},    {"preconfig", HN_RUN_PAUSED},
	{"prelaunch", HN_RUN_PAUSED},      {"restore-vm", HN_RUN_PAUSED},
	{"save-vm", HN_RUN_PAUSED},        {"suspended", HN_RUN_PAUSED},
	{"watchdog", HN_RUN_PAUSED},
};

int hn_facts_take_status(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *status;
	int r = hn_json_get_string(result, "status", &status, err);

	if (r < 0)
		return r;
	facts->state = HN_RUN_UNKNOWN;
	for (size_t i = 0; i < HN_COUNT(run_states); i++)
		if (strcmp(run_states[i].status, status) == 0)
			facts->state = run_states[i].state;
	if (facts->state == HN_RUN_UNKNOWN)
		hn_facts_note(facts, "run state '%s' is not known", status);
	return 0;
}

/* Names come from a command line or from libvirt, but arrive through a socket: nothing unprintable gets
 * further. */
static void copy_name(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	for (; *to; to++)
		if ((unsigned char)*to < 0x20 || *to == 0x7f)
			*to = '?';
}

int hn_facts_take_name(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *name;
	int r;

	if (!hn_json_has(result, "name"))
		return 0;
	r = hn_json_get_string(result, "name", &name, err);
	if (r == 0)
		copy_name(facts->name, sizeof(facts->name), name);
	return r;
}

int hn_facts_take_uuid(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *uuid;
	int r = hn_json_get_string(result, "UUID", &uuid, err);

	if (r < 0)
		return r;
	/* QEMU without -uuid says nil, which names nobody. */
	if (strspn(uuid, "0-") != strlen(uuid))
		copy_name(facts->uuid, sizeof(facts->uuid), uuid);
	return 0;
}

static int get_tid(json_object *object, pid_t *ret, struct hn_error *err)
{
	int tid;
	int r = hn_json_get_int(object, "thread-id", &tid, err);

	if (r == 0 && tid <= 0)
		r = hn_fail(err, -EPROTO, "thread id %d cannot be", tid);
	if (r == 0)
		*ret = tid;
	return r;
}

/* A node's number, or -1 where there is none or it cannot be one. */
static int get_node(json_object *object, const char *key)
{
	int node;

	if (!hn_json_has(object, key) || hn_json_get_int(object, key, &node, NULL) < 0)
		return -1;
	return node >= 0 && node < HN_SET_MAX ? node : -1;
}

static int take_vcpu(struct hn_facts *facts, json_object *entry, struct hn_error *err)
{
	struct hn_fact_vcpu vcpu = {.node = -1}, *added;
	json_object *props;
	int r = hn_json_get_int(entry, "cpu-index", &vcpu.index, err);

	if (r == 0)
		r = get_tid(entry, &vcpu.tid, err);
	if (r == 0 && vcpu.index < 0)
		r = hn_fail(err, -EPROTO, "vCPU number %d cannot be", vcpu.index);
	if (r < 0)
		return r;
	if (hn_json_get_object(entry, "props", &props, NULL) == 0)
		vcpu.node = get_node(props, "node-id");
	if (vcpu.index >= HN_SET_MAX)
		hn_facts_note(facts, "vCPU %d is beyond the %d that are supported", vcpu.index, HN_SET_MAX);
	added = hn_array_add(&facts->vcpus, &facts->vcpu_count, sizeof(*added));
	if (!added)
		return hn_oom(err);
	*added = vcpu;
	return 0;
}

static int take_iothread(struct hn_facts *facts, json_object *entry, struct hn_error *err)
{
	struct hn_fact_iothread iothread = {0}, *added;
	const char *id;
	int r = hn_json_get_string(entry, "id", &id, err);

	if (r == 0)
		r = get_tid(entry, &iothread.tid, err);
	if (r < 0)
		return r;
	copy_name(iothread.id, sizeof(iothread.id), id);
	added = hn_array_add(&facts->iothreads, &facts->iothread_count, sizeof(*added));
	if (!added)
		return hn_oom(err);
	*added = iothread;
	return 0;
}

static void take_host_nodes(json_object *entry, struct hn_set *ret)
{
	json_object *nodes;

	if (hn_json_get_array(entry, "host-nodes", &nodes, NULL) < 0)
		return;
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		json_object *node = json_object_array_get_idx(nodes, i);

		if (json_object_is_type(node, json_type_int))
			hn_set_add(ret, json_object_get_int(node));
	}
}

static int take_memdev(struct hn_facts *facts, json_object *entry, struct hn_error *err)
{
	struct hn_fact_memdev memdev = {0}, *added;
	const char *id, *policy;
	int r;

	/* The id is optional by the schema: a backend without one can be tied to nothing that follows. */
	if (hn_json_get_string(entry, "id", &id, NULL) < 0)
		return 0;
	r = hn_json_get_u64(entry, "size", &memdev.bytes, err);
	if (r < 0)
		return r;
	copy_name(memdev.id, sizeof(memdev.id), id);
	if (hn_json_get_string(entry, "policy", &policy, NULL) == 0)
		copy_name(memdev.policy, sizeof(memdev.policy), policy);
	take_host_nodes(entry, &memdev.host_nodes);
	hn_json_get_bool(entry, "prealloc", &memdev.prealloc, NULL);
	if (hn_json_get_bool(entry, "share", &memdev.shared, NULL) < 0)
		hn_facts_note(facts, "backend '%s': this QEMU does not say whether it is shared", memdev.id);
	added = hn_array_add(&facts->memdevs, &facts->memdev_count, sizeof(*added));
	if (!added)
		return hn_oom(err);
	*added = memdev;
	return 0;
}

static int take_device(struct hn_facts *facts, json_object *entry, struct hn_error *err)
{
	struct hn_fact_device device = {0}, *added;
	json_object *data;
	const char *type, *memdev;
	int r = hn_json_get_string(entry, "type", &type, err);

	if (r == 0)
		r = hn_json_get_object(entry, "data", &data, err);
	if (r < 0)
		return r;
	/* hv-balloon may have no memory of its own. */
	if (hn_json_get_string(data, "memdev", &memdev, NULL) < 0)
		return 0;
	if (strrchr(memdev, '/'))
		memdev = strrchr(memdev, '/') + 1;
	copy_name(device.memdev, sizeof(device.memdev), memdev);
	device.node = get_node(data, "node");
	device.epc = strcmp(type, "sgx-epc") == 0;
	hn_json_get_u64(data, "size", &device.bytes, NULL);
	added = hn_array_add(&facts->devices, &facts->device_count, sizeof(*added));
	if (!added)
		return hn_oom(err);
	*added = device;
	return 0;
}

static int take_list(struct hn_facts *facts, json_object *list, hn_facts_take take, struct hn_error *err)
{
	int r = 0;

	if (!json_object_is_type(list, json_type_array))
		return hn_fail(err, -EPROTO, "the answer is no list");
	for (size_t i = 0; i < json_object_array_length(list) && r == 0; i++)
		r = take(facts, json_object_array_get_idx(list, i), err);
	return r;
}

int hn_facts_take_vcpus(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, take_vcpu, err);
}

int hn_facts_take_iothreads(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, take_iothread, err);
}

int hn_facts_take_memdevs(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, take_memdev, err);
}

int hn_facts_take_devices(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, take_device, err);
}

int hn_facts_take_sev(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	bool enabled;
	int r = hn_json_get_bool(result, "enabled", &enabled, err);

	if (r == 0 && enabled)
		facts->encrypted = true;
	return r;
}

/* The machine's property of that name: the path of an object, whatever the technique is called, or "". */
int hn_facts_take_confidential(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	if (json_object_is_type(result, json_type_string) && json_object_get_string_len(result) > 0)
		facts->encrypted = true;
	return 0;
}

static int get_text(json_object *result, const char **ret, struct hn_error *err)
{
	if (!json_object_is_type(result, json_type_string))
		return hn_fail(err, -EPROTO, "the answer is no text");
	*ret = json_object_get_string(result);
	return 0;
}

int hn_facts_take_numa(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *text = NULL;
	int r = get_text(result, &text, err);

	if (r == 0)
		r = hn_mtree_parse_numa(text, &facts->nodes, &facts->node_count, err);
	facts->numa_known = r == 0;
	return r;
}

int hn_facts_take_ramblocks(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *text = NULL;
	int r = get_text(result, &text, err);

	return r < 0 ? r : hn_mtree_parse_ramblocks(text, &facts->blocks, &facts->block_count, err);
}

int hn_facts_take_mtree(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *text = NULL;
	int r = get_text(result, &text, err);

	return r < 0 ? r : hn_mtree_parse(text, &facts->pieces, &facts->piece_count, err);
}
