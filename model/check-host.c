#include "model/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES_MIN 4096

static bool is_page_size(uint64_t bytes)
{
	return bytes >= PAGE_BYTES_MIN && (bytes & (bytes - 1)) == 0;
}

static int check_pools(const struct hn_node *node, struct hn_error *err)
{
	uint64_t left = node->memory_bytes;

	for (size_t i = 0; i < node->pool_count; i++) {
		const struct hn_page_pool *pool = &node->pools[i];

		if (!is_page_size(pool->page_bytes))
			return hn_fail(err, -EINVAL,
				       "pools[%zu]: page_bytes %" PRIu64 " is no power of two from %d on", i,
				       pool->page_bytes, PAGE_BYTES_MIN);
		for (size_t j = 0; j < i; j++)
			if (node->pools[j].page_bytes == pool->page_bytes)
				return hn_fail(err, -EINVAL,
					       "pools[%zu]: page_bytes %" PRIu64 " is there twice", i,
					       pool->page_bytes);
		if (pool->free_pages > pool->total_pages)
			return hn_fail(err, -EINVAL,
				       "pools[%zu]: free_pages %" PRIu64 " is above total_pages %" PRIu64, i,
				       pool->free_pages, pool->total_pages);
		if (pool->total_pages > left / pool->page_bytes)
			return hn_fail(err, -EINVAL,
				       "pools[%zu]: total_pages %" PRIu64 " of page_bytes %" PRIu64
				       " are more than is left of memory_bytes %" PRIu64,
				       i, pool->total_pages, pool->page_bytes, node->memory_bytes);
		left -= pool->total_pages * pool->page_bytes;
	}
	return 0;
}

static int check_memory(const struct hn_node *node, uint64_t *total, struct hn_error *err)
{
	if (node->free_bytes > node->memory_bytes)
		return hn_fail(err, -EINVAL, "free_bytes %" PRIu64 " is above memory_bytes %" PRIu64,
			       node->free_bytes, node->memory_bytes);
	if (node->reserved_bytes > node->memory_bytes)
		return hn_fail(err, -EINVAL, "reserved_bytes %" PRIu64 " is above memory_bytes %" PRIu64,
			       node->reserved_bytes, node->memory_bytes);
	if (node->watermark_bytes > node->memory_bytes)
		return hn_fail(err, -EINVAL, "watermark_bytes %" PRIu64 " is above memory_bytes %" PRIu64,
			       node->watermark_bytes, node->memory_bytes);
	if (node->memory_bytes > HN_MEMORY_MAX || (*total += node->memory_bytes) > HN_MEMORY_MAX)
		return hn_fail(err, -EINVAL,
			       "memory_bytes %" PRIu64 " brings the host's to more than %" PRIu64,
			       node->memory_bytes, HN_MEMORY_MAX);
	if ((unsigned)node->memory_kind >= HN_MEMORY_KIND_COUNT)
		return hn_fail(err, -EINVAL, "memory_kind %d is unknown", (int)node->memory_kind);
	return check_pools(node, err);
}

static int check_id(const char *what, int id, int before, struct hn_error *err)
{
	if (id >= 0 && id == before)
		return hn_fail(err, -EINVAL, "%s: id %d is there twice", what, id);
	if (id <= before || id >= HN_SET_MAX)
		return hn_fail(err, -EINVAL, "%s: id %d is not within %d..%d", what, id, before + 1,
			       HN_SET_MAX - 1);
	return 0;
}

static int check_nodes(const struct hn_host *host, struct hn_error *err)
{
	uint64_t total = 0;
	int r = 0;

	if (host->node_count == 0)
		return hn_fail(err, -EINVAL, "nodes: 0 of them");
	for (size_t i = 0; i < host->node_count && r == 0; i++) {
		const struct hn_node *node = &host->nodes[i];

		if ((r = check_id("nodes", node->id, i ? node[-1].id : -1, err)) == 0 &&
		    (r = check_memory(node, &total, err)) < 0)
			hn_error_prefix(err, "node %d", node->id);
	}
	return r;
}

/* Every CPU in one node's set; what is left in the sets then is no CPU of the host. */
static int check_node_cpus(const struct hn_host *host, const struct hn_set *cpus, struct hn_error *err)
{
	struct hn_set seen = {0};

	for (size_t i = 0; i < host->node_count; i++) {
		HN_SET_FOREACH (cpu, &host->nodes[i].cpus) {
			if (!hn_set_has(cpus, cpu))
				return hn_fail(err, -EINVAL,
					       "node %d: cpus has CPU id %d, which the host does not",
					       host->nodes[i].id, cpu);
			if (hn_set_has(&seen, cpu))
				return hn_fail(err, -EINVAL,
					       "node %d: cpus has CPU id %d, which another node has too",
					       host->nodes[i].id, cpu);
			hn_set_add(&seen, cpu);
		}
	}
	return 0;
}

