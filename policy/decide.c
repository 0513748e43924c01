#include "policy/decide.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "policy/capacity.h"
#include "policy/policies.h"

/*
 * One look at one guest: where should it live, what of it is elsewhere, and has the look before said the
 * same? Threads are planned before pages, so that what the guest touches from now on is allocated at home.
 */

const struct hn_decide_options hn_decide_defaults = {
	.solver = {.keep_free_bytes = 64 * HN_MIB, .steps = 200000},
	.looks = 2,
	.home_share = 0.99,
	.max_age_ns = 60 * HN_NS_PER_S,
};

#define FRUITLESS_DOUBLINGS_MAX 6

struct look {
	const struct hn_snapshot *snapshot;
	const struct hn_guest_state *state;
	const struct hn_guest *guest;
	const struct hn_sample *sample;
	const struct hn_decide_options *options;
	struct hn_plan *plan;
};

__attribute__((format(printf, 3, 4))) static void conclude(struct hn_plan *plan, enum hn_verdict verdict,
							   const char *format, ...)
{
	va_list args;

	plan->verdict = verdict;
	va_start(args, format);
	vsnprintf(plan->reason, sizeof(plan->reason), format, args);
	va_end(args);
}

/* Verdicts that need no home. True when the plan is concluded. */
static bool left_alone_or_unknown(const struct look *look)
{
	const struct hn_guest *guest = look->guest;
	uint64_t present = 0, asked = 0;

	if (guest->mode == HN_MODE_OFF)
		return conclude(look->plan, HN_VERDICT_LEFT_ALONE, "its mode is off"), true;
	if (guest->class == HN_CLASS_REALTIME &&
	    (guest->state == HN_RUN_RUNNING || guest->state == HN_RUN_UNKNOWN))
		return conclude(look->plan, HN_VERDICT_LEFT_ALONE,
				"a realtime guest is left alone while it runs"),
		       true;
	if (guest->state == HN_RUN_INCOMING)
		return conclude(look->plan, HN_VERDICT_UNKNOWN,
				"its memory is still arriving by live migration"),
		       true;
	if (guest->cell_count == 0)
		return conclude(look->plan, HN_VERDICT_UNKNOWN, "its cells are not known"), true;
	if (!look->sample)
		return conclude(look->plan, HN_VERDICT_UNKNOWN, "no sample of its memory yet"), true;
	if (look->snapshot->now_ns > look->sample->taken_ns + look->options->max_age_ns)
		return conclude(look->plan, HN_VERDICT_UNKNOWN, "the last sample of its memory is too old"),
		       true;
	for (size_t i = 0; i < look->sample->cell_count; i++) {
		present += hn_cell_sample_present(&look->sample->cells[i], look->sample->node_count);
		asked += look->sample->cells[i].sampled - look->sample->cells[i].absent;
	}
	if (asked > 0 && present * 2 < asked)
		return conclude(look->plan, HN_VERDICT_UNKNOWN,
				"the kernel does not say where most of its memory is (kernel NUMA balancing "
				"hides it)"),
		       true;
	return false;
}

/* CPUs of every node in the set that this guest's threads may use. */
static struct hn_set cpus_of(const struct look *look, const struct hn_set *nodes)
{
	struct hn_set cpus = {0};

	for (size_t i = 0; i < look->snapshot->host->node_count; i++) {
		struct hn_set usable = hn_usable_cpus(look->snapshot->host, i, look->guest->class);

		if (hn_set_has(nodes, look->snapshot->host->nodes[i].id))
			hn_set_or(&cpus, &usable);
	}
	return cpus;
}

