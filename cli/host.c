/*
 * homenode host - the nodes of this host: CPUs, memory, distances.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/activity-words.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/pools.h"
#include "cli/table.h"

static bool any_drains(const struct hn_host *host)
{
	for (size_t i = 0; i < host->node_count; i++)
		if (host->nodes[i].draining)
			return true;
	return false;
}

/* Some node tells how many allocations it was given that were meant for another. */
static bool tells_misses(const struct hn_host *host, const struct hn_activity *activity)
{
	for (size_t i = 0; i < host->node_count; i++)
		if (hn_rate_known(hn_activity_find(activity, HN_COUNTERS_NODE, host->nodes[i].id),
				  HN_NODE_MISS))
			return true;
	return false;
}

static void add_misses(struct hn_table *table, const struct hn_activity *activity, int node)
{
	const struct hn_rates *rates = hn_activity_find(activity, HN_COUNTERS_NODE, node);

	if (!hn_rate_known(rates, HN_NODE_MISS))
		hn_table_cell(table, HN_TONE_FAINT, "-");
	else
		hn_table_cell(table, rates->values[HN_NODE_MISS] > 0 ? HN_TONE_MIDDLING : HN_TONE_PLAIN,
			      "%.0f", rates->values[HN_NODE_MISS]);
}

static void add_pool(struct hn_table *table, const struct hn_page_pool *pool)
{
	if (pool)
		hn_table_cell(table, HN_TONE_PLAIN, "%llu of %llu", (unsigned long long)pool->free_pages,
			      (unsigned long long)pool->total_pages);
	else
		hn_table_cell(table, HN_TONE_PLAIN, "-");
}

static void add_node(struct hn_table *table, const struct hn_host *host, const struct hn_activity *activity,
		     const struct hn_pool_sizes *sizes, size_t index)
{
	const struct hn_node *node = &host->nodes[index];
	char text[128], bytes[HN_UNITS_TEXT_MAX];
	double share = node->memory_bytes ? (double)node->free_bytes / (double)node->memory_bytes : 0;

	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%d", node->id);
	if (any_drains(host))
		hn_table_cell(table, node->draining ? HN_TONE_MIDDLING : HN_TONE_FAINT, "%s",
			      node->draining ? "draining" : "-");
	hn_set_format(&node->cpus, text, sizeof(text));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", *text ? text : "-");
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_bytes_format(node->memory_bytes, bytes, sizeof(bytes)));
	hn_table_cell(table, share < 0.1 ? HN_TONE_BAD : HN_TONE_PLAIN, "%s",
		      hn_bytes_format(node->free_bytes, bytes, sizeof(bytes)));
	for (size_t i = 0; i < sizes->count; i++)
		add_pool(table, hn_pool_find(node, sizes->page_bytes[i]));
	if (tells_misses(host, activity))
		add_misses(table, activity, node->id);
	for (size_t i = 0; i < host->node_count; i++)
		hn_table_cell(table, i == index ? HN_TONE_FAINT : HN_TONE_PLAIN, "%u",
			      hn_host_distance(host, index, i));
}

static void print_line(const char *label, const char *text)
{
	if (*text)
		printf("%s %s\n", label, text);
}

static void print_activity(const struct hn_activity *activity)
{
	char text[HN_REASON_MAX];

	if (!activity)
		return;
	print_line("pressure", hn_say_stalls(activity, text, sizeof(text)));
	print_line("kernel  ", hn_say_kernel(activity, text, sizeof(text)));
	print_line("doubted ", activity->refused);
}

static int print_host(const struct hn_host *host, const struct hn_activity *activity, bool colour)
{
	struct hn_table *table = hn_table_new(colour);
	struct hn_pool_sizes sizes;
	char title[64], bytes[HN_UNITS_TEXT_MAX];
	int r;

	printf("%s: %zu nodes, %zu CPUs; kernel NUMA balancing %s%s\n", host->name, host->node_count,
	       host->cpu_count, host->kernel_balancing ? "on" : "off",
	       host->distances_known ? "" : "; distances assumed");
	print_activity(activity);
	printf("\n");
	hn_table_column(table, "NODE", true);
	if (any_drains(host))
		hn_table_column(table, "STATE", false);
	hn_table_column(table, "CPUS", false);
	hn_table_column(table, "MEMORY", true);
	hn_table_column(table, "FREE", true);
	hn_pool_sizes_gather(host, &sizes);
	for (size_t i = 0; i < sizes.count; i++) {
		hn_bytes_format(sizes.page_bytes[i], bytes, sizeof(bytes));
		snprintf(title, sizeof(title), "FREE %s", bytes);
		hn_table_column(table, title, true);
	}
	if (tells_misses(host, activity))
		hn_table_column(table, "MISSES/S", true);
	for (size_t i = 0; i < host->node_count; i++) {
		snprintf(title, sizeof(title), "TO %d", host->nodes[i].id);
		hn_table_column(table, title, true);
	}
	for (size_t i = 0; i < host->node_count; i++)
		add_node(table, host, activity, &sizes, i);
	r = hn_table_print(table, 2, stdout);
	hn_table_free(table);
	return r;
}

static enum hn_exit run_host(const struct hn_invocation *invocation)
{
	HN_AUTO(json) json_object *json = NULL;
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	struct hn_error err = {0};

	if (invocation->argc > 1) {
		fprintf(stderr, "homenode: host takes no arguments\n");
		return HN_EXIT_USAGE;
	}
	if (invocation->json) {
		if (hn_client_call(invocation->client, "/v1/host", NULL, &json, &err) < 0)
			return hn_report_error(&err);
		hn_print_json(invocation, json);
		return HN_EXIT_OK;
	}
	if (hn_fetch_host_activity(invocation->client, &host, &activity, &err) < 0)
		return hn_report_error(&err);
	if (print_host(host, activity, invocation->colour) < 0) {
		hn_oom(&err);
		return hn_report_error(&err);
	}
	return HN_EXIT_OK;
}

const struct hn_command hn_command_host = {
	.name = "host",
	.arguments = "",
	.summary = "the nodes of this host: CPUs, memory, distances",
	.options = "",
	.run = run_host,
};
