/*
 * topology-placement - a tree of resource providers, the host with a child a node, in the words of OpenStack
 * Placement's API (https://docs.openstack.org/api-ref/placement/): what a script puts there name by name.
 */
#include <inttypes.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/topology.h"

/* Always the same for the same host and node: a UUID of version 8 (RFC 9562) from their names. */
static void write_uuid(const char *host, const char *node, char text[37])
{
	uint64_t high = hn_hash_text(hn_hash_text(HN_HASH_BEGIN, host), node);
	uint64_t low = hn_hash_text(hn_hash_text(high, node), host);

	snprintf(text, 37, "%08" PRIx32 "-%04x-8%03x-%04x-%012" PRIx64, (uint32_t)(high >> 32),
		 (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		 (unsigned)(0x8000 | (low >> 48 & 0x3fff)), low & UINT64_C(0xffffffffffff));
}

static void add_inventory(json_object *inventories, json_object *usages, const char *class, uint64_t total,
			  uint64_t reserved, uint64_t used, double ratio)
{
	json_object *json = json_object_new_object();

	if (total == 0 || !json) {
		json_object_put(json);
		return;
	}
	hn_json_add_u64(json, "total", total);
	hn_json_add_u64(json, "reserved", reserved);
	hn_json_add_u64(json, "min_unit", 1);
	hn_json_add_u64(json, "max_unit", total);
	hn_json_add_u64(json, "step_size", 1);
	hn_json_add_double(json, "allocation_ratio", ratio);
	hn_json_add(inventories, class, json);
	hn_json_add_u64(usages, class, used);
}

#define VCPU_RATIO 4.0 /* Nova's initial_cpu_allocation_ratio; an operator knows better */

static void add_node_inventories(const struct hn_node *node, const struct hn_room *room,
				 json_object *inventories, json_object *usages)
{
	uint64_t mib = node->memory_bytes / HN_MIB;
	char class[48];

	add_inventory(inventories, usages, "VCPU", room->cpus, room->cpus - room->allocatable, room->taken,
		      VCPU_RATIO);
	add_inventory(
		inventories, usages, "MEMORY_MB", mib, node->reserved_bytes / HN_MIB,
		(room->allocatable_bytes -
		 (room->free_bytes < room->allocatable_bytes ? room->free_bytes : room->allocatable_bytes)) /
			HN_MIB,
		1);
	for (size_t i = 0; i < node->pool_count; i++) {
		const struct hn_page_pool *pool = &node->pools[i];

		snprintf(class, sizeof(class), "CUSTOM_HUGEPAGES_%" PRIu64 "KB", pool->page_bytes / HN_KIB);
		add_inventory(inventories, usages, class, pool->total_pages, 0,
			      pool->total_pages - (room->free_pages[i] < pool->total_pages
							   ? room->free_pages[i]
							   : pool->total_pages),
			      1);
	}
}

/* node NULL: the host itself, which has nothing but its nodes. */
static json_object *make_provider(const char *host, const struct hn_node *node, const struct hn_room *room)
{
	json_object *json = json_object_new_object(), *inventories = json_object_new_object();
	json_object *usages = json_object_new_object(), *traits = json_object_new_array();
	char name[300], word[24] = "", uuid[37], parent[37];

	if (node)
		snprintf(word, sizeof(word), "_NUMA%d", node->id);
	snprintf(name, sizeof(name), "%.250s%s", host, word);
	write_uuid(host, word, uuid);
	write_uuid(host, "", parent);
	if (!json || !inventories || !usages || !traits) {
		json_object_put(json);
		json_object_put(inventories);
		json_object_put(usages);
		json_object_put(traits);
		return NULL;
	}
	if (node) {
		add_node_inventories(node, room, inventories, usages);
		json_object_array_add(traits, json_object_new_string("HW_NUMA_ROOT"));
	}
	hn_json_add_string(json, "name", name);
	hn_json_add_string(json, "uuid", uuid);
	hn_json_add(json, "parent_provider_uuid", node ? json_object_new_string(parent) : NULL);
	hn_json_add(json, "inventories", inventories);
	hn_json_add(json, "usages", usages);
	hn_json_add(json, "traits", traits);
	return json;
}

json_object *hn_topology_placement(const struct hn_snapshot *snapshot, const struct hn_room *rooms)
{
	const struct hn_host *host = snapshot->host;
	json_object *json = json_object_new_object(), *providers = json_object_new_array();

	if (!json || !providers) {
		json_object_put(json);
		json_object_put(providers);
		return NULL;
	}
	json_object_array_add(providers, make_provider(host->name, NULL, NULL));
	for (size_t node = 0; node < host->node_count; node++)
		json_object_array_add(providers, make_provider(host->name, &host->nodes[node], &rooms[node]));
	hn_json_add(json, "resource_providers", providers);
	return json;
}
