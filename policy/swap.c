#include "policy/swap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/adaptive.h"
#include "policy/capacity.h"
#include "policy/look.h"
#include "policy/outlook.h"
#include "policy/schedule.h"

/* Partners that are tried at most, the best first: a plan looks at all guests of the host. */
#define TRIES_MAX 32

/* One of the two, and where it would go. */
struct party {
	struct hn_look look;
	struct hn_proposal proposal;
};

/* Who could be the other one. */
struct candidate {
	size_t guest;
	double potential; /* after the swap */
};

struct quest {
	const struct hn_snapshot *snapshot;
	const struct hn_decide_options *options;
	struct hn_outlook before, moved; /* moved: with the guest where it would go */
	struct hn_set owned;             /* CPUs that guests have for their own, which none of these does */
	struct party own;
	size_t count;
	struct candidate *candidates;
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

static void party_done(struct party *party)
{
	hn_plan_free(party->look.plan);
	hn_proposal_done(&party->proposal);
}

static void quest_done(struct quest *quest)
{
	hn_outlook_done(&quest->before);
	hn_outlook_done(&quest->moved);
	party_done(&quest->own);
	free(quest->candidates);
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

/* 1 when it would be worth it for the guest to go where it is inclined to. */
static int weigh(const struct quest *quest, size_t guest, struct party *party)
{
	const struct hn_guest_state *state = &quest->snapshot->guests[guest];
	struct hn_proposal *proposal = &party->proposal;
	struct hn_look *look = &party->look;
	int r;

	*look = (struct hn_look){quest->snapshot, guest,          state,         state->guest,
				 state->sample,   quest->options, hn_plan_new(), &quest->owned};
	proposal->sides = calloc(state->guest->cell_count + 1, sizeof(unsigned));
	if (!look->plan || !proposal->sides)
		return -ENOMEM;
	if (hn_look_is_moot(look))
		return 0;
	r = hn_adaptive_inclination(quest->snapshot, guest, quest->before.busy, &proposal->home);
	if (r <= 0)
		return r;
	hn_adaptive_weigh(look, proposal->home, state->regret, false, proposal);
	return proposal->worth;
}

/* Whether it may live there, if it were not for memory, of which each makes room for the other. 1, 0,
 * -ENOMEM. */
static int is_allowed(const struct party *party)
{
	const struct hn_look *look = &party->look;

	return hn_solver_allows(look->snapshot, look->index, &look->options->solver, party->proposal.home);
}

static bool memory_goes_to(const struct party *party, size_t node)
{
	for (size_t cell = 0; cell < party->look.guest->cell_count; cell++)
		if ((party->proposal.sides[cell] & HN_SIDE_MEMORY) &&
		    party->proposal.home->cells[cell].bytes[node] > 0)
			return true;
	return false;
}

static bool memory_leaves(const struct party *party, size_t node)
{
	for (size_t cell = 0; cell < party->look.guest->cell_count; cell++)
		if ((party->proposal.sides[cell] & HN_SIDE_MEMORY) &&
		    party->look.sample->cells[cell].on_node[node] > 0 &&
		    party->proposal.home->cells[cell].bytes[node] == 0)
			return true;
	return false;
}

/* Who takes nothing away from where the guest's memory is to go makes no room for it. */
static bool makes_room(const struct quest *quest, const struct party *party)
{
	for (size_t node = 0; node < quest->snapshot->host->node_count; node++)
		if (memory_goes_to(&quest->own, node) && memory_leaves(party, node))
			return true;
	return false;
}

static void move(struct hn_outlook *outlook, const struct party *party)
{
	for (size_t cell = 0; cell < party->look.guest->cell_count; cell++)
		if (party->proposal.sides[cell])
			hn_outlook_move(outlook, party->look.snapshot, party->look.index, cell,
					party->proposal.home, party->proposal.sides[cell]);
}

/* Adds the partner to the candidates when the host loses less once both have moved. -ENOMEM. */
static int add_if_better(struct quest *quest, const struct party *party)
{
	const struct hn_host *host = quest->snapshot->host;
	struct hn_outlook after;
	int r = hn_outlook_copy(&after, &quest->moved);

	if (r < 0)
		return r;
	move(&after, party);
	if (hn_outlook_is_better(&after, &quest->before, host))
		quest->candidates[quest->count++] =
			(struct candidate){party->look.index, hn_outlook_potential(&after, host)};
	hn_outlook_done(&after);
	return 0;
}

static int consider(struct quest *quest, size_t partner)
{
	struct party party = {0};
	int r = weigh(quest, partner, &party);

	if (r > 0)
		r = makes_room(quest, &party) ? add_if_better(quest, &party) : 0;
	party_done(&party);
	return r;
}

/* Less potential first; the same: in their order. */
static int by_potential(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->potential != right->potential)
		return left->potential < right->potential ? -1 : 1;
	return (left->guest > right->guest) - (left->guest < right->guest);
}

/* The party's look with a plan of its own, for where it would go. */
static int begin_plan(const struct party *party, struct hn_look *ret)
{
	struct hn_error why;

	*ret = party->look;
	ret->plan = hn_plan_new();
	if (!ret->plan)
		return -ENOMEM;
	ret->plan->home = hn_placement_copy(party->proposal.home);
	return ret->plan->home ? hn_look_choose_cpus(ret, &why) : -ENOMEM;
}

static void conclude(const struct hn_look *look, const struct hn_look *other)
{
	struct hn_plan *plan = look->plan;

	plan->verdict = HN_VERDICT_ACT;
	snprintf(plan->reason, sizeof(plan->reason),
		 "changes places with guest '%.100s', in %zu steps through what is free", other->guest->name,
		 plan->action_count);
}

/* Plans for both, whose looks have plans that are begun. 1 and *ret when every step finds room, 0, -ENOMEM.
 */
static int plan_both(const struct quest *quest, const struct party *party, struct hn_look *looks,
		     struct hn_swap **ret)
{
	const size_t guests[2] = {looks[0].index, looks[1].index};
	const unsigned *sides[2] = {quest->own.proposal.sides, party->proposal.sides};
	HN_AUTO(hn_swap) struct hn_swap *swap = calloc(1, sizeof(*swap));
	HN_AUTO(memory)
	struct hn_shelf *room =
		hn_room_now(quest->snapshot, guests, 2, quest->options->solver.keep_free_bytes);
	bool fits;
	int r;

