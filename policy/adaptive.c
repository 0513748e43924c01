#include "policy/adaptive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/capacity.h"
#include "policy/decide.h"
#include "policy/home-node.h"
#include "policy/locality.h"
#include "policy/outlook.h"
#include "policy/price.h"
#include "policy/regret.h"
#include "policy/whereabouts.h"

void hn_proposal_done(struct hn_proposal *proposal)
{
	hn_placement_free(proposal->home);
	free(proposal->sides);
	*proposal = (struct hn_proposal){0};
}

/* Whether most of what the guest has of every cell lies in its home, or is on its way there. */
static bool lives_at_home(const struct hn_snapshot *snapshot, const struct hn_guest_state *state)
{
	for (size_t cell = 0; state->sample && !state->moving && cell < state->home->cell_count; cell++) {
		const struct hn_cell_sample *pages = &state->sample->cells[cell];
		uint64_t there = 0;

		for (size_t node = 0; node < state->sample->node_count; node++)
			if (hn_set_has(&state->home->cells[cell].nodes, snapshot->host->nodes[node].id))
				there += pages->on_node[node];
		if (there * 2 < hn_cell_sample_present(pages, state->sample->node_count))
			return false;
	}
	return true;
}

int hn_adaptive_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_placement) struct hn_placement *home = NULL, *here = NULL;
	int r = hn_home_node_keep(snapshot, guest, limits, &home, err), known;

	if (r > 0 && lives_at_home(snapshot, state)) {
		*ret = hn_steal(home);
		return 0;
	}
	known = r < 0 ? r : hn_placement_of_memory(snapshot, guest, &here);
	if (known < 0)
		return hn_oom(err);
	if (known > 0) {
		r = hn_solver_cost(snapshot, guest, limits, here, &here->cost, err);
		if (r == 0)
			*ret = hn_steal(here);
		if (r == 0 || r == -ENOMEM)
			return r;
	}
	return hn_home_node_find(snapshot, guest, limits, ret, err);
}

/* Whether the cell's vCPUs should come to the node of its memory: busy is the node's without this guest, and
 * with its cells that were decided before. */
static bool vcpus_should_come(const struct hn_snapshot *snapshot, size_t guest, size_t cell, size_t node,
			      double busy)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	const struct hn_cell_sample *pages = &state->sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, state->sample->node_count);

	if (!hn_guest_cell_movable(state->guest, cell))
		return true;
	if (!hn_guest_allows(state->guest, cell, snapshot->host->nodes[node].id))
		return false;
	return pages->on_node[node] * 2 > present && busy + hn_cell_busy(state->guest, state->sample, cell) <
							     HN_BUSY_MAX * hn_node_cpus(snapshot->host, node);
}

/* Busy time on each node but for this guest's; all: of everybody. */
static double *others_busy(const struct hn_snapshot *snapshot, size_t guest, const double *all)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	double *busy = calloc(snapshot->host->node_count + 1, sizeof(*busy));

	if (!busy)
		return NULL;
	if (all)
		memcpy(busy, all, snapshot->host->node_count * sizeof(*busy));
	else
		hn_busy_of_nodes(snapshot, busy);
	for (size_t node = 0; node < snapshot->host->node_count; node++)
		for (size_t cell = 0; cell < state->guest->cell_count; cell++)
			busy[node] -= hn_cell_busy(state->guest, state->sample, cell) *
				      hn_residency_of_cell(state->guest, state->sample, cell, node);
	return busy;
}

/* Its operator has pinned vCPUs of the cell, and they do not come. */
static bool has_kept_vcpus(const struct hn_guest *guest, size_t cell)
{
	for (size_t i = 0; i < guest->thread_count; i++)
		if (guest->threads[i].kept && guest->threads[i].kind == HN_THREAD_VCPU &&
		    guest->threads[i].cell == guest->cells[cell].id)
			return true;
	return false;
}

/* The node, by index, that the cell is inclined to; -1 while nothing is known. */
static int inclination_of(const struct hn_snapshot *snapshot, size_t guest, size_t cell, const double *busy)
{
	int memory = hn_whereabouts_of_memory(snapshot, guest, cell);
	int cpus = hn_whereabouts_of_cpus(snapshot, guest, cell);
	const struct hn_guest *model = snapshot->guests[guest].guest;

	if (memory < 0 || cpus < 0)
		return memory < 0 ? cpus : memory;
	if (hn_guest_cell_movable(model, cell) && has_kept_vcpus(model, cell))
		return hn_whereabouts_led(snapshot, guest, cell, memory);
	return vcpus_should_come(snapshot, guest, cell, (size_t)memory, busy[memory]) ? memory : cpus;
}

