#pragma once
/*
 * fit-answer - whether a guest fits on a host, where, why, and how many more of it.
 */
#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/explanation.h"
#include "model/snapshot.h"
#include "policy/solver.h"

#define HN_FIT_MORE_MAX 1000 /* more are not counted */

struct hn_fit_answer {
	struct hn_placement *home; /* NULL: it does not fit */
	struct hn_explanation *explanation;
	unsigned more;               /* after it, one by one until one is refused */
	char nearest[HN_REASON_MAX]; /* what of it would fit, when it does not */
};
void hn_fit_answer_free(struct hn_fit_answer *answer); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_fit_answer, struct hn_fit_answer *, hn_fit_answer_free);

/*
 * Takes the guest over and adds it to the snapshot, with its copies. *ret is the caller's. -EINVAL for a
 * guest without cells, -ENOMEM; one that does not fit is no error.
 */
int hn_fit(struct hn_snapshot *snapshot, struct hn_guest *guest, const struct hn_solver_limits *limits,
	   struct hn_fit_answer **ret, struct hn_error *err);

/* NULL when out of memory. */
json_object *hn_fit_encode(const struct hn_fit_answer *answer, const struct hn_snapshot *snapshot);
