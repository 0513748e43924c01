#include "daemon/plans.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/units.h"

static void forget(struct hn_plans *plans, struct hn_kept_plan *kept)
{
	TAILQ_REMOVE(&plans->list, kept, entry);
	plans->count--;
	hn_plan_free(kept->plan);
	hn_world_free(kept->world);
	free(kept);
}

void hn_plans_init(struct hn_plans *plans)
{
	TAILQ_INIT(&plans->list);
	plans->count = 0;
}

void hn_plans_done(struct hn_plans *plans)
{
	while (!TAILQ_EMPTY(&plans->list))
		forget(plans, TAILQ_FIRST(&plans->list));
}

/* All live equally long, so the oldest goes first. */
static void expire(struct hn_plans *plans, uint64_t now_ns)
{
	struct hn_kept_plan *oldest;

	while ((oldest = TAILQ_FIRST(&plans->list)) &&
	       (now_ns >= oldest->until_ns || plans->count > HN_PLANS_MAX))
		forget(plans, oldest);
}

int hn_plans_keep(struct hn_plans *plans, const char *guest, struct hn_plan *plan, struct hn_world *world,
		  uint64_t now_ns, struct hn_kept_plan **ret, struct hn_error *err)
{
	struct hn_kept_plan *kept = calloc(1, sizeof(*kept));
	uint64_t number = 0;

	if (!kept) {
		hn_plan_free(plan);
		hn_world_free(world);
		return hn_oom(err);
	}
	while (getrandom(&number, sizeof(number), 0) != sizeof(number))
		;
	snprintf(kept->id, sizeof(kept->id), "p%016" PRIx64, number);
	snprintf(kept->guest, sizeof(kept->guest), "%s", guest);
	kept->plan = plan;
	kept->world = world;
	kept->until_ns = now_ns + HN_PLAN_LIFE_S * HN_NS_PER_S;
	TAILQ_INSERT_TAIL(&plans->list, kept, entry);
	plans->count++;
	expire(plans, now_ns);
	*ret = kept;
	return 0;
}

struct hn_kept_plan *hn_plans_find(struct hn_plans *plans, const char *id, uint64_t now_ns)
{
	struct hn_kept_plan *kept;

	expire(plans, now_ns);
	TAILQ_FOREACH(kept, &plans->list, entry)
	if (strcmp(kept->id, id) == 0)
		return kept;
	return NULL;
}
