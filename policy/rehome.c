#include "policy/rehome.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/adaptive.h"
#include "policy/home-node.h"
#include "policy/policies.h"
#include "policy/spread.h"
#include "policy/whereabouts.h"

#define TOGETHER_MAX 8 /* guests solved for at once */
#define STEPS_MIN 2000 /* of a search, for each guest of many */

void hn_rehoming_done(struct hn_rehoming *rehoming)
{
	for (size_t i = 0; i < rehoming->count && rehoming->items; i++)
		hn_placement_free(rehoming->items[i].home);
	free(rehoming->items);
	*rehoming = (struct hn_rehoming){0};
}

static const struct hn_guest_state *state_of(const struct hn_rehoming *rehoming,
					     const struct hn_rehomed *item)
{
	return &rehoming->snapshot->guests[item->guest];
}

/* The home is taken over; from now on its room is promised. */
static void settle(struct hn_rehoming *rehoming, struct hn_rehomed *item, struct hn_placement *home)
{
	struct hn_guest_state *state = &rehoming->snapshot->guests[item->guest];

	item->home = home;
	item->open = false;
	state->home = home;
	state->moving = true;
}

/* The home it has, when that is possible. 0 or -ENOMEM, as below. */
static int keep_home(const struct hn_rehoming *rehoming, const struct hn_rehomed *item,
		     struct hn_placement **ret, struct hn_error *err)
{
	int r = hn_home_node_keep(rehoming->snapshot, item->guest, rehoming->limits, ret, err);

	return r < 0 ? r : 0;
}

static int keep_where_it_is(const struct hn_rehoming *rehoming, const struct hn_rehomed *item,
			    struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *there = NULL;
	int r = hn_placement_of_memory(rehoming->snapshot, item->guest, &there);

	if (r < 0)
		return hn_oom(err);
	if (r > 0)
		r = hn_home_node_possible(rehoming->snapshot, item->guest, there, rehoming->limits, err);
	if (r > 0)
		*ret = hn_steal(there);
	return r < 0 ? r : 0;
}

/*
 * By a policy that has a way of its own to find homes, if the rules allow what it finds: one that goes by
 * where the guest is asks neither for room nor whether memory that stays is left alone. Interleave has seen
 * to both, and the solver knows no home in parts for what cannot move. 0, whether there is one or not, or
 * -ENOMEM.
 */
static int ask_policy(const struct hn_rehoming *rehoming, const struct hn_rehomed *item,
		      struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_policy *policy = hn_policy_find(state_of(rehoming, item)->guest->policy, err);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	struct hn_error why;
	int r;

	if (!policy)
		return -EINVAL;
	if (policy->find_home == hn_home_node_find || policy->find_home == hn_adaptive_find)
		return 0;
	r = policy->find_home(rehoming->snapshot, item->guest, rehoming->limits, &home, &why);
	if (r == 0 && policy->find_home != hn_interleave_find)
		r = hn_solver_cost(rehoming->snapshot, item->guest, rehoming->limits, home, &home->cost,
				   &why);
	if (r == 0)
		*ret = hn_steal(home);
	return r == -ENOMEM ? hn_oom(err) : 0;
}

/* Those for whom nothing has to be solved. */
static int place_settled(struct hn_rehoming *rehoming, struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < rehoming->count && r == 0; i++) {
		struct hn_rehomed *item = &rehoming->items[i];
		struct hn_placement *home = NULL;

		if (!item->open)
			continue;
		r = keep_home(rehoming, item, &home, err);
		if (r == 0 && !home && item->stays_mostly)
			r = keep_where_it_is(rehoming, item, &home, err);
		if (r == 0 && !home)
			r = ask_policy(rehoming, item, &home, err);
		if (home)
			settle(rehoming, item, home);
	}
	return r;
}

/* All that are left, when they are few. 0 whether there is room for all of them or not; -ENOMEM. */
static int place_together(struct hn_rehoming *rehoming, struct hn_error *err)
{
	struct hn_solver_limits limits = *rehoming->limits;
	struct hn_placement *homes[TOGETHER_MAX];
	struct hn_rehomed *items[TOGETHER_MAX];
	size_t guests[TOGETHER_MAX], count = 0;
	struct hn_error why;
	int r;

	for (size_t i = 0; i < rehoming->count; i++) {
		if (!rehoming->items[i].open)
			continue;
		if (count == TOGETHER_MAX)
			return 0;
		items[count] = &rehoming->items[i];
		guests[count++] = rehoming->items[i].guest;
	}
	if (count < 2)
		return 0;
	limits.strays_count = true;
	r = hn_solve_together(rehoming->snapshot, guests, count, &limits, homes, &why);
	for (size_t i = 0; i < count && r == 0; i++)
		settle(rehoming, items[i], homes[i]);
	return r == -ENOMEM ? hn_oom(err) : 0;
}

static struct hn_rehomed *find_largest(const struct hn_rehoming *rehoming)
{
	struct hn_rehomed *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < rehoming->count; i++) {
		struct hn_rehomed *item = &rehoming->items[i];
		uint64_t bytes = hn_guest_memory_bytes(state_of(rehoming, item)->guest);

		if (item->open && (!best || bytes > most)) {
			most = bytes;
			best = item;
		}
	}
	return best;
}

static int place_singly(struct hn_rehoming *rehoming, struct hn_error *err)
{
	struct hn_solver_limits limits = *rehoming->limits;
	struct hn_rehomed *item;

	limits.steps /= rehoming->count + 1;
	limits.steps = limits.steps > STEPS_MIN ? limits.steps : STEPS_MIN;
	while ((item = find_largest(rehoming))) {
		struct hn_placement *home = NULL;
		struct hn_error why;
		int r = hn_solve(rehoming->snapshot, item->guest, &limits, &home, &why);

		item->open = false;
		if (r == 0)
			settle(rehoming, item, home);
		else if (r == -ENOSPC)
			snprintf(item->why, sizeof(item->why), "%.200s", why.message);
		else
			return r == -ENOMEM ? hn_oom(err) : hn_fail(err, r, "%s", why.message);
	}
	return 0;
}

int hn_rehome(struct hn_rehoming *rehoming, struct hn_error *err)
{
	int r = place_settled(rehoming, err);

	if (r == 0)
		r = place_together(rehoming, err);
	return r == 0 ? place_singly(rehoming, err) : r;
}
