#include "sim/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/actions.h"
#include "policy/policies.h"
#include "policy/price.h"
#include "sim/exchange.h"
#include "sim/operation.h"
#include "sim/resident.h"
#include "sim/toll.h"

#define NOWHERE SIZE_MAX

struct hn_world {
	struct hn_world_options options;
	const struct hn_policy *policy;
	struct hn_snapshot *snapshot;
	struct resident *residents; /* beside the snapshot's guests */
	size_t resident_room;
	size_t *places; /* by number: index, or NOWHERE */
	size_t place_count;
	size_t exchange_count;
	struct exchange **exchanges;
	struct hn_world_counts counts;
	uint64_t tick;
	uint64_t turns; /* operations begun */
};

struct hn_world_options hn_world_defaults(void)
{
	return (struct hn_world_options){
		.policy = "",
		.decide = hn_decide_defaults,
		.tick_ns = 10 * HN_NS_PER_S,
		.look_ns = 10 * HN_NS_PER_S,
		.settle_ns = 20 * HN_NS_PER_S,
		.bytes_per_second = 2 * HN_GIB,
		.at_once = 1,
		.stall_share = HN_ASSUMED_STALL_SHARE,
		.node_bandwidth = 40 * HN_GIB,
		.undo_ns = 3600 * HN_NS_PER_S,
	};
}

void hn_world_free(struct hn_world *world)
{
	if (!world)
		return;
	for (size_t i = 0; world->snapshot && i < world->snapshot->guest_count; i++)
		resident_done(&world->residents[i]);
	for (size_t i = 0; i < world->exchange_count; i++)
		exchange_free(world->exchanges[i]);
	hn_snapshot_free(world->snapshot);
	free(world->exchanges);
	free(world->residents);
	free(world->places);
	free(world);
}

static void empty_host(struct hn_host *host)
{
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_node *node = &host->nodes[i];

		/* whole pages; what is reserved is the solver's to leave alone */
		node->free_bytes = node->memory_bytes / SIM_PAGE * SIM_PAGE;
		for (size_t pool = 0; pool < node->pool_count; pool++)
			node->pools[pool].free_pages = node->pools[pool].total_pages;
	}
}

static int check_options(const struct hn_world_options *options, struct hn_error *err)
{
	if (options->tick_ns == 0 || options->look_ns < options->tick_ns)
		return hn_fail(err, -EINVAL, "a look every %llu ns and a tick of %llu ns make no world",
			       (unsigned long long)options->look_ns, (unsigned long long)options->tick_ns);
	if (options->bytes_per_second < SIM_PAGE || options->at_once == 0)
		return hn_fail(err, -EINVAL, "a speed of %llu bytes a second, %u at once, moves nothing",
			       (unsigned long long)options->bytes_per_second, options->at_once);
	return 0;
}

int hn_world_new(const struct hn_host *host, const struct hn_world_options *options, struct hn_world **ret,
		 struct hn_error *err)
{
	HN_AUTO(hn_world) struct hn_world *world = calloc(1, sizeof(*world));
	struct hn_host *copy;
	int r = check_options(options, err);

	if (!world)
		return hn_oom(err);
	if (r < 0)
		return r;
	world->options = *options;
	world->options.decide.tick_ns = options->look_ns;
	if (3 * options->look_ns > world->options.decide.max_age_ns) /* as daemon/decision.c has it */
		world->options.decide.max_age_ns = 3 * options->look_ns;
	world->policy = hn_policy_find(options->policy, err);
	if (!world->policy)
		return -EINVAL;
	copy = hn_host_copy(host);
	if (!copy)
		return hn_oom(err);
	empty_host(copy);
	world->snapshot = hn_snapshot_new(copy);
	if (!world->snapshot)
		return hn_oom(err);
	/* a clock never stands at 0 */
	world->snapshot->now_ns = 3600 * HN_NS_PER_S;
	*ret = hn_steal(world);
	return 0;
}

const struct hn_snapshot *hn_world_snapshot(const struct hn_world *world)
{
	return world->snapshot;
}