	if (!swap || !room)
		return -ENOMEM;
	r = hn_actions_plan_together(looks, sides, 2, room, &swap->turns, &swap->turn_count, &fits);
	if (r < 0 || !fits || swap->turn_count == 0)
		return r;
	for (size_t i = 0; i < 2; i++) {
		conclude(&looks[i], &looks[1 - i]);
		swap->guests[i] = guests[i];
	}
	for (size_t i = 0; i < 2; i++)
		swap->plans[i] = hn_steal(looks[i].plan);
	*ret = hn_steal(swap);
	return 1;
}

/* *ret: the swap with that partner, if each step finds room. -ENOMEM. */
static int try_partner(const struct quest *quest, size_t partner, struct hn_swap **ret)
{
	struct party party = {0};
	struct hn_look looks[2] = {{0}};
	int r = weigh(quest, partner, &party);

	if (r > 0)
		r = is_allowed(&party);
	if (r > 0) {
		r = begin_plan(&quest->own, &looks[0]);
		if (r == 0)
			r = begin_plan(&party, &looks[1]);
		if (r == 0)
			r = plan_both(quest, &party, looks, ret);
	}
	for (size_t i = 0; i < 2; i++)
		hn_plan_free(looks[i].plan);
	party_done(&party);
	return r < 0 ? r : 0;
}

/* What is the same whoever the partner is: 1 when the guest should go and may, 0, -ENOMEM. */
static int begin(struct quest *quest, size_t guest)
{
	int r = hn_outlook_init(&quest->before, quest->snapshot);

	quest->candidates = calloc(quest->snapshot->guest_count, sizeof(*quest->candidates));
	if (r == 0)
		r = quest->candidates ? weigh(quest, guest, &quest->own) : -ENOMEM;
	if (r > 0)
		r = is_allowed(&quest->own);
	if (r <= 0)
		return r;
	r = hn_outlook_copy(&quest->moved, &quest->before);
	if (r == 0)
		move(&quest->moved, &quest->own);
	return r < 0 ? r : 1;
}

/* With one of the guests from first to before end. */
static int find(struct quest *quest, size_t guest, size_t first, size_t end, struct hn_swap **ret)
{
	int r = begin(quest, guest);

	if (r <= 0)
		return r;
	r = 0;
	for (size_t partner = first; partner < end && r == 0; partner++)
		if (may_pair(quest->snapshot, guest, partner))
			r = consider(quest, partner);
	qsort(quest->candidates, quest->count, sizeof(*quest->candidates), by_potential);
	for (size_t i = 0; i < quest->count && i < TRIES_MAX && r == 0 && !*ret; i++)
		r = try_partner(quest, quest->candidates[i].guest, ret);
	return r;
}

static int decide_among(const struct hn_snapshot *snapshot, size_t guest, size_t first, size_t end,
			const struct hn_decide_options *options, struct hn_swap **ret, struct hn_error *err)
{
	struct quest quest = {.snapshot = snapshot, .options = options};
	int r;

	*ret = NULL;
	if (!may_swap(snapshot, guest))
		return 0;
	quest.owned = hn_owned_cpus(snapshot, NULL, 0);
	r = find(&quest, guest, first, end, ret);
	quest_done(&quest);
	return r < 0 ? hn_oom(err) : 0;
}

int hn_decide_swap(const struct hn_snapshot *snapshot, size_t guest, const struct hn_decide_options *options,
		   struct hn_swap **ret, struct hn_error *err)
{
	return decide_among(snapshot, guest, 0, snapshot->guest_count, options, ret, err);
}

int hn_decide_swap_with(const struct hn_snapshot *snapshot, size_t guest, const char *partner,
			const struct hn_decide_options *options, struct hn_swap **ret, struct hn_error *err)
{
	size_t index = 0;

	while (index < snapshot->guest_count && strcmp(snapshot->guests[index].guest->name, partner) != 0)
		index++;
	*ret = NULL;
	return index < snapshot->guest_count
		       ? decide_among(snapshot, guest, index, index + 1, options, ret, err)
		       : 0;
}
