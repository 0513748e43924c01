#include "daemon/operation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "daemon/binding.h"
#include "daemon/bound-threads.h"
#include "daemon/chronicle.h"
#include "daemon/events.h"
#include "daemon/fence.h"
#include "daemon/inspect.h"
#include "daemon/migration.h"
#include "daemon/regulator.h"
#include "daemon/retreat.h"
#include "policy/capacity.h"

#define PATIENCE_NS (60 * HN_NS_PER_S) /* a target that has no room for so long has none */

static int begin(struct hn_running_operation *running, struct hn_error *err);
static void go_on(struct hn_running_operation *running);
static void migrate_next(struct hn_running_operation *running);

static struct hn_set home_of(const struct hn_plan *plan)
{
	return plan->home ? hn_placement_nodes(plan->home) : (struct hn_set){0};
}

static void on_fence_narrowed(const struct hn_error *err, void *context)
{
	struct hn_running_operation *running = context;

	running->fence = NULL;
	if (err)
		snprintf(running->note, sizeof(running->note),
			 "new memory may still come from elsewhere: %.160s", err->message);
	hn_running_finish_done(running);
}

/* New memory is to come from home as well. */
static void close_fence(struct hn_running_operation *running)
{
	struct hn_set nodes = home_of(running->plan);
	struct hn_error err;

	if (hn_set_empty(&nodes) || !hn_fence_is_too_wide(running->managed, &nodes))
		hn_running_finish_done(running);
	else if (hn_fence_start(running->managed, HN_FENCE_NARROW, &nodes, on_fence_narrowed, running,
				&running->fence, &err) < 0)
		on_fence_narrowed(&err, running);
}

static void on_migration_progress(const struct hn_move_progress *books, void *context)
{
	struct hn_running_operation *running = context;

	running->books.last = *books;
	hn_running_update(running);
}

static void on_migration_done(int result, const struct hn_move_progress *books, const struct hn_error *err,
			      void *context)
{
	struct hn_running_operation *running = context;

	running->books.last = *books;
	hn_books_close(&running->books);
	if (books->stayed_bytes[HN_STAY_CPUSET] > 0)
		hn_inspect_soon(running->managed);
	if (result == -ECANCELED)
		hn_retreat(running, HN_OPERATION_CANCELLED, "%s",
			   running->stopped[0] ? running->stopped : err->message);
	else if (result == -ESRCH) /* nobody is left to be bound back */
		hn_running_finish(running, HN_OPERATION_FAILED, "%s", err->message);
	else if (result < 0)
		hn_retreat(running, HN_OPERATION_FAILED, "%s", err->message);
	else {
		running->next++;
		hn_exchange_advance(&running->part);
		hn_running_end_migration(running); /* wakes whoever waits, its partner too */
		migrate_next(running);
	}
}

/* What lies on another node of the cell's home is at home too: pulling it over would go on for ever. */
static struct hn_set home_nodes(const struct hn_plan *plan, int cell)
{
	struct hn_set none = {0};

	for (size_t i = 0; plan->home && i < plan->home->cell_count; i++)
		if (plan->home->cells[i].cell == cell)
			return plan->home->cells[i].nodes;
	return none;
}

static int start_migration(struct hn_running_operation *running, const struct hn_migration_order *order,
			   struct hn_error *err)
{
	const struct hn_migration_listener listener = {on_migration_progress, on_migration_done, running};
	struct hn_operation *record = &running->managed->operation;

	record->message[0] = '\0';
	record->cell = order->action->cell;
	record->to_node = order->action->to_node;
	hn_log(HN_LOG_INFO, "guest '%s': %s", running->managed->name, order->action->reason);
	return hn_migration_start(running->managed, order, &listener, &running->migration, err);
}

static void on_try_again(void *context)
{
	go_on(context);
}

static void queue_up(struct hn_running_operation *running, const char *why)
{
	struct hn_managed *managed = running->managed;

	snprintf(managed->operation.message, sizeof(managed->operation.message), "waits %s", why);
	hn_running_update(running);
	running->waiter.try_again = on_try_again;
	running->waiter.context = running;
	hn_admission_join(managed->service->admission, &running->waiter);
}

