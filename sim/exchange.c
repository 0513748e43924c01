#include "sim/exchange.h"

#include <stdlib.h>

void exchange_free(struct exchange *exchange)
{
	if (!exchange)
		return;
	free(exchange->turns);
	free(exchange);
}

struct exchange *exchange_start(struct hn_swap *swap, struct resident *const pair[2],
				struct hn_snapshot *snapshot, struct hn_world_counts *counts)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	*exchange = (struct exchange){.numbers = {pair[0]->number, pair[1]->number},
				      .turn_count = swap->turn_count,
				      .turns = hn_steal(swap->turns)};
	for (size_t i = 0; i < 2; i++)
		operation_start(pair[i], &snapshot->guests[swap->guests[i]], snapshot->host,
				hn_steal(swap->plans[i]), counts);
	counts->swaps++;
	return exchange;
}

bool exchange_go_on(struct exchange *exchange, struct resident *const pair[2], const size_t guests[2],
		    struct hn_snapshot *snapshot, uint64_t pages, const struct hn_world_options *options,
		    struct hn_world_counts *counts)
{
	for (; exchange->next < exchange->turn_count; exchange->next++) {
		const struct hn_plan_turn *turn = &exchange->turns[exchange->next];

		pair[turn->look]->next = turn->action;
		if (!operation_act(pair[turn->look], snapshot, guests[turn->look], &pages, options, counts))
			return false;
	}
	for (size_t i = 0; i < 2; i++)
		operation_end(pair[i], snapshot, guests[i], options);
	return true;
}
