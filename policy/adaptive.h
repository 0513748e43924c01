#pragma once
/*
 * adaptive - the policy that moves a guest when what it has lost is worth the move.
 * Pure. See policy/policies.h.
 *
 * For each cell it looks where the memory is and where the vCPUs run. vCPUs go to the memory when most of it
 * is there, or cannot move, and the node stays below 90 % busy; else memory goes to the vCPUs, and to those
 * that their operator has pinned always; when that does not fit, to where the solver says. Never both sides
 * of one cell in one move, save that vCPUs which may run at home already are kept there. A cell's move is
 * worth it when the regret for not being there (policy/regret.h) is theta times its price (policy/price.h).
 * It is made when all cells' moves together lower the potential (policy/outlook.h); the caller clears the
 * regret then, so that every move is paid for: all moves ever made cost no more than all regret that ever
 * accrued / theta.
 */
#include "policy/actions.h"
#include "policy/policies.h"

#define HN_BUSY_MAX 0.9 /* of a node's CPUs, with the vCPUs that would come */

struct hn_proposal {
	struct hn_placement *home; /* the target when worth, else where it lives now */
	unsigned *sides;           /* by cell, of enum hn_side; 0: left where it is */
	bool worth;
	bool wanted;   /* some cell would do better elsewhere, worth it or not */
	bool cramped;  /* a move would be worth it, had the memory room there: see policy/swap.h */
	double regret; /* vCPU-seconds: of the cells that move, or would */
	double price;
	double before, after; /* vCPU-seconds a second lost by the guest to remote memory */
	char reason[HN_REASON_MAX];
};
void hn_proposal_done(struct hn_proposal *proposal);

/*
 * What to do about the guest of look, whose plan is not touched. regret: with this look's sample added; now:
 * an operator asked, price does not matter. -ENOSPC when no home is possible, -ENOMEM.
 */
int hn_adaptive_propose(const struct hn_look *look, const struct hn_regret *regret, bool now,
			struct hn_proposal *ret, struct hn_error *err);

/*
 * The sides of each cell (look->guest->cell_count of them) that bring it to that home, for those that are
 * worth it; fills wanted, regret, price. Used by hn_adaptive_propose() and for guests that change places.
 */
void hn_adaptive_weigh(const struct hn_look *look, const struct hn_placement *home,
		       const struct hn_regret *regret, bool now, struct hn_proposal *ret);

/* Where each cell would be by its memory and vCPUs alone: 1 and *ret, 0 when that is not known, -ENOMEM.
 * all_busy: what hn_busy_of_nodes() tells, if it has been asked; else NULL. */
int hn_adaptive_inclination(const struct hn_snapshot *snapshot, size_t guest, const double *all_busy,
			    struct hn_placement **ret);

/* Where the guest lives: the home it has, while possible; else where its memory is, while that is possible;
 * else as hn_home_node_find(). */
int hn_adaptive_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_placement **ret, struct hn_error *err);
