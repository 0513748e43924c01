#include "policy/actions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/capacity.h"
#include "policy/decide.h"
#include "policy/price.h"
#include "policy/schedule.h"

#define GAP_TOLD 0.05 /* seconds that a guest waits for one page, and its operator is told */

/* A migration before it is known in how many steps it is to be done. */
struct draft {
	const struct hn_look *look;
	struct hn_action action;
	uint64_t bytes;  /* of action.bytes, the likely part: the rest is the upper end of the interval */
	uint64_t there;  /* of the cell's, at the target */
	size_t to;       /* shelf */
	uint64_t *from;  /* by shelf */
	uint64_t placed; /* in steps that were written */
};

/* CPUs of every node in the set that this guest's threads may use, and no other guest has for its own. */
static struct hn_set cpus_of(const struct hn_look *look, const struct hn_set *nodes)
{
	struct hn_set owned = look->owned ? *look->owned : hn_owned_cpus(look->snapshot, &look->index, 1);
	struct hn_set cpus = {0};

	for (size_t i = 0; i < look->snapshot->host->node_count; i++) {
		struct hn_set usable;

		if (!hn_set_has(nodes, look->snapshot->host->nodes[i].id))
			continue;
		usable = hn_usable_cpus(look->snapshot->host, i, look->guest->class);
		hn_set_or(&cpus, &usable);
	}
	hn_set_subtract(&cpus, &owned);
	return cpus;
}

/* The nodes where a thread belongs. */
static struct hn_set nodes_of(const struct hn_look *look, const struct hn_placement *home, size_t thread)
{
	int id = look->guest->threads[thread].cell;
	int cell = id >= 0 ? hn_guest_cell_index(look->guest, id) : -1;

	return cell >= 0 ? home->cells[cell].nodes : hn_placement_nodes(home);
}

struct hn_set hn_home_cpus(const struct hn_look *look, const struct hn_placement *home, size_t thread)
{
	struct hn_set nodes = nodes_of(look, home, thread);
	const struct hn_thread *which = &look->guest->threads[thread];

	for (size_t i = 0; i < home->vcpu_count && which->kind == HN_THREAD_VCPU; i++)
		if (home->vcpus[i].vcpu == which->vcpu)
			return home->vcpus[i].cpus;
	if (home->vcpu_count > 0 && which->kind != HN_THREAD_VCPU && !hn_set_empty(&home->other_cpus))
		return home->other_cpus;
	return cpus_of(look, &nodes);
}

/* Whether the sides to be brought home include the thread. */
static bool is_meant(const struct hn_look *look, const unsigned *sides, size_t thread,
		     const struct hn_set *cpus)
{
	int id = look->guest->threads[thread].cell;
	int cell = id >= 0 ? hn_guest_cell_index(look->guest, id) : -1;
	struct hn_set common = *look->sample->threads[thread].allowed;
	unsigned all = 0;

	for (size_t i = 0; i < look->guest->cell_count; i++)
		all |= sides[i];
	if (hn_set_inside(&common, cpus))
		return (cell < 0 ? all : sides[cell]) & (HN_SIDE_VCPUS | HN_SIDE_WIDEN);
	if (cell < 0)
		return all & (HN_SIDE_VCPUS | HN_SIDE_NARROW);
	hn_set_and(&common, cpus);
	return (sides[cell] & HN_SIDE_VCPUS) || ((sides[cell] & HN_SIDE_NARROW) && !hn_set_empty(&common));
}

/* Whether the thread has no business where it may run now, or was bound to a part of its home when the rest
 * was others' own. Who bound it to a part if not homenode had a reason. */
static bool is_misbound(const struct hn_look *look, size_t thread, const struct hn_set *cpus)
{
	const struct hn_set *allowed = look->sample->threads[thread].allowed;

	if (look->guest->threads[thread].kept || hn_set_empty(cpus) || hn_set_empty(allowed))
		return false;
	if (!hn_set_inside(allowed, cpus))
		return true;
	return look->guest->class == HN_CLASS_SHARED && look->guest->threads[thread].ours &&
	       !hn_set_equal(allowed, cpus);
}

static void give_reason(const struct hn_thread *thread, const struct hn_set *allowed,
			struct hn_action *action)
{
	bool more = hn_set_inside(allowed, &action->cpus);
	char nodes[64], cpus[64];

