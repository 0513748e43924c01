#pragma once
/*
 * host - a machine as plain data: its nodes, CPUs, distances and memory.
 *
 * A node has an *id* (the kernel's number; ids may have gaps) and an *index* (0..node_count-1, dense, in
 * order of id). Sets and everything shown to people hold ids; arrays in this library hold indices.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"

#define HN_POOLS_MAX 4       /* page sizes a node can have pools of besides the base page */
#define HN_DISTANCE_LOCAL 10 /* ACPI SLIT: a node to itself */
#define HN_DISTANCE_REMOTE \
	20 /* assumed where the machine does not tell, as the kernel does (REMOTE_DISTANCE) */

/* What a node's memory is made of, as far as the machine tells; for people and for policies that avoid some.
 */
enum hn_memory_kind {
	HN_MEMORY_DRAM,
	HN_MEMORY_HBM, /* on the package, small and wide */
	HN_MEMORY_CXL, /* behind a link, or otherwise slower than DRAM */
	HN_MEMORY_NVM,
	HN_MEMORY_GPU, /* a coherent GPU's own: nobody's home */
	HN_MEMORY_KIND_COUNT,
};
const char *hn_memory_kind_name(enum hn_memory_kind kind);
int hn_memory_kind_parse(const char *text, enum hn_memory_kind *ret, struct hn_error *err);

/* A hugetlb pool of one node. */
struct hn_page_pool {
	uint64_t page_bytes;
	uint64_t total_pages, free_pages;
};

struct hn_node {
	int id;
	struct hn_set cpus;       /* online CPUs; empty for a memory-only node */
	uint64_t memory_bytes;    /* 0 for a node without memory */
	uint64_t free_bytes;      /* free base pages plus reclaimable clean page cache, see host/memory.h */
	uint64_t reserved_bytes;  /* of these, set apart by the operator: never a guest's */
	uint64_t watermark_bytes; /* of free ones, so many the kernel keeps by itself, see host/watermarks.h;
				     0: unknown */
	enum hn_memory_kind memory_kind;
	size_t pool_count;
	struct hn_page_pool pools[HN_POOLS_MAX];
	bool draining; /* nobody finds a new home here, and who lives here is brought away: see policy/drain.h
			*/
};

struct hn_cpu {
	int id;
	int node;      /* node id, -1 when the machine does not tell */
	int core;      /* unique over the machine; siblings (SMT) share it */
	int llc;       /* last-level cache group, unique over the machine, -1 unknown */
	int package;   /* -1 unknown */
	bool isolated; /* off the scheduler's domains (isolcpus=): realtime guests only */
	bool reserved; /* set apart by the operator for the host itself: no vCPU */
};

/* A PCI device, or what an operator calls one. */
struct hn_device {
	char name[32]; /* "0000:3b:00.0" */
	char kind[16]; /* "net", "block", "gpu", "" unknown */
	int node;      /* node id, -1 when the machine does not tell */
};

struct hn_host {
	char *name;
	size_t node_count;
	struct hn_node *nodes; /* by index */
	uint16_t *distances;   /* node_count x node_count, row = from */
	size_t cpu_count;
	struct hn_cpu *cpus;  /* online CPUs, in order of id */
	uint32_t *bandwidths; /* MiB/s, like distances, 0 unknown (ACPI HMAT); NULL: none is known */
	uint32_t *latencies;  /* ns, likewise */
	size_t device_count;
	struct hn_device *devices; /* in order of name */
	bool distances_known;      /* false: distances are 10 and 20 by assumption */
	bool kernel_balancing;     /* kernel NUMA balancing is on */
	bool fifo_hazard;          /* a realtime-scheduled CPU hog may stall page moves */
};

/* Frees the host and all it owns; NULL is fine. */
void hn_host_free(struct hn_host *host);
HN_CLEANUP_DEFINE(hn_host, struct hn_host *, hn_host_free);

/* A host with node_count nodes and cpu_count CPUs, zeroed, ids 0.., distances 10 and 20. NULL when out of
 * memory. */
struct hn_host *hn_host_new(const char *name, size_t node_count, size_t cpu_count);

/* Gives the host tables of bandwidths and latencies, zeroed, where it has none. -ENOMEM. */
int hn_host_add_performance(struct hn_host *host);

/* Appends a zeroed device with node -1; NULL when out of memory. Earlier pointers go stale. */
struct hn_device *hn_host_add_device(struct hn_host *host, const char *name);

/* The device of that name, or NULL. */
const struct hn_device *hn_host_device(const struct hn_host *host, const char *name);

/* A deep copy; NULL when out of memory. */
struct hn_host *hn_host_copy(const struct hn_host *host);

/* The index of the node with that id, or -1. */
int hn_host_node_index(const struct hn_host *host, int node_id);

/* The index of the node an online CPU belongs to, or -1. */
int hn_host_cpu_node(const struct hn_host *host, int cpu_id);

/* Relative latency from one node to another, by index, in the SLIT's units (10 = local). */
static inline unsigned hn_host_distance(const struct hn_host *host, size_t from, size_t to)
{
	return host->distances[from * host->node_count + to];
}

/* The set of ids of nodes with both CPUs and memory: the only ones a cell can be at home on. */
struct hn_set hn_host_home_nodes(const struct hn_host *host);