/* It waits for its turn, and says for what; for room, or for evidence, it does not wait for ever. */
static void wait_turn(struct hn_running_operation *running, enum hn_wait wait, const char *why)
{
	uint64_t now = hn_now_ns();

	if (wait == HN_WAIT_FOR_ANOTHER)
		running->in_vain_since_ns = 0;
	else if (running->in_vain_since_ns == 0)
		running->in_vain_since_ns = now;
	if (running->in_vain_since_ns && now - running->in_vain_since_ns >= PATIENCE_NS) {
		hn_retreat(running, HN_OPERATION_FAILED, "has waited for a minute %s", why);
		return;
	}
	queue_up(running, why);
}

/* Whether it is its turn among the two that change places; else it waits, or has ended. */
static bool may_go_on(struct hn_running_operation *running)
{
	char why[HN_REASON_MAX];
	int r = hn_exchange_ask(&running->part, running->next, why, sizeof(why));

	if (r < 0)
		hn_retreat(running, HN_OPERATION_CANCELLED, "%s", why);
	else if (r == 0)
		queue_up(running, why);
	return r > 0;
}

/* Whether it is admitted with what its plan stood on; else it waits, or has ended. */
static bool is_admitted(struct hn_running_operation *running, const struct hn_turn_move *move)
{
	char why[HN_REASON_MAX];
	enum hn_wait wait = hn_admission_ask(running->managed, move, why, sizeof(why));

	if (wait != HN_WAIT_NOT)
		wait_turn(running, wait, why);
	else if (running->managed->seizures != running->seizures)
		hn_retreat(running, HN_OPERATION_FAILED,
			   "something has come to hold its memory since this was planned: it is planned "
			   "anew");
	else {
		running->in_vain_since_ns = 0;
		return true;
	}
	return false;
}

/* Steps to the next migration of the plan. False when there is none. */
static bool find_migration(struct hn_running_operation *running, struct hn_migration_order *ret)
{
	const struct hn_plan *plan = running->plan;

	while (running->next < plan->action_count && plan->actions[running->next].kind != HN_ACTION_MIGRATE)
		running->next++;
	if (running->next == plan->action_count)
		return false;
	ret->action = &plan->actions[running->next];
	ret->stay_nodes = home_nodes(plan, ret->action->cell);
	return true;
}

/* The next migration of the plan, when it is its turn; the end of the operation when there is none. */
static void migrate_next(struct hn_running_operation *running)
{
	struct hn_migration_order order;
	struct hn_turn_move move;
	struct hn_error err;

	if (!find_migration(running, &order)) {
		close_fence(running);
		return;
	}
	if (running->stopped[0]) { /* while the one before came to its end */
		hn_retreat(running, HN_OPERATION_CANCELLED, "%s", running->stopped);
		return;
	}
	running->held = running->paused;
	if (running->held || !may_go_on(running))
		return;
	hn_migration_turn(running->managed, &order, &move);
	if (is_admitted(running, &move) && start_migration(running, &order, &err) < 0)
		hn_retreat(running, HN_OPERATION_FAILED, "%s", err.message);
}

static void on_fence_widened(const struct hn_error *err, void *context)
{
	struct hn_running_operation *running = context;

	running->fence = NULL;
	if (err)
		hn_retreat(running, HN_OPERATION_FAILED,
			   "its cgroups could not be opened for node memory: %s", err->message);
	else
		migrate_next(running);
}

/* Pages can only go where the guest's cgroups let them. */
static void open_fence(struct hn_running_operation *running)
{
	struct hn_managed *managed = running->managed;
	bool moves = hn_plan_migrate_bytes(running->plan) > 0;
	struct hn_set nodes = home_of(running->plan);
	struct hn_error err;

	if (moves) /* what another has left open is this one's to close */
		running->fence_before = hn_fence_take_over(managed);
	if (!moves || !hn_fence_is_in_the_way(managed, &nodes))
		migrate_next(running);
	else if (hn_fence_start(managed, HN_FENCE_WIDEN, &nodes, on_fence_widened, running, &running->fence,
				&err) < 0)
		hn_retreat(running, HN_OPERATION_FAILED, "%s", err.message);
	else if (hn_set_empty(&running->fence_before))
		running->fence_before = managed->cpuset_nodes;
}

