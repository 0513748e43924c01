#include "cli/fit-answer.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/units.h"
#include "model/codec.h"
#include "policy/explain.h"

void hn_fit_answer_free(struct hn_fit_answer *answer)
{
	if (!answer)
		return;
	hn_placement_free(answer->home);
	hn_explanation_free(answer->explanation);
	hn_admission_done(&answer->admission);
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

/* What would help a guest that does not fit. */
static int find_ways(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_fit_answer *answer, struct hn_error *err)
{
	struct hn_error why = {0};
	int r = hn_nearest_find(snapshot, guest, limits, &answer->nearest, err);

	if (r < 0)
		return r;
	r = hn_admit(snapshot, guest, limits, HN_FIT_MOVERS_MAX, &answer->admission, &why);
	if (r == -ENOSPC)
		answer->admission = (struct hn_admission){0};
	return r < 0 && r != -ENOSPC ? hn_fail(err, r, "%s", why.message) : 0;
}

const char *hn_fit_say_movers(const struct hn_fit_answer *answer, const struct hn_snapshot *snapshot,
			      char *buffer, size_t size)
{
	char bytes[HN_UNITS_TEXT_MAX];
	size_t used = 0;

	*buffer = '\0';
	for (size_t i = 1; i < answer->admission.count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s",
					 i == 1 ? "It would fit if room were made by moving " : " and ",
					 snapshot->guests[answer->admission.guests[i].guest].guest->name);
	if (used > 0 && used < size)
		snprintf(buffer + used, size - used, ", %s in all.",
			 hn_bytes_format(answer->admission.move_bytes, bytes, sizeof(bytes)));
	return buffer;
}

static int add_nearest(json_object *json, const struct hn_fit_answer *answer)
{
	const struct hn_nearest *nearest = &answer->nearest;
	json_object *object = json_object_new_object();
	int failed = !object;

	failed = failed || hn_json_add_string(object, "sentence", nearest->sentence) ||
		 (nearest->with_memory && hn_json_add_u64(object, "memory_bytes", nearest->memory_bytes)) ||
		 (nearest->with_vcpus && hn_json_add_u64(object, "vcpus", nearest->vcpus)) ||
		 (nearest->with_cells && hn_json_add_u64(object, "cells", nearest->cells));
	if (failed) {
		json_object_put(object);
		return -ENOMEM;
	}
	return hn_json_add(json, "nearest", object);
}

static int add_movers(json_object *json, const struct hn_fit_answer *answer,
		      const struct hn_snapshot *snapshot)
{
	json_object *names = json_object_new_array();
	int failed = !names;

	for (size_t i = 1; i < answer->admission.count && !failed; i++) {
		size_t guest = answer->admission.guests[i].guest;
		json_object *name = json_object_new_string(snapshot->guests[guest].guest->name);

		failed = !name || json_object_array_add(names, name);
	}
	if (failed) {
		json_object_put(names);
		return -ENOMEM;
	}
	return hn_json_add(json, "movers", names) ||
			       hn_json_add_u64(json, "move_bytes", answer->admission.move_bytes)
		       ? -ENOMEM
		       : 0;
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
		return find_ways(snapshot, guest, limits, answer, err);
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
	    (answer->home ? hn_json_add(json, "nearest", NULL) : add_nearest(json, answer)) ||
	    add_movers(json, answer, snapshot))
		return NULL;
	return hn_steal(json);
}
