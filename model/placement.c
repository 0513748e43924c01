#include "model/placement.h"

#include <errno.h>
#include <string.h>

#include "model/names.h"

static const char *const part_names[HN_COST_PARTS] = {"remote", "cpu", "bandwidth", "fragment", "migrate"};

const char *hn_cost_part_name(enum hn_cost_part part)
{
	return hn_name_of(part_names, HN_COUNT(part_names), (size_t)part);
}

int hn_cost_compare(const struct hn_cost *a, const struct hn_cost *b)
{
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		if (a->parts[i] != b->parts[i])
			return a->parts[i] < b->parts[i] ? -1 : 1;
	return 0;
}

void hn_placement_free(struct hn_placement *placement)
{
	if (!placement || placement->owners-- > 0)
		return;
	for (size_t i = 0; i < placement->cell_count; i++) {
		free(placement->cells[i].bytes);
		free(placement->cells[i].vcpus);
	}
	free(placement->cells);
	free(placement->vcpus);
	free(placement);
}

struct hn_placement *hn_placement_new(size_t node_count, size_t cell_count)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = calloc(1, sizeof(*placement));

	if (!placement)
		return NULL;
	placement->node_count = node_count;
	placement->cells = calloc(cell_count ? cell_count : 1, sizeof(*placement->cells));
	if (!placement->cells)
		return NULL;
	while (placement->cell_count < cell_count) {
		struct hn_cell_home *cell = &placement->cells[placement->cell_count++];

		cell->bytes = calloc(node_count ? node_count : 1, sizeof(*cell->bytes));
		cell->vcpus = calloc(node_count ? node_count : 1, sizeof(*cell->vcpus));
		if (!cell->bytes || !cell->vcpus)
			return NULL;
	}
	return hn_steal(placement);
}

struct hn_placement *hn_placement_share(struct hn_placement *placement)
{
	placement->owners++;
	return placement;
}

struct hn_placement *hn_placement_copy(const struct hn_placement *placement)
{
	HN_AUTO(hn_placement)
	struct hn_placement *copy = hn_placement_new(placement->node_count, placement->cell_count);

	if (!copy || hn_placement_set_vcpus(copy, placement->vcpu_count))
		return NULL;
	if (placement->vcpu_count > 0)
		memcpy(copy->vcpus, placement->vcpus, placement->vcpu_count * sizeof(*copy->vcpus));
	copy->other_cpus = placement->other_cpus;
	copy->cost = placement->cost;
	copy->bound = placement->bound;
	copy->proven = placement->proven;
	for (size_t i = 0; i < placement->cell_count; i++) {
		copy->cells[i].cell = placement->cells[i].cell;
		copy->cells[i].nodes = placement->cells[i].nodes;
		memcpy(copy->cells[i].bytes, placement->cells[i].bytes,
		       placement->node_count * sizeof(uint64_t));
		memcpy(copy->cells[i].vcpus, placement->cells[i].vcpus,
		       placement->node_count * sizeof(uint64_t));
	}
	return hn_steal(copy);
}

int hn_placement_set_vcpus(struct hn_placement *placement, size_t vcpu_count)
{
	struct hn_vcpu_home *vcpus = vcpu_count ? calloc(vcpu_count, sizeof(*vcpus)) : NULL;

	if (vcpu_count && !vcpus)
		return -ENOMEM;
	free(placement->vcpus);
	placement->vcpus = vcpus;
	placement->vcpu_count = vcpu_count;
	return 0;
}

double hn_placement_gap(const struct hn_placement *placement)
{
	for (size_t i = 0; i < HN_COST_PARTS; i++) {
		uint64_t cost = placement->cost.parts[i], bound = placement->bound.parts[i];

		if (cost > bound)
			return (double)(cost - bound) / (double)(bound ? bound : 1);
		if (cost < bound)
			break;
	}
	return 0;
}

bool hn_placement_equal(const struct hn_placement *a, const struct hn_placement *b)
{
	if (a->cell_count != b->cell_count || a->node_count != b->node_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].cell != b->cells[i].cell ||
		    !hn_set_equal(&a->cells[i].nodes, &b->cells[i].nodes) ||
		    memcmp(a->cells[i].bytes, b->cells[i].bytes, a->node_count * sizeof(uint64_t)) != 0)
			return false;
	return true;
}

bool hn_placement_seats_known(const struct hn_placement *placement, size_t cell, unsigned vcpus)
{
	const struct hn_cell_home *home = &placement->cells[cell];
	uint64_t seated = 0;

	for (size_t node = 0; node < placement->node_count && seated <= vcpus; node++)
		seated += home->vcpus[node] <= vcpus ? home->vcpus[node] : vcpus + 1;
	return vcpus > 0 && seated == vcpus && hn_set_count(&home->nodes) > 1;
}

struct hn_set hn_placement_nodes(const struct hn_placement *placement)
{
	struct hn_set nodes = {0};

	for (size_t i = 0; i < placement->cell_count; i++)
		hn_set_or(&nodes, &placement->cells[i].nodes);
	return nodes;
}
