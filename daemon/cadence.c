#include "daemon/cadence.h"

#include <math.h>

#include <stddef.h>

#include "base/units.h"

#define UNKNOWN_NS (2 * HN_NS_PER_MS) /* what a first look is charged */
#define PLANNED 0.95                  /* of the budget: jitter and newcomers need the rest */
#define LATEST_WEIGHS 4               /* one in so many, in the mean of what looks have cost */
#define RESTS_TIMES 100               /* what it held up all others */
#define RESTS_MOST_NS (24 * 3600 * HN_NS_PER_S)

void hn_cadence_init(struct hn_cadence *cadence, uint64_t tick_ns, double budget, double guest_budget,
		     uint64_t now_ns)
{
	*cadence = (struct hn_cadence){
		.tick_ns = tick_ns, .budget = budget, .guest_budget = guest_budget, .filled_ns = now_ns};
	cadence->level_ns = budget * (double)tick_ns;
	TAILQ_INIT(&cadence->waiting);
}

void hn_cadence_join(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t now_ns)
{
	if (turn->waiting || turn->going || now_ns < turn->rested_ns)
		return;
	turn->waiting = true;
	TAILQ_INSERT_TAIL(&cadence->waiting, turn, entry);
}

static void fill(struct hn_cadence *cadence, uint64_t now_ns)
{
	double most = cadence->budget * (double)cadence->tick_ns;

	cadence->level_ns += cadence->budget * (double)(now_ns - cadence->filled_ns);
	if (cadence->level_ns > most)
		cadence->level_ns = most;
	cadence->filled_ns = now_ns;
}

/* CPU time that has to be there: a look dearer than the bucket is large waits for a full one. */
static double needed(const struct hn_cadence *cadence, uint64_t charge_ns)
{
	double most = cadence->budget * (double)cadence->tick_ns;

	return (double)charge_ns < most ? (double)charge_ns : most;
}

struct hn_turn *hn_cadence_next(struct hn_cadence *cadence, uint64_t now_ns, uint64_t *ret_wait_ns)
{
	struct hn_turn *turn = TAILQ_FIRST(&cadence->waiting);
	uint64_t charge;
	double missing;

	*ret_wait_ns = UINT64_MAX;
	fill(cadence, now_ns);
	if (!turn || cadence->going >= HN_CADENCE_AT_ONCE)
		return NULL;
	charge = turn->expected_ns ? turn->expected_ns : UNKNOWN_NS;
	missing = needed(cadence, charge) - cadence->level_ns;
	if (cadence->budget > 0 && missing > 0) {
		*ret_wait_ns = (uint64_t)(missing / cadence->budget) + 1;
		return NULL;
	}
	TAILQ_REMOVE(&cadence->waiting, turn, entry);
	turn->waiting = false;
	turn->going = true;
	turn->charged_ns = charge;
	turn->started_ns = now_ns;
	cadence->level_ns -= (double)charge;
	cadence->going++;
	return turn;
}

/* What it costs each tick, as far as it may. */
static void set_demand(struct hn_cadence *cadence, struct hn_turn *turn)
{
	double most = cadence->guest_budget * (double)cadence->tick_ns;

	cadence->demand_ns -= turn->demand_ns;
	turn->demand_ns = turn->expected_ns;
	if (cadence->guest_budget > 0 && (double)turn->demand_ns > most)
		turn->demand_ns = (uint64_t)most;
	cadence->demand_ns += turn->demand_ns;
}

static void stop(struct hn_cadence *cadence, struct hn_turn *turn)
{
	turn->going = false;
	cadence->going--;
}

void hn_cadence_done(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t cost_ns)
{
	if (!turn->going)
		return;
	stop(cadence, turn);
	turn->rest_ns = 0;
	cadence->level_ns += (double)turn->charged_ns - (double)cost_ns;
	turn->billed_ns += cost_ns;
	cost_ns += turn->besides_ns;
	turn->besides_ns = 0;
	if (turn->expected_ns)
		turn->expected_ns += cost_ns / LATEST_WEIGHS - turn->expected_ns / LATEST_WEIGHS;
	else
		turn->expected_ns = cost_ns;
	set_demand(cadence, turn);
}

void hn_cadence_bill(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t cost_ns)
{
	double least = -cadence->budget * (double)cadence->tick_ns;

	if (cadence->level_ns > least)
		cadence->level_ns = fmax(least, cadence->level_ns - (double)cost_ns);
	turn->besides_ns += cost_ns;
	turn->billed_ns += cost_ns;
}

static void stop_waiting(struct hn_cadence *cadence, struct hn_turn *turn)
{
	if (turn->waiting)
		TAILQ_REMOVE(&cadence->waiting, turn, entry);
	turn->waiting = false;
}

uint64_t hn_cadence_hung(struct hn_cadence *cadence, struct hn_turn *turn, uint64_t now_ns, uint64_t held_ns)
{
	stop_waiting(cadence, turn);
	turn->rest_ns = turn->rest_ns ? 2 * turn->rest_ns : RESTS_TIMES * held_ns;
	if (turn->rest_ns > RESTS_MOST_NS)
		turn->rest_ns = RESTS_MOST_NS;
	turn->rested_ns = now_ns + turn->rest_ns;
	return turn->rest_ns;
}

void hn_cadence_drop(struct hn_cadence *cadence, struct hn_turn *turn)
{
	if (turn->going)
		stop(cadence, turn);
}

void hn_cadence_forget(struct hn_cadence *cadence, struct hn_turn *turn)
{
	turn->expected_ns = 0;
	set_demand(cadence, turn);
}

void hn_cadence_leave(struct hn_cadence *cadence, struct hn_turn *turn)
{
	stop_waiting(cadence, turn);
	hn_cadence_drop(cadence, turn);
	hn_cadence_forget(cadence, turn);
}

static double stretch(const struct hn_cadence *cadence)
{
	double planned = PLANNED * cadence->budget * (double)cadence->tick_ns;

	return cadence->budget > 0 && (double)cadence->demand_ns > planned
		       ? (double)cadence->demand_ns / planned
		       : 1;
}

uint64_t hn_cadence_tick(const struct hn_cadence *cadence)
{
	return (uint64_t)(stretch(cadence) * (double)cadence->tick_ns);
}

uint64_t hn_cadence_interval(const struct hn_cadence *cadence, const struct hn_turn *turn)
{
	double least = (double)cadence->tick_ns;

	if (cadence->guest_budget > 0 && (double)turn->expected_ns > cadence->guest_budget * least)
		least = (double)turn->expected_ns / cadence->guest_budget;
	return (uint64_t)(stretch(cadence) * least);
}
