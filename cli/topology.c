/*
 * homenode topology - this host as other schedulers want to be told of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/host-file.h"
#include "cli/option.h"
#include "cli/topology.h"
#include "model/codec.h"

enum format { FORMAT_JSON, FORMAT_NRT, FORMAT_PLACEMENT, FORMAT_HWLOC, FORMAT_COUNT };
static const char *const format_names[FORMAT_COUNT] = {"json", "nrt", "placement", "hwloc"};

struct options {
	const char *host;
	enum format format;
};

static int take_format(const char *text, enum format *ret)
{
	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (strcmp(format_names[i], text) == 0) {
			*ret = (enum format)i;
			return 0;
		}
	}
	fprintf(stderr, "homenode: --format: unknown '%s': choose one of json, nrt, placement, hwloc\n",
		text);
	return -1;
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"format", required_argument, NULL, 'f'}, {"host", required_argument, NULL, 'H'}, {0}};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "f:", longs)) != -1) {
		if (option == 'H')
			options->host = optarg;
		else if (option != 'f' || take_format(optarg, &options->format) < 0)
			return -1;
	}
	if (optind != invocation->argc) {
		fprintf(stderr, "homenode: topology takes no arguments but its options\n");
		return -1;
	}
	return 0;
}

static json_object *encode_room(const struct hn_node *node, const struct hn_room *room)
{
	json_object *json = json_object_new_object(), *pages = json_object_new_array();

	if (!json || !pages) {
		json_object_put(json);
		json_object_put(pages);
		return NULL;
	}
	for (size_t i = 0; i < node->pool_count; i++)
		json_object_array_add(pages, json_object_new_uint64(room->free_pages[i]));
	hn_json_add_int(json, "node", node->id);
	hn_json_add_u64(json, "cpus", room->cpus);
	hn_json_add_u64(json, "allocatable_cpus", room->allocatable);
	hn_json_add_u64(json, "vcpus", room->taken);
	hn_json_add_u64(json, "allocatable_bytes", room->allocatable_bytes);
	hn_json_add_u64(json, "free_bytes", room->free_bytes);
	hn_json_add(json, "free_pages", pages);
	return json;
}

/* The host as GET /v1/host has it, with what its nodes have left. */
static json_object *make_json(const struct hn_snapshot *snapshot, const struct hn_room *rooms)
{
	json_object *json = hn_host_encode(snapshot->host), *list = json_object_new_array();

	for (size_t i = 0; json && list && i < snapshot->host->node_count; i++)
		json_object_array_add(list, encode_room(&snapshot->host->nodes[i], &rooms[i]));
	if (!json || hn_json_add(json, "room", list) < 0) {
		json_object_put(json);
		return NULL;
	}
	return json;
}

static enum hn_exit print(const struct hn_invocation *invocation, const struct options *options,
			  const struct hn_snapshot *snapshot)
{
	HN_AUTO(memory) struct hn_room *rooms = hn_room_of(snapshot);
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err;

	if (rooms && options->format == FORMAT_HWLOC && hn_topology_hwloc(snapshot->host, stdout) == 0)
		return HN_EXIT_OK;
	if (rooms && options->format == FORMAT_JSON)
		json = make_json(snapshot, rooms);
	else if (rooms && options->format == FORMAT_NRT)
		json = hn_topology_nrt(snapshot, rooms);
	else if (rooms && options->format == FORMAT_PLACEMENT)
		json = hn_topology_placement(snapshot, rooms);
	if (!json)
		return hn_oom(&err), hn_report_error(&err);
	hn_print_json(invocation, json);
	return HN_EXIT_OK;
}

static enum hn_exit run_topology(const struct hn_invocation *invocation)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	struct options options = {0};
	struct hn_decide_options ignored;
	struct hn_error err = {0};

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if ((options.host ? hn_host_file_load(options.host, &snapshot, &err)
			  : hn_fetch_snapshot(invocation->client, &snapshot, &ignored, &err)) < 0)
		return hn_report_error(&err);
	return print(invocation, &options, snapshot);
}

const struct hn_command hn_command_topology = {
	.name = "topology",
	.arguments = "[--format json|nrt|placement|hwloc] [--host PATH]",
	.summary = "this host and what it has left, for other schedulers",
	.options =
		"  -f, --format FORMAT  json (the default); nrt: NodeResourceTopology v1alpha2, for "
		"Kubernetes;\n"
		"                       placement: nested resource providers, for OpenStack; hwloc: XML for "
		"lstopo\n"
		"      --host PATH      a host from a file instead of this one, as for homenode fit\n",
	.run = run_topology,
};
