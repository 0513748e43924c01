#pragma once
/*
 * fit-answer - whether a guest fits on a host, where, why, and how many more of it.
 */
#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/explanation.h"
#include "model/snapshot.h"
#include "policy/admit.h"
#include "policy/nearest.h"
#include "policy/solver.h"

#define HN_FIT_MORE_MAX 1000 /* more are not counted */
#define HN_FIT_MOVERS_MAX 2  /* guests that may be asked to make room */

struct hn_fit_answer {
	struct hn_placement *home; /* NULL: it does not fit */
	struct hn_explanation *explanation;
	unsigned more; /* after it, one by one until one is refused */
	/* when it does not fit: */
	struct hn_nearest nearest;     /* what of it would */
	struct hn_admission admission; /* who would have to move for it; count 0: that would not help */
};
void hn_fit_answer_free(struct hn_fit_answer *answer); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_fit_answer, struct hn_fit_answer *, hn_fit_answer_free);

/*
 * Takes the guest over and adds it to the snapshot, with its copies. *ret is the caller's. -EINVAL for a
 * guest without cells, -ENOMEM; one that does not fit is no error.
 */
int hn_fit(struct hn_snapshot *snapshot, struct hn_guest *guest, const struct hn_solver_limits *limits,
	   struct hn_fit_answer **ret, struct hn_error *err);

/* Who would have to make room, as a sentence; "" when nobody could. Returns buffer. */
const char *hn_fit_say_movers(const struct hn_fit_answer *answer, const struct hn_snapshot *snapshot,
			      char *buffer, size_t size);

/* NULL when out of memory. */
json_object *hn_fit_encode(const struct hn_fit_answer *answer, const struct hn_snapshot *snapshot);
