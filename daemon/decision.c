#include "daemon/decision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/arrival.h"
#include "daemon/chronicle.h"
#include "daemon/draining.h"
#include "daemon/events.h"
#include "daemon/operation.h"
#include "policy/decide.h"

#define STARTING_NS (60 * HN_NS_PER_S) /* a started guest's room is not in its sample yet */

struct hn_decide_options hn_decision_options(const struct hn_service *service, bool now)
{
	const struct hn_config *config = service->config;
	uint64_t tick = hn_cadence_tick(&service->cadence);
	struct hn_decide_options options = hn_decide_defaults;

	options.solver.keep_free_bytes = config->keep_free_bytes;
	options.looks = (unsigned)config->looks;
	options.max_age_ns = 3 * tick > options.max_age_ns ? 3 * tick : options.max_age_ns;
	options.tick_ns = tick;
	options.now = now;
	return options;
}

static bool is_same(const struct hn_guest *a, const struct hn_guest *b)
{
	return a->uuid[0] && b->uuid[0] ? strcmp(a->uuid, b->uuid) == 0 : strcmp(a->name, b->name) == 0;
}

/* Who is not looked at, as its class or mode forbids, has what it was promised after a while. */
static bool is_promised(const struct hn_managed *managed, uint64_t now_ns)
{
	return managed->promised_ns && managed->guest->mode != HN_MODE_OFF &&
	       (managed->sample || now_ns < managed->promised_ns + STARTING_NS);
}

static struct hn_guest_state state_of(const struct hn_managed *managed, uint64_t now_ns)
{
	return (struct hn_guest_state){.guest = managed->guest,
				       .sample = managed->sample,
				       .home = managed->home,
				       .looks = managed->looks,
				       .regret = managed->regret,
				       .moving = managed->running != NULL,
				       .promised = is_promised(managed, now_ns)};
}

/* A reserved guest's room counts as if it were on its way there: once it has run for a while without being
 * seen, its memory is among what is taken. */
static struct hn_guest_state state_of_reserved(const struct hn_reservation *reservation, uint64_t now_ns)
{
	return (struct hn_guest_state){.guest = reservation->guest,
				       .home = reservation->home,
				       .moving = reservation->state == HN_RESERVATION_MADE ||
						 now_ns < reservation->since_ns + STARTING_NS};
}

/* Guests that are seen, but for one, and those that room is kept for; not the room of whom it is kept for. */
static int gather(struct hn_service *service, const struct hn_guest *but, const struct hn_guest *whom,
		  struct hn_snapshot *ret, struct hn_error *err)
{
	size_t count = service->reservations.count;
	struct hn_managed *managed;
	struct hn_reserved *item;
	int r = hn_service_refresh_host(service, err);

	if (r < 0)
		return r;
	TAILQ_FOREACH(managed, &service->guests, entry)
	count++;
	*ret = (struct hn_snapshot){
		.now_ns = hn_now_ns(), .host = service->host, .calibration = service->calibration};
	ret->guests = calloc(count + 2, sizeof(*ret->guests)); /* one more for a newcomer */
	if (!ret->guests)
		return hn_oom(err);
	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->guest && !(but && is_same(managed->guest, but)))
		ret->guests[ret->guest_count++] = state_of(managed, ret->now_ns);
	TAILQ_FOREACH(item, &service->reservations.list, entry)
	{
		struct hn_reservation *reservation = item->reservation;

		if (reservation->state != HN_RESERVATION_PARKED && !reservation->seen &&
		    !(whom && is_same(reservation->guest, whom)) &&
		    reservation->home->node_count == service->host->node_count)
			ret->guests[ret->guest_count++] = state_of_reserved(reservation, ret->now_ns);
	}
	return 0;
}

int hn_decision_snapshot(struct hn_service *service, const struct hn_managed *managed,
			 struct hn_snapshot *ret, size_t *ret_index, struct hn_error *err)
{
	int r = gather(service, NULL, managed ? managed->guest : NULL, ret, err);

	if (r < 0)
		return r;
	for (size_t i = 0; managed && i < ret->guest_count; i++)
		if (ret->guests[i].guest == managed->guest)
			*ret_index = i;
	return 0;
}

int hn_decision_snapshot_with(struct hn_service *service, struct hn_guest *newcomer, struct hn_snapshot *ret,
			      size_t *ret_index, struct hn_error *err)
{
	int r = gather(service, newcomer, newcomer, ret, err);

	if (r < 0)
		return r;
	*ret_index = ret->guest_count;
	ret->guests[ret->guest_count++] = (struct hn_guest_state){.guest = newcomer};
	return 0;
}

