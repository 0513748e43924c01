#pragma once
/*
 * regions - which mappings hold guest memory, which cell each belongs to, and where it lies in QEMU. No I/O.
 */
#include "qmp/facts.h"

#define HN_REGION_PROBES 4 /* most places of a region whose host address is asked */

struct hn_region {
	char id[HN_NAME_MAX];
	uint64_t bytes;
	uint64_t page_bytes;                 /* 0 unknown */
	const struct hn_fact_memdev *memdev; /* NULL: QEMU lists none of that name */
	const struct hn_fact_device *device; /* NULL: memory of the start */
	bool foreign;                  /* part of some device, e.g. ivshmem: not the guest's own memory */
	int cell;                      /* -1 unknown */
	size_t first_node, node_count; /* > 1: several nodes of facts->nodes share it (-numa node,mem=) */
	uint64_t host_address;         /* 0 unknown */
	size_t probe_count;
	struct hn_region_probe {
		uint64_t guest_address, offset, bytes;
	} probes[HN_REGION_PROBES];
};

/*
 * The regions of guest memory in order of guest addresses, with cells, and with host addresses where "info
 * ramblock" has them. Borrows from facts, adds notes to it. *ret is to be freed. -ENOMEM.
 */
int hn_regions_new(struct hn_facts *facts, struct hn_region **ret, size_t *ret_count, struct hn_error *err);

/* Takes the answer to gpa2hva for a probe: all answers of a region must agree, else it has no host address.
 */
void hn_region_take_address(struct hn_facts *facts, struct hn_region *region, size_t probe,
			    const char *said_region, uint64_t host_address);
