#pragma once
/*
 * swap - two guests change places where neither could move alone, since the nodes are full.
 * Pure: no I/O, clock, logging or globals.
 */
#include "policy/actions.h"
#include "policy/decide.h"

struct hn_swap {
	size_t guests[2];         /* indices in the snapshot */
	struct hn_plan *plans[2]; /* of both, verdict act, bindings first */
	/* The migrations of both plans in the order they have to be done, one after the other: the steps of
	 * one make the room for the next of the other. hn_plan_turn.look is 0 or 1, as in plans. */
	size_t turn_count;
	struct hn_plan_turn *turns;
};
void hn_swap_free(struct hn_swap *swap); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_swap, struct hn_swap *, hn_swap_free);

/*
 * A partner for a guest under policy adaptive for which moving would be worth it but for want of room:
 * another of mode enforce and the same policy, with no operation under way, both shared, for which moving is
 * worth it as well, such that every step of both finds room and the host as a whole loses less afterwards. Of
 * both enough must be known, and each must be allowed where the other was by all of the solver's rules but
 * those about memory; two that are to be kept apart do not change places. The partner takes memory away from
 * where the guest's is to go; of many only the best are tried. *ret is the one that lowers the potential most
 * (policy/outlook.h), NULL when there is none. The regret in the snapshot is taken as it is; the caller
 * clears that of both. 0, -ENOMEM.
 */
int hn_decide_swap(const struct hn_snapshot *snapshot, size_t guest, const struct hn_decide_options *options,
		   struct hn_swap **ret, struct hn_error *err);

/* The same with one partner alone, by name: for the one that hn_decide() has told of (hn_plan.partner). */
int hn_decide_swap_with(const struct hn_snapshot *snapshot, size_t guest, const char *partner,
			const struct hn_decide_options *options, struct hn_swap **ret, struct hn_error *err);
