#pragma once
/*
 * topology - this host as other schedulers want to be told of it; each format is a file of its own.
 */
#include <json-c/json.h>
#include <stdio.h>

#include "cli/room.h"
#include "model/snapshot.h"

/* NodeResourceTopology, topology.node.k8s.io/v1alpha2, for Kubernetes' and KubeVirt's schedulers. NULL when
 * out of memory, as below. */
json_object *hn_topology_nrt(const struct hn_snapshot *snapshot, const struct hn_room *rooms);

/* A tree of resource providers with inventories, usages and traits, for OpenStack Placement. */
json_object *hn_topology_placement(const struct hn_snapshot *snapshot, const struct hn_room *rooms);

/* hwloc's XML, version 2: what lstopo --input reads. -ENOMEM. */
int hn_topology_hwloc(const struct hn_host *host, FILE *out);
