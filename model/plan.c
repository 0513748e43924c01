#include "model/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/names.h"

static const char *const action_names[HN_ACTION_KIND_COUNT] = {"bind", "migrate"};
static const char *const verdict_names[HN_VERDICT_COUNT] = {"at-home", "act",     "wait",
							    "blocked", "unknown", "left-alone"};

const char *hn_action_kind_name(enum hn_action_kind kind)
{
	return hn_name_of(action_names, HN_COUNT(action_names), (size_t)kind);
}

const char *hn_verdict_name(enum hn_verdict verdict)
{
	return hn_name_of(verdict_names, HN_COUNT(verdict_names), (size_t)verdict);
}

int hn_verdict_parse(const char *text, enum hn_verdict *ret, struct hn_error *err)
{
	int r = hn_name_parse(verdict_names, HN_COUNT(verdict_names), "verdict", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_verdict)r;
	return 0;
}

void hn_plan_free(struct hn_plan *plan)
{
	if (!plan)
		return;
	hn_placement_free(plan->home);
	free(plan->actions);
	free(plan->notes);
	free(plan);
}

struct hn_plan *hn_plan_new(void)
{
	return calloc(1, sizeof(struct hn_plan));
}

struct hn_plan *hn_plan_copy(const struct hn_plan *plan)
{
	HN_AUTO(hn_plan) struct hn_plan *copy = hn_plan_new();

	if (!copy)
		return NULL;
	copy->verdict = plan->verdict;
	memcpy(copy->reason, plan->reason, sizeof(copy->reason));
	memcpy(copy->partner, plan->partner, sizeof(copy->partner));
	if (plan->home && !(copy->home = hn_placement_copy(plan->home)))
		return NULL;
	for (size_t i = 0; i < plan->action_count; i++) {
		struct hn_action *action = hn_plan_add_action(copy, plan->actions[i].kind);

		if (!action)
			return NULL;
		*action = plan->actions[i];
	}
	for (size_t i = 0; i < plan->note_count; i++)
		if (hn_plan_add_note(copy, "%s", plan->notes[i]) < 0)
			return NULL;
	return hn_steal(copy);
}

struct hn_action *hn_plan_add_action(struct hn_plan *plan, enum hn_action_kind kind)
{
	struct hn_action *grown = reallocarray(plan->actions, plan->action_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	plan->actions = grown;
	grown += plan->action_count++;
	memset(grown, 0, sizeof(*grown));
	grown->kind = kind;
	return grown;
}

int hn_plan_add_note(struct hn_plan *plan, const char *format, ...)
{
	char(*grown)[HN_REASON_MAX] = reallocarray(plan->notes, plan->note_count + 1, HN_REASON_MAX);
	va_list args;

	if (!grown)
		return -ENOMEM;
	plan->notes = grown;
	va_start(args, format);
	vsnprintf(grown[plan->note_count++], HN_REASON_MAX, format, args);
	va_end(args);
	return 0;
}

uint64_t hn_plan_migrate_bytes(const struct hn_plan *plan)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].kind == HN_ACTION_MIGRATE)
			bytes += plan->actions[i].bytes;
	return bytes;
}
