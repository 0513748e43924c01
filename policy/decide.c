#include "policy/decide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/actions.h"
#include "policy/adaptive.h"
#include "policy/capacity.h"
#include "policy/home-node.h"
#include "policy/look.h"
#include "policy/policies.h"
#include "policy/price.h"
#include "policy/regret.h"
#include "policy/swap.h"
#include "policy/traffic.h"
#include "policy/whereabouts.h"

/*
 * One look at one guest: where should it live, what of it is elsewhere, and has the look before said the
 * same? And, under a policy that counts, has it lost enough to pay for the move?
 */

const struct hn_decide_options hn_decide_defaults = {
	.solver = {.keep_free_bytes = 64 * HN_MIB, .steps = 200000},
	.looks = 2,
	.home_share = 0.99,
	.max_age_ns = 60 * HN_NS_PER_S,
	.tick_ns = 10 * HN_NS_PER_S,
};

#define FRUITLESS_DOUBLINGS_MAX 6

static void describe_home(const struct hn_placement *home, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < home->cell_count && used < size; i++) {
		char nodes[64];

		used += (size_t)snprintf(text + used, size - used, "%scell %d on node %s", i ? ", " : "",
					 home->cells[i].cell,
					 hn_set_format(&home->cells[i].nodes, nodes, sizeof(nodes)));
	}
}

/* By nodes: how many bytes belong on each can differ from sample to sample. */
static bool is_same_home(const struct hn_placement *a, const struct hn_placement *b)
{
	if (!a || a->cell_count != b->cell_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].cell != b->cells[i].cell ||
		    !hn_set_equal(&a->cells[i].nodes, &b->cells[i].nodes))
			return false;
	return true;
}

/* Whether now is the time to carry the planned actions out. */
static void conclude_actions(const struct hn_look *look, const struct hn_policy *policy,
			     struct hn_looks *looks)
{
	const struct hn_decide_options *options = look->options;
	bool at_once = options->now || policy->pace == HN_PACE_FIRST_SAMPLE;
	char home[120], bytes[HN_UNITS_TEXT_MAX], traffic[160];

	describe_home(look->plan->home, home, sizeof(home));
	if (look->plan->action_count == 0) {
		looks->agreeing = 0;
		looks->fruitless = 0;
		if (look->snapshot->now_ns >= looks->settle_until_ns)
			looks->fetches = 0;
		hn_look_conclude(look->plan, HN_VERDICT_AT_HOME, "%s", home);
		return;
	}
	looks->agreeing = is_same_home(look->state->home, look->plan->home) ? looks->agreeing + 1 : 1;
	hn_bytes_format(hn_plan_migrate_bytes(look->plan), bytes, sizeof(bytes));
	if (look->state->moving)
		hn_look_conclude(look->plan, HN_VERDICT_WAIT, "an operation on it is under way");
	else if (!at_once && look->snapshot->now_ns < looks->settle_until_ns)
		hn_look_conclude(look->plan, HN_VERDICT_WAIT, "it settles after the last operation%s",
				 looks->fetches > 1 ? ", longer: what is fetched from memory-only nodes "
						      "comes there again"
						    : "");
	else if (!at_once && looks->agreeing < options->looks)
		hn_look_conclude(look->plan, HN_VERDICT_WAIT, "look %u of %u that wants %s, %s to move",
				 looks->agreeing, options->looks, home, bytes);
	else if (!options->now && hn_traffic_is_in_the_way(look, traffic, sizeof(traffic)))
		hn_look_conclude(look->plan, HN_VERDICT_WAIT, "%s", traffic);
	else
		hn_look_conclude(look->plan, HN_VERDICT_ACT, "%s: %s to move, %u looks agree", home, bytes,
				 looks->agreeing);
}

/* How much of their busy time the guest's vCPUs lose to remote memory; negative while they are idle. */
static double lost_share(const struct hn_look *look)
{
	double lost = 0, busy = 0;

	for (size_t cell = 0; cell < look->guest->cell_count; cell++) {
		lost += hn_loss_of_cell(look->snapshot->host, look->guest, look->sample, cell);
		busy += hn_cell_busy(look->guest, look->sample, cell);
	}
	return busy > 0 ? lost / busy : -1;
}

/* Did the last move bring what it promised? Judged once it has settled, by shares of busy time, so that a
 * guest that has more or less to do now is not taken for one that has gained or lost. */
static void judge_last_move(const struct hn_look *look, struct hn_looks *looks)
{
	double now;

	if (looks->promised_share <= 0 || look->state->moving ||
	    look->sample->taken_ns < looks->settle_until_ns)
		return;
	now = lost_share(look);
	if (now < 0)
		return;
	looks->distrust = hn_price_distrust(looks->distrust, looks->promised_share, looks->lost_share - now);
	looks->promised_share = looks->lost_share = 0;
}

/* Whether most of what is to move lies on memory-only nodes. There the kernel demotes pages that are cold, so
 * they may come there again. */
