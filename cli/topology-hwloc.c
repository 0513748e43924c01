/*
 * topology-hwloc - a host as hwloc's XML, version 2: nodes with their cores and CPUs, memory and distances.
 */
#include <errno.h>
#include <hwloc.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/pages.h"
#include "cli/topology.h"

struct writer {
	FILE *out;
	const struct hn_host *host;
	unsigned next_gp; /* hwloc wants a number for each object */
	struct hn_set all_cpus, all_nodes;
};

/* As hwloc writes bitmaps. */
static void write_set(struct writer *writer, const char *key, const struct hn_set *set)
{
	hwloc_bitmap_t bitmap = hwloc_bitmap_alloc();
	char *text = NULL;

	for (int bit = hn_set_next(set, 0); bitmap && bit >= 0; bit = hn_set_next(set, bit + 1))
		hwloc_bitmap_set(bitmap, (unsigned)bit);
	if (bitmap && hwloc_bitmap_asprintf(&text, bitmap) >= 0)
		fprintf(writer->out, " %s=\"%s\" complete_%s=\"%s\"", key, text, key, text);
	free(text);
	hwloc_bitmap_free(bitmap);
}

/* os_index -1: it has none. */
static void begin(struct writer *writer, const char *type, int os_index, const struct hn_set *cpus,
		  const struct hn_set *nodes)
{
	fprintf(writer->out, "<object type=\"%s\"", type);
	if (os_index >= 0)
		fprintf(writer->out, " os_index=\"%d\"", os_index);
	write_set(writer, "cpuset", cpus);
	write_set(writer, "nodeset", nodes);
	fprintf(writer->out, " gp_index=\"%u\"", ++writer->next_gp);
}

static void write_memory(struct writer *writer, const struct hn_node *node)
{
	struct hn_set self = hn_set_of(node->id);
	uint64_t in_pools = 0, page_bytes = hn_base_page_bytes();

	begin(writer, "NUMANode", node->id, &node->cpus, &self);
	fprintf(writer->out, " local_memory=\"%" PRIu64 "\">\n", node->memory_bytes);
	for (size_t i = 0; i < node->pool_count; i++)
		in_pools += node->pools[i].page_bytes * node->pools[i].total_pages;
	fprintf(writer->out, "<page_type size=\"%" PRIu64 "\" count=\"%" PRIu64 "\"/>\n", page_bytes,
		(node->memory_bytes > in_pools ? node->memory_bytes - in_pools : 0) / page_bytes);
	for (size_t i = 0; i < node->pool_count; i++)
		fprintf(writer->out, "<page_type size=\"%" PRIu64 "\" count=\"%" PRIu64 "\"/>\n",
			node->pools[i].page_bytes, node->pools[i].total_pages);
	fprintf(writer->out, "</object>\n");
}

/* The node's CPUs of that core, in the order in which they come. */
static struct hn_set cpus_of_core(const struct hn_host *host, const struct hn_node *node, int core)
{
	struct hn_set cpus = {0};

	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].core == core && host->cpus[i].node == node->id)
			hn_set_add(&cpus, host->cpus[i].id);
	return cpus;
}

static void write_core(struct writer *writer, const struct hn_node *node, int core, const struct hn_set *cpus)
{
	struct hn_set self = hn_set_of(node->id);

	begin(writer, "Core", core, cpus, &self);
	fprintf(writer->out, ">\n");
	for (int cpu = hn_set_next(cpus, 0); cpu >= 0; cpu = hn_set_next(cpus, cpu + 1)) {
		struct hn_set one = hn_set_of(cpu);

		begin(writer, "PU", cpu, &one, &self);
		fprintf(writer->out, "/>\n");
	}
	fprintf(writer->out, "</object>\n");
}

static void write_node(struct writer *writer, const struct hn_node *node)
{
	struct hn_set self = hn_set_of(node->id), left = node->cpus;
	bool group = writer->host->node_count > 1 && !hn_set_empty(&node->cpus);

	if (group) {
		begin(writer, "Group", -1, &node->cpus, &self);
		fprintf(writer->out, " kind=\"0\" subkind=\"0\">\n");
	}
	write_memory(writer, node);
	for (size_t i = 0; i < writer->host->cpu_count; i++) {
		const struct hn_cpu *cpu = &writer->host->cpus[i];
		struct hn_set siblings;

		if (cpu->node != node->id || !hn_set_has(&left, cpu->id))
			continue;
		siblings = cpus_of_core(writer->host, node, cpu->core);
		write_core(writer, node, cpu->core, &siblings);
		hn_set_subtract(&left, &siblings);
	}
	if (group)
		fprintf(writer->out, "</object>\n");
}

/* hwloc counts the characters, too. */
static void write_numbers(FILE *out, const char *element, const char *text)
{
	fprintf(out, "<%s length=\"%zu\">%s</%s>\n", element, strlen(text), text, element);
}

static int write_distances(const struct hn_host *host, FILE *out)
{
	char *indexes = NULL, *values = NULL;
	size_t length;
	FILE *text = open_memstream(&indexes, &length);

	if (host->node_count < 2 || !text) {
		if (text)
			fclose(text);
		free(indexes);
		return text ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < host->node_count; i++)
		fprintf(text, "%d ", host->nodes[i].id);
	fclose(text);
	text = open_memstream(&values, &length);
	if (!text) {
		free(indexes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < host->node_count * host->node_count; i++)
		fprintf(text, "%u ", host->distances[i]);
	fclose(text);
	fprintf(out,
		"<distances2 type=\"NUMANode\" nbobjs=\"%zu\" kind=\"5\" name=\"NUMALatency\" "
		"indexing=\"os\">\n",
		host->node_count);
	write_numbers(out, "indexes", indexes);
	write_numbers(out, "u64values", values);
	fprintf(out, "</distances2>\n");
	free(indexes);
	free(values);
	return 0;
}

int hn_topology_hwloc(const struct hn_host *host, FILE *out)
{
	struct writer writer = {.out = out, .host = host};
	int r;

	for (size_t i = 0; i < host->node_count; i++) {
		hn_set_or(&writer.all_cpus, &host->nodes[i].cpus);
		hn_set_add(&writer.all_nodes, host->nodes[i].id);
	}
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
		     "<topology version=\"2.0\">\n");
	begin(&writer, "Machine", 0, &writer.all_cpus, &writer.all_nodes);
	fprintf(out, ">\n");
	for (size_t i = 0; i < host->node_count; i++)
		write_node(&writer, &host->nodes[i]);
	fprintf(out, "</object>\n");
	r = write_distances(host, out);
	fprintf(out, "</topology>\n");
	return r;
}