int hn_adaptive_inclination(const struct hn_snapshot *snapshot, size_t guest, const double *all_busy,
			    struct hn_placement **ret)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(memory) int *nodes = calloc(state->guest->cell_count + 1, sizeof(*nodes));
	HN_AUTO(memory) double *busy = others_busy(snapshot, guest, all_busy);

	if (!nodes || !busy)
		return -ENOMEM;
	for (size_t cell = 0; cell < state->guest->cell_count; cell++) {
		nodes[cell] = inclination_of(snapshot, guest, cell, busy);
		if (nodes[cell] < 0)
			return 0;
		busy[nodes[cell]] += hn_cell_busy(state->guest, state->sample, cell);
	}
	*ret = hn_placement_whole(snapshot, guest, nodes);
	return *ret ? 1 : -ENOMEM;
}

/* vCPUs of a cell that are not where its home would have them. */
struct strangers {
	unsigned loose;  /* would have to be bound */
	unsigned barred; /* of these: may not run at home yet */
	unsigned kept;   /* may not run at home, and stay where their operator has pinned them */
};

static struct strangers count_strangers(const struct hn_look *look, const struct hn_placement *home,
					size_t cell)
{
	struct strangers count = {0};
	struct hn_set cpus;
	bool known = false;

	for (size_t i = 0; i < look->guest->thread_count; i++) {
		const struct hn_thread *thread = &look->guest->threads[i];
		struct hn_set common = *look->sample->threads[i].allowed;

		if (thread->kind != HN_THREAD_VCPU || thread->cell != look->guest->cells[cell].id)
			continue;
		if (!known || home->vcpu_count > 0) /* without seats all have the same */
			cpus = hn_home_cpus(look, home, i);
		known = true;
		count.loose += !thread->kept && !hn_set_inside(&common, &cpus);
		hn_set_and(&common, &cpus);
		if (hn_set_empty(&common))
			++*(thread->kept ? &count.kept : &count.barred);
	}
	return count;
}

/* Of the cell's time, that spent on the nodes of that home. */
static double time_at_home(const struct hn_look *look, const struct hn_placement *home, size_t cell)
{
	double share = 0;

	for (size_t node = 0; node < home->node_count; node++)
		if (hn_set_has(&home->cells[cell].nodes, look->snapshot->host->nodes[node].id))
			share += hn_residency_of_cell(look->guest, look->sample, cell, node);
	return share;
}

/* What would bring the cell home, one side only; 0 when it is there, or would take both. */
static unsigned sides_of(const struct hn_look *look, const struct hn_placement *home, size_t cell, bool now)
{
	double pages = hn_share_at_home(look, home, cell);
	bool movable = hn_guest_cell_movable(look->guest, cell);
	struct strangers strangers = count_strangers(look, home, cell);

	if (pages >= look->options->home_share || !movable)
		return strangers.loose > 0 ? HN_SIDE_VCPUS : 0;
	if (strangers.barred + strangers.kept == 0)
		return HN_SIDE_MEMORY | HN_SIDE_NARROW;
	if (now && strangers.kept == 0)
		return HN_SIDE_MEMORY | HN_SIDE_VCPUS;
	if (time_at_home(look, home, cell) > 0.5)
		return HN_SIDE_MEMORY | HN_SIDE_NARROW;
	return pages > 0.5 && strangers.loose > 0 ? HN_SIDE_VCPUS : 0;
}

static double price_of(const struct hn_look *look, const struct hn_placement *home, size_t cell,
		       unsigned sides)
{
	unsigned vcpus = (unsigned)hn_guest_vcpu_count(look->guest);
	struct strangers strangers = count_strangers(look, home, cell);
	double distrust = look->state->looks.distrust, price;

	price = hn_price_of_rebinding(sides & HN_SIDE_MEMORY ? strangers.barred : strangers.loose, distrust);
	if (sides & HN_SIDE_MEMORY)
		price += hn_price_of_migration(&look->snapshot->calibration, hn_bytes_away(look, home, cell),
					       vcpus, distrust);
	return price;
}

static double theta_of(const struct hn_snapshot *snapshot)
{
	struct hn_set homes = hn_host_home_nodes(snapshot->host);

	return hn_price_theta((unsigned)hn_set_count(&homes));
}

void hn_adaptive_weigh(const struct hn_look *look, const struct hn_placement *home,
		       const struct hn_regret *regret, bool now, struct hn_proposal *ret)
{
	double theta = theta_of(look->snapshot);

	for (size_t cell = 0; cell < look->guest->cell_count; cell++) {
		double owed = hn_regret_of(regret, home, cell), price, before, after;

		ret->sides[cell] = sides_of(look, home, cell, now);
		if (ret->sides[cell] == 0)
			continue;
		before = hn_loss_of_cell(look->snapshot->host, look->guest, look->sample, cell);
		after = hn_outlook_cell(look->snapshot, look->index, cell, home, ret->sides[cell]);
		if (after >= before && !now) {
			ret->sides[cell] = 0;
			continue;
		}
		ret->wanted = true;
		price = price_of(look, home, cell, ret->sides[cell]);
		ret->regret += owed;
		ret->price += price;
		if (!now && !(owed > 0 && owed >= theta * price)) {
			ret->sides[cell] = 0;
			continue;
		}
		ret->worth = true;
		ret->before += before;
		ret->after += after;
	}
}

