#pragma once
/*
 * park - a fleet of hosts put together by hand, for tests of what is asked about it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/index.h"
#include "model/request.h"
#include "tests/unit/policy/scene.h"

#define GIB (UINT64_C(1) << 30)

/* A topology of so many nodes of 8 CPUs and 64 GiB. */
static inline struct hn_topology *park_topology(size_t nodes)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(nodes, 8, 65536);
	struct hn_topology *topology = NULL;

	return hn_topology_of(snapshot->host, &topology, NULL) == 0 ? topology : NULL;
}

/* A host with that much room on each of its nodes, and all seats free. */
static inline struct hn_fleet_record *park_host(const struct hn_topology *topology, const char *name,
						uint64_t gib)
{
	struct hn_fleet_record *record = hn_fleet_record_new(name, topology->host->node_count);

	strcpy(record->topology, topology->digest);
	for (size_t i = 0; i < record->node_count; i++) {
		record->nodes[i].room_bytes = gib * GIB;
		for (int class = 0; class < HN_CLASS_COUNT; class ++)
			record->nodes[i].seats[class] = 8;
	}
	return record;
}

static inline struct hn_guest *park_guest(unsigned vcpus, uint64_t gib, unsigned cells, enum hn_class class)
{
	struct hn_request request = {
		.vcpus = vcpus, .memory_bytes = gib * GIB, .cells = cells, .class = class};
	struct hn_guest *guest = NULL;

	return hn_request_guest(&request, "new", &guest, NULL) == 0 ? guest : NULL;
}
