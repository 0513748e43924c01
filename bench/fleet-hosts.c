/*
 * fleet-hosts - made-up hosts with guests on them, as the keys and values that they would publish in etcd.
 *
 *     bench-fleet-hosts COUNT [SEED]      a line of KEY, TAB, VALUE each, topologies first
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/units.h"
#include "fleet/record.h"
#include "fleet/topology.h"

#define MAKES 10
#define NODES 8
#define NODE_CPUS 32
#define GUESTS_MAX 40

static void print_json(const char *kind, const char *name, json_object *json)
{
	printf("%s/%s\t%s\n", kind, name, json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
}

/* Two sockets of four nodes; makes differ in memory and in distances. */
static struct hn_host *make_host(unsigned make)
{
	struct hn_host *host = hn_host_new("make", NODES, (size_t)NODES * NODE_CPUS);

	if (!host)
		exit(1);
	for (size_t i = 0; i < NODES; i++) {
		struct hn_node *node = &host->nodes[i];

		node->memory_bytes = (64 + 16 * (uint64_t)make) * HN_GIB;
		for (size_t j = 0; j < NODES; j++)
			host->distances[i * NODES + j] = (uint16_t)(i == j           ? 10
								    : i / 4 == j / 4 ? 12 + make % 2
										     : 21 + make);
		for (int cpu = 0; cpu < NODE_CPUS; cpu++) {
			struct hn_cpu *made = &host->cpus[i * NODE_CPUS + (size_t)cpu];

			made->id = (int)(i * NODE_CPUS) + cpu;
			made->node = (int)i;
			made->core = made->id / 2;
			made->package = (int)i / 4;
			hn_set_add(&node->cpus, made->id);
		}
	}
	return host;
}

/* A guest of one cell at home on a node, while there is memory for it. */
static void add_guest(struct hn_snapshot *snapshot, struct hn_random *random, unsigned number)
{
	size_t node = hn_random_below(random, NODES);
	unsigned vcpus = 1u << hn_random_below(random, 4);
	uint64_t bytes = vcpus * (2 + hn_random_below(random, 7)) * HN_GIB;
	struct hn_guest_state *state;
	struct hn_cell *cell;
	char name[32];

	if (snapshot->host->nodes[node].free_bytes < bytes)
		return;
	snprintf(name, sizeof(name), "guest-%u", number);
	state = hn_snapshot_add(snapshot);
	if (!state || !(state->guest = hn_guest_new(name)) || !(cell = hn_guest_add_cell(state->guest, 0)) ||
	    !(state->home = hn_placement_new(NODES, 1)))
		exit(1);
	state->guest->mode = HN_MODE_ENFORCE;
	state->guest->class = hn_random_below(random, 16) == 0 ? HN_CLASS_DEDICATED : HN_CLASS_SHARED;
	for (unsigned vcpu = 0; vcpu < vcpus; vcpu++)
		hn_set_add(&cell->vcpus, (int)vcpu);
	state->home->cells[0].nodes = hn_set_of((int)node);
	/* its memory is there already: it counts by being free no more */
	snapshot->host->nodes[node].free_bytes -= bytes;
}

static void print_host(const struct hn_host *made, const char *digest, unsigned number,
		       struct hn_random *random)
{
	struct hn_snapshot *snapshot = hn_snapshot_new(hn_host_copy(made));
	struct hn_fleet_record *record = NULL;
	unsigned guests = (unsigned)hn_random_below(random, GUESTS_MAX);
	struct hn_guest_state *newcomer = snapshot ? hn_snapshot_add(snapshot) : NULL;

	if (!newcomer || !(newcomer->guest = hn_guest_new("")) || !hn_guest_add_cell(newcomer->guest, 0))
		exit(1);
	for (size_t i = 0; i < NODES; i++)
		snapshot->host->nodes[i].free_bytes = snapshot->host->nodes[i].memory_bytes - 2 * HN_GIB;
	for (unsigned i = 0; i < guests; i++)
		add_guest(snapshot, random, i);
	if (hn_fleet_record_make(snapshot, 0, 64 * HN_MIB, digest, &record, NULL) < 0)
		exit(1);
	snprintf(record->host, sizeof(record->host), "host-%05u", number);
	snprintf(record->api, sizeof(record->api), "https://host-%05u.example:9178", number);
	record->generation = 1;
	record->counters.guests = snapshot->guest_count - 1;
	record->locality = 0.5f + (float)hn_random_below(random, 500) / 1000;
	print_json("hosts", record->host, hn_fleet_record_encode(record));
	hn_fleet_record_free(record);
	hn_snapshot_free(snapshot);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	struct hn_random random = {.state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
	struct hn_host *hosts[MAKES];
	struct hn_topology *topologies[MAKES];

	if (count == 0) {
		fprintf(stderr, "usage: bench-fleet-hosts COUNT [SEED]\n");
		return 2;
	}
	for (unsigned i = 0; i < MAKES; i++) {
		hosts[i] = make_host(i);
		if (hn_topology_of(hosts[i], &topologies[i], NULL) < 0)
			return 1;
		print_json("topologies", topologies[i]->digest, hn_topology_encode(topologies[i]));
	}
	for (unsigned i = 0; i < count; i++)
		print_host(hosts[i % MAKES], topologies[i % MAKES]->digest, i, &random);
	for (unsigned i = 0; i < MAKES; i++) {
		hn_topology_free(topologies[i]);
		hn_host_free(hosts[i]);
	}
	return 0;
}