const struct hn_world_counts *hn_world_counts(const struct hn_world *world)
{
	return &world->counts;
}

bool hn_world_locality(const struct hn_world *world, double *ret)
{
	double busy = 0, local = 0;

	for (size_t i = 0; i < world->snapshot->guest_count; i++) {
		busy += world->residents[i].busy;
		local += world->residents[i].local;
	}
	if (busy <= 0)
		return false;
	*ret = local / busy;
	return true;
}

static size_t place_of(const struct hn_world *world, uint32_t number)
{
	return number < world->place_count ? world->places[number] : NOWHERE;
}

static int make_room(struct hn_world *world, uint32_t number)
{
	size_t residents = world->snapshot->guest_count + 1, places = (size_t)number + 1;

	if (residents > world->resident_room) {
		size_t room = 2 * residents + 16;
		struct resident *grown = reallocarray(world->residents, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		world->residents = grown;
		world->resident_room = room;
	}
	if (places > world->place_count) {
		size_t count = 2 * places + 64;
		size_t *grown = reallocarray(world->places, count, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		for (size_t i = world->place_count; i < count; i++)
			grown[i] = NOWHERE;
		world->places = grown;
		world->place_count = count;
	}
	return 0;
}

/* Takes a guest out; the last one takes its place. */
static void take_out(struct hn_world *world, size_t index)
{
	struct hn_guest_state *states = world->snapshot->guests;
	size_t last = world->snapshot->guest_count - 1;

	if (place_of(world, world->residents[index].number) != NOWHERE)
		world->places[world->residents[index].number] = NOWHERE;
	resident_done(&world->residents[index]);
	hn_guest_free(states[index].guest);
	hn_sample_free(states[index].sample);
	hn_placement_free(states[index].home);
	hn_regret_free(states[index].regret);
	if (index != last) {
		states[index] = states[last];
		world->residents[index] = world->residents[last];
		world->places[world->residents[index].number] = index;
	}
	world->snapshot->guest_count--;
}

static int find_place(struct hn_world *world, size_t index, struct hn_error *err)
{
	struct hn_guest_state *state = &world->snapshot->guests[index];
	int r = world->policy->find_home(world->snapshot, index, &world->options.decide.solver, &state->home,
					 err);

	return r < 0 ? r
		     : resident_settle_in(state, world->snapshot->host, world->policy->sides & HN_SIDE_VCPUS,
					  err);
}

static int arrive(struct hn_world *world, const struct hn_event *event, struct hn_error *err)
{
	struct hn_guest_state *state;
	struct hn_error why = {0};
	size_t index;
	int r;

	if (place_of(world, event->guest) != NOWHERE)
		return hn_fail(err, -EINVAL, "guest %u arrives while it is there", event->guest);
	if (make_room(world, event->guest) < 0 || !(state = hn_snapshot_add(world->snapshot)))
		return hn_oom(err);
	index = world->snapshot->guest_count - 1;
	world->residents[index] = (struct resident){.number = event->guest};
	world->counts.arrived++;
	r = resident_init(&world->residents[index], state, event, world->options.policy,
			  world->snapshot->host, &why);
	if (r == 0)
		r = find_place(world, index, &why);
	if (r < 0) {
		take_out(world, index);
		world->counts.refused += r == -ENOSPC;
		return r == -ENOSPC ? 0 : hn_fail(err, r, "%s", why.message);
	}
	world->places[event->guest] = index;
	world->counts.placed++;
	world->counts.placed_before_refusal += world->counts.refused == 0;
	resident_weigh(&world->residents[index], state, world->snapshot->host);
	return 0;
}

/* The place in the list of the exchange that a resident has part in. */
static size_t exchange_of(const struct hn_world *world, const struct resident *resident)
{
	size_t i = 0;

	while (world->exchanges[i]->numbers[0] != resident->number &&
	       world->exchanges[i]->numbers[1] != resident->number)
		i++;
	return i;
}

static void forget_exchange(struct hn_world *world, size_t at)
{
	exchange_free(world->exchanges[at]);
	world->exchanges[at] = world->exchanges[--world->exchange_count];
}

/* One of two goes while they change places: the other stays where it has got to. */
static void break_off(struct hn_world *world, size_t index)
{
	const struct resident *resident = &world->residents[index];
	size_t partner;

	if (!resident->exchanges)
		return;
	partner = place_of(world, resident->partner);
	forget_exchange(world, exchange_of(world, resident));
	operation_end(&world->residents[partner], world->snapshot, partner, &world->options);
}

static void depart(struct hn_world *world, size_t index)
{
	break_off(world, index);
	resident_leave(&world->snapshot->guests[index], world->snapshot->host);
	take_out(world, index);
	world->counts.departed++;
}

/* A share of the cell's memory, from wherever it lies, is allocated anew on the node. */
static void restart_memory(struct hn_world *world, size_t index, size_t cell, size_t node, double share)
{
	struct hn_guest_state *state = &world->snapshot->guests[index];

	for (size_t from = 0; from < world->snapshot->host->node_count; from++)
		resident_move(state, world->snapshot->host, cell, from, node,
			      (uint64_t)(share * (double)state->sample->cells[cell].on_node[from]));
}

int hn_world_apply(struct hn_world *world, const struct hn_event *event, struct hn_error *err)
{
	size_t index = place_of(world, event->guest), cell, node;
	const struct hn_host *host = world->snapshot->host;

	if (event->kind == HN_EVENT_ARRIVE)
		return arrive(world, event, err);
	if (index == NOWHERE)
		return 0;
	cell = event->cell % world->snapshot->guests[index].guest->cell_count;
	node = event->node % host->node_count;
	switch (event->kind) {
	case HN_EVENT_DEPART:
		depart(world, index);
		return 0;
	case HN_EVENT_LOAD:
		world->residents[index].load = event->load;
		break;
	case HN_EVENT_MEMORY:
		restart_memory(world, index, cell, node, event->share);
		break;
	case HN_EVENT_VCPUS:
		resident_drift(&world->snapshot->guests[index], host, cell, node);
		break;
	default:
		return hn_fail(err, -EINVAL, "%d is no kind of event", (int)event->kind);
	}
	resident_weigh(&world->residents[index], &world->snapshot->guests[index], world->snapshot->host);
	return 0;
}

/* The operation that began first after the one with that turn, or NOWHERE. */
static size_t next_operation(const struct hn_world *world, uint64_t after)
{
	size_t first = NOWHERE;

	for (size_t i = 0; i < world->snapshot->guest_count; i++) {
		const struct resident *resident = &world->residents[i];

		if (resident->plan && resident->turn > after &&
		    (first == NOWHERE || resident->turn < world->residents[first].turn))
			first = i;
	}
	return first;
}

static uint64_t pages_a_tick(const struct hn_world *world)
{
	uint64_t pages = (uint64_t)((unsigned __int128)world->options.bytes_per_second *
				    world->options.tick_ns / HN_NS_PER_S / SIM_PAGE);

	return pages ? pages : 1;
}

static void go_on_with_exchange(struct hn_world *world, const struct resident *first)
{
	size_t at = exchange_of(world, first), guests[2];
	struct exchange *exchange = world->exchanges[at];
	struct resident *pair[2];
	bool over;

	for (size_t i = 0; i < 2; i++) {
		guests[i] = place_of(world, exchange->numbers[i]);
		pair[i] = &world->residents[guests[i]];
	}
	over = exchange_go_on(exchange, pair, guests, world->snapshot, pages_a_tick(world), &world->options,
			      &world->counts);
	for (size_t i = 0; i < 2; i++)
		resident_weigh(pair[i], &world->snapshot->guests[guests[i]], world->snapshot->host);
	if (over)
		forget_exchange(world, at);
}

/* Operations wait for their turn in the order in which they began. */
static void go_on(struct hn_world *world)
{
	uint64_t turn = 0;

	for (unsigned running = 0; running < world->options.at_once; running++) {
		size_t index = next_operation(world, turn);
		struct resident *resident;

		if (index == NOWHERE)
			return;
		resident = &world->residents[index];
		turn = resident->turn;
		if (resident->exchanges) {
			go_on_with_exchange(world, resident);
			continue;
		}
		operation_go_on(resident, world->snapshot, index, pages_a_tick(world), &world->options,
				&world->counts);
		resident_weigh(resident, &world->snapshot->guests[index], world->snapshot->host);
	}
}

static int adopt_home(struct hn_guest_state *state, const struct hn_plan *plan)
{
	struct hn_placement *home = NULL;

	if (plan->home && !(home = hn_placement_copy(plan->home)))
		return -ENOMEM;
	hn_placement_free(state->home);
	state->home = home;
	return 0;
}

static int begin_exchange(struct hn_world *world, struct hn_swap *swap, struct hn_error *err)
{
	struct resident *pair[2] = {&world->residents[swap->guests[0]], &world->residents[swap->guests[1]]};
	struct exchange **grown = reallocarray(world->exchanges, world->exchange_count + 1, sizeof(*grown));

	if (!grown)
		return hn_oom(err);
	world->exchanges = grown;
	for (size_t i = 0; i < 2; i++)
		if (adopt_home(&world->snapshot->guests[swap->guests[i]], swap->plans[i]) < 0)
			return hn_oom(err);
	grown[world->exchange_count] = exchange_start(swap, pair, world->snapshot, &world->counts);
	if (!grown[world->exchange_count])
		return hn_oom(err);
	world->exchange_count++;
	for (size_t i = 0; i < 2; i++) {
		pair[i]->exchanges = true;
		pair[i]->partner = pair[1 - i]->number;
		pair[i]->turn = i == 0 ? ++world->turns : 0; /* the first takes the turns of both */
		resident_weigh(pair[i], &world->snapshot->guests[swap->guests[i]], world->snapshot->host);
	}
	return 0;
}

/* A guest that waits for room may change places with the partner that its plan names. */
static int consider_exchange(struct hn_world *world, size_t index, const struct hn_plan *plan,
			     struct hn_error *err)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	int r;

	if (plan->verdict == HN_VERDICT_ACT || !plan->partner[0])
		return 0;
	r = hn_decide_swap_with(world->snapshot, index, plan->partner, &world->options.decide, &swap, err);
	return r == 0 && swap ? begin_exchange(world, swap, err) : r;
}

/* Looks at a guest and acts on the verdict. */
static int look(struct hn_world *world, size_t index, struct hn_error *err)
{
	struct hn_guest_state *state = &world->snapshot->guests[index];
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	struct hn_regret *regret = NULL;
	int r;

	world->counts.looks++;
	state->sample->taken_ns = world->snapshot->now_ns;
	for (size_t i = 0; i < state->sample->thread_count; i++)
		state->sample->threads[i].cpu_ns +=
			(uint64_t)(state->sample->threads[i].busy * (double)world->options.look_ns);
	r = hn_decide(world->snapshot, index, &world->options.decide, &plan, &state->looks, &regret, err);
	if (r < 0)
		return r;
	hn_regret_free(state->regret);
	state->regret = regret;
	if (adopt_home(state, plan) < 0)
		return hn_oom(err);
	if (plan->verdict == HN_VERDICT_ACT && !state->moving) {
		operation_start(&world->residents[index], state, world->snapshot->host, hn_steal(plan),
				&world->counts);
		world->residents[index].turn = ++world->turns;
		resident_weigh(&world->residents[index], state, world->snapshot->host);
		return 0;
	}
	return consider_exchange(world, index, plan, err);
}

int hn_world_tick(struct hn_world *world, struct hn_error *err)
{
	uint64_t turns = world->options.look_ns / world->options.tick_ns;
	int r = 0;

	world->snapshot->now_ns += world->options.tick_ns;
	world->tick++;
	go_on(world);
	for (size_t i = 0; i < world->snapshot->guest_count && r == 0; i++)
		if ((world->residents[i].number + world->tick) % turns == 0)
			r = look(world, i, err);
	toll_take(world->snapshot, world->residents, pages_a_tick(world), &world->options, &world->counts);
	return r;
}
