#include "host/move-lanes.h"

void hn_move_lanes_init(struct hn_move_lanes *lanes, unsigned most)
{
	*lanes = (struct hn_move_lanes){.most = most};
}

unsigned hn_move_lanes_next(struct hn_move_lanes *lanes)
{
	if (lanes->resting == 0)
		return lanes->most;
	lanes->resting--;
	return 1;
}

static bool had_no_cpu(const struct hn_move_span *span)
{
	return span->wall_ns >= HN_LANE_JUDGED_NS &&
	       span->cpu_ns < span->wall_ns / 1000 * HN_LANE_SHARE_PERMILLE;
}

void hn_move_lanes_learn(struct hn_move_lanes *lanes, const struct hn_move_span *spans, size_t count)
{
	bool judged = false, contended = false;

	if (count < 2)
		return;
	for (size_t i = 0; i < count; i++) {
		judged |= spans[i].wall_ns >= HN_LANE_JUDGED_NS;
		contended |= had_no_cpu(&spans[i]);
	}
	if (!contended) {
		lanes->rest = judged ? 0 : lanes->rest;
		return;
	}
	lanes->rest = lanes->rest == 0                       ? HN_LANES_REST_FIRST
		      : lanes->rest < HN_LANES_REST_MOST / 2 ? lanes->rest * 2
							     : HN_LANES_REST_MOST;
	lanes->resting = lanes->rest;
}
