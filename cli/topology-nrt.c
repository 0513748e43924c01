/*
 * topology-nrt - a NodeResourceTopology object
 * (https://github.com/k8stopologyawareschedwg/noderesourcetopology-api, v1alpha2).
 */
#include <ctype.h>
#include <inttypes.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/topology.h"

/* Quantities are texts. */
static void add_quantity(json_object *json, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	hn_json_add_string(json, key, text);
}

static void add_resource(json_object *resources, const char *name, uint64_t capacity, uint64_t allocatable,
			 uint64_t available)
{
	json_object *json = json_object_new_object();

	if (!json)
		return;
	hn_json_add_string(json, "name", name);
	add_quantity(json, "capacity", capacity);
	add_quantity(json, "allocatable", allocatable);
	add_quantity(json, "available", available);
	json_object_array_add(resources, json);
}

static json_object *make_resources(const struct hn_node *node, const struct hn_room *room)
{
	json_object *resources = json_object_new_array();
	char name[40];

	if (!resources)
		return NULL;
	if (room->cpus)
		add_resource(resources, "cpu", room->cpus, room->allocatable,
			     room->allocatable > room->taken ? room->allocatable - room->taken : 0);
	add_resource(resources, "memory", node->memory_bytes, room->allocatable_bytes, room->free_bytes);
	for (size_t i = 0; i < node->pool_count; i++) {
		const struct hn_page_pool *pool = &node->pools[i];
		bool giant = pool->page_bytes % HN_GIB == 0;

		snprintf(name, sizeof(name), "hugepages-%" PRIu64 "%s",
			 pool->page_bytes / (giant ? HN_GIB : HN_MIB), giant ? "Gi" : "Mi");
		if (pool->page_bytes % HN_MIB == 0)
			add_resource(resources, name, pool->total_pages * pool->page_bytes,
				     pool->total_pages * pool->page_bytes,
				     room->free_pages[i] * pool->page_bytes);
	}
	return resources;
}

static json_object *make_costs(const struct hn_host *host, size_t from)
{
	json_object *costs = json_object_new_array();
	char name[24];

	for (size_t to = 0; costs && to < host->node_count; to++) {
		json_object *json = json_object_new_object();

		snprintf(name, sizeof(name), "node-%d", host->nodes[to].id);
		if (!json)
			break;
		hn_json_add_string(json, "name", name);
		hn_json_add_u64(json, "value", hn_host_distance(host, from, to));
		json_object_array_add(costs, json);
	}
	return costs;
}

static json_object *make_zone(const struct hn_host *host, size_t node, const struct hn_room *room)
{
	json_object *json = json_object_new_object();
	char name[24];

	if (!json)
		return NULL;
	snprintf(name, sizeof(name), "node-%d", host->nodes[node].id);
	hn_json_add_string(json, "name", name);
	hn_json_add_string(json, "type", "Node");
	hn_json_add(json, "costs", make_costs(host, node));
	hn_json_add(json, "resources", make_resources(&host->nodes[node], room));
	return json;
}

/* As Kubernetes names a node: RFC 1123, lower case. */
static json_object *make_metadata(const char *host)
{
	json_object *json = json_object_new_object();
	char name[254];
	size_t used = 0;

	for (; *host && used < sizeof(name) - 1; host++)
		name[used++] = isalnum((unsigned char)*host) || *host == '.'
				       ? (char)tolower((unsigned char)*host)
				       : '-';
	name[used] = '\0';
	if (json)
		hn_json_add_string(json, "name", name);
	return json;
}

json_object *hn_topology_nrt(const struct hn_snapshot *snapshot, const struct hn_room *rooms)
{
	const struct hn_host *host = snapshot->host;
	json_object *json = json_object_new_object(), *zones = json_object_new_array();

	if (!json || !zones) {
		json_object_put(json);
		json_object_put(zones);
		return NULL;
	}
	hn_json_add_string(json, "apiVersion", "topology.node.k8s.io/v1alpha2");
	hn_json_add_string(json, "kind", "NodeResourceTopology");
	hn_json_add(json, "metadata", make_metadata(host->name));
	for (size_t node = 0; node < host->node_count; node++) {
		json_object *zone = make_zone(host, node, &rooms[node]);

		if (zone)
			json_object_array_add(zones, zone);
	}
	hn_json_add(json, "zones", zones);
	return json;
}
