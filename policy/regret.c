#include "policy/regret.h"

#include <math.h>
#include <string.h>

#include "policy/whereabouts.h"

static bool is_vcpu_of(const struct hn_guest *guest, size_t thread, size_t cell)
{
	return guest->threads[thread].kind == HN_THREAD_VCPU &&
	       guest->threads[thread].cell == guest->cells[cell].id;
}

static bool may_run_on(const struct hn_host *host, const struct hn_thread_sample *thread, size_t node)
{
	struct hn_set cpus = host->nodes[node].cpus;

	hn_set_and(&cpus, thread->allowed);
	return !hn_set_empty(&cpus);
}

/* Busy time a second x remoteness of one vCPU, from where it ran to memory on that node. */
static double thread_strain(const struct hn_host *host, const struct hn_thread_sample *thread, size_t memory)
{
	double known = 0, sum = 0;

	for (size_t node = 0; node < host->node_count; node++) {
		known += thread->residency[node];
		if (thread->residency[node] > 0)
			sum += thread->residency[node] * hn_remoteness(host, node, memory);
	}
	if (known > 0)
		return thread->busy * sum / known;
	return thread->last_node >= 0 ? thread->busy * hn_remoteness(host, (size_t)thread->last_node, memory)
				      : 0;
}

/* The same of all the cell's vCPUs. */
static double strain(const struct hn_host *host, const struct hn_guest *guest, const struct hn_sample *sample,
		     size_t cell, size_t memory)
{
	double sum = 0;

	for (size_t i = 0; i < guest->thread_count; i++)
		if (is_vcpu_of(guest, i, cell) && sample->threads[i].busy > 0)
			sum += thread_strain(host, &sample->threads[i], memory);
	return sum;
}

/* The same, when the vCPUs that may run on that node do. */
static double strain_gathered(const struct hn_host *host, const struct hn_guest *guest,
			      const struct hn_sample *sample, size_t cell, size_t memory)
{
	double sum = 0;

	for (size_t i = 0; i < guest->thread_count; i++)
		if (is_vcpu_of(guest, i, cell) && sample->threads[i].busy > 0 &&
		    !may_run_on(host, &sample->threads[i], memory))
			sum += thread_strain(host, &sample->threads[i], memory);
	return sum;
}

/* Of the cell's memory, the share that the kernel tells of. */
static double known_share(const struct hn_cell_sample *pages, uint64_t present)
{
	return present + pages->unknown ? (double)present / (double)(present + pages->unknown) : 0;
}

double hn_loss_of_cell(const struct hn_host *host, const struct hn_guest *guest,
		       const struct hn_sample *sample, size_t cell)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, sample->node_count);
	double sum = 0;

	for (size_t node = 0; node < sample->node_count; node++)
		if (pages->on_node[node] > 0)
			sum += (double)pages->on_node[node] / (double)present *
			       strain(host, guest, sample, cell, node);
	return HN_REMOTE_LOSS * known_share(pages, present) * sum;
}

/*
 * The mean over pages of a gain that is one for those on the node and another on average elsewhere, at the
 * end of the interval of the share on the node where it is less.
 */
static double least_mean(const struct hn_interval *share, double there, double elsewhere)
{
	return fmin(share->low * there + (1 - share->low) * elsewhere,
		    share->high * there + (1 - share->high) * elsewhere);
}

double hn_regret_rate(const struct hn_host *host, const struct hn_guest *guest,
		      const struct hn_sample *sample, size_t cell, size_t node)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, sample->node_count);
	uint64_t elsewhere = present - pages->on_node[node];
	struct hn_interval share = hn_cell_sample_share(pages, sample->node_count, node, sample->exhaustive);
	double busy = hn_cell_busy(guest, sample, cell), gathered, memory = 0, vcpus = 0, here;

	if (present == 0 || busy <= 0)
		return 0;
	gathered = strain_gathered(host, guest, sample, cell, node);
	here = strain(host, guest, sample, cell, node);
	for (size_t from = 0; from < sample->node_count; from++) {
		double part = elsewhere ? (double)pages->on_node[from] / (double)elsewhere : 0, now;

		if (from == node || part <= 0)
			continue;
		now = strain(host, guest, sample, cell, from);
		memory += part * (now - gathered);
		vcpus += part * (now - busy * hn_remoteness(host, node, from));
	}
	return HN_REMOTE_LOSS * known_share(pages, present) *
	       fmax(least_mean(&share, here - gathered, memory), least_mean(&share, here, vcpus));
}

/* Seconds that the sample speaks for; 0: none. */
static double span(const struct hn_snapshot *snapshot, const struct hn_guest_state *state, uint64_t tick_ns)
{
	uint64_t taken = state->sample->taken_ns, before = state->regret ? state->regret->taken_ns : 0;

	if (before == 0 || taken <= before || taken - before > 2 * tick_ns)
		return 0;
	if (snapshot->now_ns > taken && snapshot->now_ns - taken > 2 * tick_ns)
		return 0;
	return (double)(taken - before) / 1e9;
}

int hn_regret_add(const struct hn_snapshot *snapshot, size_t guest, uint64_t tick_ns, struct hn_regret **ret,
		  struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	size_t cells = state->guest->cell_count, nodes = snapshot->host->node_count;
	bool same = state->regret && state->regret->cell_count == cells && state->regret->node_count == nodes;
	double seconds;

	*ret = NULL;
	if (cells == 0 || !state->sample)
		return 0;
	*ret = same ? hn_regret_copy(state->regret) : hn_regret_new(cells, nodes);
	if (!*ret)
		return hn_oom(err);
	seconds = same ? span(snapshot, state, tick_ns) : 0;
	if (state->sample->taken_ns > (*ret)->taken_ns)
		(*ret)->taken_ns = state->sample->taken_ns;
	for (size_t i = 0; i < cells * nodes && seconds > 0; i++) {
		double *counter = &(*ret)->seconds[i];

		*counter = fmax(0, *counter + seconds * hn_regret_rate(snapshot->host, state->guest,
								       state->sample, i / nodes, i % nodes));
	}
	return 0;
}

void hn_regret_clear(struct hn_regret *regret)
{
	if (regret)
		memset(regret->seconds, 0,
		       regret->cell_count * regret->node_count * sizeof(*regret->seconds));
}

double hn_regret_of(const struct hn_regret *regret, const struct hn_placement *home, size_t cell)
{
	double sum = 0, bytes = 0;

	if (!regret || regret->cell_count != home->cell_count || regret->node_count != home->node_count)
		return 0;
	for (size_t node = 0; node < home->node_count; node++) {
		sum += (double)home->cells[cell].bytes[node] *
		       regret->seconds[cell * regret->node_count + node];
		bytes += (double)home->cells[cell].bytes[node];
	}
	return bytes > 0 ? sum / bytes : 0;
}
