#include "model/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/names.h"

static const char *const memory_kind_names[HN_MEMORY_KIND_COUNT] = {"dram", "hbm", "cxl", "nvm", "gpu"};

const char *hn_memory_kind_name(enum hn_memory_kind kind)
{
	return hn_name_of(memory_kind_names, HN_COUNT(memory_kind_names), (size_t)kind);
}

int hn_memory_kind_parse(const char *text, enum hn_memory_kind *ret, struct hn_error *err)
{
	int r = hn_name_parse(memory_kind_names, HN_COUNT(memory_kind_names), "kind of memory", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_memory_kind)r;
	return 0;
}

void hn_host_free(struct hn_host *host)
{
	if (!host)
		return;
	free(host->name);
	free(host->nodes);
	free(host->distances);
	free(host->cpus);
	free(host->bandwidths);
	free(host->latencies);
	free(host->devices);
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

int hn_host_add_performance(struct hn_host *host)
{
	size_t pairs = host->node_count * host->node_count + 1;

	if (!host->bandwidths)
		host->bandwidths = calloc(pairs, sizeof(*host->bandwidths));
	if (!host->latencies)
		host->latencies = calloc(pairs, sizeof(*host->latencies));
	return host->bandwidths && host->latencies ? 0 : -ENOMEM;
}

struct hn_device *hn_host_add_device(struct hn_host *host, const char *name)
{
	struct hn_device *grown = reallocarray(host->devices, host->device_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	host->devices = grown;
	grown += host->device_count++;
	*grown = (struct hn_device){.node = -1};
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return grown;
}

const struct hn_device *hn_host_device(const struct hn_host *host, const char *name)
{
	for (size_t i = 0; i < host->device_count; i++)
		if (strcmp(host->devices[i].name, name) == 0)
			return &host->devices[i];
	return NULL;
}

static int copy_performance(struct hn_host *copy, const struct hn_host *host)
{
	size_t pairs = host->node_count * host->node_count;

	if (!host->bandwidths)
		return 0;
	if (hn_host_add_performance(copy))
		return -ENOMEM;
	memcpy(copy->bandwidths, host->bandwidths, pairs * sizeof(*host->bandwidths));
	memcpy(copy->latencies, host->latencies, pairs * sizeof(*host->latencies));
	return 0;
}

static int copy_devices(struct hn_host *copy, const struct hn_host *host)
{
	if (host->device_count == 0)
		return 0;
	copy->devices = calloc(host->device_count, sizeof(*copy->devices));
	if (!copy->devices)
		return -ENOMEM;
	memcpy(copy->devices, host->devices, host->device_count * sizeof(*host->devices));
	copy->device_count = host->device_count;
	return 0;
}

struct hn_host *hn_host_copy(const struct hn_host *host)
{
	HN_AUTO(hn_host) struct hn_host *copy = hn_host_new(host->name, host->node_count, host->cpu_count);

	if (!copy)
		return NULL;
	memcpy(copy->nodes, host->nodes, host->node_count * sizeof(*host->nodes));
	memcpy(copy->distances, host->distances,
	       host->node_count * host->node_count * sizeof(*host->distances));
	memcpy(copy->cpus, host->cpus, host->cpu_count * sizeof(*host->cpus));
	copy->distances_known = host->distances_known;
	copy->kernel_balancing = host->kernel_balancing;
	copy->fifo_hazard = host->fifo_hazard;
	if (copy_performance(copy, host) || copy_devices(copy, host))
		return NULL;
	return hn_steal(copy);
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
		if (!hn_set_empty(&host->nodes[i].cpus) && host->nodes[i].memory_bytes > 0 &&
		    host->nodes[i].memory_kind != HN_MEMORY_GPU)
			hn_set_add(&set, host->nodes[i].id);
	return set;
}
