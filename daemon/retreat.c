#include "daemon/retreat.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "daemon/binding.h"
#include "daemon/bound-threads.h"
#include "daemon/fence.h"

static const struct hn_set *allowed_of(const struct hn_sample *sample, pid_t tid)
{
	for (size_t i = 0; sample && i < sample->thread_count; i++)
		if (sample->threads[i].tid == tid)
			return sample->threads[i].allowed;
	return NULL;
}

int hn_retreat_prepare(struct hn_running_operation *running, struct hn_error *err)
{
	const struct hn_plan *plan = running->plan;

	if (!running->part.exchange && hn_plan_migrate_bytes(plan) == 0)
		return 0;
	running->retreat = hn_plan_new();
	if (!running->retreat)
		return hn_oom(err);
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct hn_set *allowed =
			plan->actions[i].kind == HN_ACTION_BIND
				? allowed_of(running->managed->sample, plan->actions[i].tid)
				: NULL;
		struct hn_action *back;

		if (!allowed || hn_set_empty(allowed))
			continue;
		back = hn_plan_add_action(running->retreat, HN_ACTION_BIND);
		if (!back)
			return hn_oom(err);
		back->tid = plan->actions[i].tid;
		back->cpus = *allowed;
	}
	return 0;
}

/* Part of its memory is where they were to go. */
static void allow_both(struct hn_plan *retreat, const struct hn_plan *plan)
{
	for (size_t i = 0; i < retreat->action_count; i++)
		for (size_t j = 0; j < plan->action_count; j++)
			if (plan->actions[j].kind == HN_ACTION_BIND &&
			    plan->actions[j].tid == retreat->actions[i].tid)
				hn_set_or(&retreat->actions[i].cpus, &plan->actions[j].cpus);
}

static void on_bound_back(const struct hn_binding_outcome *outcome, const struct hn_error *err, void *context)
{
	struct hn_running_operation *running = context;

	running->binding = NULL;
	if (!err)
		hn_bound_threads_revert(running->managed, running->retreat);
	if (err)
		hn_running_finish(running, running->end_state, "%.200s; its threads stay bound: %.100s",
				  running->end_message, err->message);
	else
		hn_running_finish(running, running->end_state, "%.200s; %u threads may run where they did%s",
				  running->end_message, outcome->bound,
				  running->managed->operation.moved_bytes > 0
					  ? " and where they were to, as part of its memory is there"
					  : "");
}

/* By itself a guest follows a part of its memory with the next plan; two that change places cannot. */
static bool has_to(const struct hn_running_operation *running)
{
	if (!running->begun || !running->retreat || running->retreat->action_count == 0)
		return false;
	return running->part.exchange ? !hn_exchange_is_through(&running->part)
				      : running->managed->operation.moved_bytes == 0;
}

/* What it has begun is let go; who waited for it is told, its partner too. */
static void drop(struct hn_running_operation *running)
{
	struct hn_service *service = running->managed->service;

	hn_admission_leave(service->admission, &running->waiter);
	hn_binding_cancel(hn_steal(running->binding));
	hn_fence_cancel(hn_steal(running->fence));
	hn_running_end_migration(running);
	hn_exchange_leave(&running->part);
	hn_admission_wake(service);
}

void hn_retreat(struct hn_running_operation *running, enum hn_operation_state state, const char *format, ...)
{
	struct hn_error err;
	va_list args;

	va_start(args, format);
	vsnprintf(running->end_message, sizeof(running->end_message), format, args);
	va_end(args);
	hn_running_update(running);
	if (!has_to(running)) {
		hn_running_finish(running, state, "%s", running->end_message);
		return;
	}
	running->end_state = state;
	running->retreats = true;
	running->held = false;
	if (running->managed->operation.moved_bytes > 0)
		allow_both(running->retreat, running->plan);
	drop(running);
	if (hn_binding_start(running->managed, running->retreat, on_bound_back, running, &running->binding,
			     &err) < 0)
		hn_running_finish(running, state, "%.200s; its threads stay bound: %.100s",
				  running->end_message, err.message);
}