static void on_bound(const struct hn_binding_outcome *outcome, const struct hn_error *err, void *context)
{
	struct hn_running_operation *running = context;

	running->binding = NULL;
	running->managed->operation.threads_bound = outcome->bound;
	snprintf(running->note, sizeof(running->note), "%s", outcome->note);
	if (err)
		/* bringing the memory to where the threads cannot follow would make it worse */
		hn_retreat(running, HN_OPERATION_FAILED, "%s", err->message);
	else
		open_fence(running);
}

static bool has_bindings(const struct hn_plan *plan)
{
	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].kind == HN_ACTION_BIND)
			return true;
	return false;
}

/*
 * Threads are not sent ahead before memory can follow, or they would run far from it meanwhile. In an
 * exchange room is made step by step.
 */
static bool may_begin(struct hn_running_operation *running)
{
	struct hn_migration_order order;
	struct hn_turn_move move;

	if (running->part.exchange || !find_migration(running, &order))
		return is_admitted(running, NULL);
	hn_migration_turn(running->managed, &order, &move);
	return is_admitted(running, &move);
}

/* Threads first, unless who was to change places with it has given up while it waited. */
static int begin(struct hn_running_operation *running, struct hn_error *err)
{
	char why[HN_REASON_MAX];
	int r;

	if (hn_exchange_ask(&running->part, running->next, why, sizeof(why)) < 0) {
		hn_retreat(running, HN_OPERATION_CANCELLED, "%s", why);
		return 0;
	}
	running->held = running->paused;
	if (running->held || !may_begin(running))
		return 0;
	running->begun = true;
	if (!has_bindings(running->plan)) {
		open_fence(running);
		return 0;
	}
	/* before the answer: it may be called off meanwhile */
	hn_bound_threads_note(running->managed, running->plan);
	r = hn_binding_start(running->managed, running->plan, on_bound, running, &running->binding, err);
	if (r < 0) {
		hn_bound_threads_revert(running->managed, running->plan);
		hn_running_finish(running, HN_OPERATION_FAILED, "%s", err->message);
	}
	return r;
}

static void go_on(struct hn_running_operation *running)
{
	struct hn_error ignored; /* the record tells it */

	if (running->begun)
		migrate_next(running);
	else
		begin(running, &ignored);
}

/* By its last look. */
static struct hn_set memory_nodes(const struct hn_managed *managed)
{
	const struct hn_host *host = managed->service->host;
	struct hn_set nodes = {0};

	for (size_t cell = 0; managed->sample && cell < managed->guest->cell_count; cell++)
		for (size_t node = 0; node < host->node_count; node++)
			if (hn_cell_bytes_on(managed->guest, managed->sample, cell, node))
				hn_set_add(&nodes, host->nodes[node].id);
	return nodes;
}

int hn_operation_start(struct hn_managed *managed, struct hn_plan *plan, double predicted_gain,
		       struct hn_part *part, struct hn_error *err)
{
	bool may = !managed->running && !managed->service->ends;
	struct hn_running_operation *running = may ? calloc(1, sizeof(*running)) : NULL;
	int r;

	if (!running) {
		hn_plan_free(plan);
		hn_exchange_leave(part);
		return may ? hn_oom(err)
			   : hn_fail(err, -EBUSY, "%s",
				     managed->running
					     ? "an operation on it is still under way"
					     : "homenoded is about to end: ask again when it is back");
	}
	running->part = (struct hn_part){hn_steal(part->exchange), part->side};
	running->managed = managed;
	running->plan = plan;
	running->price = hn_chronicle_price(managed, plan);
	running->gain = predicted_gain;
	running->started_ns = hn_now_ns();
	running->seizures = managed->seizures;
	running->from = memory_nodes(managed);
	managed->running = running;
	managed->operation = (struct hn_operation){.id = ++managed->service->next_operation_id,
						   .state = HN_OPERATION_RUNNING,
						   .to_move_bytes = hn_plan_migrate_bytes(plan),
						   .cell = -1,
						   .to_node = -1};
	hn_log(HN_LOG_INFO, "guest '%s': operation %" PRIu64 ": %s", managed->name, managed->operation.id,
	       plan->reason);
	hn_running_tell(managed, HN_EVENT_OPERATION_STARTED, plan->reason);
	if ((r = hn_retreat_prepare(running, err)) < 0) {
		hn_running_finish(running, HN_OPERATION_FAILED, "%s", err->message);
		return r;
	}
	return begin(running, err);
}