static int plan_bind(const struct look *look, size_t index)
{
	const struct hn_thread *thread = &look->guest->threads[index];
	int cell = thread->cell >= 0 ? hn_guest_cell_index(look->guest, thread->cell) : -1;
	struct hn_set nodes =
		cell >= 0 ? look->plan->home->cells[cell].nodes : hn_placement_nodes(look->plan->home);
	struct hn_set cpus = cpus_of(look, &nodes);
	const struct hn_set *allowed = &look->sample->threads[index].allowed;
	char node_text[64], allowed_text[64];
	struct hn_action *action;

	if (hn_set_empty(&cpus) || hn_set_empty(allowed) || hn_set_inside(allowed, &cpus))
		return 0;
	action = hn_plan_add_action(look->plan, HN_ACTION_BIND);
	if (!action)
		return -ENOMEM;
	action->tid = thread->tid;
	action->cpus = cpus;
	action->nodes = nodes;
	hn_set_format(&nodes, node_text, sizeof(node_text));
	hn_set_format(allowed, allowed_text, sizeof(allowed_text));
	if (thread->kind == HN_THREAD_VCPU)
		snprintf(action->reason, sizeof(action->reason),
			 "vCPU %d of cell %d may run on CPUs %s; its cell lives on node %s", thread->vcpu,
			 thread->cell, allowed_text, node_text);
	else
		snprintf(action->reason, sizeof(action->reason),
			 "%s '%s' may run on CPUs %s; the guest lives on node %s",
			 hn_thread_kind_name(thread->kind), thread->name, allowed_text, node_text);
	return 0;
}

/* Sampled pages of the cell that lie on its home. */
static uint64_t pages_at_home(const struct look *look, size_t cell)
{
	const struct hn_cell_sample *pages = &look->sample->cells[cell];
	uint64_t home = 0;

	for (size_t node = 0; node < look->sample->node_count; node++)
		if (hn_set_has(&look->plan->home->cells[cell].nodes, look->snapshot->host->nodes[node].id))
			home += pages->on_node[node];
	return home;
}

/* 1 for a cell without any page. */
static double home_share(const struct look *look, size_t cell)
{
	uint64_t present = hn_cell_sample_present(&look->sample->cells[cell], look->sample->node_count);

	return present ? (double)pages_at_home(look, cell) / (double)present : 1;
}

static bool is_away(const struct look *look, size_t cell)
{
	return home_share(look, cell) < look->options->home_share;
}

/* Upper estimate of the cell's bytes that lie outside its home. */
static uint64_t bytes_away(const struct look *look, size_t cell)
{
	const struct hn_cell_sample *pages = &look->sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, look->sample->node_count);
	struct hn_interval away = hn_interval_wilson(present - pages_at_home(look, cell), present);

	return (uint64_t)((look->sample->exhaustive ? away.value : away.high) *
			  (double)hn_cell_bytes_present(look->guest, look->sample, cell));
}

/* The node of a cell's home that lacks most of what should be there. */
static size_t neediest_node(const struct look *look, size_t cell, uint64_t *ret_lack)
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

static int plan_migrate(const struct look *look, size_t cell)
{
	const struct hn_cell_home *home = &look->plan->home->cells[cell];
	char bytes_text[HN_UNITS_TEXT_MAX];
	struct hn_action *action;
	double at_home = home_share(look, cell);
	uint64_t away = bytes_away(look, cell), lack;
	size_t target = neediest_node(look, cell, &lack);

	if (at_home >= 1 || lack == 0)
		return 0;
	action = hn_plan_add_action(look->plan, HN_ACTION_MIGRATE);
	if (!action)
		return -ENOMEM;
	action->cell = home->cell;
	action->to_node = look->snapshot->host->nodes[target].id;
	action->bytes = away;
	if (hn_set_count(&home->nodes) > 1) {
		action->limit_bytes = home->bytes[target];
		action->bytes = away < lack ? away : lack; /* the rest is another node's */
	}
	snprintf(action->reason, sizeof(action->reason),
		 "cell %d has %.1f %% of its pages at home: %s belong on node %d", home->cell, 100 * at_home,
		 hn_bytes_format(action->bytes, bytes_text, sizeof(bytes_text)), action->to_node);
	return 0;
}

/* What the operator should know about memory policies that will send new pages elsewhere. */
static int add_notes(const struct look *look)
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
	if (r == 0 && look->snapshot->host->kernel_balancing && look->plan->action_count > 0)
		r = hn_plan_add_note(look->plan,
				     "kernel NUMA balancing is on and may move what is placed here");
	return r;
}

