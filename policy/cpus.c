#include "policy/cpus.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/capacity.h"

/* A core that a vCPU could have for its own. */
struct core {
	int number, node, llc; /* node: index */
	struct hn_set cpus;
	unsigned llc_free; /* cores free in its last-level cache */
	bool taken;
};

struct seating {
	const struct hn_host *host;
	const struct hn_guest *guest;
	struct hn_set owned; /* by other guests, and what has been given here */
	size_t core_count;
	struct core *cores; /* usable ones */
};

static int by_core(const void *a, const void *b)
{
	const struct core *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

/* One entry a CPU, brought together by core; cores with a CPU that is not to be had are dropped. */
static void join_cores(struct seating *seating, const struct hn_set *usable)
{
	size_t kept = 0, end;

	qsort(seating->cores, seating->core_count, sizeof(*seating->cores), by_core);
	for (size_t first = 0; first < seating->core_count; first = end) {
		struct core core = seating->cores[first];

		for (end = first; end < seating->core_count && seating->cores[end].number == core.number;
		     end++)
			hn_set_or(&core.cpus, &seating->cores[end].cpus);
		if (core.node >= 0 && hn_set_inside(&core.cpus, usable))
			seating->cores[kept++] = core;
	}
	seating->core_count = kept;
}

static int list_cores(struct seating *seating)
{
	struct hn_set usable = {0};
	struct hn_cpu_nodes nodes;

	hn_cpu_nodes_fill(seating->host, &nodes);
	seating->cores = calloc(seating->host->cpu_count + 1, sizeof(*seating->cores));
	if (!seating->cores)
		return -ENOMEM;
	for (size_t node = 0; node < seating->host->node_count; node++) {
		struct hn_set here = hn_usable_cpus(seating->host, node, seating->guest->class);

		hn_set_or(&usable, &here);
	}
	hn_set_subtract(&usable, &seating->owned);
	for (size_t i = 0; i < seating->host->cpu_count; i++) {
		const struct hn_cpu *cpu = &seating->host->cpus[i];

		seating->cores[seating->core_count++] = (struct core){.number = cpu->core,
								      .node = nodes.node[cpu->id],
								      .llc = cpu->llc,
								      .cpus = hn_set_of(cpu->id)};
	}
	join_cores(seating, &usable);
	return 0;
}

/* Of the cores of a node. */
static void count_free(struct seating *seating, int node)
{
	for (size_t i = 0; i < seating->core_count; i++) {
		seating->cores[i].llc_free = 0;
		for (size_t j = 0; seating->cores[i].node == node && j < seating->core_count; j++)
			seating->cores[i].llc_free += !seating->cores[j].taken &&
						      seating->cores[j].node == node &&
						      seating->cores[j].llc == seating->cores[i].llc;
	}
}

/*
 * The best core for the next of wanted vCPUs: in a cache that has room for all of them and as little more as
 * possible, else in the one that has room for most.
 */
static struct core *next_core(struct seating *seating, int node, unsigned wanted)
{
	struct core *best = NULL;

	for (size_t i = 0; i < seating->core_count; i++) {
		struct core *core = &seating->cores[i];
		bool holds = core->llc_free >= wanted, better;

		if (core->taken || core->node != node)
			continue;
		if (!best)
			better = true;
		else if (holds != (best->llc_free >= wanted))
			better = holds;
		else
			better = holds ? core->llc_free < best->llc_free : core->llc_free > best->llc_free;
		if (better)
			best = core;
	}
	return best;
}

static struct hn_vcpu_home *home_of(struct hn_placement *placement, int vcpu)
{
	for (size_t i = 0; i < placement->vcpu_count; i++)
		if (placement->vcpus[i].vcpu == vcpu)
			return &placement->vcpus[i];
	return NULL;
}

/* Cores of one node for the vCPUs from *vcpu on, as many as wanted. */
static int seat_on(struct seating *seating, const struct hn_cell *cell, int node, unsigned wanted, int *vcpu,
		   struct hn_placement *placement, struct hn_error *err)
{
	int llc = -2;

	for (; wanted > 0; wanted--) {
		struct core *core = NULL;

		for (size_t i = 0; i < seating->core_count && llc != -2 && !core; i++)
			if (!seating->cores[i].taken && seating->cores[i].node == node &&
			    seating->cores[i].llc == llc)
				core = &seating->cores[i];
		if (!core) {
			count_free(seating, node);
			core = next_core(seating, node, wanted);
		}
		if (!core)
			return hn_fail(err, -ENOSPC,
				       "CPUs: node %d has no whole core left for vCPU %d of cell %d",
				       seating->host->nodes[node].id, *vcpu, cell->id);
		core->taken = true;
		llc = core->llc;
		hn_set_or(&seating->owned, &core->cpus);
		home_of(placement, *vcpu)->cpus = core->cpus;
		*vcpu = hn_set_next(&cell->vcpus, *vcpu + 1);
	}
	return 0;
}

static unsigned free_cores(const struct seating *seating, int node)
{
	unsigned count = 0;

	for (size_t i = 0; i < seating->core_count; i++)
		count += seating->cores[i].node == node && !seating->cores[i].taken;
	return count;
}

/* vCPUs of a cell that belong on the node: as its home says, else in proportion to its memory there. */
static unsigned vcpus_on(const struct hn_placement *placement, size_t cell, size_t node, unsigned vcpus,
			 uint64_t total)
{
	const struct hn_cell_home *home = &placement->cells[cell];

	if (hn_placement_seats_known(placement, cell, vcpus))
		return (unsigned)home->vcpus[node];
	if (total == 0 || hn_set_count(&home->nodes) == 1)
		return vcpus;
	return (unsigned)((double)vcpus * (double)home->bytes[node] / (double)total + 0.5);
}

/* vCPUs of a split cell are where its home has them as far as there are cores. */
static int seat_exclusive(struct seating *seating, size_t index, struct hn_placement *placement,
			  struct hn_error *err)
{
	const struct hn_cell *cell = &seating->guest->cells[index];
	const struct hn_cell_home *home = &placement->cells[index];
	unsigned left = (unsigned)hn_set_count(&cell->vcpus), all = left;
	int vcpu = hn_set_next(&cell->vcpus, 0), r = 0, last = -1;
	uint64_t total = 0;

	for (size_t node = 0; node < placement->node_count; node++)
		total += home->bytes[node];
	for (int round = 0; round < 2 && r == 0; round++) /* the second for what the first rounded down */
		for (size_t node = 0; node < placement->node_count && left > 0 && r == 0; node++) {
			unsigned most = free_cores(seating, (int)node), wanted;

			if (!hn_set_has(&home->nodes, seating->host->nodes[node].id))
				continue;
			last = (int)node;
			wanted = round == 0 ? vcpus_on(placement, index, node, all, total) : left;
			wanted = wanted < most ? wanted : most;
			wanted = wanted < left ? wanted : left;
			r = seat_on(seating, cell, (int)node, wanted, &vcpu, placement, err);
			left -= wanted;
		}
	if (r == 0 && left > 0 && last >= 0)
		r = seat_on(seating, cell, last, left, &vcpu, placement, err);
	return r;
}

static void seat_shared(const struct seating *seating, size_t index, struct hn_placement *placement)
{
	struct hn_set cpus = {0};

	for (size_t node = 0; node < placement->node_count; node++) {
		struct hn_set here = hn_usable_cpus(seating->host, node, seating->guest->class);

		if (hn_set_has(&placement->cells[index].nodes, seating->host->nodes[node].id))
			hn_set_or(&cpus, &here);
	}
	hn_set_subtract(&cpus, &seating->owned);
	HN_SET_FOREACH (vcpu, &seating->guest->cells[index].vcpus)
		home_of(placement, vcpu)->cpus = cpus;
}

/* CPUs of a node for work that is no vCPU's. */
static struct hn_set housekeeping(const struct seating *seating, size_t node)
{
	struct hn_set cpus = seating->host->nodes[node].cpus;

	for (size_t i = 0; i < seating->host->cpu_count; i++)
		if (seating->host->cpus[i].isolated)
			hn_set_remove(&cpus, seating->host->cpus[i].id);
	hn_set_subtract(&cpus, &seating->owned);
	return cpus;
}

/* Of the home, or else of the nearest node that has any. */
static void seat_others(const struct seating *seating, struct hn_placement *placement)
{
	struct hn_set home = hn_placement_nodes(placement);
	unsigned least = UINT32_MAX;

	hn_set_clear(&placement->other_cpus);
	for (size_t node = 0; node < placement->node_count; node++) {
		struct hn_set cpus = housekeeping(seating, node);
		unsigned nearest = UINT32_MAX;

		for (size_t at = 0; at < placement->node_count; at++)
			if (hn_set_has(&home, seating->host->nodes[at].id) &&
			    hn_host_distance(seating->host, node, at) < nearest)
				nearest = hn_host_distance(seating->host, node, at);
		if (hn_set_empty(&cpus) || nearest > least)
			continue;
		if (nearest < least)
			hn_set_clear(&placement->other_cpus);
		least = nearest;
		hn_set_or(&placement->other_cpus, &cpus);
	}
}

static int name_vcpus(const struct hn_guest *guest, struct hn_placement *placement)
{
	struct hn_set vcpus = {0};
	size_t count = 0;

	for (size_t cell = 0; cell < guest->cell_count; cell++)
		hn_set_or(&vcpus, &guest->cells[cell].vcpus);
	if (hn_placement_set_vcpus(placement, (size_t)hn_set_count(&vcpus)))
		return -ENOMEM;
	HN_SET_FOREACH (vcpu, &vcpus)
		placement->vcpus[count++].vcpu = vcpu;
	return 0;
}

/* Split cells come last: they take the cores that the others leave. */
static int seat_all(struct seating *seating, struct hn_placement *placement, struct hn_error *err)
{
	int r = 0;

	for (int split = 0; split < 2; split++)
		for (size_t cell = 0; cell < seating->guest->cell_count && r == 0; cell++) {
			if ((hn_set_count(&placement->cells[cell].nodes) > 1) != split)
				continue;
			if (seating->guest->class == HN_CLASS_SHARED)
				seat_shared(seating, cell, placement);
			else
				r = seat_exclusive(seating, cell, placement, err);
		}
	return r;
}

int hn_cpus_choose_among(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
			 const struct hn_set *taken, size_t guest, struct hn_placement *placement,
			 struct hn_error *err)
{
	struct seating seating = {.host = snapshot->host,
				  .guest = snapshot->guests[guest].guest,
				  .owned = hn_owned_cpus(snapshot, guests, guest_count)};
	int r;

	hn_set_or(&seating.owned, taken);
	if (name_vcpus(seating.guest, placement) ||
	    (seating.guest->class != HN_CLASS_SHARED && list_cores(&seating))) {
		free(seating.cores);
		return hn_oom(err);
	}
	r = seat_all(&seating, placement, err);
	free(seating.cores);
	if (r == 0)
		seat_others(&seating, placement);
	return r;
}

int hn_cpus_choose(const struct hn_snapshot *snapshot, size_t guest, struct hn_placement *placement,
		   struct hn_error *err)
{
	const struct hn_set nothing = {0};

	return hn_cpus_choose_among(snapshot, &guest, 1, &nothing, guest, placement, err);
}
