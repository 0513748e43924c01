#pragma once
/*
 * readings - the last two readings of one source of evidence: of the host, or of a guest.
 */
#include "model/activity.h"

struct hn_readings {
	struct hn_evidence *before, *now; /* NULL: not yet */
};

/* Takes over the newest reading and drops what is no longer one of two. */
void hn_readings_put(struct hn_readings *readings, struct hn_evidence *evidence);
/* Drops both. */
void hn_readings_done(struct hn_readings *readings);

/* The latest reading, if it is no older than that; else NULL. */
const struct hn_evidence *hn_readings_latest(const struct hn_readings *readings, uint64_t now_ns,
					     uint64_t max_age_ns);

/* What they tell together, in *ret; NULL when there is no reading as young as that. -ENOMEM. */
int hn_readings_tell(const struct hn_readings *readings, uint64_t now_ns, uint64_t max_age_ns,
		     struct hn_activity **ret);
