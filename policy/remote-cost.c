#include "policy/remote-cost.h"

#include <math.h>

#include "policy/locality.h"
#include "policy/regret.h"
#include "policy/whereabouts.h"

/* How far memory can be from any place where the cell's vCPUs ran. */
static double farthest(const struct hn_host *host, const struct hn_guest *guest,
		       const struct hn_sample *sample, size_t cell)
{
	double most = 0;

	for (size_t from = 0; from < host->node_count; from++) {
		if (hn_residency_of_cell(guest, sample, cell, from) <= 0)
			continue;
		for (size_t to = 0; to < host->node_count; to++)
			most = fmax(most, hn_remoteness(host, from, to));
	}
	return most;
}

bool hn_remote_cost_of_cell(const struct hn_host *host, const struct hn_guest *guest,
			    const struct hn_sample *sample, size_t cell, struct hn_interval *ret)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, sample->node_count);
	double busy = hn_cell_busy(guest, sample, cell), most = farthest(host, guest, sample, cell);
	double known, cost, strain;
	struct hn_interval wilson;

	if (present == 0 || busy <= 0)
		return false;
	cost = hn_loss_of_cell(host, guest, sample, cell) / busy;
	known = (double)present / (double)(present + pages->unknown);
	strain = most > 0 ? fmin(1, cost / (HN_REMOTE_LOSS * known * most)) : 0;
	wilson = hn_interval_wilson((uint64_t)llround(strain * (double)present), present);
	if (sample->exhaustive)
		wilson.low = wilson.high = strain;
	ret->value = fmin(1, cost);
	ret->low = fmin(ret->value, HN_REMOTE_LOSS * most * known * wilson.low);
	ret->high = fmin(1, fmax(ret->value, HN_REMOTE_LOSS * most * (known * wilson.high + (1 - known))));
	return true;
}

bool hn_remote_cost_of_guest(const struct hn_host *host, const struct hn_guest *guest,
			     const struct hn_sample *sample, struct hn_interval *ret)
{
	struct hn_interval sum = {0};
	double weights = 0;

	for (size_t i = 0; i < guest->cell_count; i++) {
		struct hn_interval cell;
		double weight = hn_cell_busy(guest, sample, i);

		if (!hn_remote_cost_of_cell(host, guest, sample, i, &cell))
			continue;
		sum.low += weight * cell.low;
		sum.value += weight * cell.value;
		sum.high += weight * cell.high;
		weights += weight;
	}
	if (weights <= 0)
		return false;
	*ret = (struct hn_interval){sum.low / weights, sum.value / weights, sum.high / weights};
	return true;
}

/* How far other nodes are from where the guest's vCPUs ran, and its pages on them on average. */
struct reach {
	double nearest, farthest; /* 0: there is no other node */
	double sum, weights;
	double local_ns; /* the longest of the nodes they ran on */
};

static void add_pair(const struct hn_host *host, size_t from, size_t to, double weight, struct reach *reach)
{
	double far = hn_remoteness(host, from, to);

	if (from == to || host->nodes[to].memory_bytes == 0)
		return;
	reach->nearest = reach->nearest > 0 ? fmin(reach->nearest, far) : far;
	reach->farthest = fmax(reach->farthest, far);
	reach->sum += weight * far;
	reach->weights += weight;
}

static double local_latency(const struct hn_host *host, size_t node)
{
	uint32_t ns = host->latencies ? host->latencies[node * host->node_count + node] : 0;

	return ns ? ns : HN_LOCAL_LATENCY_NS;
}

static struct reach reach_of(const struct hn_host *host, const struct hn_guest *guest,
			     const struct hn_sample *sample)
{
	struct reach reach = {0};

	for (size_t cell = 0; cell < guest->cell_count; cell++) {
		const struct hn_cell_sample *pages = &sample->cells[cell];
		uint64_t present = hn_cell_sample_present(pages, sample->node_count);
		double busy = hn_cell_busy(guest, sample, cell);

		for (size_t from = 0; from < host->node_count; from++) {
			double ran = busy * hn_residency_of_cell(guest, sample, cell, from);

			if (ran <= 0)
				continue;
			reach.local_ns = fmax(reach.local_ns, local_latency(host, from));
			for (size_t to = 0; to < host->node_count; to++)
				add_pair(host, from, to,
					 present ? ran * (double)pages->on_node[to] / (double)present : 0,
					 &reach);
		}
	}
	return reach;
}

bool hn_remote_cost_counted(const struct hn_host *host, const struct hn_guest *guest,
			    const struct hn_sample *sample, const struct hn_activity *activity,
			    struct hn_interval *ret)
{
	struct reach reach = reach_of(host, guest, sample);
	double busy = 0, share, mean, lines, most;

	for (size_t i = 0; i < guest->cell_count; i++)
		busy += hn_cell_busy(guest, sample, i);
	if (busy <= 0 || reach.local_ns <= 0 || !hn_activity_remote_traffic(activity, &share))
		return false;
	mean = reach.weights > 0 ? reach.sum / reach.weights : (reach.nearest + reach.farthest) / 2;
	lines = share * hn_activity_find(activity, HN_COUNTERS_BANDWIDTH, -1)->values[HN_BANDWIDTH_TOTAL] /
		HN_LINE_BYTES;
	most = fmin(1, lines * reach.local_ns * 1e-9 * reach.farthest / busy);
	ret->value = fmin(most, HN_REMOTE_LOSS * share * mean);
	ret->low = fmin(most, HN_REMOTE_LOSS * share * reach.nearest);
	ret->high = fmin(most, HN_REMOTE_LOSS * share * reach.farthest);
	return true;
}
