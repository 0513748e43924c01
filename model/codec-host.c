#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static json_object *encode_pool(const void *element)
{
	const struct hn_page_pool *pool = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_u64(json, "page_bytes", pool->page_bytes) ||
		 hn_json_add_u64(json, "total_pages", pool->total_pages) ||
		 hn_json_add_u64(json, "free_pages", pool->free_pages);
	return hn_codec_finish(json, failed);
}

static json_object *encode_node(const void *element)
{
	const struct hn_node *node = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "id", node->id) ||
		 hn_codec_add_set(json, "cpus", &node->cpus) ||
		 hn_json_add_u64(json, "memory_bytes", node->memory_bytes) ||
		 hn_json_add_u64(json, "free_bytes", node->free_bytes) ||
		 hn_json_add_u64(json, "reserved_bytes", node->reserved_bytes) ||
		 hn_json_add_u64(json, "watermark_bytes", node->watermark_bytes) ||
		 hn_json_add_string(json, "memory_kind", hn_memory_kind_name(node->memory_kind)) ||
		 hn_json_add_bool(json, "draining", node->draining) ||
		 hn_codec_add_items(json, "pools", node->pools, node->pool_count, sizeof(*node->pools),
				    encode_pool);
	return hn_codec_finish(json, failed);
}

static json_object *encode_cpu(const void *element)
{
	const struct hn_cpu *cpu = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "id", cpu->id) || hn_json_add_int(json, "node", cpu->node) ||
		 hn_json_add_int(json, "core", cpu->core) || hn_json_add_int(json, "llc", cpu->llc) ||
		 hn_json_add_int(json, "package", cpu->package) ||
		 hn_json_add_bool(json, "isolated", cpu->isolated) ||
		 hn_json_add_bool(json, "reserved", cpu->reserved);
	return hn_codec_finish(json, failed);
}

static json_object *encode_device(const void *element)
{
	const struct hn_device *device = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "name", device->name) ||
		 hn_json_add_string(json, "kind", device->kind) ||
		 hn_json_add_int(json, "node", device->node);
	return hn_codec_finish(json, failed);
}

static int add_distances(json_object *json, const struct hn_host *host)
{
	json_object *rows = json_object_new_array();
	int failed = !rows;

	for (size_t i = 0; i < host->node_count && !failed; i++) {
		json_object *row = json_object_new_array();

		failed = hn_codec_append(rows, row);
		for (size_t j = 0; j < host->node_count && !failed; j++)
			failed = hn_codec_append(row, json_object_new_int((int)hn_host_distance(host, i, j)));
	}
	return failed ? (json_object_put(rows), -ENOMEM) : hn_json_add(json, "distances", rows);
}

/* null where the machine tells none. */
static int add_performance(json_object *json, const struct hn_host *host)
{
	size_t nodes = host->node_count;

	if (!host->bandwidths)
		return hn_json_add(json, "bandwidths", NULL) || hn_json_add(json, "latencies", NULL);
	return hn_codec_add_u32_rows(json, "bandwidths", host->bandwidths, nodes, nodes) ||
	       hn_codec_add_u32_rows(json, "latencies", host->latencies, nodes, nodes);
}

json_object *hn_host_encode(const struct hn_host *host)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "name", host->name) ||
		 hn_json_add_bool(json, "distances_known", host->distances_known) ||
		 hn_json_add_bool(json, "kernel_balancing", host->kernel_balancing) ||
		 hn_json_add_bool(json, "fifo_hazard", host->fifo_hazard) ||
		 hn_codec_add_items(json, "nodes", host->nodes, host->node_count, sizeof(*host->nodes),
				    encode_node) ||
		 add_distances(json, host) || add_performance(json, host) ||
		 hn_codec_add_items(json, "cpus", host->cpus, host->cpu_count, sizeof(*host->cpus),
				    encode_cpu) ||
		 hn_codec_add_items(json, "devices", host->devices, host->device_count,
				    sizeof(*host->devices), encode_device);
	return hn_codec_finish(json, failed);
}

