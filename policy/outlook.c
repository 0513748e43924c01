#include "policy/outlook.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/actions.h"
#include "policy/locality.h"
#include "policy/regret.h"
#include "policy/whereabouts.h"

#define ROUNDING 1e-9

void hn_outlook_done(struct hn_outlook *outlook)
{
	free(outlook->busy);
	outlook->busy = NULL;
}

int hn_outlook_init(struct hn_outlook *outlook, const struct hn_snapshot *snapshot)
{
	const struct hn_host *host = snapshot->host;

	*outlook = (struct hn_outlook){.busy = calloc(host->node_count + 1, sizeof(double)),
				       .node_count = host->node_count};
	if (!outlook->busy)
		return -ENOMEM;
	hn_busy_of_nodes(snapshot, outlook->busy);
	for (size_t g = 0; g < snapshot->guest_count; g++) {
		const struct hn_guest_state *state = &snapshot->guests[g];

		for (size_t cell = 0; state->sample && cell < state->guest->cell_count; cell++)
			outlook->lost += hn_loss_of_cell(host, state->guest, state->sample, cell);
	}
	return 0;
}

int hn_outlook_copy(struct hn_outlook *outlook, const struct hn_outlook *of)
{
	*outlook = *of;
	outlook->busy = calloc(of->node_count + 1, sizeof(double));
	if (!outlook->busy)
		return -ENOMEM;
	memcpy(outlook->busy, of->busy, of->node_count * sizeof(double));
	return 0;
}

/* Share of the cell's home, or of its pages as they are, on each node. */
static double home_share(const struct hn_placement *home, size_t cell, size_t node)
{
	double total = 0;

	for (size_t i = 0; i < home->node_count; i++)
		total += (double)home->cells[cell].bytes[i];
	return total > 0 ? (double)home->cells[cell].bytes[node] / total : 0;
}

static double page_share(const struct hn_guest_state *state, size_t cell, size_t node)
{
	uint64_t present = hn_cell_sample_present(&state->sample->cells[cell], state->sample->node_count);

	return present ? (double)state->sample->cells[cell].on_node[node] / (double)present : 0;
}

/* The node of a home that lacks most of its part, and what of the cell's present pages that is. */
static size_t neediest(const struct hn_guest_state *state, const struct hn_placement *home, size_t cell,
		       double *ret_lack)
{
	size_t best = 0;

	*ret_lack = 0;
	for (size_t node = 0; node < home->node_count; node++) {
		double lack = home_share(home, cell, node) - page_share(state, cell, node);

		if (lack > *ret_lack) {
			*ret_lack = lack;
			best = node;
		}
	}
	return best;
}

/*
 * Share of the cell's pages on the node once they have been brought home: those on any of its nodes stay, the
 * others go to the one that lacks most, as far as they belong there (policy/actions.c).
 */
static double share_brought(const struct hn_snapshot *snapshot, const struct hn_guest_state *state,
			    const struct hn_placement *home, size_t cell, size_t node)
{
	double away = 0, lack, moved;
	size_t target = neediest(state, home, cell, &lack);

	for (size_t i = 0; i < home->node_count; i++)
		if (!hn_set_has(&home->cells[cell].nodes, snapshot->host->nodes[i].id))
			away += page_share(state, cell, i);
	moved = fmin(away, lack);
	if (node == target)
		return page_share(state, cell, node) + moved;
	if (away > 0 && !hn_set_has(&home->cells[cell].nodes, snapshot->host->nodes[node].id))
		return page_share(state, cell, node) * (1 - moved / away);
	return page_share(state, cell, node);
}

/* Whether the guest's thread would be at home, and not where it ran. */
static bool goes_home(const struct hn_snapshot *snapshot, const struct hn_guest_state *state, size_t index,
		      const struct hn_placement *home, size_t cell, unsigned sides)
{
	const struct hn_thread_sample *thread = &state->sample->threads[index];

	if (state->guest->threads[index].kept)
		return false;
	if (sides & HN_SIDE_VCPUS)
		return true;
	for (size_t node = 0; node < snapshot->host->node_count && (sides & HN_SIDE_NARROW); node++) {
		struct hn_set cpus = snapshot->host->nodes[node].cpus;

		hn_set_and(&cpus, thread->allowed);
		if (hn_set_has(&home->cells[cell].nodes, snapshot->host->nodes[node].id) &&
		    !hn_set_empty(&cpus))
			return true;
	}
	return false;
}

static bool is_of_cell(const struct hn_guest *guest, size_t thread, size_t cell)
{
	return guest->threads[thread].kind == HN_THREAD_VCPU &&
	       guest->threads[thread].cell == guest->cells[cell].id;
}

/* Share of its time that the thread would run on the node. */
static double time_share(const struct hn_snapshot *snapshot, const struct hn_guest_state *state, size_t index,
			 const struct hn_placement *home, size_t cell, unsigned sides, size_t node)
{
	return goes_home(snapshot, state, index, home, cell, sides)
		       ? home_share(home, cell, node)
		       : hn_residency_of_thread(&state->sample->threads[index], snapshot->host->node_count,
						node);
}

double hn_outlook_cell(const struct hn_snapshot *snapshot, size_t guest, size_t cell,
		       const struct hn_placement *home, unsigned sides)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	size_t nodes = snapshot->host->node_count;
	double sum = 0;

	for (size_t memory = 0; memory < nodes; memory++) {
		double there = sides & HN_SIDE_MEMORY ? share_brought(snapshot, state, home, cell, memory)
						      : page_share(state, cell, memory);

		if (there <= 0)
			continue;
		for (size_t i = 0; i < state->guest->thread_count; i++)
			for (size_t node = 0; is_of_cell(state->guest, i, cell) && node < nodes; node++)
				sum += there * state->sample->threads[i].busy *
				       time_share(snapshot, state, i, home, cell, sides, node) *
				       hn_remoteness(snapshot->host, node, memory);
	}
	return sum * HN_REMOTE_LOSS;
}

void hn_outlook_move(struct hn_outlook *outlook, const struct hn_snapshot *snapshot, size_t guest,
		     size_t cell, const struct hn_placement *home, unsigned sides)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];

	outlook->lost += hn_outlook_cell(snapshot, guest, cell, home, sides) -
			 hn_loss_of_cell(snapshot->host, state->guest, state->sample, cell);
	for (size_t i = 0; i < state->guest->thread_count; i++) {
		const struct hn_thread_sample *thread = &state->sample->threads[i];

		for (size_t node = 0; is_of_cell(state->guest, i, cell) && node < outlook->node_count; node++)
			outlook->busy[node] +=
				thread->busy * (time_share(snapshot, state, i, home, cell, sides, node) -
						hn_residency_of_thread(thread, outlook->node_count, node));
	}
}

double hn_outlook_potential(const struct hn_outlook *outlook, const struct hn_host *host)
{
	double sum = outlook->lost;

	for (size_t node = 0; node < outlook->node_count; node++)
		sum += fmax(0, outlook->busy[node] - hn_node_cpus(host, node));
	return sum;
}

bool hn_outlook_is_better(const struct hn_outlook *after, const struct hn_outlook *before,
			  const struct hn_host *host)
{
	return hn_outlook_potential(after, host) < hn_outlook_potential(before, host) - ROUNDING;
}
