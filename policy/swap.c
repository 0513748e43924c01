#include "policy/swap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/adaptive.h"
#include "policy/look.h"
#include "policy/outlook.h"
#include "policy/schedule.h"

/* A pair that is looked at. */
struct pair {
	struct hn_look looks[2];
	struct hn_proposal proposals[2];
	double potential; /* after the swap */
};

void hn_swap_free(struct hn_swap *swap)
{
	if (!swap)
		return;
	hn_plan_free(swap->plans[0]);
	hn_plan_free(swap->plans[1]);
	free(swap->turns);
	free(swap);
}

static void pair_done(struct pair *pair)
{
	for (size_t i = 0; i < 2; i++) {
		hn_plan_free(pair->looks[i].plan);
		hn_proposal_done(&pair->proposals[i]);
	}
}

static bool may_swap(const struct hn_snapshot *snapshot, size_t guest)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];

	return state->regret && !state->moving && state->guest->mode == HN_MODE_ENFORCE &&
	       state->guest->class == HN_CLASS_SHARED && strcmp(state->guest->policy, "adaptive") == 0 &&
	       snapshot->now_ns >= state->looks.settle_until_ns;
}

/* Guests to be kept apart do not: on the way each of them would be on the nodes of the other. */
static bool may_pair(const struct hn_snapshot *snapshot, size_t guest, size_t partner)
{
	const char *group = snapshot->guests[guest].guest->apart;

	return partner != guest && may_swap(snapshot, partner) &&
	       !(*group && strcmp(group, snapshot->guests[partner].guest->apart) == 0);
}

/* One guest of the pair: 1 when it would be worth it to go where it is inclined to. */
static int weigh(struct pair *pair, size_t which, const struct hn_snapshot *snapshot, size_t guest,
		 const struct hn_decide_options *options)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	struct hn_proposal *proposal = &pair->proposals[which];
	struct hn_look *look = &pair->looks[which];
	int r;

	*look = (struct hn_look){snapshot, guest, state, state->guest, state->sample, options, hn_plan_new()};
	proposal->sides = calloc(state->guest->cell_count + 1, sizeof(unsigned));
	if (!look->plan || !proposal->sides)
		return -ENOMEM;
	if (hn_look_is_moot(look))
		return 0;
	r = hn_adaptive_inclination(snapshot, guest, &proposal->home);
	if (r <= 0)
		return r;
	hn_adaptive_weigh(look, proposal->home, state->regret, false, proposal);
	return proposal->worth;
}

/* Whether both may live there, if it were not for memory, of which each makes room for the other. 1, 0,
 * -ENOMEM. */
static int are_allowed(const struct pair *pair)
{
	int r = 1;

	for (size_t i = 0; i < 2 && r > 0; i++)
		r = hn_solver_allows(pair->looks[i].snapshot, pair->looks[i].index,
				     &pair->looks[i].options->solver, pair->proposals[i].home);
	return r;
}

/* Whether the host loses less once both have moved; pair->potential. -ENOMEM. */
static int is_better(struct pair *pair)
{
	const struct hn_snapshot *snapshot = pair->looks[0].snapshot;
	struct hn_outlook before, after = {0};
	int r = hn_outlook_init(&before, snapshot);

	if (r == 0)
		r = hn_outlook_init(&after, snapshot);
	for (size_t i = 0; i < 2 && r == 0; i++)
		for (size_t cell = 0; cell < pair->looks[i].guest->cell_count; cell++)
			if (pair->proposals[i].sides[cell])
				hn_outlook_move(&after, snapshot, pair->looks[i].index, cell,
						pair->proposals[i].home, pair->proposals[i].sides[cell]);
	if (r == 0) {
		r = hn_outlook_is_better(&after, &before, snapshot->host);
		pair->potential = hn_outlook_potential(&after, snapshot->host);
	}
	hn_outlook_done(&before);
	hn_outlook_done(&after);
	return r;
}

static void conclude(struct pair *pair, size_t which)
{
	struct hn_plan *plan = pair->looks[which].plan;

	plan->verdict = HN_VERDICT_ACT;
	snprintf(plan->reason, sizeof(plan->reason),
		 "changes places with guest '%.100s', in %zu steps through what is free",
		 pair->looks[1 - which].guest->name, plan->action_count);
}

/* Plans for both. 1 and *ret when every step finds room, 0, -ENOMEM. */
static int plan_both(struct pair *pair, struct hn_swap **ret)
{
	const struct hn_look *first = &pair->looks[0];
	const size_t guests[2] = {first->index, pair->looks[1].index};
	const unsigned *sides[2] = {pair->proposals[0].sides, pair->proposals[1].sides};
	HN_AUTO(hn_swap) struct hn_swap *swap = calloc(1, sizeof(*swap));
	HN_AUTO(memory)
	struct hn_shelf *room =
		hn_room_now(first->snapshot, guests, 2, first->options->solver.keep_free_bytes);
	struct hn_error why;
	bool fits;
	int r;

	if (!swap || !room)
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++) {
		pair->looks[i].plan->home = hn_steal(pair->proposals[i].home);
		if (hn_look_choose_cpus(&pair->looks[i], &why) < 0)
			return -ENOMEM;
	}
	r = hn_actions_plan_together(pair->looks, sides, 2, room, &swap->turns, &swap->turn_count, &fits);
	if (r < 0 || !fits || swap->turn_count == 0)
		return r;
	for (size_t i = 0; i < 2; i++) {
		conclude(pair, i);
		swap->guests[i] = pair->looks[i].index;
		swap->plans[i] = hn_steal(pair->looks[i].plan);
	}
	*ret = hn_steal(swap);
	return 1;
}

/* A swap with one other guest, when that is better than *best. 0, -ENOMEM. */
static int try_partner(const struct hn_snapshot *snapshot, size_t guest, size_t partner,
		       const struct hn_decide_options *options, struct hn_swap **best, double *potential)
{
	struct pair pair = {0};
	struct hn_swap *swap = NULL;
	int r = weigh(&pair, 0, snapshot, guest, options);

	if (r > 0)
		r = weigh(&pair, 1, snapshot, partner, options);
	if (r > 0)
		r = is_better(&pair);
	if (r > 0)
		r = are_allowed(&pair);
	if (r > 0 && (!*best || pair.potential < *potential))
		r = plan_both(&pair, &swap);
	if (swap) {
		hn_swap_free(*best);
		*best = swap;
		*potential = pair.potential;
	}
	pair_done(&pair);
	return r < 0 ? r : 0;
}

int hn_decide_swap(const struct hn_snapshot *snapshot, size_t guest, const struct hn_decide_options *options,
		   struct hn_swap **ret, struct hn_error *err)
{
	HN_AUTO(hn_swap) struct hn_swap *best = NULL;
	struct pair alone = {0};
	double potential = 0;
	int r;

	*ret = NULL;
	if (!may_swap(snapshot, guest))
		return 0;
	r = weigh(&alone, 0, snapshot, guest, options);
	pair_done(&alone);
	if (r <= 0)
		return r < 0 ? hn_oom(err) : 0;
	for (size_t partner = 0; partner < snapshot->guest_count; partner++)
		if (may_pair(snapshot, guest, partner) &&
		    try_partner(snapshot, guest, partner, options, &best, &potential) < 0)
			return hn_oom(err);
	*ret = hn_steal(best);
	return 0;
}
