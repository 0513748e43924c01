/*
 * QEMU says nowhere which backend serves which NUMA node (-numa node,memdev=). But it lays the nodes' memory
 * out in the order of their numbers, and guest-physical addresses keep that order, on all machines and
 * whatever holes they have. So the regions of the flat view are walked by address beside the nodes of "info
 * numa", without the memory that was plugged in: a node's size is its backend's, exactly. What does not fit
 * is left without a cell rather than guessed.
 *
 * In the walk's way are memory of devices (ivshmem), told by the device's path in front of its RAM block's
 * name, nodes without memory, and the old -numa node,mem=, where one region serves several nodes.
 */
#include "qmp/regions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qmp/array.h"

static const struct hn_fact_memdev *find_memdev(const struct hn_facts *facts, const char *id)
{
	for (size_t i = 0; i < facts->memdev_count; i++)
		if (strcmp(facts->memdevs[i].id, id) == 0)
			return &facts->memdevs[i];
	return NULL;
}

static const struct hn_fact_device *find_device(const struct hn_facts *facts, const char *memdev)
{
	for (size_t i = 0; i < facts->device_count; i++)
		if (strcmp(facts->devices[i].memdev, memdev) == 0)
			return &facts->devices[i];
	return NULL;
}

static struct hn_region *find_region(struct hn_region *regions, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(regions[i].id, id) == 0)
			return &regions[i];
	return NULL;
}

static struct hn_region *add_region(struct hn_facts *facts, const char *id, struct hn_region **regions,
				    size_t *count)
{
	struct hn_region *region = find_region(*regions, *count, id);
	const struct hn_ramblock *block;

	if (region)
		return region;
	region = hn_array_add(regions, count, sizeof(*region));
	if (!region)
		return NULL;
	snprintf(region->id, sizeof(region->id), "%s", id);
	region->cell = -1;
	region->memdev = find_memdev(facts, id);
	region->device = find_device(facts, id);
	block = hn_mtree_find_ramblock(facts->blocks, facts->block_count, id);
	if (region->memdev)
		region->bytes = region->memdev->bytes;
	else if (block)
		region->bytes = block->bytes;
	if (!block)
		return region;
	region->page_bytes = block->page_bytes;
	region->host_address = block->host_address;
	region->foreign = !region->device && strchr(block->name, '/') && block->name[0] != '/';
	return region;
}

/* Keeps the largest pieces as probes: an address inside a large one says more than one inside a BIOS hole. */
static void add_probe(struct hn_region *region, const struct hn_mtree_piece *piece)
{
	struct hn_region_probe probe = {piece->guest_address, piece->offset, piece->bytes};
	size_t smallest = 0;

	if (region->probe_count < HN_REGION_PROBES) {
		region->probes[region->probe_count++] = probe;
		return;
	}
	for (size_t i = 1; i < HN_REGION_PROBES; i++)
		if (region->probes[i].bytes < region->probes[smallest].bytes)
			smallest = i;
	if (region->probes[smallest].bytes < probe.bytes)
		region->probes[smallest] = probe;
}

/* Adds every region of the flat view that is a backend, or is called id. */
static int add_pieces(struct hn_facts *facts, const char *id, struct hn_region **regions, size_t *count,
		      struct hn_error *err)
{
	for (size_t i = 0; i < facts->piece_count; i++) {
		const struct hn_mtree_piece *piece = &facts->pieces[i];
		struct hn_region *region;

		if (id ? strcmp(piece->region, id) != 0 : !find_memdev(facts, piece->region))
			continue;
		region = add_region(facts, piece->region, regions, count);
		if (!region)
			return hn_oom(err);
		add_probe(region, piece);
		if (!region->memdev && region->bytes < piece->offset + piece->bytes)
			region->bytes = piece->offset + piece->bytes;
	}
	return 0;
}

/* Machines that do not make their memory a backend: the region at address 0, or else the largest there is. */
static int add_default(struct hn_facts *facts, struct hn_region **regions, size_t *count,
		       struct hn_error *err)
{
	const struct hn_mtree_piece *best = NULL;

	for (size_t i = 0; i < facts->piece_count; i++) {
		const struct hn_mtree_piece *piece = &facts->pieces[i];

		if (!best || piece->guest_address == 0 ||
		    (best->guest_address != 0 && piece->bytes > best->bytes))
			best = piece;
	}
	return best ? add_pieces(facts, best->region, regions, count, err) : 0;
}

/* Backends that must be guest memory though the flat view does not show them. */
static int add_unseen(struct hn_facts *facts, struct hn_region **regions, size_t *count, struct hn_error *err)
{
	for (size_t i = 0; i < facts->memdev_count; i++) {
		const char *id = facts->memdevs[i].id;

		if (facts->piece_count > 0 && !find_device(facts, id))
			continue;
		if (!add_region(facts, id, regions, count))
			return hn_oom(err);
	}
	return 0;
}

