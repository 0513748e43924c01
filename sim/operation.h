#pragma once
/*
 * operation - carries a plan out in a world, as homenoded's hands do: threads at once, pages at their speed.
 * Pure. Private to sim/.
 */
#include "sim/resident.h"
#include "sim/world.h"

/* Binds the plan's threads and begins with its migrations; takes the plan over. */
void operation_start(struct resident *resident, struct hn_guest_state *state, const struct hn_host *host,
		     struct hn_plan *plan, struct hn_world_counts *counts);

/* Carries out the action that is next, of up to *pages pages; true when it is over and the one after it next.
 */
bool operation_act(struct resident *resident, struct hn_snapshot *snapshot, size_t guest, uint64_t *pages,
		   const struct hn_world_options *options, struct hn_world_counts *counts);

/* Closes the operation, whatever is left of it. */
void operation_end(struct resident *resident, struct hn_snapshot *snapshot, size_t guest,
		   const struct hn_world_options *options);

/*
 * Moves up to so many pages of the guest with that index. True when the plan is carried out, or what is left
 * of it cannot be: the operation is then over, the guest's looks say so, its regret is paid and the price of
 * moving is learned from it, as homenoded does it.
 */
bool operation_go_on(struct resident *resident, struct hn_snapshot *snapshot, size_t guest, uint64_t pages,
		     const struct hn_world_options *options, struct hn_world_counts *counts);
