#pragma once
/*
 * numa-host - the nodes a guest could be given, as /sys tells of them now.
 */
#include "hooks/node-set.h"

#define NUMA_NODES_MAX 256

struct numa_node {
	unsigned id, cpus;
	uint64_t total_kib, room_kib; /* room: free, and half of the clean page cache */
	/* of guests that were told to come here lately; room_kib is less by theirs */
	unsigned promised_vcpus;
};

struct numa_host {
	/* with memory, with CPUs: as far as is known. A node only counts as usable with both, and where this
	 * process (and so the guests of a libvirt inside a container) may take memory from; one that is
	 * being drained while there are others does not. */
	struct node_set online, memory, cpus;
	size_t count;
	struct numa_node nodes[NUMA_NODES_MAX]; /* the usable ones */
	uint8_t distance[NUMA_NODES_MAX][NUMA_NODES_MAX];
};

/*
 * root: "" for this machine, else a folder with sys/ and proc/ in it. There is no error: what cannot be read
 * or understood is not there, and count may be 0.
 */
void numa_host_read(const char *root, struct numa_host *ret);

/* The usable nodes; else the online ones with memory, else the online ones, else node 0: never empty. */
struct node_set numa_host_all(const struct numa_host *host);
