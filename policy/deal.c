#include "policy/deal.h"

#include <stdbool.h>

static bool is_less(uint64_t most, uint64_t share)
{
	return most != 0 && most < share;
}

/* Those whose own limit is below an equal share get it, which makes the shares of the others larger. */
void hn_deal(uint64_t total, struct hn_deal_hand *hands, size_t count)
{
	uint64_t left = total;
	size_t open = count;
	bool settled = false;

	for (size_t i = 0; i < count; i++)
		hands[i].rate = total ? 0 : hands[i].most;
	while (total && open && !settled) {
		uint64_t share = left / open;

		settled = true;
		for (size_t i = 0; i < count; i++) {
			if (hands[i].rate || !is_less(hands[i].most, share))
				continue;
			hands[i].rate = hands[i].most;
			left -= hands[i].most;
			open--;
			settled = false;
		}
	}
	for (size_t i = 0; i < count && total && open; i++)
		if (!hands[i].rate)
			hands[i].rate = left / open;
}

uint64_t hn_deal_grant(uint64_t total, struct hn_deal_hand *hands, size_t count, size_t hand)
{
	uint64_t others = 0, rate = hands[hand].rate;

	if (total == 0)
		return hands[hand].held = rate;
	for (size_t i = 0; i < count; i++)
		others += i == hand ? 0 : hands[i].held;
	if (others >= total)
		rate = 0;
	else if (rate > total - others)
		rate = total - others;
	return hands[hand].held = rate < HN_DEAL_LEAST ? 0 : rate;
}
