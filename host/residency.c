/*
 * residency - faded sums of CPU time by node.
 *
 * Sums, and not an average of shares, so that a busy second counts for more than an idle one. All sums of a
 * thread fade by the same factor, which leaves their ratios alone; a node it left long ago fades out against
 * those it runs on now.
 */
#include "host/residency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hn_residency *hn_residency_new(size_t node_count)
{
	struct hn_residency *residency =
		calloc(1, sizeof(*residency) + node_count * sizeof(residency->on_node_ns[0]));

	if (residency)
		residency->node_count = node_count;
	return residency;
}

static void restart(struct hn_residency *residency)
{
	residency->window_ns = 0;
	residency->used_ns = 0;
	memset(residency->on_node_ns, 0, residency->node_count * sizeof(residency->on_node_ns[0]));
}

static void fade(struct hn_residency *residency, double wall_ns)
{
	double factor = exp2(-wall_ns / (double)HN_RESIDENCY_HALF_NS);

	residency->window_ns *= factor;
	residency->used_ns *= factor;
	for (size_t i = 0; i < residency->node_count; i++)
		residency->on_node_ns[i] *= factor;
}

void hn_residency_add(struct hn_residency *residency, uint64_t now_ns, uint64_t cpu_ns, int node)
{
	if (residency->last_ns == 0 || now_ns <= residency->last_ns || cpu_ns < residency->last_cpu_ns) {
		restart(residency);
	} else {
		double wall_ns = (double)(now_ns - residency->last_ns);
		double used_ns = (double)(cpu_ns - residency->last_cpu_ns);

		fade(residency, wall_ns);
		residency->window_ns += wall_ns;
		residency->used_ns += used_ns;
		if (node >= 0 && (size_t)node < residency->node_count)
			residency->on_node_ns[node] += used_ns;
	}
	residency->last_ns = now_ns;
	residency->last_cpu_ns = cpu_ns;
}

void hn_residency_leave(struct hn_residency *residency, size_t node)
{
	if (node < residency->node_count)
		residency->on_node_ns[node] = 0;
}

double hn_residency_read(const struct hn_residency *residency, double *ret_shares)
{
	double located_ns = 0, busy;

	for (size_t i = 0; i < residency->node_count; i++)
		located_ns += residency->on_node_ns[i];
	for (size_t i = 0; i < residency->node_count; i++)
		ret_shares[i] = located_ns > 0 ? residency->on_node_ns[i] / located_ns : 0;
	if (residency->window_ns <= 0)
		return 0;
	busy = residency->used_ns / residency->window_ns;
	return busy > 1 ? 1 : busy;
}
