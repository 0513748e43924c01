#include "daemon/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/decision.h"
#include "policy/regret.h"
#include "policy/swap.h"

struct hn_exchange {
	unsigned parts; /* that have not ended */
	bool broken;    /* one has ended before its time */
	char names[2][HN_NAME_MAX];
	size_t turn_count, next;
	struct hn_plan_turn *turns;
};

static struct hn_exchange *new_exchange(struct hn_managed *const guests[2], struct hn_swap *swap)
{
	struct hn_exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		snprintf(exchange->names[i], sizeof(exchange->names[i]), "%s", guests[i]->name);
	exchange->turn_count = swap->turn_count;
	exchange->turns = hn_steal(swap->turns);
	exchange->parts = 2;
	return exchange;
}

int hn_exchange_begin(struct hn_managed *const guests[2], struct hn_swap *swap, struct hn_error *err)
{
	struct hn_exchange *exchange;
	int r = 0;

	if (guests[0]->running || guests[1]->running)
		return hn_fail(err, -EBUSY, "an operation on '%.100s' is still under way",
			       guests[guests[0]->running ? 0 : 1]->name);
	exchange = new_exchange(guests, swap);
	if (!exchange)
		return hn_oom(err);
	hn_log(HN_LOG_INFO, "guests '%s' and '%s' change places, in %zu steps", guests[0]->name,
	       guests[1]->name, exchange->turn_count);
	for (size_t i = 0; i < 2; i++) {
		struct hn_part part = {exchange, i};

		hn_regret_clear(guests[i]->regret);
		if (r == 0)
			r = hn_decision_act_part(guests[i], hn_steal(swap->plans[i]), &part, err);
		else
			hn_exchange_leave(&part);
	}
	return r;
}

/* One that waits for room, and has been found a partner. */
static bool may_need_one(const struct hn_managed *managed)
{
	return !managed->running && !managed->service->ends && managed->plan &&
	       managed->plan->action_count == 0 && managed->plan->partner[0] &&
	       managed->guest->mode == HN_MODE_ENFORCE && strcmp(managed->guest->policy, "adaptive") == 0;
}

int hn_exchange_consider(struct hn_managed *managed, struct hn_error *err)
{
	const struct hn_decide_options options = hn_decision_options(managed->service, false);
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	struct hn_managed *guests[2] = {managed, NULL};
	struct hn_snapshot snapshot;
	size_t index = 0;
	int r;

	if (!may_need_one(managed))
		return 0;
	if ((r = hn_decision_snapshot(managed->service, managed, &snapshot, &index, err)) < 0)
		return r;
	r = hn_decide_swap_with(&snapshot, index, managed->plan->partner, &options, &swap, err);
	if (r == 0 && swap)
		guests[1] = hn_managed_find(managed->service, snapshot.guests[swap->guests[1]].guest->name);
	free(snapshot.guests);
	return guests[1] ? hn_exchange_begin(guests, swap, err) : r;
}

int hn_exchange_ask(const struct hn_part *part, size_t action, char *why, size_t size)
{
	const struct hn_exchange *exchange = part->exchange;
	const struct hn_plan_turn *turn;

	if (!exchange)
		return 1;
	if (exchange->broken) {
		snprintf(why, size, "'%.100s', with which it was to change places, has given up",
			 exchange->names[1 - part->side]);
		return -ECANCELED;
	}
	if (exchange->next == exchange->turn_count)
		return 1;
	turn = &exchange->turns[exchange->next];
	if (turn->look == part->side && turn->action == action)
		return 1;
	snprintf(why, size, "for '%.100s', with which it changes places: step %zu of %zu",
		 exchange->names[1 - part->side], exchange->next + 1, exchange->turn_count);
	return 0;
}

void hn_exchange_advance(const struct hn_part *part)
{
	if (part->exchange && part->exchange->next < part->exchange->turn_count)
		part->exchange->next++;
}

bool hn_exchange_is_through(const struct hn_part *part)
{
	const struct hn_exchange *exchange = part->exchange;

	for (size_t i = exchange->next; i < exchange->turn_count; i++)
		if (exchange->turns[i].look == part->side)
			return false;
	return true;
}

void hn_exchange_leave(struct hn_part *part)
{
	struct hn_exchange *exchange = hn_steal(part->exchange);
	struct hn_part left = {exchange, part->side};

	if (!exchange)
		return;
	if (!hn_exchange_is_through(&left))
		exchange->broken = true;
	if (--exchange->parts > 0)
		return;
	free(exchange->turns);
	free(exchange);
}
