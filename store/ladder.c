#include "store/ladder.h"

#define MINUTE_NS (60 * HN_NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

const struct hn_rung hn_ladder[HN_RUNG_COUNT] = {
	{0, HOUR_NS},
	{MINUTE_NS, DAY_NS},
	{15 * MINUTE_NS, 30 * DAY_NS},
	{6 * HOUR_NS, 2 * 365 * DAY_NS},
};

uint64_t hn_ladder_due(size_t rung, uint64_t now_ns)
{
	uint64_t due = now_ns > hn_ladder[rung].keep_ns ? now_ns - hn_ladder[rung].keep_ns : 0;

	return rung + 1 < HN_RUNG_COUNT ? due - due % hn_ladder[rung + 1].step_ns : due;
}

uint64_t hn_ladder_span_end(size_t rung, uint64_t time_ns)
{
	return time_ns - time_ns % hn_ladder[rung].step_ns + hn_ladder[rung].step_ns;
}