/* A few stray pages are no reason to move; but when something moves, every cell's strays come along. */
static int plan_actions(const struct look *look)
{
	bool needed;
	int r = 0;

	for (size_t i = 0; i < look->guest->thread_count && r == 0; i++)
		r = plan_bind(look, i);
	needed = look->plan->action_count > 0;
	for (size_t i = 0; i < look->guest->cell_count; i++)
		needed = needed || (is_away(look, i) && hn_guest_cell_movable(look->guest, i));
	for (size_t i = 0; i < look->guest->cell_count && r == 0 && needed; i++)
		if (hn_guest_cell_movable(look->guest, i))
			r = plan_migrate(look, i);
	for (size_t i = 0; i < look->guest->cell_count && r == 0; i++)
		if (is_away(look, i) && !hn_guest_cell_movable(look->guest, i))
			r = hn_plan_add_note(look->plan,
					     "cell %d: its memory cannot be moved (%.1f %% is at home)",
					     look->guest->cells[i].id, 100 * home_share(look, i));
	return r ? r : add_notes(look);
}

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
static void conclude_actions(const struct look *look, struct hn_looks *looks)
{
	const struct hn_decide_options *options = look->options;
	uint64_t now = look->snapshot->now_ns;
	char home[120], bytes[HN_UNITS_TEXT_MAX];

	describe_home(look->plan->home, home, sizeof(home));
	if (look->plan->action_count == 0) {
		looks->agreeing = 0;
		looks->fruitless = 0;
		conclude(look->plan, HN_VERDICT_AT_HOME, "%s", home);
		return;
	}
	looks->agreeing = is_same_home(look->state->home, look->plan->home) ? looks->agreeing + 1 : 1;
	hn_bytes_format(hn_plan_migrate_bytes(look->plan), bytes, sizeof(bytes));
	if (look->state->moving)
		conclude(look->plan, HN_VERDICT_WAIT, "an operation on it is under way");
	else if (!options->now && now < looks->settle_until_ns)
		conclude(look->plan, HN_VERDICT_WAIT, "it settles after the last operation");
	else if (!options->now && looks->agreeing < options->looks)
		conclude(look->plan, HN_VERDICT_WAIT, "look %u of %u that wants %s, %s to move",
			 looks->agreeing, options->looks, home, bytes);
	else
		conclude(look->plan, HN_VERDICT_ACT, "%s: %s to move, %u looks agree", home, bytes,
			 looks->agreeing);
}

int hn_decide(const struct hn_snapshot *snapshot, size_t guest, const struct hn_decide_options *options,
	      struct hn_plan **ret, struct hn_looks *ret_looks, struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	const struct hn_policy *policy = hn_policy_find(state->guest->policy, err);
	struct look look = {snapshot, state, state->guest, state->sample, options, plan};
	struct hn_error why = {0};
	int r;

	if (!plan)
		return hn_oom(err);
	if (!policy)
		return -EINVAL;
	*ret_looks = state->looks;
	if (left_alone_or_unknown(&look)) {
		/* a look that says nothing takes no home away */
		if (state->home && !(plan->home = hn_placement_copy(state->home)))
			return hn_oom(err);
	} else {
		r = policy->find_home(snapshot, guest, &options->solver, &plan->home, &why);
		if (r == 0) {
			if (plan_actions(&look) < 0)
				return hn_oom(err);
			conclude_actions(&look, ret_looks);
		} else if (r == -ENOSPC) {
			ret_looks->agreeing = 0;
			conclude(plan, HN_VERDICT_BLOCKED, "does not fit: %.220s", why.message);
		} else {
			return hn_fail(err, r, "%s", why.message);
		}
	}
	*ret = hn_steal(plan);
	return 0;
}

struct hn_looks hn_looks_after(const struct hn_looks *looks, uint64_t now_ns, uint64_t settle_ns,
			       uint64_t predicted_bytes, uint64_t moved_bytes)
{
	struct hn_looks after = {.fruitless = looks->fruitless};
	unsigned doublings;

	after.fruitless = moved_bytes < predicted_bytes - predicted_bytes / 2 ? looks->fruitless + 1 : 0;
	doublings = after.fruitless < FRUITLESS_DOUBLINGS_MAX ? after.fruitless : FRUITLESS_DOUBLINGS_MAX;
	after.settle_until_ns = now_ns + (settle_ns << doublings);
	return after;
}