static int decide(struct hn_managed *managed, bool now, struct hn_plan **ret, struct hn_looks *ret_looks,
		  struct hn_regret **ret_regret, struct hn_error *err)
{
	struct hn_decide_options options = hn_decision_options(managed->service, now);
	struct hn_snapshot snapshot;
	size_t index = 0;
	int r = hn_decision_snapshot(managed->service, managed, &snapshot, &index, err);

	if (r < 0)
		return r;
	/* one that is dearer to look at has a longer tick of its own */
	options.tick_ns = hn_cadence_interval(&managed->service->cadence, &managed->turn);
	if (3 * options.tick_ns > options.max_age_ns)
		options.max_age_ns = 3 * options.tick_ns;
	r = hn_decide(&snapshot, index, &options, ret, ret_looks, ret_regret, err);
	free(snapshot.guests);
	return r;
}

static void tell_home(const struct hn_managed *managed, const struct hn_placement *home,
		      const struct hn_plan *plan)
{
	struct hn_set nodes = hn_placement_nodes(home), before = {0};
	json_object *json = json_object_new_object();
	char text[HN_SET_TEXT_MAX];

	if (managed->home)
		before = hn_placement_nodes(managed->home);
	if (json) {
		hn_json_add_string(json, "nodes", hn_set_format(&nodes, text, sizeof(text)));
		hn_json_add_string(json, "before", hn_set_format(&before, text, sizeof(text)));
		hn_json_add_string(json, "reason", plan->reason);
	}
	hn_event_emit(managed->service, HN_EVENT_HOME, managed->name, json);
}

/* The next look compares with this home, and guests placed later keep off what is promised to it. */
static void adopt_home(struct hn_managed *managed, const struct hn_plan *plan)
{
	struct hn_placement *home = plan->home ? hn_placement_share(plan->home) : NULL;

	if (home && !(managed->home && hn_placement_equal(managed->home, home)))
		tell_home(managed, home, plan);
	hn_placement_free(managed->home);
	managed->home = home;
	hn_arrival_record_home(managed);
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
	struct hn_looks looks;
	struct hn_part none = {0};
	bool acts, leaves;
	int r = decide(managed, false, &plan, &looks, &regret, err);

	if (r < 0)
		return r;
	if ((r = hn_draining_heed(managed, &plan, err)) < 0) {
		hn_regret_free(regret);
		return r;
	}
	leaves = r > 0;
	acts = plan->verdict == HN_VERDICT_ACT && !managed->service->ends &&
	       (leaves || managed->guest->mode == HN_MODE_ENFORCE);
	managed->looks = looks;
	hn_regret_free(managed->regret);
	managed->regret = regret;
	hn_chronicle_decision(managed, plan);
	adopt_home(managed, plan);
	if (managed->guest->mode > HN_MODE_OBSERVE)
		log_change(managed, plan);
	r = 0;
	if (acts) {
		managed->drain_tries += leaves;
		copy = hn_plan_copy(plan);
		r = copy ? hn_operation_start(managed, hn_steal(copy), managed->looks.promised_share, &none,
					      err)
			 : hn_oom(err);
	}
	hn_plan_free(managed->plan);
	managed->plan = hn_steal(plan);
	return r;
}

void hn_decision_take(struct hn_managed *managed)
{
	struct hn_error err;

	if (take(managed, &err) < 0 || hn_exchange_consider(managed, &err) < 0)
		hn_managed_set_problem(managed, &err);
	hn_draining_review(managed->service);
}

int hn_decision_now(struct hn_managed *managed, struct hn_plan **ret, struct hn_error *err)
{
	const char *problem = hn_managed_problem(managed);
	struct hn_looks ignored;

	if (managed->running)
		return hn_fail(err, -EBUSY, "operation %llu on it is still under way",
			       (unsigned long long)managed->operation.id);
	if (!managed->guest || !managed->sample)
		return hn_fail(err, -EAGAIN, "%s",
			       problem ? problem : "it has not been looked at yet: try again in a moment");
	return decide(managed, true, ret, &ignored, NULL, err);
}

int hn_decision_act_part(struct hn_managed *managed, struct hn_plan *plan, struct hn_part *part,
			 struct hn_error *err)
{
	hn_chronicle_decision(managed, plan);
	adopt_home(managed, plan);
	return hn_operation_start(managed, plan, 0, part, err);
}

int hn_decision_act(struct hn_managed *managed, struct hn_plan *plan, struct hn_error *err)
{
	struct hn_part none = {0};

	return hn_decision_act_part(managed, plan, &none, err);
}
