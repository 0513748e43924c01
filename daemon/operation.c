#include "daemon/operation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "daemon/hands-channel.h"
#include "policy/decide.h"
#include "policy/price.h"
#include "policy/regret.h"

#define MOVE_WATCHDOG_NS (30 * HN_NS_PER_S)
#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

struct hn_running_operation {
	TAILQ_ENTRY(hn_running_operation) waiting_entry;
	struct hn_managed *managed;
	struct hn_plan *plan;
	size_t next;            /* action to do next */
	bool waiting;           /* in service->waiting */
	struct hn_hands *mover; /* while a migration runs */
	uint64_t started_ns;
	uint64_t moved_before, stayed_before, cpu_before; /* by the migrations that have ended */
	struct hn_move_progress last;                     /* of the one that runs or ran last */
	uint64_t stayed_by[HN_STAY_COUNT];
};

static void migrate_next(struct hn_running_operation *running);

static uint64_t stayed_bytes(const struct hn_move_progress *progress)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < HN_STAY_COUNT; i++)
		bytes += progress->stayed_bytes[i];
	return bytes;
}

static void update_record(struct hn_running_operation *running)
{
	struct hn_operation *record = &running->managed->operation;

	record->elapsed_ns = hn_now_ns() - running->started_ns;
	record->moved_bytes = running->moved_before + running->last.moved_bytes;
	record->stayed_bytes = running->stayed_before + stayed_bytes(&running->last);
	record->cpu_ns = running->cpu_before + running->last.cpu_ns;
}

/* The slot of a migration that has ended goes to whoever has waited longest. */
static void release_slot(struct hn_service *service)
{
	struct hn_running_operation *next = TAILQ_FIRST(&service->waiting);

	service->migrations--;
	if (!next)
		return;
	TAILQ_REMOVE(&service->waiting, next, waiting_entry);
	next->waiting = false;
	migrate_next(next);
}

static void end_migration(struct hn_running_operation *running)
{
	if (!running->mover)
		return;
	hn_hands_free(hn_steal(running->mover));
	release_slot(running->managed->service);
}

static void operation_free(struct hn_running_operation *running)
{
	struct hn_service *service = running->managed->service;

	if (running->waiting)
		TAILQ_REMOVE(&service->waiting, running, waiting_entry);
	running->managed->running = NULL;
	hn_hands_forget(service->hands, running);
	end_migration(running);
	hn_plan_free(running->plan);
	free(running);
}

static void describe_stayed(const struct hn_running_operation *running, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < HN_STAY_COUNT && used < size; i++) {
		char bytes[HN_UNITS_TEXT_MAX];

		if (running->stayed_by[i] == 0)
			continue;
		hn_bytes_format(running->stayed_by[i], bytes, sizeof(bytes));
		used += (size_t)snprintf(text + used, size - used, "%s%s stayed: %s", used ? ", " : "; ",
					 bytes, hn_stay_name((enum hn_stay)i));
	}
}

/* Ends the operation: writes the record, sets the guest to settle, looks again at once. */
__attribute__((format(printf, 3, 4))) static void
finish(struct hn_running_operation *running, enum hn_operation_state state, const char *format, ...)
{
	struct hn_managed *managed = running->managed;
	struct hn_operation *record = &managed->operation;
	va_list args;

	update_record(running);
	record->state = state;
	record->cell = record->to_node = -1;
	va_start(args, format);
	vsnprintf(record->message, sizeof(record->message), format, args);
	va_end(args);
	hn_log(state == HN_OPERATION_FAILED ? HN_LOG_WARNING : HN_LOG_INFO,
	       "guest '%s': operation %" PRIu64 " %s: %s", managed->name, record->id,
	       hn_operation_state_name(state), record->message);
	managed->looks = hn_looks_after(&managed->looks, hn_now_ns(), managed->service->config->settle_ns,
					hn_plan_migrate_bytes(running->plan), record->moved_bytes);
	hn_price_learn(&managed->service->calibration, record->moved_bytes, record->cpu_ns, -1);
	hn_regret_clear(managed->regret);
	operation_free(running);
	hn_managed_look_in(managed, 0);
}

