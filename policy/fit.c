#include "policy/fit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/admit.h"
#include "policy/explain.h"
#include "policy/nearest.h"
#include "policy/policies.h"

/* The n-th more is looked for in an n-th of the steps that there were for the first, but in enough for two
 * looks at every place of every cell. */
static struct hn_solver_limits limits_of(const struct hn_snapshot *snapshot, const struct hn_guest *guest,
					 const struct hn_solver_limits *limits, unsigned n)
{
	uint64_t least = 2 * (uint64_t)snapshot->host->node_count * guest->cell_count;
	struct hn_solver_limits less = *limits;

	less.steps /= n;
	less.steps = less.steps > least ? less.steps : least;
	less.steps = less.steps < limits->steps ? less.steps : limits->steps;
	return less;
}

/* How many more find a place, each staying where it was put. */
static int count_more(struct hn_snapshot *snapshot, size_t guest, const struct hn_policy *policy,
		      const struct hn_solver_limits *limits, unsigned most, unsigned *ret,
		      struct hn_error *err)
{
	const struct hn_guest *first = snapshot->guests[guest].guest;

	for (*ret = 0; *ret < most; ++*ret) {
		const struct hn_solver_limits less = limits_of(snapshot, first, limits, *ret + 1);
		struct hn_guest_state *state = hn_snapshot_add(snapshot);
		struct hn_error why = {0};
		int r;

		if (!state || !(state->guest = hn_guest_copy(first)))
			return hn_oom(err);
		snprintf(state->guest->name, sizeof(state->guest->name), "%.100s+%u", first->name, *ret + 1);
		state->guest->uuid[0] = '\0';
		r = policy->find_home(snapshot, snapshot->guest_count - 1, &less, &state->home, &why);
		if (r < 0)
			return r == -ENOSPC ? 0 : hn_fail(err, r, "%s", why.message);
	}
	return 0;
}

static void note_movers(const struct hn_snapshot *snapshot, const struct hn_admission *admission,
			struct hn_fit_answer *answer)
{
	for (size_t i = 1; i < admission->count && answer->mover_count < HN_FIT_MOVERS_MAX; i++)
		memcpy(answer->movers[answer->mover_count++],
		       snapshot->guests[admission->guests[i].guest].guest->name, HN_NAME_MAX);
	answer->move_bytes = admission->move_bytes;
}

/* What would help a guest that does not fit. */
static int find_ways(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_fit_answer *answer, struct hn_error *err)
{
	struct hn_admission admission = {0};
	struct hn_nearest nearest = {0};
	struct hn_error why = {0};
	int r = hn_nearest_find(snapshot, guest, limits, &nearest, err);

	if (r < 0)
		return r;
	memcpy(answer->nearest, nearest.sentence, sizeof(answer->nearest));
	answer->nearest_bytes = nearest.with_memory ? nearest.memory_bytes : 0;
	answer->nearest_vcpus = nearest.with_vcpus ? nearest.vcpus : 0;
	answer->nearest_cells = nearest.with_cells ? nearest.cells : 0;
	r = hn_admit(snapshot, guest, limits, HN_FIT_MOVERS_MAX, &admission, &why);
	if (r == 0) {
		note_movers(snapshot, &admission, answer);
		hn_admission_done(&admission);
	}
	return r < 0 && r != -ENOSPC ? hn_fail(err, r, "%s", why.message) : 0;
}

static int answer_for(struct hn_snapshot *snapshot, size_t guest, const struct hn_policy *policy,
		      const struct hn_solver_limits *limits, struct hn_fit_answer *answer,
		      struct hn_error *err)
{
	struct hn_error why = {0};
	int r = policy->find_home(snapshot, guest, limits, &answer->home, &why);

	if (r < 0 && r != -ENOSPC)
		return hn_fail(err, r, "%s", why.message);
	r = hn_explain(snapshot, guest, limits, answer->home, answer->home ? NULL : why.message,
		       &answer->explanation, err);
	return r == 0 && !answer->home ? find_ways(snapshot, guest, limits, answer, err) : r;
}

int hn_fit(struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	   unsigned more_max, struct hn_fit_answer **ret, struct hn_error *err)
{
	HN_AUTO(hn_fit_answer) struct hn_fit_answer *answer = calloc(1, sizeof(*answer));
	struct hn_guest_state *state = &snapshot->guests[guest];
	const struct hn_policy *policy = hn_policy_find(state->guest->policy, err);
	int r;

	if (!answer)
		return hn_oom(err);
	if (!policy)
		return -EINVAL;
	/* only the home of a guest that is brought there counts for those that come after it */
	state->guest->mode = HN_MODE_ENFORCE;
	if ((r = answer_for(snapshot, guest, policy, limits, answer, err)) < 0)
		return r;
	if (answer->home) {
		state->home = hn_placement_copy(answer->home);
		r = state->home ? count_more(snapshot, guest, policy, limits, more_max, &answer->more, err)
				: hn_oom(err);
	}
	if (r == 0)
		*ret = hn_steal(answer);
	return r;
}