	hn_set_format(&action->nodes, nodes, sizeof(nodes));
	hn_set_format(allowed, cpus, sizeof(cpus));
	if (thread->kind == HN_THREAD_VCPU)
		snprintf(action->reason, sizeof(action->reason),
			 "vCPU %d of cell %d may run on CPUs %s%s; its cell lives on node %s", thread->vcpu,
			 thread->cell, cpus, more ? ", and now on others" : "", nodes);
	else
		snprintf(action->reason, sizeof(action->reason),
			 "%s '%s' may run on CPUs %s%s; the guest lives on node %s",
			 hn_thread_kind_name(thread->kind), thread->name, cpus,
			 more ? ", and now on others" : "", nodes);
}

static int plan_bind(const struct hn_look *look, const unsigned *sides, size_t index)
{
	struct hn_set cpus = hn_home_cpus(look, look->plan->home, index);
	struct hn_action *action;

	if (!is_misbound(look, index, &cpus) || !is_meant(look, sides, index, &cpus))
		return 0;
	action = hn_plan_add_action(look->plan, HN_ACTION_BIND);
	if (!action)
		return -ENOMEM;
	action->tid = look->guest->threads[index].tid;
	action->cpus = cpus;
	action->nodes = nodes_of(look, look->plan->home, index);
	give_reason(&look->guest->threads[index], look->sample->threads[index].allowed, action);
	return 0;
}

/* Sampled pages of the cell that lie in that home. */
static uint64_t pages_at_home(const struct hn_look *look, const struct hn_placement *placement, size_t cell)
{
	const struct hn_cell_sample *pages = &look->sample->cells[cell];
	uint64_t home = 0;

	for (size_t node = 0; node < look->sample->node_count; node++)
		if (hn_set_has(&placement->cells[cell].nodes, look->snapshot->host->nodes[node].id))
			home += pages->on_node[node];
	return home;
}

double hn_share_at_home(const struct hn_look *look, const struct hn_placement *home, size_t cell)
{
	uint64_t present = hn_cell_sample_present(&look->sample->cells[cell], look->sample->node_count);

	return present ? (double)pages_at_home(look, home, cell) / (double)present : 1;
}

uint64_t hn_bytes_away(const struct hn_look *look, const struct hn_placement *home, size_t cell)
{
	const struct hn_cell_sample *pages = &look->sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, look->sample->node_count);
	struct hn_interval away = hn_interval_wilson(present - pages_at_home(look, home, cell), present);

	return (uint64_t)((look->sample->exhaustive ? away.value : away.high) *
			  (double)hn_cell_bytes_present(look->guest, look->sample, cell));
}

static bool is_away(const struct hn_look *look, size_t cell)
{
	return hn_share_at_home(look, look->plan->home, cell) < look->options->home_share;
}

/* The node of a cell's home that lacks most of what should be there. */
static size_t neediest_node(const struct hn_look *look, size_t cell, uint64_t *ret_lack)
{
	const struct hn_cell_home *home = &look->plan->home->cells[cell];
	size_t best = 0;

	*ret_lack = 0;
	for (size_t node = 0; node < look->sample->node_count; node++) {
		uint64_t there = hn_cell_bytes_on(look->guest, look->sample, cell, node);

		if (home->bytes[node] > there && home->bytes[node] - there > *ret_lack) {
			*ret_lack = home->bytes[node] - there;
			best = node;
		}
	}
	return best;
}

size_t hn_shelf_count(const struct hn_host *host)
{
	return host->node_count * (HN_POOLS_MAX + 2);
}

/* Where memory in pages of that size lies on a node: its base pages, one of its pools, or, when it has none
 * such, a shelf without room. */
static size_t shelf_of(const struct hn_host *host, size_t node, uint64_t page_bytes)
{
	size_t pool = 0;

	if (page_bytes == 0)
		return node;
	while (pool < host->nodes[node].pool_count && host->nodes[node].pools[pool].page_bytes != page_bytes)
		pool++;
	if (pool == host->nodes[node].pool_count)
		pool = HN_POOLS_MAX;
	return (pool + 1) * host->node_count + node;
}

/* The pages of the guests that are there already are no room for what arrives. */
static uint64_t own_pool_bytes(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
			       size_t node, uint64_t page_bytes)
{
	uint64_t bytes = 0;

	for (size_t g = 0; g < guest_count; g++) {
		const struct hn_guest_state *state = &snapshot->guests[guests[g]];

		for (size_t cell = 0; state->sample && cell < state->guest->cell_count; cell++)
			if (state->guest->cells[cell].page_bytes == page_bytes &&
			    hn_guest_cell_movable(state->guest, cell))
				bytes += hn_cell_bytes_on(state->guest, state->sample, cell, node);
	}
	return bytes;
}