/* What a node had at the start, in MiB as QEMU prints it. */
static uint64_t base_mib(const struct hn_facts *facts, size_t node)
{
	uint64_t bytes = facts->nodes[node].bytes;
	uint64_t plugged = facts->nodes[node].plugged_bytes;

	for (size_t i = 0; i < facts->device_count; i++)
		if (facts->devices[i].epc && facts->devices[i].node == facts->nodes[node].id)
			plugged += facts->devices[i].bytes;
	return plugged < bytes ? (bytes - plugged) >> 20 : 0;
}

/* How many nodes from first on the region serves; 0: it does not fit here. */
static size_t nodes_served(const struct hn_facts *facts, const struct hn_region *region, size_t first)
{
	uint64_t sum = 0;

	for (size_t node = first; node < facts->node_count; node++) {
		sum += base_mib(facts, node);
		if (sum == region->bytes >> 20)
			return node - first + 1;
		if (sum > region->bytes >> 20)
			return 0;
	}
	return 0;
}

static size_t skip_empty_nodes(const struct hn_facts *facts, size_t node)
{
	while (node < facts->node_count && base_mib(facts, node) == 0)
		node++;
	return node;
}

/* Walks regions beside nodes. False: they do not fit together. */
static bool walk_nodes(struct hn_facts *facts, struct hn_region *regions, size_t count)
{
	size_t node = skip_empty_nodes(facts, 0);

	for (size_t i = 0; i < count; i++) {
		if (regions[i].device)
			continue;
		regions[i].first_node = node;
		regions[i].node_count = nodes_served(facts, &regions[i], node);
		if (regions[i].node_count == 0)
			return false;
		regions[i].cell = facts->nodes[node].id;
		node = skip_empty_nodes(facts, node + regions[i].node_count);
	}
	return node == facts->node_count;
}

static bool is_one_cell(const struct hn_facts *facts)
{
	bool one = facts->node_count <= 1;

	for (size_t i = 0; i < facts->vcpu_count && !facts->numa_known; i++)
		one = one && facts->vcpus[i].node <= 0;
	return one;
}

static void assign_cells(struct hn_facts *facts, struct hn_region *regions, size_t count)
{
	bool one_cell = is_one_cell(facts);
	int only = facts->node_count == 1 ? facts->nodes[0].id : 0;
	bool fits = one_cell || walk_nodes(facts, regions, count);

	for (size_t i = 0; i < count; i++) {
		struct hn_region *region = &regions[i];

		if (region->device)
			region->cell = region->device->node >= 0 || !one_cell ? region->device->node : only;
		else if (one_cell)
			region->cell = only;
		else if (!fits)
			region->cell = -1, region->node_count = 0;
	}
	if (!fits)
		hn_facts_note(facts,
			      "the memory backends do not fit the sizes of the NUMA nodes: their cells are "
			      "unknown");
}

static void drop_foreign(struct hn_region *regions, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (!regions[i].foreign)
			regions[kept++] = regions[i];
	*count = kept;
}

int hn_regions_new(struct hn_facts *facts, struct hn_region **ret, size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_region *regions = NULL;
	size_t count = 0;
	int r = add_pieces(facts, NULL, &regions, &count, err);

	if (r == 0)
		r = add_unseen(facts, &regions, &count, err);
	if (r == 0 && count == 0)
		r = add_default(facts, &regions, &count, err);
	if (r < 0)
		return r;
	drop_foreign(regions, &count);
	assign_cells(facts, regions, count);
	for (size_t i = 0; i < count; i++)
		if (regions[i].probe_count == 0 && !regions[i].host_address)
			hn_facts_note(facts, "backend '%s' is not in the memory tree: no host address",
				      regions[i].id);
	*ret = hn_steal(regions);
	*ret_count = count;
	return 0;
}

void hn_region_take_address(struct hn_facts *facts, struct hn_region *region, size_t probe,
			    const char *said_region, uint64_t host_address)
{
	uint64_t base = host_address - region->probes[probe].offset;

	if (strcmp(said_region, region->id) != 0) {
		hn_facts_note(facts, "backend '%s': at 0x%" PRIx64 " now lies '%s'", region->id,
			      region->probes[probe].guest_address, said_region);
		region->probe_count = 0;
		region->host_address = 0;
	} else if (host_address < region->probes[probe].offset ||
		   (probe > 0 && region->host_address != base)) {
		hn_facts_note(facts, "backend '%s' seems to be in several places of QEMU's memory",
			      region->id);
		region->probe_count = 0;
		region->host_address = 0;
	} else {
		region->host_address = base;
	}
}
