/*
 * The replies that are lists. An entry that cannot be what QEMU documents spoils the list; one that is of no
 * use here (a backend without an id, a memory device of a kind that has no memory) is left out.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "qmp/array.h"
#include "qmp/facts.h"

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
	hn_facts_copy_name(iothread.id, sizeof(iothread.id), id);
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
	hn_facts_copy_name(memdev.id, sizeof(memdev.id), id);
	if (hn_json_get_string(entry, "policy", &policy, NULL) == 0)
		hn_facts_copy_name(memdev.policy, sizeof(memdev.policy), policy);
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

/* Only virtio-mem has a max-size, which is what it maps. */
static uint64_t get_idle(json_object *data, uint64_t plugged)
{
	uint64_t most = 0, given = 0;

	hn_json_get_u64(data, "max-size", &most, NULL);
	hn_json_get_u64(data, "requested-size", &given, NULL);
	if (plugged > given)
		given = plugged;
	return most > given ? most - given : 0;
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
	hn_facts_copy_name(device.memdev, sizeof(device.memdev), memdev);
	device.node = get_node(data, "node");
	device.epc = strcmp(type, "sgx-epc") == 0;
	hn_json_get_u64(data, "size", &device.bytes, NULL);
	device.idle_bytes = get_idle(data, device.bytes);
	added = hn_array_add(&facts->devices, &facts->device_count, sizeof(*added));
	if (!added)
		return hn_oom(err);
	*added = device;
	return 0;
}

static int take_list(struct hn_facts *facts, json_object *list, size_t most, hn_facts_take take,
		     struct hn_error *err)
{
	size_t count;
	int r = 0;

	if (!json_object_is_type(list, json_type_array))
		return hn_fail(err, -EPROTO, "the answer is no list");
	count = json_object_array_length(list);
	if (count > most)
		return hn_fail(err, -EPROTO, "the list has %zu entries where no guest has more than %zu",
			       count, most);
	for (size_t i = 0; i < count && r == 0; i++)
		r = take(facts, json_object_array_get_idx(list, i), err);
	return r;
}

int hn_facts_take_vcpus(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, HN_VCPUS_MAX, take_vcpu, err);
}

int hn_facts_take_iothreads(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, HN_FACTS_MAX, take_iothread, err);
}

int hn_facts_take_memdevs(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, HN_FACTS_MAX, take_memdev, err);
}

int hn_facts_take_devices(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	return take_list(facts, result, HN_FACTS_MAX, take_device, err);
}