struct hn_shelf *hn_room_now(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
			     uint64_t keep_free_bytes)
{
	const struct hn_host *host = snapshot->host;
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new_for(snapshot, guests, guest_count, keep_free_bytes);
	struct hn_shelf *room = calloc(hn_shelf_count(host) + 1, sizeof(*room));

	if (!capacity || !room) {
		free(room);
		return NULL;
	}
	for (size_t node = 0; node < host->node_count; node++) {
		const struct hn_node_capacity *here = &capacity->nodes[node];

		room[node].room_bytes =
			here->room_bytes > here->own_bytes ? here->room_bytes - here->own_bytes : 0;
		room[node].short_bytes = here->short_bytes;
		for (size_t pool = 0; pool < host->nodes[node].pool_count; pool++) {
			uint64_t size = host->nodes[node].pools[pool].page_bytes;
			uint64_t own = own_pool_bytes(snapshot, guests, guest_count, node, size);
			uint64_t all = here->pool_room[pool];

			room[shelf_of(host, node, size)] =
				(struct hn_shelf){.room_bytes = all > own ? all - own : 0,
						  .short_bytes = here->pool_short[pool]};
		}
	}
	return room;
}

/* Where the draft's pages come from, and how many bytes they likely are. */
static int find_sources(const struct hn_look *look, size_t cell, size_t target, struct draft *draft)
{
	const struct hn_host *host = look->snapshot->host;
	uint64_t page_bytes = look->guest->cells[cell].page_bytes;

	draft->from = calloc(hn_shelf_count(host) + 1, sizeof(*draft->from));
	if (!draft->from)
		return -ENOMEM;
	draft->to = shelf_of(host, target, page_bytes);
	for (size_t node = 0; node < host->node_count; node++) {
		size_t shelf = shelf_of(host, node, page_bytes);

		if (hn_set_has(&look->plan->home->cells[cell].nodes, host->nodes[node].id))
			continue;
		draft->from[shelf] = hn_cell_bytes_on(look->guest, look->sample, cell, node);
		draft->bytes += draft->from[shelf];
	}
	draft->there = hn_cell_bytes_on(look->guest, look->sample, cell, target);
	return 0;
}

/* 1 and the draft, 0 when nothing of the cell has to move, -ENOMEM. */
static int draft_migration(const struct hn_look *look, size_t cell, struct draft *draft)
{
	const struct hn_cell_home *home = &look->plan->home->cells[cell];
	char bytes_text[HN_UNITS_TEXT_MAX];
	struct hn_action *action = &draft->action;
	double at_home = hn_share_at_home(look, look->plan->home, cell);
	uint64_t away = hn_bytes_away(look, look->plan->home, cell), lack;
	size_t target = neediest_node(look, cell, &lack);

	*draft = (struct draft){.look = look, .action = {.kind = HN_ACTION_MIGRATE}};
	if (at_home >= 1 || lack == 0)
		return 0;
	action->cell = home->cell;
	action->to_node = look->snapshot->host->nodes[target].id;
	action->bytes = away;
	if (find_sources(look, cell, target, draft) < 0)
		return -ENOMEM;
	if (hn_set_count(&home->nodes) > 1) {
		action->limit_bytes = home->bytes[target];
		action->bytes = away < lack ? away : lack; /* the rest is another node's */
	}
	if (draft->bytes > action->bytes)
		draft->bytes = action->bytes;
	if (draft->bytes == 0) /* fewer bytes than a page: rounding */
		draft->bytes = 1;
	snprintf(action->reason, sizeof(action->reason),
		 "cell %d has %.1f %% of its pages at home: %s belong on node %d", home->cell, 100 * at_home,
		 hn_bytes_format(action->bytes, bytes_text, sizeof(bytes_text)), action->to_node);
	return 1;
}

/* One step of a draft as an action; the last one takes what the interval adds. */
static int write_step(struct draft *draft, const struct hn_step *step)
{
	struct hn_action *action = hn_plan_add_action(draft->look->plan, HN_ACTION_MIGRATE);
	char text[HN_UNITS_TEXT_MAX];
	size_t length;

	if (!action)
		return -ENOMEM;
	*action = draft->action;
	action->bytes = draft->action.bytes - draft->placed;
	if (step->limit_bytes) {
		action->limit_bytes = step->limit_bytes;
		action->bytes = step->bytes;
	}
	if (step->limit_bytes || draft->placed) {
		length = strlen(action->reason);
		snprintf(action->reason + length, sizeof(action->reason) - length,
			 ", in steps for want of room: %s",
			 hn_bytes_format(action->bytes, text, sizeof(text)));
	}
	draft->placed += action->bytes;
	return 0;
}

