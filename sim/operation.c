#include "sim/operation.h"

#include <stdlib.h>

#include "base/units.h"
#include "policy/price.h"
#include "policy/regret.h"

void operation_start(struct resident *resident, struct hn_guest_state *state, const struct hn_host *host,
		     struct hn_plan *plan, struct hn_world_counts *counts)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct hn_action *action = &plan->actions[i];

		if (action->kind != HN_ACTION_BIND)
			continue;
		for (size_t thread = 0; thread < state->guest->thread_count; thread++)
			if (state->guest->threads[thread].tid == action->tid)
				resident_bind(state, host, thread, &action->cpus);
		counts->binds++;
	}
	hn_plan_free(resident->plan);
	resident->plan = plan;
	resident->next = 0;
	resident->action_pages = 0;
	resident->moved_pages = 0;
	state->moving = true;
}

/* What lies on another node of the cell's home stays: see the daemon's own operations. */
static bool stays(const struct hn_plan *plan, int cell, int node)
{
	for (size_t i = 0; plan->home && i < plan->home->cell_count; i++)
		if (plan->home->cells[i].cell == cell)
			return hn_set_has(&plan->home->cells[i].nodes, node);
	return false;
}

static uint64_t pages_wanted(const struct hn_action *action, const struct hn_sample *sample, size_t cell,
			     size_t to)
{
	uint64_t limit = action->limit_bytes / SIM_PAGE, there = sample->cells[cell].on_node[to];

	if (action->limit_bytes == 0)
		return UINT64_MAX;
	return limit > there ? limit - there : 0;
}

/* One action within the pages that this tick has left; how many were moved. */
static uint64_t carry_out(struct resident *resident, struct hn_guest_state *state, struct hn_host *host,
			  size_t cell, size_t to, uint64_t pages, uint64_t now_ns)
{
	const struct hn_action *action = &resident->plan->actions[resident->next];
	uint64_t wanted = pages_wanted(action, state->sample, cell, to), moved = 0;

	for (size_t from = 0; from < host->node_count; from++) {
		uint64_t most = pages - moved < wanted - moved ? pages - moved : wanted - moved, part;

		if (from == to || stays(resident->plan, action->cell, host->nodes[from].id))
			continue;
		part = resident_move(state, host, cell, from, to, most);
		if (part > 0)
			resident->left_ns[cell * host->node_count + from] = now_ns;
		resident->carried[from] += part;
		resident->carried[to] += part;
		moved += part;
	}
	resident->moved_now += moved;
	return moved;
}

/* Closes the books on the action: a cell that has come back to where it came from has been undone. */
static void end_action(struct resident *resident, const struct hn_host *host, size_t cell, size_t to,
		       uint64_t now_ns, const struct hn_world_options *options,
		       struct hn_world_counts *counts)
{
	uint64_t left = resident->left_ns[cell * host->node_count + to];

	if (resident->action_pages > 0) {
		counts->moves++;
		counts->moved_bytes += resident->action_pages * SIM_PAGE;
		if (left > 0 && now_ns - left <= options->undo_ns) {
			counts->undone++;
			counts->undone_bytes += resident->action_pages * SIM_PAGE;
		}
	}
	resident->action_pages = 0;
	resident->next++;
}

void operation_end(struct resident *resident, struct hn_snapshot *snapshot, size_t guest,
		   const struct hn_world_options *options)
{
	struct hn_guest_state *state = &snapshot->guests[guest];
	uint64_t bytes = resident->moved_pages * SIM_PAGE;
	double seconds = (double)bytes / (double)options->bytes_per_second;

	state->looks = hn_looks_after(&state->looks, snapshot->now_ns, options->settle_ns,
				      hn_plan_migrate_bytes(resident->plan), bytes);
	hn_price_learn(&snapshot->calibration, bytes, (uint64_t)(seconds * (double)HN_NS_PER_S),
		       options->stall_share);
	if (hn_plan_migrate_bytes(resident->plan) > 0) /* threads alone pay nothing back */
		hn_regret_clear(state->regret);
	state->moving = false;
	hn_plan_free(resident->plan);
	resident->plan = NULL;
	resident->exchanges = false;
}

bool operation_act(struct resident *resident, struct hn_snapshot *snapshot, size_t guest, uint64_t *pages,
		   const struct hn_world_options *options, struct hn_world_counts *counts)
{
	const struct hn_action *action = &resident->plan->actions[resident->next];
	struct hn_guest_state *state = &snapshot->guests[guest];
	struct hn_host *host = snapshot->host;
	int cell = hn_guest_cell_index(state->guest, action->cell);
	int to = hn_host_node_index(host, action->to_node);
	uint64_t moved;

	if (action->kind != HN_ACTION_MIGRATE || cell < 0 || to < 0) {
		resident->next++;
		return true;
	}
	moved = carry_out(resident, state, host, (size_t)cell, (size_t)to, *pages, snapshot->now_ns);
	resident->action_pages += moved;
	resident->moved_pages += moved;
	*pages -= moved;
	if (*pages == 0)
		return false; /* this tick's are used up */
	end_action(resident, host, (size_t)cell, (size_t)to, snapshot->now_ns, options, counts);
	return true;
}

bool operation_go_on(struct resident *resident, struct hn_snapshot *snapshot, size_t guest, uint64_t pages,
		     const struct hn_world_options *options, struct hn_world_counts *counts)
{
	while (resident->next < resident->plan->action_count)
		if (!operation_act(resident, snapshot, guest, &pages, options, counts))
			return false;
	operation_end(resident, snapshot, guest, options);
	return true;
}
