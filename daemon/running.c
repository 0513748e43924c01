#include "daemon/running.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/binding.h"
#include "daemon/chronicle.h"
#include "daemon/events.h"
#include "daemon/fence.h"
#include "daemon/migration.h"
#include "policy/decide.h"
#include "policy/price.h"
#include "policy/regret.h"

void hn_running_update(struct hn_running_operation *running)
{
	struct hn_operation *record = &running->managed->operation;

	record->elapsed_ns = hn_now_ns() - running->started_ns;
	hn_books_record(&running->books, record);
}

void hn_running_end_migration(struct hn_running_operation *running)
{
	hn_migration_free(hn_steal(running->migration));
}

void hn_running_tell(const struct hn_managed *managed, enum hn_event_type type, const char *message)
{
	const struct hn_operation *record = &managed->operation;
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_u64(json, "operation", record->id);
		hn_json_add_string(json, "outcome", hn_operation_state_name(record->state));
		hn_json_add_u64(json, "to_move_bytes", record->to_move_bytes);
		hn_json_add_u64(json, "moved_bytes", record->moved_bytes);
		hn_json_add_u64(json, "stayed_bytes", record->stayed_bytes);
		hn_json_add_u64(json, "elapsed_ns", record->elapsed_ns);
		hn_json_add_string(json, "message", message);
	}
	hn_event_emit(managed->service, type, managed->name, json);
}

void hn_running_free(struct hn_running_operation *running)
{
	struct hn_service *service = running->managed->service;

	hn_tally_operation(&service->tally, &running->managed->operation);
	hn_admission_leave(service->admission, &running->waiter);
	running->managed->running = NULL;
	hn_binding_cancel(running->binding);
	hn_fence_cancel(running->fence);
	hn_running_end_migration(running);
	hn_exchange_leave(&running->part);
	hn_plan_free(running->plan);
	hn_plan_free(running->retreat);
	free(running);
}

/* What was opened for memory that did not come is not left open; where some has come, that may stay. */
static void put_fence_back(struct hn_running_operation *running)
{
	struct hn_managed *managed = running->managed;
	struct hn_operation *record = &managed->operation;
	size_t length = strlen(record->message);
	char nodes[HN_SET_TEXT_MAX];

	if (record->state == HN_OPERATION_DONE || hn_set_empty(&running->fence_before))
		return;
	if (record->moved_bytes == 0)
		hn_fence_back(managed, &running->fence_before);
	else
		snprintf(record->message + length, sizeof(record->message) - length,
			 "; its cgroups stay open for node %.60s, as part of its memory is there",
			 hn_set_format(&managed->cpuset_nodes, nodes, sizeof(nodes)));
}

/* A plan without migrations is one of threads alone: it has bound some, or been in vain. (The emulator's
 * share a pin, so they are not counted.) */
static struct hn_looks looks_after(const struct hn_running_operation *running)
{
	const struct hn_managed *managed = running->managed;
	const struct hn_operation *record = &managed->operation;
	uint64_t predicted = hn_plan_migrate_bytes(running->plan), brought = record->moved_bytes;

	if (predicted == 0) {
		predicted = running->plan->action_count;
		brought = record->state == HN_OPERATION_DONE && record->threads_bound > 0 ? predicted : 0;
	}
	return hn_looks_after(&managed->looks, hn_now_ns(), managed->service->config->settle_ns, predicted,
			      brought);
}

void hn_running_finish(struct hn_running_operation *running, enum hn_operation_state state,
		       const char *format, ...)
{
	struct hn_managed *managed = running->managed;
	struct hn_operation *record = &managed->operation;
	va_list args;

	hn_running_update(running);
	record->state = state;
	record->paused = false;
	record->cell = record->to_node = -1;
	va_start(args, format);
	vsnprintf(record->message, sizeof(record->message), format, args);
	va_end(args);
	put_fence_back(running);
	hn_log(state == HN_OPERATION_FAILED ? HN_LOG_WARNING : HN_LOG_INFO,
	       "guest '%s': operation %" PRIu64 " %s: %s", managed->name, record->id,
	       hn_operation_state_name(state), record->message);
	hn_chronicle_move(managed, running->price, running->gain);
	managed->looks = looks_after(running);
	hn_price_learn(&managed->service->calibration, record->moved_bytes, record->cpu_ns, -1);
	if (hn_plan_migrate_bytes(running->plan) >
	    0) /* threads that were let run elsewhere have paid nothing back */
		hn_regret_clear(managed->regret);
	hn_running_tell(managed,
			state == HN_OPERATION_DONE ? HN_EVENT_OPERATION_DONE : HN_EVENT_OPERATION_FAILED,
			record->message);
	hn_running_free(running);
	hn_managed_look_in(managed, 0);
}

void hn_running_finish_done(struct hn_running_operation *running)
{
	const struct hn_operation *record = &running->managed->operation;
	char moved[HN_UNITS_TEXT_MAX], took[HN_UNITS_TEXT_MAX], stayed[160];

	hn_running_update(running);
	hn_books_describe(&running->books, stayed, sizeof(stayed));
	hn_bytes_format(record->moved_bytes, moved, sizeof(moved));
	hn_duration_format(record->elapsed_ns, took, sizeof(took));
	hn_running_finish(running, HN_OPERATION_DONE, "%u threads bound, %s moved in %s%s%s%s",
			  record->threads_bound, moved, took, stayed, running->note[0] ? "; " : "",
			  running->note);
}