/* Migrations of several looks that are to be put in order. */
struct drafts {
	size_t count;
	struct draft *items;
};

static void drafts_done(struct drafts *drafts)
{
	for (size_t i = 0; i < drafts->count; i++)
		free(drafts->items[i].from);
	free(drafts->items);
}

static int draft_migrations(const struct hn_look *look, const unsigned *sides, struct drafts *drafts)
{
	struct draft *grown =
		reallocarray(drafts->items, drafts->count + look->guest->cell_count + 1, sizeof(*grown));
	int r = grown ? 0 : -ENOMEM;

	if (grown)
		drafts->items = grown;
	for (size_t i = 0; i < look->guest->cell_count && r == 0; i++) {
		if (!(sides[i] & HN_SIDE_MEMORY) || !hn_guest_cell_movable(look->guest, i))
			continue;
		r = draft_migration(look, i, &drafts->items[drafts->count]);
		drafts->count += r > 0;
		r = r > 0 ? 0 : r;
	}
	return r;
}

static int schedule_drafts(const struct drafts *drafts, const struct hn_shelf *room, size_t shelf_count,
			   struct hn_schedule *ret)
{
	HN_AUTO(memory) struct hn_leg *legs = calloc(drafts->count + 1, sizeof(*legs));

	*ret = (struct hn_schedule){0};
	if (!legs)
		return -ENOMEM;
	for (size_t i = 0; i < drafts->count; i++) {
		const struct draft *draft = &drafts->items[i];
		legs[i] = (struct hn_leg){
			.to = draft->to, .bytes = draft->bytes, .there = draft->there, .from = draft->from};
	}
	return hn_schedule_make(legs, drafts->count, room, shelf_count, ret);
}

/* The drafts as actions of their plans, in order; whose turn it is goes to turns, which has room. */
static int write_schedule(const struct drafts *drafts, const struct hn_schedule *schedule,
			  const struct hn_look *looks, struct hn_plan_turn *turns)
{
	for (size_t i = 0; i < schedule->count; i++) {
		struct draft *draft = &drafts->items[schedule->steps[i].leg];

		if (write_step(draft, &schedule->steps[i]) < 0)
			return -ENOMEM;
		turns[i] = (struct hn_plan_turn){(size_t)(draft->look - looks),
						 draft->look->plan->action_count - 1};
	}
	return 0;
}

/* What no pace can spare the guest. */
static int note_gap(const struct hn_look *look)
{
	uint64_t page_bytes = 0;
	char page[HN_UNITS_TEXT_MAX], gap[HN_UNITS_TEXT_MAX];
	double seconds;

	for (size_t i = 0; i < look->plan->action_count; i++) {
		const struct hn_action *action = &look->plan->actions[i];
		uint64_t bytes = action->kind == HN_ACTION_MIGRATE
					 ? hn_guest_largest_page(look->guest, action->cell)
					 : 0;

		page_bytes = bytes > page_bytes ? bytes : page_bytes;
	}
	seconds = hn_price_page_gap(&look->snapshot->calibration, page_bytes);
	if (seconds < GAP_TOLD)
		return 0;
	return hn_plan_add_note(
		look->plan, "a page of %s is copied as a whole: who touches it waits some %s",
		hn_bytes_format(page_bytes, page, sizeof(page)),
		hn_duration_format((uint64_t)(seconds * (double)HN_NS_PER_S), gap, sizeof(gap)));
}

/* Threads that would be bound, were it not for their operator. */
static int note_kept(const struct hn_look *look)
{
	unsigned kept = 0;

	for (size_t i = 0; i < look->guest->thread_count; i++) {
		struct hn_set cpus;

		if (!look->guest->threads[i].kept)
			continue;
		cpus = hn_home_cpus(look, look->plan->home, i);
		kept += !hn_set_empty(&cpus) && !hn_set_inside(look->sample->threads[i].allowed, &cpus);
	}
	return kept == 0
		       ? 0
		       : hn_plan_add_note(look->plan,
					  "%u thread%s where %s operator has pinned %s (pins = override lets "
					  "homenode)",
					  kept, kept == 1 ? " stays" : "s stay", kept == 1 ? "its" : "their",
					  kept == 1 ? "it" : "them");
}