static void finish_done(struct hn_running_operation *running)
{
	const struct hn_operation *record = &running->managed->operation;
	char moved[HN_UNITS_TEXT_MAX], took[HN_UNITS_TEXT_MAX], stayed[160];

	update_record(running);
	describe_stayed(running, stayed, sizeof(stayed));
	hn_bytes_format(record->moved_bytes, moved, sizeof(moved));
	hn_duration_format(record->elapsed_ns, took, sizeof(took));
	finish(running, HN_OPERATION_DONE, "%u threads bound, %s moved in %s%s", record->threads_bound, moved,
	       took, stayed);
}

/* The books of a migration that has ended go over into the operation's. */
static void close_books(struct hn_running_operation *running)
{
	running->moved_before += running->last.moved_bytes;
	running->stayed_before += stayed_bytes(&running->last);
	running->cpu_before += running->last.cpu_ns;
	for (size_t i = 0; i < HN_STAY_COUNT; i++)
		running->stayed_by[i] += running->last.stayed_bytes[i];
	running->last = (struct hn_move_progress){0};
}

static void on_move_progress(const struct hn_move_progress *progress, void *context)
{
	struct hn_running_operation *running = context;

	running->last = *progress;
	update_record(running);
}

static void on_move_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct hn_running_operation *running = context;

	if (length >= sizeof(running->last))
		memcpy(&running->last, body, sizeof(running->last));
	close_books(running);
	if (result == -ECANCELED)
		finish(running, HN_OPERATION_CANCELLED, "%s", err->message);
	else if (result < 0)
		finish(running, HN_OPERATION_FAILED, "%s", err->message);
	else {
		running->next++;
		end_migration(running);
		migrate_next(running);
	}
}

static bool has_shared_backend(const struct hn_guest *guest, int cell)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell && guest->backends[i].shared)
			return true;
	return false;
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

static int request_move(struct hn_running_operation *running, const struct hn_action *action,
			struct hn_error *err)
{
	const struct hn_guest *guest = running->managed->guest;
	const struct hn_config *config = running->managed->service->config;
	AUTO_MEMORY struct hn_range *ranges = calloc(guest->backend_count + 1, sizeof(*ranges));
	struct hn_hands_move move = {
		.process = {guest->pid, guest->start_ticks},
		.limit_bytes = action->limit_bytes,
		.bytes_per_second = config->rate_limit_bytes / config->at_once,
		.to_node = action->to_node,
		.shared = has_shared_backend(guest, action->cell),
	};

	if (!ranges)
		return hn_oom(err);
	move.stay_nodes = home_nodes(running->plan, action->cell);
	move.range_count = (uint32_t)hn_managed_ranges(guest, action->cell, ranges);
	running->managed->operation.bytes_per_second = move.bytes_per_second;
	return hn_hands_request(
		running->mover, HN_HANDS_MOVE,
		(struct hn_hands_part[]){{&move, sizeof(move)}, {ranges, move.range_count * sizeof(*ranges)}},
		2, on_move_progress, on_move_reply, running, err);
}

static int start_migration(struct hn_running_operation *running, const struct hn_action *action,
			   struct hn_error *err)
{
	struct hn_service *service = running->managed->service;
	char role[HN_NAME_MAX + 16];
	int r;

	snprintf(role, sizeof(role), "moving %s", running->managed->name);
	r = hn_hands_new(service->base, service->hands_program, role, MOVE_WATCHDOG_NS, &running->mover, err);
	if (r < 0)
		return r;
	service->migrations++;
	running->managed->operation.cell = action->cell;
	running->managed->operation.to_node = action->to_node;
	hn_log(HN_LOG_INFO, "guest '%s': %s", running->managed->name, action->reason);
	return request_move(running, action, err);
}

