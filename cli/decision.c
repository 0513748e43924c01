#include "cli/decision.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/explanation.h"
#include "model/codec.h"
#include "policy/explain.h"

int hn_snapshot_find(const struct hn_snapshot *snapshot, const char *name, struct hn_error *err)
{
	for (size_t i = 0; i < snapshot->guest_count; i++)
		if (strcmp(snapshot->guests[i].guest->name, name) == 0)
			return (int)i;
	return hn_fail(err, -ENOENT, "there is no guest '%s' among the %zu of the snapshot", name,
		       snapshot->guest_count);
}

/* NULL in *ret when the plan has no home and nothing is in its way either. */
static int explain_plan(const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_decide_options *options, const struct hn_plan *plan,
			struct hn_explanation **ret, struct hn_error *err)
{
	*ret = NULL;
	if (!plan->home && plan->verdict != HN_VERDICT_BLOCKED)
		return 0;
	return hn_explain(snapshot, guest, &options->solver, plan->home, plan->home ? NULL : plan->reason,
			  ret, err);
}

static json_object *encode(const char *name, const struct hn_plan *plan,
			   const struct hn_explanation *explanation)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	json_object *planned = hn_plan_encode(plan);
	json_object *explained = explanation ? hn_explanation_encode(explanation) : NULL;

	if (!json || !planned || (explanation && !explained)) {
		json_object_put(planned);
		json_object_put(explained);
		return NULL;
	}
	if (hn_json_add_string(json, "guest", name) || hn_json_add(json, "plan", planned) ||
	    hn_json_add(json, "explanation", explained))
		return NULL;
	return hn_steal(json);
}

int hn_decision_print(const struct hn_invocation *invocation, const struct hn_snapshot *snapshot,
		      size_t guest, const struct hn_decide_options *options, json_object **ret,
		      struct hn_error *err)
{
	const char *name = snapshot->guests[guest].guest->name;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL;
	struct hn_looks looks;
	int r = hn_decide(snapshot, guest, options, &plan, &looks, NULL, err);

	if (r == 0)
		r = explain_plan(snapshot, guest, options, plan, &explanation, err);
	if (r < 0)
		return r;
	if (invocation->json) {
		*ret = encode(name, plan, explanation);
		return *ret ? 0 : hn_oom(err);
	}
	if (!explanation)
		printf("%s: ", name);
	hn_print_plan(plan);
	if (explanation) {
		putchar('\n');
		if (hn_print_explanation(explanation, invocation->colour) < 0)
			return hn_oom(err);
	}
	return 0;
}