/* Who may not be touched any more cannot have its cgroups put back either, until it may. */
static void leave_open(struct hn_running_operation *running)
{
	struct hn_managed *managed = running->managed;
	struct hn_operation *record = &managed->operation;
	size_t length = strlen(record->message);

	if (hn_set_empty(&running->fence_before) || !hn_guest_is_untouchable(managed->guest))
		return;
	if (record->moved_bytes == 0)
		managed->fence_owed = running->fence_before;
	snprintf(record->message + length, sizeof(record->message) - length,
		 "; its cgroups stay open for more nodes than before%s",
		 record->moved_bytes > 0 ? ", as part of its memory is there" : " until one is");
}

void hn_operation_abandon(struct hn_managed *managed, const char *why)
{
	struct hn_running_operation *running = managed->running;

	hn_fence_cancel(hn_steal(managed->fence_back)); /* while the domain it may have asked is there */
	if (!running)
		return;
	hn_running_update(running);
	managed->operation.state = HN_OPERATION_CANCELLED;
	snprintf(managed->operation.message, sizeof(managed->operation.message), "%s", why);
	leave_open(running);
	hn_log(HN_LOG_INFO, "guest '%s': operation %" PRIu64 " abandoned: %s", managed->name,
	       managed->operation.id, managed->operation.message);
	hn_chronicle_move(managed, running->price, running->gain);
	hn_running_tell(managed, HN_EVENT_OPERATION_FAILED, managed->operation.message);
	hn_running_free(running);
}

static int find_running(const struct hn_managed *managed, struct hn_error *err)
{
	return managed->running ? 0 : hn_fail(err, -EBUSY, "no operation on it is under way");
}

int hn_operation_pause(struct hn_managed *managed, bool pause, struct hn_error *err)
{
	struct hn_running_operation *running = managed->running;
	struct hn_operation *record = &managed->operation;
	int r = find_running(managed, err);

	if (r < 0 || running->paused == pause)
		return r;
	running->paused = record->paused = pause;
	running->in_vain_since_ns = 0;
	snprintf(record->message, sizeof(record->message), "%s", pause ? "paused by an operator" : "");
	hn_log(HN_LOG_INFO, "guest '%s': operation %" PRIu64 " %s by an operator", managed->name, record->id,
	       pause ? "paused" : "resumed");
	if (running->migration) {
		running->migration->paused = pause;
		hn_regulator_deal(managed->service);
	} else if (pause && running->waiter.queued) {
		hn_admission_leave(managed->service->admission, &running->waiter);
		running->held = true;
	} else if (!pause && running->held) {
		go_on(running);
	}
	return 0;
}

int hn_operation_cancel(struct hn_managed *managed, const char *why, struct hn_error *err)
{
	struct hn_running_operation *running = managed->running;
	int r = find_running(managed, err);

	if (r < 0)
		return r;
	snprintf(running->stopped, sizeof(running->stopped), "%s", why);
	if (running->migration)
		hn_migration_cancel(running->migration);
	else if (!running->retreats)
		hn_retreat(running, HN_OPERATION_CANCELLED, "%s", running->stopped);
	return 0;
}

static bool has_yet_to_migrate(const struct hn_running_operation *running)
{
	for (size_t i = running ? running->next : 0; running && i < running->plan->action_count; i++)
		if (running->plan->actions[i].kind == HN_ACTION_MIGRATE)
			return true;
	return false;
}

bool hn_operation_leaves(const struct hn_managed *managed, int node)
{
	return has_yet_to_migrate(managed->running) && hn_set_has(&managed->running->from, node);
}

bool hn_operation_goes_to(const struct hn_managed *managed, int node)
{
	const struct hn_running_operation *running = managed->running;

	for (size_t i = running ? running->next : 0; running && i < running->plan->action_count; i++)
		if (running->plan->actions[i].kind == HN_ACTION_MIGRATE &&
		    running->plan->actions[i].to_node == node)
			return true;
	return false;
}