/* The next migration of the plan, when it is its turn; the end of the operation when there is none. */
static void migrate_next(struct hn_running_operation *running)
{
	struct hn_service *service = running->managed->service;
	struct hn_error err;

	while (running->next < running->plan->action_count &&
	       running->plan->actions[running->next].kind != HN_ACTION_MIGRATE)
		running->next++;
	if (running->next == running->plan->action_count) {
		finish_done(running);
		return;
	}
	if (service->migrations >= service->config->at_once) {
		TAILQ_INSERT_TAIL(&service->waiting, running, waiting_entry);
		running->waiting = true;
		snprintf(running->managed->operation.message, sizeof(running->managed->operation.message),
			 "waits for another migration to end");
		return;
	}
	running->managed->operation.message[0] = '\0';
	if (start_migration(running, &running->plan->actions[running->next], &err) < 0)
		finish(running, HN_OPERATION_FAILED, "%s", err.message);
}

static void on_bind_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct hn_running_operation *running = context;
	struct hn_hands_bound bound = {0};

	if (result == 0 && length == sizeof(bound))
		memcpy(&bound, body, sizeof(bound));
	running->managed->operation.threads_bound = bound.bound;
	if (result < 0)
		finish(running, HN_OPERATION_FAILED, "%s", err->message);
	else if (bound.failed > 0)
		/* bringing the memory to where the threads cannot follow would make it worse */
		finish(running, HN_OPERATION_FAILED, "%u threads could not be bound, nothing was moved: %s",
		       bound.failed, bound.message);
	else
		migrate_next(running);
}

static int request_bind(struct hn_running_operation *running, size_t count, struct hn_error *err)
{
	AUTO_MEMORY struct hn_hands_binding *bindings = calloc(count, sizeof(*bindings));
	struct hn_hands_bind bind = {
		.process = {running->managed->guest->pid, running->managed->guest->start_ticks},
		.binding_count = (uint32_t)count,
	};
	size_t filled = 0;

	if (!bindings)
		return hn_oom(err);
	for (size_t i = 0; i < running->plan->action_count; i++) {
		const struct hn_action *action = &running->plan->actions[i];

		if (action->kind == HN_ACTION_BIND)
			bindings[filled++] =
				(struct hn_hands_binding){.tid = action->tid, .cpus = action->cpus};
	}
	return hn_hands_request(
		running->managed->service->hands, HN_HANDS_BIND,
		(struct hn_hands_part[]){{&bind, sizeof(bind)}, {bindings, count * sizeof(*bindings)}}, 2,
		NULL, on_bind_reply, running, err);
}

static size_t count_bindings(const struct hn_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->action_count; i++)
		count += plan->actions[i].kind == HN_ACTION_BIND;
	return count;
}

int hn_operation_start(struct hn_managed *managed, struct hn_plan *plan, struct hn_error *err)
{
	struct hn_running_operation *running;
	size_t bindings = count_bindings(plan);
	int r = 0;

	if (managed->running) {
		hn_plan_free(plan);
		return hn_fail(err, -EBUSY, "an operation on it is still under way");
	}
	running = calloc(1, sizeof(*running));
	if (!running) {
		hn_plan_free(plan);
		return hn_oom(err);
	}
	running->managed = managed;
	running->plan = plan;
	running->started_ns = hn_now_ns();
	managed->running = running;
	managed->operation = (struct hn_operation){.id = ++managed->service->next_operation_id,
						   .state = HN_OPERATION_RUNNING,
						   .to_move_bytes = hn_plan_migrate_bytes(plan),
						   .cell = -1,
						   .to_node = -1};
	hn_log(HN_LOG_INFO, "guest '%s': operation %" PRIu64 ": %s", managed->name, managed->operation.id,
	       plan->reason);
	if (bindings > 0)
		r = request_bind(running, bindings, err);
	else
		migrate_next(running);
	if (r < 0)
		finish(running, HN_OPERATION_FAILED, "%s", err->message);
	return r;
}

void hn_operation_abandon(struct hn_managed *managed, const char *why)
{
	struct hn_running_operation *running = managed->running;

	if (!running)
		return;
	managed->operation.state = HN_OPERATION_CANCELLED;
	snprintf(managed->operation.message, sizeof(managed->operation.message), "%s", why);
	hn_log(HN_LOG_WARNING, "guest '%s': operation %" PRIu64 " abandoned: %s", managed->name,
	       managed->operation.id, why);
	operation_free(running);
}