static bool is_fetch(const struct hn_look *look)
{
	const struct hn_host *host = look->snapshot->host;
	uint64_t demoted = 0, others = 0;

	for (size_t i = 0; i < look->plan->action_count; i++) {
		int cell = hn_guest_cell_index(look->guest, look->plan->actions[i].cell);

		if (look->plan->actions[i].kind != HN_ACTION_MIGRATE || cell < 0)
			continue;
		for (size_t node = 0; node < host->node_count; node++) {
			uint64_t pages = look->sample->cells[cell].on_node[node];

			if (!hn_set_has(&look->plan->home->cells[cell].nodes, host->nodes[node].id))
				*(hn_set_empty(&host->nodes[node].cpus) ? &demoted : &others) += pages;
		}
	}
	return demoted > others;
}

/* The move is about to be made, by whoever enforces the plan: it has been paid for. */
static void pay(const struct hn_look *look, const struct hn_proposal *proposal, struct hn_looks *looks,
		struct hn_regret *regret)
{
	double share = lost_share(look);

	if (look->plan->verdict != HN_VERDICT_ACT || look->guest->mode != HN_MODE_ENFORCE ||
	    look->options->now)
		return;
	if (hn_plan_migrate_bytes(look->plan) > 0)
		looks->fetches = is_fetch(look) ? looks->fetches + 1 : 0;
	hn_regret_clear(regret);
	if (!proposal || share <= 0 || proposal->before <= 0)
		return;
	looks->lost_share = share;
	looks->promised_share = 0;
	for (size_t cell = 0; cell < look->guest->cell_count; cell++)
		looks->promised_share += hn_cell_busy(look->guest, look->sample, cell);
	looks->promised_share = (proposal->before - proposal->after) / looks->promised_share;
}

/* Whether most of each cell that can move is in the home of the plan. */
static bool lives_there(const struct hn_look *look)
{
	for (size_t cell = 0; cell < look->guest->cell_count; cell++)
		if (hn_guest_cell_movable(look->guest, cell) &&
		    hn_share_at_home(look, look->plan->home, cell) < 0.5)
			return false;
	return true;
}

/* A guest for whose memory there is no room where it should be: who could change places with it? */
static int note_partner(const struct hn_look *look, struct hn_error *err)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	int r = hn_decide_swap(look->snapshot, look->index, look->options, &swap, err);
	const char *name;

	if (r < 0 || !swap)
		return r;
	name = look->snapshot->guests[swap->guests[1]].guest->name;
	snprintf(look->plan->partner, sizeof(look->plan->partner), "%s", name);
	r = hn_plan_add_note(look->plan,
			     "it could change places with guest '%.100s', in %zu steps through what is free",
			     name, swap->turn_count);
	return r < 0 ? hn_oom(err) : 0;
}

/* Plans for a guest whose moves have to be worth it. 0, -ENOSPC, -ENOMEM. */
static int plan_worth(const struct hn_look *look, const struct hn_policy *policy, struct hn_looks *looks,
		      struct hn_regret *regret, struct hn_error *why)
{
	struct hn_proposal proposal;
	int r = hn_adaptive_propose(look, regret, look->options->now, &proposal, why);

	if (r == 0) {
		look->plan->home = hn_steal(proposal.home);
		r = hn_look_choose_cpus(look, why);
	}
	for (size_t cell = 0; r == 0 && cell < look->guest->cell_count; cell++)
		proposal.sides[cell] |= HN_SIDE_WIDEN; /* moves nothing, and is not paid for */
	if (r == 0)
		r = hn_actions_plan(look, proposal.sides) < 0 ? hn_oom(why) : 0;
	if (r == 0) {
		conclude_actions(look, policy, looks);
		if (look->plan->verdict == HN_VERDICT_AT_HOME && !lives_there(look))
			hn_look_conclude(
				look->plan, HN_VERDICT_BLOCKED,
				"it should move and would need both its vCPUs and its memory moved at once; "
				"it can be asked for");
		else if (look->plan->verdict == HN_VERDICT_AT_HOME && proposal.wanted)
			hn_look_conclude(look->plan, HN_VERDICT_WAIT, "%s", proposal.reason);
		else if (look->plan->verdict == HN_VERDICT_ACT && proposal.worth)
			r = hn_plan_add_note(look->plan, "%s", proposal.reason) < 0 ? hn_oom(why) : 0;
		if (proposal.worth)
			pay(look, &proposal, looks, regret);
	}
	if (r == 0 && proposal.cramped && !proposal.worth)
		r = note_partner(look, why);
	hn_proposal_done(&proposal);
	return r;
}

static int note_together(const struct hn_look *look, struct hn_error *why)
{
	bool apart = hn_home_node_is_apart(look->snapshot, look->index, look->plan->home);
	int r = apart ? 0
		      : hn_plan_add_note(look->plan,
					 "it shares nodes with a guest of group '%s', to be kept apart",
					 look->guest->apart);

	return r < 0 ? hn_oom(why) : 0;
}

