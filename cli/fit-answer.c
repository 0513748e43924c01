#include "cli/fit-answer.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "model/codec.h"
#include "policy/explain.h"

void hn_fit_answer_free(struct hn_fit_answer *answer)
{
	if (!answer)
		return;
	hn_placement_free(answer->home);
	hn_explanation_free(answer->explanation);
	free(answer);
}

/* How many more find a place, each staying where it was put. */
static int count_more(struct hn_snapshot *snapshot, const struct hn_guest *guest,
		      const struct hn_solver_limits *limits, unsigned *ret, struct hn_error *err)
{
	for (*ret = 0; *ret < HN_FIT_MORE_MAX; ++*ret) {
		struct hn_guest_state *state = hn_snapshot_add(snapshot);
		struct hn_error why = {0};
		int r;

		if (!state || !(state->guest = hn_guest_copy(guest)))
			return hn_oom(err);
		snprintf(state->guest->name, sizeof(state->guest->name), "%.100s+%u", guest->name, *ret + 1);
		r = hn_solve(snapshot, snapshot->guest_count - 1, limits, &state->home, &why);
		if (r < 0)
			return r == -ENOSPC ? 0 : hn_fail(err, r, "%s", why.message);
	}
	return 0;
}

static int say_nearest(const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_solver_limits *limits, struct hn_fit_answer *answer,
		       struct hn_error *err)
{
	return 0;
}

static int answer_for(struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_fit_answer *answer, struct hn_error *err)
{
	struct hn_guest_state *state = &snapshot->guests[guest];
	struct hn_error why = {0};
	int r = hn_solve(snapshot, guest, limits, &answer->home, &why);

	if (r < 0 && r != -ENOSPC)
		return hn_fail(err, r, "%s", why.message);
	r = hn_explain(snapshot, guest, limits, answer->home, answer->home ? NULL : why.message,
		       &answer->explanation, err);
	if (r < 0)
		return r;
	if (!answer->home)
		return say_nearest(snapshot, guest, limits, answer, err);
	state->home = hn_placement_copy(answer->home);
	return state->home ? count_more(snapshot, state->guest, limits, &answer->more, err) : hn_oom(err);
}

int hn_fit(struct hn_snapshot *snapshot, struct hn_guest *guest, const struct hn_solver_limits *limits,
	   struct hn_fit_answer **ret, struct hn_error *err)
{
	HN_AUTO(hn_fit_answer) struct hn_fit_answer *answer = calloc(1, sizeof(*answer));
	struct hn_guest_state *state = hn_snapshot_add(snapshot);
	int r;

	if (!answer || !state) {
		hn_guest_free(guest);
		return hn_oom(err);
	}
	state->guest = guest;
	/* only the home of a guest that is brought there counts for those that come after it */
	guest->mode = HN_MODE_ENFORCE;
	r = answer_for(snapshot, snapshot->guest_count - 1, limits, answer, err);
	if (r == 0)
		*ret = hn_steal(answer);
	return r;
}

json_object *hn_fit_encode(const struct hn_fit_answer *answer, const struct hn_snapshot *snapshot)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	json_object *home = answer->home ? hn_placement_encode(answer->home) : NULL;
	json_object *explanation = hn_explanation_encode(answer->explanation);

	if (!json || !explanation || (answer->home && !home)) {
		json_object_put(home);
		json_object_put(explanation);
		return NULL;
	}
	if (hn_json_add(json, "home", home) || hn_json_add(json, "explanation", explanation) ||
	    hn_json_add_bool(json, "fits", answer->home != NULL) ||
	    hn_json_add_string(json, "host", snapshot->host->name) ||
	    hn_json_add_u64(json, "more", answer->more) ||
	    hn_json_add_string(json, "nearest", answer->nearest))
		return NULL;
	return hn_steal(json);
}
