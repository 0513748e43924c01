#pragma once
/*
 * plans - plans that were made on request, kept until they are applied or too old.
 */
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "daemon/world.h"
#include "model/guest.h"
#include "model/plan.h"

#define HN_PLANS_MAX 256 /* then the oldest goes */
#define HN_PLAN_LIFE_S 600

struct hn_kept_plan {
	TAILQ_ENTRY(hn_kept_plan) entry;
	char id[20];
	char guest[HN_NAME_MAX];
	struct hn_plan *plan;
	struct hn_world *world;
	uint64_t until_ns;
	uint64_t operation; /* that carries it out; 0: it has not been applied */
};

struct hn_plans {
	TAILQ_HEAD(, hn_kept_plan) list; /* oldest first */
	unsigned count;
};

void hn_plans_init(struct hn_plans *plans);
void hn_plans_done(struct hn_plans *plans);

/* Takes plan and world over in any case; *ret is kept here. -ENOMEM. */
int hn_plans_keep(struct hn_plans *plans, const char *guest, struct hn_plan *plan, struct hn_world *world,
		  uint64_t now_ns, struct hn_kept_plan **ret, struct hn_error *err);

/* NULL when there is none of that id any more. */
struct hn_kept_plan *hn_plans_find(struct hn_plans *plans, const char *id, uint64_t now_ns);
