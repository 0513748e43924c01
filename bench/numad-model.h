#pragma once
/*
 * numad-model - a model of what numad advises, since the real one knows no host but its own.
 *
 * After the source of numad 0.5 as Debian 12 packages it (pick_numa_nodes, for a request that is no process
 * yet): a node is worth the product of its weighted free memory and free CPUs; the first node is that with
 * the greatest worth over the nodes that the request needs at least, near ones counting more; from there
 * nodes are taken by distance and worth until CPUs and memory are there, or all nodes are taken.
 */
#include <stddef.h>
#include <stdint.h>

#define NUMAD_NODES_MAX 64

struct numad_node {
	int64_t cpus_total, cpus_free; /* hundredths of a CPU, as numad counts */
	int64_t mib_total, mib_free;
};

/*
 * The nodes advised for vcpus (whole ones) and mib, in the order taken: *ret_count of them in ret, which has
 * room for count. distances: count x count.
 */
void numad_advise(const struct numad_node *nodes, size_t count, const uint16_t *distances, unsigned vcpus,
		  uint64_t mib, size_t *ret, size_t *ret_count);