static int decode_pools(json_object *json, struct hn_node *node, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "pools", &items, &count, err);

	if (r < 0)
		return r;
	if (count > HN_POOLS_MAX)
		return hn_fail(err, -EPROTO, "member 'pools' has %zu items, more than %d", count,
			       HN_POOLS_MAX);
	node->pool_count = count;
	for (size_t i = 0; i < count && r == 0; i++) {
		json_object *item = json_object_array_get_idx(items, i);
		struct hn_page_pool *pool = &node->pools[i];

		if ((r = hn_json_get_u64(item, "page_bytes", &pool->page_bytes, err)) < 0 ||
		    (r = hn_json_get_u64(item, "total_pages", &pool->total_pages, err)) < 0 ||
		    (r = hn_json_get_u64(item, "free_pages", &pool->free_pages, err)) < 0)
			hn_error_prefix(err, "pools[%zu]", i);
	}
	return r;
}

static int decode_memory_kind(json_object *json, struct hn_node *node, struct hn_error *err)
{
	const char *kind;
	int r = hn_json_get_string(json, "memory_kind", &kind, err);

	return r < 0 ? r
		     : hn_codec_word(hn_memory_kind_parse(kind, &node->memory_kind, err), "memory_kind", err);
}

static int decode_node(json_object *json, struct hn_node *node, struct hn_error *err)
{
	int r;

	if ((r = hn_json_get_int(json, "id", &node->id, err)) < 0 ||
	    (r = hn_codec_get_set(json, "cpus", &node->cpus, err)) < 0 ||
	    (r = hn_json_get_u64(json, "memory_bytes", &node->memory_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(json, "free_bytes", &node->free_bytes, err)) < 0)
		return r;
	if (hn_codec_present(json, "reserved_bytes") &&
	    (r = hn_json_get_u64(json, "reserved_bytes", &node->reserved_bytes, err)) < 0)
		return r;
	if (hn_codec_present(json, "watermark_bytes") &&
	    (r = hn_json_get_u64(json, "watermark_bytes", &node->watermark_bytes, err)) < 0)
		return r;
	if (hn_codec_present(json, "memory_kind") && (r = decode_memory_kind(json, node, err)) < 0)
		return r;
	if (hn_codec_present(json, "draining") &&
	    (r = hn_json_get_bool(json, "draining", &node->draining, err)) < 0)
		return r;
	return decode_pools(json, node, err);
}

static int decode_cpu(json_object *json, struct hn_cpu *cpu, struct hn_error *err)
{
	int r;

	(void)((r = hn_json_get_int(json, "id", &cpu->id, err)) < 0 ||
	       (r = hn_json_get_int(json, "node", &cpu->node, err)) < 0 ||
	       (r = hn_json_get_int(json, "core", &cpu->core, err)) < 0 ||
	       (r = hn_json_get_int(json, "llc", &cpu->llc, err)) < 0 ||
	       (r = hn_json_get_int(json, "package", &cpu->package, err)) < 0 ||
	       (r = hn_json_get_bool(json, "isolated", &cpu->isolated, err)) < 0 ||
	       (hn_codec_present(json, "reserved") &&
		(r = hn_json_get_bool(json, "reserved", &cpu->reserved, err)) < 0));
	return r;
}

static int decode_device(json_object *json, struct hn_host *host, struct hn_error *err)
{
	struct hn_device *device = hn_host_add_device(host, "");
	int r;

	if (!device)
		return hn_oom(err);
	(void)((r = hn_codec_get_text(json, "name", device->name, sizeof(device->name), err)) < 0 ||
	       (r = hn_codec_get_text(json, "kind", device->kind, sizeof(device->kind), err)) < 0 ||
	       (r = hn_json_get_int(json, "node", &device->node, err)) < 0);
	return r;
}

static int decode_devices(json_object *json, struct hn_host *host, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r;

	if (!hn_codec_present(json, "devices"))
		return 0;
	r = hn_codec_get_items(json, "devices", &items, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode_device(json_object_array_get_idx(items, i), host, err)) < 0)
			hn_error_prefix(err, "devices[%zu]", i);
	return r;
}