static int check_cpus(const struct hn_host *host, struct hn_error *err)
{
	struct hn_set cpus = {0};
	int r;

	if (host->cpu_count == 0)
		return hn_fail(err, -EINVAL, "cpus: 0 of them");
	for (size_t i = 0; i < host->cpu_count; i++) {
		const struct hn_cpu *cpu = &host->cpus[i];

		if ((r = check_id("cpus", cpu->id, i ? cpu[-1].id : -1, err)) < 0)
			return r;
		hn_set_add(&cpus, cpu->id);
	}
	if ((r = check_node_cpus(host, &cpus, err)) < 0)
		return r;
	for (size_t i = 0; i < host->cpu_count; i++) {
		const struct hn_cpu *cpu = &host->cpus[i];
		int node = hn_host_node_index(host, cpu->node);

		if (node < 0)
			return hn_fail(err, -EINVAL, "CPU %d: node %d is no node's id", cpu->id, cpu->node);
		if (!hn_set_has(&host->nodes[node].cpus, cpu->id))
			return hn_fail(err, -EINVAL, "CPU %d: node %d does not have it among its cpus",
				       cpu->id, cpu->node);
	}
	return 0;
}

static int check_distances(const struct hn_host *host, struct hn_error *err)
{
	for (size_t i = 0; i < host->node_count; i++) {
		int from = host->nodes[i].id;

		for (size_t j = 0; j < host->node_count; j++) {
			unsigned there = hn_host_distance(host, i, j), back = hn_host_distance(host, j, i);
			int to = host->nodes[j].id;

			if (there < HN_DISTANCE_LOCAL)
				return hn_fail(err, -EINVAL, "distances: %u from node %d to %d is below %d",
					       there, from, to, HN_DISTANCE_LOCAL);
			if (i == j && there != HN_DISTANCE_LOCAL)
				return hn_fail(err, -EINVAL, "distances: %u from node %d to itself is not %d",
					       there, from, HN_DISTANCE_LOCAL);
			if (back >= HN_DISTANCE_LOCAL && there != back)
				return hn_fail(err, -EINVAL,
					       "distances: %u from node %d to %d, but %u back: asymmetric",
					       there, from, to, back);
		}
	}
	return 0;
}

static int check_devices(const struct hn_host *host, struct hn_error *err)
{
	for (size_t i = 0; i < host->device_count; i++) {
		const struct hn_device *device = &host->devices[i];
		int order = i ? strcmp(device[-1].name, device->name) : -1;

		if (device->name[0] == '\0')
			return hn_fail(err, -EINVAL, "devices[%zu]: name '' is empty", i);
		if (order == 0)
			return hn_fail(err, -EINVAL, "devices: name '%s' is there twice", device->name);
		if (order > 0)
			return hn_fail(err, -EINVAL, "devices: name '%s' comes behind '%s', out of order",
				       device->name, device[-1].name);
		if (device->node != -1 && hn_host_node_index(host, device->node) < 0)
			return hn_fail(err, -EINVAL, "device '%s': node %d is no node's id", device->name,
				       device->node);
	}
	return 0;
}

static int check_homes(const struct hn_host *host, struct hn_error *err)
{
	struct hn_set homes = hn_host_home_nodes(host);

	if (hn_set_empty(&homes))
		return hn_fail(err, -EINVAL,
			       "nodes: 0 of %zu have both cpus and memory_bytes of a memory_kind for guests",
			       host->node_count);
	return 0;
}

int hn_host_check(const struct hn_host *host, struct hn_error *err)
{
	int r;

	if ((r = check_nodes(host, err)) < 0 || (r = check_cpus(host, err)) < 0 ||
	    (r = check_distances(host, err)) < 0 || (r = check_devices(host, err)) < 0 ||
	    (r = check_homes(host, err)) < 0)
		hn_error_prefix(err, "host '%.60s'", host->name);
	return r;
}

static uint16_t mended(const struct hn_host *host, size_t from, size_t to)
{
	unsigned there = hn_host_distance(host, from, to), back = hn_host_distance(host, to, from);
	unsigned larger = there > back ? there : back;

	if (from == to)
		return HN_DISTANCE_LOCAL;
	return (uint16_t)(larger < HN_DISTANCE_LOCAL ? HN_DISTANCE_REMOTE : larger);
}

static size_t mend_distances(struct hn_host *host, char *note, size_t size)
{
	size_t nodes = host->node_count, count = 0;

	for (size_t i = 0; i < nodes; i++) {
		for (size_t j = i; j < nodes; j++) {
			unsigned there = hn_host_distance(host, i, j), back = hn_host_distance(host, j, i);
			uint16_t distance = mended(host, i, j);

			if (there == distance && back == distance)
				continue;
			if (count++ == 0)
				snprintf(note, size,
					 "the machine tells distance %u from node %d to %d and %u back: "
					 "taken as %u",
					 there, host->nodes[i].id, host->nodes[j].id, back, distance);
			host->distances[i * nodes + j] = host->distances[j * nodes + i] = distance;
		}
	}
	return count;
}

static size_t drop_lost_cpus(struct hn_host *host, char *note, size_t size)
{
	size_t kept = 0, lost = 0;
	int first = -1;

	for (size_t i = 0; i < host->cpu_count; i++) {
		if (host->cpus[i].node == -1) {
			first = lost++ ? first : host->cpus[i].id;
			continue;
		}
		host->cpus[kept++] = host->cpus[i];
	}
	host->cpu_count = kept;
	if (lost)
		snprintf(note, size, "%zu CPUs from CPU %d on are in no node: left out", lost, first);
	return lost;
}

size_t hn_host_mend(struct hn_host *host, char *note, size_t size)
{
	char cpus[100] = "", distances[140] = "";
	size_t count = drop_lost_cpus(host, cpus, sizeof(cpus));

	count += mend_distances(host, distances, sizeof(distances));
	snprintf(note, size, "%s%s%s", cpus, *cpus && *distances ? "; " : "", distances);
	return count;
}
