#pragma once
/*
 * policies - the named policies a guest can be given: a table over the same solver and rules.
 * Pure: no I/O, clock, logging or globals.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/placement.h"
#include "model/snapshot.h"
#include "policy/solver.h"

/* When something is done about a guest that is not at home. */
enum hn_pace {
	HN_PACE_AWAY,           /* once consecutive looks agree that it is away, and it has settled */
	HN_PACE_FIRST_SAMPLE,   /* at the first sample with a page elsewhere */
	HN_PACE_WORTH,          /* once what it has lost is worth the move (policy/adaptive.h) */
	HN_PACE_BEFORE_IT_RUNS, /* as AWAY, but while it runs only in its operator's window */
	HN_PACE_NEVER,
};

struct hn_policy {
	const char *name;    /* as in configuration and JSON, e.g. "home-node" */
	const char *summary; /* half a sentence for help and man page */
	const char *origin;  /* where the idea comes from */
	enum hn_pace pace;
	unsigned sides; /* what is brought home: an or of enum hn_side (policy/actions.h) */
	/* Where the guest should live; as hn_solve(). */
	int (*find_home)(const struct hn_snapshot *snapshot, size_t guest,
			 const struct hn_solver_limits *limits, struct hn_placement **ret,
			 struct hn_error *err);
};

/* The policy of that name ("" is the default, home-node), or NULL and -EINVAL's sentence with the choices. */
const struct hn_policy *hn_policy_find(const char *name, struct hn_error *err);

/* The table, for help texts; ends with a NULL name. */
const struct hn_policy *hn_policies(void);