static int decode_performance(json_object *json, struct hn_host *host, struct hn_error *err)
{
	size_t nodes = host->node_count;
	int r;

	if (hn_json_has(json, "bandwidths") != hn_json_has(json, "latencies"))
		return hn_fail(err, -EPROTO, "members 'bandwidths' and 'latencies' are told together or not");
	if (!hn_json_has(json, "bandwidths"))
		return 0;
	if (hn_host_add_performance(host))
		return hn_oom(err);
	r = hn_codec_get_u32_rows(json, "bandwidths", host->bandwidths, nodes, nodes, err);
	return r < 0 ? r : hn_codec_get_u32_rows(json, "latencies", host->latencies, nodes, nodes, err);
}

static int decode_distances(json_object *json, struct hn_host *host, struct hn_error *err)
{
	json_object *rows;
	size_t count;
	int r = hn_codec_get_items(json, "distances", &rows, &count, err);

	if (r < 0)
		return r;
	if (count != host->node_count)
		return hn_fail(err, -EPROTO, "member 'distances' has %zu rows for %zu nodes", count,
			       host->node_count);
	for (size_t i = 0; i < count; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!json_object_is_type(row, json_type_array) || json_object_array_length(row) != count)
			return hn_fail(err, -EPROTO, "member 'distances': row %zu does not have %zu values",
				       i, count);
		for (size_t j = 0; j < count; j++) {
			json_object *value = json_object_array_get_idx(row, j);
			int distance = json_object_get_int(value);

			if (!json_object_is_type(value, json_type_int) || distance < HN_DISTANCE_LOCAL ||
			    distance > 255)
				return hn_fail(err, -EPROTO, "member 'distances': %s is not within %d..255",
					       json_object_to_json_string(value), HN_DISTANCE_LOCAL);
			host->distances[i * count + j] = (uint16_t)distance;
		}
	}
	return 0;
}

/* Ids are looked up by halves and held in sets: they must go up and fit. */
static int check_order(int id, int before, struct hn_error *err)
{
	if (id > before && id < HN_SET_MAX)
		return 0;
	return hn_fail(err, -EPROTO, "id %d is not within %d..%d", id, before + 1, HN_SET_MAX - 1);
}

int hn_host_decode(json_object *json, struct hn_host **ret, struct hn_error *err)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	json_object *nodes, *cpus;
	size_t node_count, cpu_count;
	const char *name;
	int r;

	if ((r = hn_json_get_string(json, "name", &name, err)) < 0 ||
	    (r = hn_codec_get_items(json, "nodes", &nodes, &node_count, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cpus", &cpus, &cpu_count, err)) < 0)
		return r;
	if (node_count > HN_SET_MAX)
		return hn_fail(err, -EPROTO, "member 'nodes' has %zu items, more than %d", node_count,
			       HN_SET_MAX);
	host = hn_host_new(name, node_count, cpu_count);
	if (!host)
		return hn_oom(err);
	if ((r = hn_json_get_bool(json, "distances_known", &host->distances_known, err)) < 0 ||
	    (r = hn_json_get_bool(json, "kernel_balancing", &host->kernel_balancing, err)) < 0 ||
	    (r = hn_json_get_bool(json, "fifo_hazard", &host->fifo_hazard, err)) < 0 ||
	    (r = decode_distances(json, host, err)) < 0 || (r = decode_performance(json, host, err)) < 0 ||
	    (r = decode_devices(json, host, err)) < 0)
		return r;
	for (size_t i = 0; i < node_count && r == 0; i++)
		if ((r = decode_node(json_object_array_get_idx(nodes, i), &host->nodes[i], err)) < 0 ||
		    (r = check_order(host->nodes[i].id, i ? host->nodes[i - 1].id : -1, err)) < 0)
			hn_error_prefix(err, "nodes[%zu]", i);
	for (size_t i = 0; i < cpu_count && r == 0; i++)
		if ((r = decode_cpu(json_object_array_get_idx(cpus, i), &host->cpus[i], err)) < 0 ||
		    (r = check_order(host->cpus[i].id, i ? host->cpus[i - 1].id : -1, err)) < 0)
			hn_error_prefix(err, "cpus[%zu]", i);
	if (r == 0)
		*ret = hn_steal(host);
	return r;
}
