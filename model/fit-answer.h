#pragma once
/*
 * fit-answer - whether a guest fits on a host, where and why, and how many more of it; or what would help.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/explanation.h"
#include "model/guest.h"
#include "model/placement.h"

#define HN_FIT_MOVERS_MAX 2 /* guests that may be asked to make room */

struct hn_fit_answer {
	struct hn_placement *home; /* NULL: it does not fit */
	struct hn_explanation *explanation;
	unsigned more; /* after it, one by one until one is refused */
	/* when it does not fit: */
	char nearest[HN_REASON_MAX];           /* what of it would, for people */
	uint64_t nearest_bytes;                /* with that much memory it would fit; 0: none would do */
	unsigned nearest_vcpus, nearest_cells; /* or with so many vCPUs, or cells; likewise */
	size_t mover_count;                    /* who would have to move for it; 0: that would not help */
	char movers[HN_FIT_MOVERS_MAX][HN_NAME_MAX];
	uint64_t move_bytes;
};

void hn_fit_answer_free(struct hn_fit_answer *answer); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_fit_answer, struct hn_fit_answer *, hn_fit_answer_free);