/* Plans for a guest that is to be brought home. 0, -ENOSPC, -ENOMEM. */
static int plan_home(const struct hn_look *look, const struct hn_policy *policy, struct hn_looks *looks,
		     struct hn_regret *regret, struct hn_error *why)
{
	HN_AUTO(memory) unsigned *sides = calloc(look->guest->cell_count + 1, sizeof(*sides));
	int r = sides ? 0 : hn_oom(why);

	if (r == 0)
		r = policy->find_home(look->snapshot, look->index, &look->options->solver, &look->plan->home,
				      why);
	if (r == 0)
		r = note_together(look, why);
	if (r < 0)
		return r;
	for (size_t cell = 0; cell < look->guest->cell_count; cell++)
		sides[cell] = policy->sides;
	r = hn_look_choose_cpus(look, why);
	if (r < 0)
		return r;
	if (hn_actions_plan(look, sides) < 0)
		return hn_oom(why);
	conclude_actions(look, policy, looks);
	pay(look, NULL, looks, regret);
	return 0;
}

/* Policies that do not touch a guest (any more). True when the plan is concluded. */
static bool left_alone_by_policy(const struct hn_look *look, const struct hn_policy *policy)
{
	bool runs = look->guest->state == HN_RUN_RUNNING || look->guest->state == HN_RUN_UNKNOWN;

	if (policy->pace == HN_PACE_NEVER)
		return hn_look_conclude(look->plan, HN_VERDICT_LEFT_ALONE, "policy %s moves nothing",
					policy->name),
		       true;
	if (policy->pace == HN_PACE_BEFORE_IT_RUNS && runs && !look->guest->window_open)
		return hn_look_conclude(look->plan, HN_VERDICT_LEFT_ALONE,
					"policy %s leaves a guest alone while it runs, but in its window",
					policy->name),
		       true;
	return false;
}

static int keep_home(const struct hn_look *look, struct hn_error *err)
{
	if (look->plan->home || !look->state->home)
		return 0;
	look->plan->home = hn_placement_copy(look->state->home);
	if (!look->plan->home)
		return hn_oom(err);
	hn_home_node_resize(look->guest, look->plan->home); /* its memory may have come and gone */
	return 0;
}

/* Everything but the regret. */
static int decide(const struct hn_look *look, const struct hn_policy *policy, struct hn_looks *looks,
		  struct hn_regret *regret, struct hn_error *err)
{
	struct hn_error why = {0};
	int r;

	*looks = look->state->looks;
	if (hn_look_is_moot(look) || left_alone_by_policy(look, policy))
		return keep_home(look, err); /* a look that says nothing takes no home away */
	judge_last_move(look, looks);
	r = policy->pace == HN_PACE_WORTH ? plan_worth(look, policy, looks, regret, &why)
					  : plan_home(look, policy, looks, regret, &why);
	if (r == -ENOSPC) {
		looks->agreeing = 0;
		hn_look_conclude(look->plan, HN_VERDICT_BLOCKED, "does not fit: %.220s", why.message);
		if (policy->pace == HN_PACE_WORTH && (r = note_partner(look, err)) < 0)
			return r;
		return keep_home(look, err);
	}
	return r < 0 ? hn_fail(err, r, "%s", why.message) : 0;
}

int hn_decide(const struct hn_snapshot *snapshot, size_t guest, const struct hn_decide_options *options,
	      struct hn_plan **ret, struct hn_looks *ret_looks, struct hn_regret **ret_regret,
	      struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	HN_AUTO(hn_regret) struct hn_regret *regret = NULL;
	const struct hn_policy *policy = hn_policy_find(state->guest->policy, err);
	struct hn_decide_options eager = *options;
	const struct hn_set owned = hn_owned_cpus(snapshot, &guest, 1);
	struct hn_look look = {snapshot, guest, state, state->guest, state->sample, options, plan, &owned};
	int r;

	if (!plan)
		return hn_oom(err);
	if (!policy)
		return -EINVAL;
	eager.home_share = 1;
	if (policy->pace == HN_PACE_FIRST_SAMPLE) /* a single page elsewhere is reason enough */
		look.options = &eager;
	r = hn_regret_add(snapshot, guest, options->tick_ns, &regret, err);
	if (r == 0)
		r = decide(&look, policy, ret_looks, regret, err);
	if (r < 0)
		return r;
	*ret = hn_steal(plan);
	if (ret_regret)
		*ret_regret = hn_steal(regret);
	return 0;
}

struct hn_looks hn_looks_after(const struct hn_looks *looks, uint64_t now_ns, uint64_t settle_ns,
			       uint64_t predicted, uint64_t brought)
{
	struct hn_looks after = *looks;
	unsigned again = looks->fetches > 1 ? looks->fetches - 1 : 0, doublings;

	after.agreeing = 0;
	after.fruitless = brought < predicted - predicted / 2 ? looks->fruitless + 1 : 0;
	doublings = after.fruitless > again ? after.fruitless : again;
	doublings = doublings < FRUITLESS_DOUBLINGS_MAX ? doublings : FRUITLESS_DOUBLINGS_MAX;
	after.settle_until_ns = now_ns + (settle_ns << doublings);
	return after;
}
