#pragma once
/*
 * decide - what should be done now about one guest, and why.
 * Pure: no I/O, clock, logging or globals. The same snapshot and options give the same plan.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/plan.h"
#include "model/snapshot.h"
#include "policy/solver.h"

struct hn_decide_options {
	struct hn_solver_limits solver;
	unsigned looks;      /* consecutive looks that must agree before anything is done, >= 1 */
	double home_share;   /* a cell is at home when at least this share of its pages is, 0..1 */
	uint64_t max_age_ns; /* an older sample says nothing */
	uint64_t
		tick_ns; /* how often a guest is looked at: what regret accrues over is two of them at most */
	bool now;        /* an operator asked: one look is enough, and settling is not waited for */
};
/* 64 MiB kept free, 200000 steps, 2 looks, 0.99, 60 s, a tick of 10 s */
extern const struct hn_decide_options hn_decide_defaults;

/*
 * Plans for snapshot->guests[guest], whatever its mode (off excepted): whether the plan is carried out is the
 * caller's matter. The verdict is never an error. A look that cannot tell, or finds no room, leaves the guest
 * the home it has. *ret_looks and *ret_regret are what the caller must put into the guest's state before the
 * next look; the latter is the caller's to free, NULL for a guest that was never looked at, and ret_regret
 * may be NULL where there is no next look. Both count on a guest of mode enforce having its plan carried out
 * when the verdict is act. -EINVAL for an unknown policy, -ENOMEM.
 */
int hn_decide(const struct hn_snapshot *snapshot, size_t guest, const struct hn_decide_options *options,
	      struct hn_plan **ret, struct hn_looks *ret_looks, struct hn_regret **ret_regret,
	      struct hn_error *err);

/*
 * How long a guest is left alone after an operation that brought so much of what was predicted: bytes, or
 * threads where no memory was to move. One settle period, doubled for every fruitless operation in a row (at
 * most 64 times), so that what will not go is not tried for ever; and for every one that fetches from
 * memory-only nodes what comes there again.
 */
struct hn_looks hn_looks_after(const struct hn_looks *looks, uint64_t now_ns, uint64_t settle_ns,
			       uint64_t predicted, uint64_t brought);
