#pragma once
/*
 * memo - what a search has been through already: the least cost at which it arrived in each state.
 * Pure. Private to policy/.
 *
 * Two partial assignments of the same cells that leave the same choices, at the same further cost, differ in
 * nothing but what they cost so far; only the cheaper is worth going on with. The idea is that of the
 * transposition tables of game programs (Greenblatt, 1967) and of dominance in dynamic programming. A state
 * is known by 128 bits, which two different ones share with a probability below 2^-80 in any search that
 * ends.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/placement.h"

struct hn_state_key {
	uint64_t a, b;
};

/* Adds an element to a set's key: elements in any order give the same key. */
void hn_state_key_add(struct hn_state_key *key, uint64_t kind, uint64_t where, uint64_t what);

struct hn_memo;

/* Forgets everything. */
void hn_memo_clear(struct hn_memo *memo);

/* NULL when out of memory. */
struct hn_memo *hn_memo_new(void);
void hn_memo_free(struct hn_memo *memo); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_memo, struct hn_memo *, hn_memo_free);

/*
 * True when the state was reached at no more than this cost before; notes the cost otherwise. A memo that has
 * grown to its limit, or finds no memory to grow, forgets nothing and notes nothing new.
 */
bool hn_memo_is_known(struct hn_memo *memo, const struct hn_state_key *key, const struct hn_cost *cost);
