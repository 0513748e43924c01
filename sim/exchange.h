#pragma once
/*
 * exchange - two residents change places on full nodes, in steps that make room for one another.
 * Pure. Private to sim/.
 */
#include "policy/swap.h"
#include "sim/operation.h"

struct exchange {
	uint32_t numbers[2]; /* of the residents, in the order of the swap */
	size_t turn_count, next;
	struct hn_plan_turn *turns;
};
void exchange_free(struct exchange *exchange); /* NULL is fine */

/* Binds the threads of both and begins with the steps: takes plans and steps out of the swap. NULL when out
 * of memory. */
struct exchange *exchange_start(struct hn_swap *swap, struct resident *const pair[2],
				struct hn_snapshot *snapshot, struct hn_world_counts *counts);

/* Goes on with up to so many pages; true when it is over. As operation_go_on() otherwise. */
bool exchange_go_on(struct exchange *exchange, struct resident *const pair[2], const size_t guests[2],
		    struct hn_snapshot *snapshot, uint64_t pages, const struct hn_world_options *options,
		    struct hn_world_counts *counts);
