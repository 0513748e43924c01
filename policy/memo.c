#include "policy/memo.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS (UINT64_C(1) << 8)
#define SLOTS_MAX (UINT64_C(1) << 18)

struct slot {
	struct hn_state_key key; /* 0, 0: free */
	struct hn_cost cost;
};

struct hn_memo {
	uint64_t slot_count, used; /* a power of two; at most half are used */
	struct slot *slots;
};

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void hn_state_key_add(struct hn_state_key *key, uint64_t kind, uint64_t where, uint64_t what)
{
	uint64_t z = mix(mix(mix(kind + UINT64_C(0x9e3779b97f4a7c15)) + where) + what);

	key->a += z;
	key->b += mix(z ^ UINT64_C(0xd1342543de82ef95));
}

struct hn_memo *hn_memo_new(void)
{
	HN_AUTO(hn_memo) struct hn_memo *memo = calloc(1, sizeof(*memo));

	if (!memo)
		return NULL;
	memo->slot_count = FIRST_SLOTS;
	memo->slots = calloc(memo->slot_count, sizeof(*memo->slots));
	return memo->slots ? hn_steal(memo) : NULL;
}

void hn_memo_free(struct hn_memo *memo)
{
	if (!memo)
		return;
	free(memo->slots);
	free(memo);
}

void hn_memo_clear(struct hn_memo *memo)
{
	if (memo->used > 0)
		memset(memo->slots, 0, memo->slot_count * sizeof(*memo->slots));
	memo->used = 0;
}

static bool is_free(const struct slot *slot)
{
	return slot->key.a == 0 && slot->key.b == 0;
}

/* The slot of the key, or the free one where it would go. */
static struct slot *find(struct slot *slots, uint64_t slot_count, const struct hn_state_key *key)
{
	uint64_t at = key->a & (slot_count - 1);

	while (!is_free(&slots[at]) && (slots[at].key.a != key->a || slots[at].key.b != key->b))
		at = (at + 1) & (slot_count - 1);
	return &slots[at];
}

/* False when there is no more room. */
static bool grow(struct hn_memo *memo)
{
	struct slot *slots;

	if (memo->slot_count == SLOTS_MAX)
		return false;
	slots = calloc(memo->slot_count * 2, sizeof(*slots));
	if (!slots)
		return false;
	for (uint64_t i = 0; i < memo->slot_count; i++)
		if (!is_free(&memo->slots[i]))
			*find(slots, memo->slot_count * 2, &memo->slots[i].key) = memo->slots[i];
	free(memo->slots);
	memo->slots = slots;
	memo->slot_count *= 2;
	return true;
}

bool hn_memo_is_known(struct hn_memo *memo, const struct hn_state_key *key, const struct hn_cost *cost)
{
	struct slot *slot = find(memo->slots, memo->slot_count, key);

	if (!is_free(slot)) {
		if (hn_cost_compare(&slot->cost, cost) <= 0)
			return true;
		slot->cost = *cost;
		return false;
	}
	if (memo->used * 2 >= memo->slot_count) {
		if (!grow(memo))
			return false;
		slot = find(memo->slots, memo->slot_count, key);
	}
	memo->used++;
	*slot = (struct slot){.key = *key, .cost = *cost};
	return false;
}