/* Whether the host as a whole loses less once the cells have moved. -ENOMEM. */
static int is_better(const struct hn_look *look, const struct hn_placement *home, const unsigned *sides)
{
	struct hn_outlook before, after = {0};
	int r = hn_outlook_init(&before, look->snapshot);

	if (r == 0)
		r = hn_outlook_init(&after, look->snapshot);
	for (size_t cell = 0; r == 0 && cell < look->guest->cell_count; cell++)
		if (sides[cell])
			hn_outlook_move(&after, look->snapshot, look->index, cell, home, sides[cell]);
	if (r == 0)
		r = hn_outlook_is_better(&after, &before, look->snapshot->host);
	hn_outlook_done(&before);
	hn_outlook_done(&after);
	return r;
}

/* Weighs one home: 1 when there is something to be said for it, 0 when not, -ENOMEM. */
static int consider(const struct hn_look *look, struct hn_placement **home, const struct hn_regret *regret,
		    bool now, struct hn_proposal *ret, struct hn_error *err)
{
	struct hn_error why;
	int r = hn_solver_cost(look->snapshot, look->index, &look->options->solver, *home, &(*home)->cost,
			       &why);

	if (r == -ENOMEM)
		return hn_oom(err);
	ret->wanted = ret->worth = false;
	ret->regret = ret->price = ret->before = ret->after = 0;
	hn_adaptive_weigh(look, *home, regret, now, ret);
	if (r < 0) {
		r = ret->worth ? hn_solver_allows(look->snapshot, look->index, &look->options->solver, *home)
			       : 0;
		if (r < 0)
			return hn_oom(err);
		ret->cramped = ret->cramped || r > 0; /* only for want of room */
		ret->wanted = ret->worth = false;
	} else if (ret->worth && !now) {
		r = is_better(look, *home, ret->sides);
		if (r < 0)
			return hn_oom(err);
		ret->worth = r > 0;
	}
	if (ret->worth) {
		hn_placement_free(ret->home);
		ret->home = hn_steal(*home);
	} else {
		memset(ret->sides, 0, look->guest->cell_count * sizeof(*ret->sides));
	}
	return ret->wanted;
}

static void explain(const struct hn_look *look, struct hn_proposal *proposal)
{
	char *text = proposal->reason;
	size_t size = sizeof(proposal->reason);

	if (proposal->worth)
		snprintf(text, size, "%.3g vCPU-seconds were lost (estimated), the move costs %.3g",
			 proposal->regret, proposal->price);
	else if (proposal->wanted && proposal->regret >= theta_of(look->snapshot) * proposal->price)
		snprintf(text, size,
			 "what it lost would be worth a move, but the host as a whole would lose more");
	else if (proposal->wanted)
		snprintf(text, size,
			 "%.3g vCPU-seconds were lost (estimated); a move costs %.3g and is made at %.3g "
			 "times "
			 "that",
			 proposal->regret, proposal->price, theta_of(look->snapshot));
	else
		snprintf(text, size, "nothing to be gained elsewhere%s",
			 proposal->cramped ? " that has room for it" : "");
}

int hn_adaptive_propose(const struct hn_look *look, const struct hn_regret *regret, bool now,
			struct hn_proposal *ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *inclined = NULL, *solved = NULL;
	struct hn_error why;
	int r;

	*ret = (struct hn_proposal){.sides = calloc(look->guest->cell_count + 1, sizeof(unsigned))};
	if (!ret->sides)
		return hn_oom(err);
	r = hn_adaptive_find(look->snapshot, look->index, &look->options->solver, &ret->home, err);
	if (r < 0)
		return r;
	r = hn_adaptive_inclination(look->snapshot, look->index, NULL, &inclined);
	if (r < 0)
		return hn_oom(err);
	if (r > 0)
		r = consider(look, &inclined, regret, now, ret, err);
	if (r == 0) {
		r = hn_home_node_find(look->snapshot, look->index, &look->options->solver, &solved, &why);
		if (r == 0)
			r = consider(look, &solved, regret, now, ret, err);
		else if (r == -ENOSPC)
			r = 0; /* it can stay, and that is all */
	}
	if (r < 0)
		return r == -ENOMEM ? hn_oom(err) : hn_fail(err, r, "%s", why.message);
	explain(look, ret);
	return 0;
}
