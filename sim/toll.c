#include "sim/toll.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "policy/locality.h"
#include "policy/regret.h"

/* Share of a node's bandwidth that went into copying. */
static double taken_share(const struct hn_snapshot *snapshot, const struct resident *residents, size_t node,
			  const struct hn_world_options *options)
{
	const struct hn_host *host = snapshot->host;
	double seconds = (double)options->tick_ns / (double)HN_NS_PER_S, bytes = 0,
	       most = (double)options->node_bandwidth;

	if (host->bandwidths && host->bandwidths[node * host->node_count + node] > 0)
		most = (double)host->bandwidths[node * host->node_count + node] * (double)HN_MIB;
	for (size_t i = 0; i < snapshot->guest_count; i++)
		bytes += (double)residents[i].carried[node] * (double)SIM_PAGE;
	return fmin(1, bytes / seconds / most);
}

/* Share of the guest's pages that are on the node. */
static double share_on(const struct hn_guest_state *state, size_t node)
{
	double here = 0, all = 0;

	for (size_t cell = 0; cell < state->guest->cell_count; cell++) {
		here += (double)state->sample->cells[cell].on_node[node];
		all += (double)state->sample->cells[cell].sampled;
	}
	return all > 0 ? here / all : 0;
}

static void charge_crowding(const struct hn_snapshot *snapshot, const struct resident *residents, size_t node,
			    const struct hn_world_options *options, struct hn_world_counts *counts)
{
	double share = taken_share(snapshot, residents, node, options),
	       seconds = (double)options->tick_ns / (double)HN_NS_PER_S;

	for (size_t i = 0; i < snapshot->guest_count && share > 0; i++)
		counts->crowded_s += residents[i].busy * share_on(&snapshot->guests[i], node) * share *
				     HN_REMOTE_LOSS * seconds;
}

void toll_take(const struct hn_snapshot *snapshot, struct resident *residents, uint64_t pages,
	       const struct hn_world_options *options, struct hn_world_counts *counts)
{
	double seconds = (double)options->tick_ns / (double)HN_NS_PER_S;
	bool moving = false;

	for (size_t i = 0; i < snapshot->guest_count; i++) {
		struct resident *resident = &residents[i];

		counts->busy_s += resident->busy * seconds;
		counts->remote_s += resident->lost * seconds;
		counts->stalled_s += resident->busy * options->stall_share * seconds *
				     fmin(1, (double)resident->moved_now / (double)pages);
		moving = moving || resident->moved_now > 0;
		resident->moved_now = 0;
	}
	if (!moving)
		return;
	for (size_t node = 0; node < snapshot->host->node_count; node++)
		charge_crowding(snapshot, residents, node, options, counts);
	for (size_t i = 0; i < snapshot->guest_count; i++)
		memset(residents[i].carried, 0, snapshot->host->node_count * sizeof(*residents[i].carried));
}
