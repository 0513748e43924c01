#include "daemon/decision.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/operation.h"
#include "policy/decide.h"

struct hn_decide_options hn_decision_options(const struct hn_config *config, bool now)
{
	struct hn_decide_options options = hn_decide_defaults;

	options.solver.keep_free_bytes = config->keep_free_bytes;
	options.looks = (unsigned)config->looks;
	options.max_age_ns =
		3 * config->tick_ns > options.max_age_ns ? 3 * config->tick_ns : options.max_age_ns;
	options.tick_ns = config->tick_ns;
	options.now = now;
	return options;
}

int hn_decision_snapshot(struct hn_service *service, const struct hn_managed *managed,
			 struct hn_snapshot *ret, size_t *ret_index, struct hn_error *err)
{
	struct hn_managed *other;
	size_t count = 0;
	int r = hn_service_refresh_host(service, err);

	if (r < 0)
		return r;
	TAILQ_FOREACH(other, &service->guests, entry)
	count++;
	*ret = (struct hn_snapshot){
		.now_ns = hn_now_ns(), .host = service->host, .calibration = service->calibration};
	ret->guests = calloc(count + 1, sizeof(*ret->guests));
	if (!ret->guests)
		return hn_oom(err);
	TAILQ_FOREACH(other, &service->guests, entry)
	{
		if (!other->guest)
			continue;
		if (other == managed)
			*ret_index = ret->guest_count;
		ret->guests[ret->guest_count++] = (struct hn_guest_state){.guest = other->guest,
									  .sample = other->sample,
									  .home = other->home,
									  .looks = other->looks,
									  .regret = other->regret,
									  .moving = other->running != NULL};
	}
	return 0;
}

static int decide(struct hn_managed *managed, bool now, struct hn_plan **ret, struct hn_looks *ret_looks,
		  struct hn_regret **ret_regret, struct hn_error *err)
{
	struct hn_decide_options options = hn_decision_options(managed->service->config, now);
	struct hn_snapshot snapshot;
	size_t index = 0;
	int r = hn_decision_snapshot(managed->service, managed, &snapshot, &index, err);

	if (r < 0)
		return r;
	r = hn_decide(&snapshot, index, &options, ret, ret_looks, ret_regret, err);
	free(snapshot.guests);
	return r;
}

/* The next look compares with this home, and guests placed later keep off what is promised to it. */
static int adopt_home(struct hn_managed *managed, const struct hn_plan *plan)
{
	struct hn_placement *home = NULL;

	if (plan->home && !(home = hn_placement_copy(plan->home)))
		return -ENOMEM;
	hn_placement_free(managed->home);
	managed->home = home;
	return 0;
}

static void log_change(const struct hn_managed *managed, const struct hn_plan *plan)
{
	if (!managed->plan || managed->plan->verdict != plan->verdict)
		hn_log(plan->verdict == HN_VERDICT_BLOCKED ? HN_LOG_WARNING : HN_LOG_INFO,
		       "guest '%s': %s: %s", managed->name, hn_verdict_name(plan->verdict), plan->reason);
}

static int take(struct hn_managed *managed, struct hn_error *err)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *copy = NULL;
	struct hn_regret *regret = NULL;
	int r = decide(managed, false, &plan, &managed->looks, &regret, err);

	if (r < 0)
		return r;
	hn_regret_free(managed->regret);
	managed->regret = regret;
	if (adopt_home(managed, plan) < 0)
		return hn_oom(err);
	if (managed->guest->mode > HN_MODE_OBSERVE)
		log_change(managed, plan);
	if (plan->verdict == HN_VERDICT_ACT && managed->guest->mode == HN_MODE_ENFORCE) {
		copy = hn_plan_copy(plan);
		r = copy ? hn_operation_start(managed, hn_steal(copy), err) : hn_oom(err);
	}
	hn_plan_free(managed->plan);
	managed->plan = hn_steal(plan);
	return r;
}

void hn_decision_take(struct hn_managed *managed)
{
	struct hn_error err;

	if (take(managed, &err) < 0)
		hn_managed_set_problem(managed, &err);
}

int hn_decision_now(struct hn_managed *managed, struct hn_plan **ret, struct hn_error *err)
{
	struct hn_looks ignored;

	if (managed->running)
		return hn_fail(err, -EBUSY, "operation %llu on it is still under way",
			       (unsigned long long)managed->operation.id);
	if (!managed->guest || !managed->sample)
		return hn_fail(err, -EAGAIN, "%s",
			       managed->problem[0] ? managed->problem
						   : "it has not been looked at yet: try again in a moment");
	return decide(managed, true, ret, &ignored, NULL, err);
}

int hn_decision_act(struct hn_managed *managed, struct hn_plan *plan, struct hn_error *err)
{
	if (adopt_home(managed, plan) < 0) {
		hn_plan_free(plan);
		return hn_oom(err);
	}
	return hn_operation_start(managed, plan, err);
}
