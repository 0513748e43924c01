#include "policy/whereabouts.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/capacity.h"
#include "policy/locality.h"

#define LEADING 2 /* a node has so many times as much of the vCPUs' time as another that is left for it */

double hn_remoteness(const struct hn_host *host, size_t from, size_t to)
{
	unsigned distance = hn_host_distance(host, from, to);

	return distance > HN_DISTANCE_LOCAL
		       ? (double)(distance - HN_DISTANCE_LOCAL) / (double)HN_DISTANCE_LOCAL
		       : 0;
}

double hn_cell_busy(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell)
{
	double busy = 0;

	for (size_t i = 0; i < guest->thread_count; i++)
		if (guest->threads[i].kind == HN_THREAD_VCPU &&
		    guest->threads[i].cell == guest->cells[cell].id)
			busy += sample->threads[i].busy;
	return busy;
}

/* Adds the time of one vCPU to the nodes where it ran. */
static void add_busy(const struct hn_thread_sample *thread, size_t node_count, double *busy)
{
	double known = 0;

	for (size_t node = 0; node < node_count; node++)
		known += thread->residency[node];
	for (size_t node = 0; node < node_count && known > 0; node++)
		busy[node] += thread->busy * thread->residency[node] / known;
	if (known <= 0 && thread->last_node >= 0 && (size_t)thread->last_node < node_count)
		busy[thread->last_node] += thread->busy;
}

void hn_busy_of_nodes(const struct hn_snapshot *snapshot, double *busy)
{
	size_t nodes = snapshot->host->node_count;

	for (size_t node = 0; node < nodes; node++)
		busy[node] = 0;
	for (size_t g = 0; g < snapshot->guest_count; g++) {
		const struct hn_guest_state *state = &snapshot->guests[g];

		for (size_t i = 0; state->sample && i < state->guest->thread_count; i++)
			if (state->guest->threads[i].kind == HN_THREAD_VCPU &&
			    state->sample->threads[i].busy > 0)
				add_busy(&state->sample->threads[i], nodes, busy);
	}
}

unsigned hn_node_cpus(const struct hn_host *host, size_t node)
{
	unsigned count = 0;

	for (size_t i = 0; i < host->cpu_count; i++)
		count += host->cpus[i].node == host->nodes[node].id && !host->cpus[i].isolated &&
			 !host->cpus[i].reserved;
	return count;
}

bool hn_node_allowed(const struct hn_snapshot *snapshot, size_t guest, size_t cell, size_t node)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	const struct hn_node *place = &snapshot->host->nodes[node];
	struct hn_set cpus = hn_usable_cpus(snapshot->host, node, model->class);

	return place->memory_bytes > 0 && !place->draining && !hn_set_empty(&cpus) &&
	       hn_guest_allows(model, cell, place->id);
}

static double pages_on(const struct hn_guest_state *state, size_t cell, size_t node)
{
	return (double)state->sample->cells[cell].on_node[node];
}

static double time_on(const struct hn_guest_state *state, size_t cell, size_t node)
{
	return hn_residency_of_cell(state->guest, state->sample, cell, node);
}

typedef double (*measure_function)(const struct hn_guest_state *state, size_t cell, size_t node);

/* The node where most is, by the first measure, then by the second. */
static int most_of(const struct hn_snapshot *snapshot, size_t guest, size_t cell, measure_function measure,
		   measure_function second)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	int best = -1;

	for (size_t node = 0; state->sample && node < snapshot->host->node_count; node++) {
		double here = measure(state, cell, node),
		       most = best >= 0 ? measure(state, cell, (size_t)best) : 0;

		if (here <= 0 || here < most || !hn_node_allowed(snapshot, guest, cell, node))
			continue;
		if (best < 0 || here > most || second(state, cell, node) > second(state, cell, (size_t)best))
			best = (int)node;
	}
	return best;
}

int hn_whereabouts_of_memory(const struct hn_snapshot *snapshot, size_t guest, size_t cell)
{
	return most_of(snapshot, guest, cell, pages_on, time_on);
}

int hn_whereabouts_of_cpus(const struct hn_snapshot *snapshot, size_t guest, size_t cell)
{
	return most_of(snapshot, guest, cell, time_on, pages_on);
}

int hn_whereabouts_led(const struct hn_snapshot *snapshot, size_t guest, size_t cell, int from)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	int cpus = hn_whereabouts_of_cpus(snapshot, guest, cell);

	if (from < 0 || cpus < 0 || !hn_node_allowed(snapshot, guest, cell, (size_t)from))
		return cpus;
	return time_on(state, cell, (size_t)cpus) < LEADING * time_on(state, cell, (size_t)from) ? from
												 : cpus;
}

struct hn_placement *hn_placement_whole(const struct hn_snapshot *snapshot, size_t guest, const int *nodes)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	struct hn_placement *home = hn_placement_new(snapshot->host->node_count, model->cell_count);

	for (size_t cell = 0; home && cell < model->cell_count; cell++) {
		home->cells[cell].cell = model->cells[cell].id;
		home->cells[cell].nodes = hn_set_of(snapshot->host->nodes[nodes[cell]].id);
		home->cells[cell].bytes[nodes[cell]] = model->cells[cell].memory_bytes;
	}
	return home;
}

typedef int (*whereabouts_function)(const struct hn_snapshot *snapshot, size_t guest, size_t cell);

static int placement_of(const struct hn_snapshot *snapshot, size_t guest, whereabouts_function first,
			whereabouts_function second, struct hn_placement **ret)
{
	size_t cells = snapshot->guests[guest].guest->cell_count;
	HN_AUTO(memory) int *nodes = calloc(cells + 1, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	for (size_t cell = 0; cell < cells; cell++) {
		nodes[cell] = first(snapshot, guest, cell);
		if (nodes[cell] < 0)
			nodes[cell] = second(snapshot, guest, cell);
		if (nodes[cell] < 0)
			return 0;
	}
	*ret = hn_placement_whole(snapshot, guest, nodes);
	return *ret ? 1 : -ENOMEM;
}

int hn_placement_of_memory(const struct hn_snapshot *snapshot, size_t guest, struct hn_placement **ret)
{
	return placement_of(snapshot, guest, hn_whereabouts_of_memory, hn_whereabouts_of_cpus, ret);
}

int hn_placement_of_cpus(const struct hn_snapshot *snapshot, size_t guest, struct hn_placement **ret)
{
	return placement_of(snapshot, guest, hn_whereabouts_of_cpus, hn_whereabouts_of_memory, ret);
}
