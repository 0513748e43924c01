#pragma once
/*
 * index - all hosts of the fleet in memory, laid out for scanning: hosts of one topology are a group, and
 * what every question looks at - rooms and seats - lies in arrays by host and node, the rest in the hosts'
 * records.
 */
#include <stdint.h>

#include "fleet/record.h"
#include "fleet/scene.h"

#define HN_PAGE_KINDS (1 + HN_POOLS_MAX) /* base pages, and the sizes of the topology's pools */

struct hn_fleet_group {
	struct hn_topology *topology;
	struct hn_fleet_scene *scene;
	size_t nodes, kinds;
	uint64_t page_bytes[HN_PAGE_KINDS];        /* by kind, 0: base pages */
	uint64_t homes;                            /* bit by node: whether it can be a home */
	float per_byte, per_cpu;                   /* 1024ths of its largest node */
	unsigned core_cpus[HN_TOPOLOGY_NODES_MAX]; /* by node: CPUs that go with a core */
	uint16_t *distances;                       /* [node][node] above local, the longer of the two ways */
	uint16_t *cpu_sizes;                       /* by spare CPUs: in 1024ths of its largest node */
	unsigned nearest;                          /* least distance between two homes */
	size_t count, room;                        /* hosts; a host is its place in the arrays below */
	uint64_t changes;                          /* of hosts */
	struct hn_fleet_record **records;
	uint64_t *stamps; /* the change that it came or was put with, from 1 on: no two share one */
	uint64_t *marks;  /* the reading it was last put in */
	uint64_t *order;  /* breaks ties alike in every replica: a hash of the name */
	uint64_t *rooms[HN_PAGE_KINDS];  /* [host][node], bytes */
	uint16_t *seats[HN_CLASS_COUNT]; /* [host][node] */
	uint16_t *others;                /* [host][node]: shared vCPUs that are there */
	uint64_t *frees;                 /* [host][node]: bytes in pages of all sizes */
	uint32_t *worths;                /* [host][node]: to guests to come, see policy/problem.h */
	double *most_bytes;              /* of the host's largest node */
};

struct hn_fleet_place {
	struct hn_fleet_group *group;
	size_t host;
};

struct hn_fleet_index;
struct hn_fleet_recall;

struct hn_fleet_index *hn_fleet_index_new(void); /* NULL when out of memory */
void hn_fleet_index_free(struct hn_fleet_index *index);
HN_CLEANUP_DEFINE(hn_fleet_index, struct hn_fleet_index *, hn_fleet_index_free);

/*
 * A topology is known from now on; hosts that waited for it are in, but for those whose records contradict it
 * (-EINVAL, of the first). Shared, not taken over. -ENOMEM.
 */
int hn_fleet_index_learn(struct hn_fleet_index *index, struct hn_topology *topology, struct hn_error *err);

/*
 * A host's record, taken over in any case, in place of an earlier one. One whose topology is not known yet
 * waits for it, and counts as nowhere. -EINVAL when it cannot be a record of a host of that topology,
 * -ENOMEM; the earlier one stays then.
 */
int hn_fleet_index_put(struct hn_fleet_index *index, struct hn_fleet_record *record, struct hn_error *err);
void hn_fleet_index_remove(struct hn_fleet_index *index, const char *host);
/* As if its record had been put again, if there is one. */
void hn_fleet_index_keep(struct hn_fleet_index *index, const char *host);

/* What is not put again or kept between these two is removed. */
void hn_fleet_index_begin(struct hn_fleet_index *index);
void hn_fleet_index_sweep(struct hn_fleet_index *index);

size_t hn_fleet_index_count(const struct hn_fleet_index *index);   /* hosts that are in */
size_t hn_fleet_index_waiting(const struct hn_fleet_index *index); /* for their topology */
/* Of those that are in, hosts whose records came before that time. */
size_t hn_fleet_index_silent(const struct hn_fleet_index *index, uint64_t since_ns);
size_t hn_fleet_index_groups(const struct hn_fleet_index *index);
struct hn_fleet_group *hn_fleet_index_group(const struct hn_fleet_index *index, size_t group);
/* What was found out about its hosts; NULL when out of memory. */
struct hn_fleet_recall *hn_fleet_index_recall(struct hn_fleet_index *index);
/* False when there is no such host. */
bool hn_fleet_index_find(const struct hn_fleet_index *index, const char *host, struct hn_fleet_place *ret);

/* What a node of the host with so much left is worth to guests to come: exactly as the solver has it. */
static inline uint32_t hn_fleet_group_worth(const struct hn_fleet_group *group, size_t host, unsigned cpus,
					    uint64_t bytes)
{
	unsigned by_cpus = group->cpu_sizes[cpus];
	/* signed: what a processor makes of a fraction, and a fraction of, at once */
	double by_bytes = 1024.0 * (double)(int64_t)bytes / group->most_bytes[host];
	unsigned scarcer = by_bytes < by_cpus ? (unsigned)(int)by_bytes : by_cpus;

	return scarcer * scarcer;
}

/* Room of a host's nodes for pages of that size (0: base pages); NULL: its topology has none. */
const uint64_t *hn_fleet_group_rooms(const struct hn_fleet_group *group, size_t host, uint64_t page_bytes);
