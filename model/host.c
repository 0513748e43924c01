#include "model/host.h"

#include <string.h>

void hn_host_free(struct hn_host *host)
{
	if (!host)
		return;
	free(host->name);
	free(host->nodes);
	free(host->distances);
	free(host->cpus);
	free(host);
}

struct hn_host *hn_host_new(const char *name, size_t node_count, size_t cpu_count)
{
	HN_AUTO(hn_host) struct hn_host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->name = strdup(name);
	host->nodes = calloc(node_count ? node_count : 1, sizeof(*host->nodes));
	host->distances = calloc(node_count ? node_count * node_count : 1, sizeof(*host->distances));
	host->cpus = calloc(cpu_count ? cpu_count : 1, sizeof(*host->cpus));
	if (!host->name || !host->nodes || !host->distances || !host->cpus)
		return NULL;
	host->node_count = node_count;
	host->cpu_count = cpu_count;
	for (size_t i = 0; i < node_count; i++) {
		host->nodes[i].id = (int)i;
		for (size_t j = 0; j < node_count; j++)
			host->distances[i * node_count + j] = i == j ? HN_DISTANCE_LOCAL : HN_DISTANCE_REMOTE;
	}
	for (size_t i = 0; i < cpu_count; i++)
		host->cpus[i] =
			(struct hn_cpu){.id = (int)i, .node = -1, .core = (int)i, .llc = -1, .package = -1};
	return hn_steal(host);
}

struct hn_host *hn_host_copy(const struct hn_host *host)
{
	struct hn_host *copy = hn_host_new(host->name, host->node_count, host->cpu_count);

	if (!copy)
		return NULL;
	memcpy(copy->nodes, host->nodes, host->node_count * sizeof(*host->nodes));
	memcpy(copy->distances, host->distances,
	       host->node_count * host->node_count * sizeof(*host->distances));
	memcpy(copy->cpus, host->cpus, host->cpu_count * sizeof(*host->cpus));
	copy->distances_known = host->distances_known;
	copy->kernel_balancing = host->kernel_balancing;
	copy->fifo_hazard = host->fifo_hazard;
	return copy;
}

int hn_host_node_index(const struct hn_host *host, int node_id)
{
	for (size_t i = 0; i < host->node_count; i++)
		if (host->nodes[i].id == node_id)
			return (int)i;
	return -1;
}

static const struct hn_cpu *find_cpu(const struct hn_host *host, int cpu_id)
{
	size_t low = 0, high = host->cpu_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (host->cpus[middle].id == cpu_id)
			return &host->cpus[middle];
		if (host->cpus[middle].id < cpu_id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int hn_host_cpu_node(const struct hn_host *host, int cpu_id)
{
	const struct hn_cpu *cpu = find_cpu(host, cpu_id);

	return cpu ? hn_host_node_index(host, cpu->node) : -1;
}

struct hn_set hn_host_home_nodes(const struct hn_host *host)
{
	struct hn_set set = {0};

	for (size_t i = 0; i < host->node_count; i++)
		if (!hn_set_empty(&host->nodes[i].cpus) && host->nodes[i].memory_bytes > 0)
			hn_set_add(&set, host->nodes[i].id);
	return set;
}