/* What the operator should know about memory policies that will send new pages elsewhere, and besides. */
static int add_notes(const struct hn_look *look)
{
	const struct hn_guest *guest = look->guest;
	int r = 0;

	for (size_t i = 0; i < guest->backend_count && r == 0; i++) {
		const struct hn_backend *backend = &guest->backends[i];
		int cell = hn_guest_cell_index(guest, backend->cell);
		char nodes[64];

		if (cell < 0 || hn_set_empty(&backend->host_nodes) ||
		    hn_set_inside(&backend->host_nodes, &look->plan->home->cells[cell].nodes))
			continue;
		r = hn_plan_add_note(
			look->plan,
			"backend '%s' has policy %s on node %s: pages it faults in later go there",
			backend->id, backend->policy,
			hn_set_format(&backend->host_nodes, nodes, sizeof(nodes)));
	}
	if (r == 0)
		r = note_gap(look);
	if (r == 0)
		r = note_kept(look);
	if (r == 0 && look->snapshot->host->kernel_balancing && look->plan->action_count > 0)
		r = hn_plan_add_note(look->plan,
				     "kernel NUMA balancing is on and may move what is placed here");
	return r;
}

/* Bindings, and drafts of the migrations if anything is needed at all. */
static int begin(const struct hn_look *look, const unsigned *sides, struct drafts *drafts)
{
	bool needed;
	int r = 0;

	for (size_t i = 0; i < look->guest->thread_count && r == 0; i++)
		r = plan_bind(look, sides, i);
	needed = look->plan->action_count > 0;
	for (size_t i = 0; i < look->guest->cell_count; i++)
		needed = needed || ((sides[i] & HN_SIDE_MEMORY) && is_away(look, i) &&
				    hn_guest_cell_movable(look->guest, i));
	return r == 0 && needed ? draft_migrations(look, sides, drafts) : r;
}

static bool has_large_pages(const struct hn_guest *guest, int cell)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell &&
		    guest->backends[i].movability == HN_IMMOVABLE_LARGE_PAGES)
			return true;
	return false;
}

static int finish(const struct hn_look *look)
{
	int r = 0;

	for (size_t i = 0; i < look->guest->cell_count && r == 0; i++)
		if (is_away(look, i) && !hn_guest_cell_movable(look->guest, i))
			r = hn_plan_add_note(
				look->plan, "cell %d: its memory cannot be moved (%.1f %% is at home)%s",
				look->guest->cells[i].id, 100 * hn_share_at_home(look, look->plan->home, i),
				has_large_pages(look->guest, look->guest->cells[i].id)
					? ": its pages are too large, see longest_gap in homenode.conf(5)"
					: "");
	return r ? r : add_notes(look);
}

int hn_actions_plan_together(const struct hn_look *looks, const unsigned *const *sides, size_t count,
			     const struct hn_shelf *room, struct hn_plan_turn **ret_turns, size_t *ret_count,
			     bool *ret_fits)
{
	struct drafts drafts = {0};
	struct hn_schedule schedule = {0};
	int r = 0;

	*ret_turns = NULL;
	for (size_t i = 0; i < count && r == 0; i++)
		r = begin(&looks[i], sides[i], &drafts);
	if (r == 0)
		r = schedule_drafts(&drafts, room, hn_shelf_count(looks->snapshot->host), &schedule);
	if (r == 0 && !(*ret_turns = calloc(schedule.count + 1, sizeof(**ret_turns))))
		r = -ENOMEM;
	if (r == 0)
		r = write_schedule(&drafts, &schedule, looks, *ret_turns);
	for (size_t i = 0; i < count && r == 0; i++)
		r = finish(&looks[i]);
	*ret_count = schedule.count;
	*ret_fits = schedule.fits;
	hn_schedule_done(&schedule);
	drafts_done(&drafts);
	if (r < 0) {
		free(*ret_turns);
		*ret_turns = NULL;
	}
	return r;
}

int hn_actions_plan(const struct hn_look *look, const unsigned *sides)
{
	HN_AUTO(memory)
	struct hn_shelf *room =
		hn_room_now(look->snapshot, &look->index, 1, look->options->solver.keep_free_bytes);
	HN_AUTO(memory) struct hn_plan_turn *turns = NULL;
	size_t count;
	bool fits;

	return room ? hn_actions_plan_together(look, &sides, 1, room, &turns, &count, &fits) : -ENOMEM;
}
