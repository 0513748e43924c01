#include "policy/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct planner {
	const struct hn_leg *legs;
	size_t leg_count, node_count;
	uint64_t *left;           /* by leg */
	struct hn_shelf *shelves; /* by node */
	struct hn_schedule *schedule;
};

void hn_schedule_done(struct hn_schedule *schedule)
{
	free(schedule->steps);
	*schedule = (struct hn_schedule){0};
}

static void leave(struct hn_shelf *shelf, uint64_t bytes)
{
	uint64_t filled = bytes < shelf->short_bytes ? bytes : shelf->short_bytes;

	shelf->short_bytes -= filled;
	shelf->room_bytes += bytes - filled;
}

/* What leaves makes room: at once when it all comes from one node, else only when all of it has left, since
 * nobody knows which goes first. */
static void make_room(struct planner *planner, size_t leg, uint64_t bytes)
{
	const struct hn_leg *moved = &planner->legs[leg];
	size_t sources = 0;

	for (size_t node = 0; node < planner->node_count; node++)
		sources += moved->from[node] > 0;
	for (size_t node = 0; node < planner->node_count; node++) {
		if (sources == 1 && moved->from[node] > 0)
			leave(&planner->shelves[node], bytes);
		else if (planner->left[leg] == 0)
			leave(&planner->shelves[node], moved->from[node]);
	}
}

static int add_step(struct planner *planner, size_t leg, uint64_t bytes)
{
	struct hn_schedule *schedule = planner->schedule;
	struct hn_step *grown = reallocarray(schedule->steps, schedule->count + 1, sizeof(*grown));
	uint64_t *room = &planner->shelves[planner->legs[leg].to].room_bytes;

	if (!grown)
		return -ENOMEM;
	schedule->steps = grown;
	planner->left[leg] -= bytes;
	grown[schedule->count++] = (struct hn_step){
		.leg = leg,
		.bytes = bytes,
		.limit_bytes = planner->left[leg] ? planner->legs[leg].there + planner->legs[leg].bytes -
							    planner->left[leg]
						  : 0,
	};
	*room -= bytes < *room ? bytes : *room;
	make_room(planner, leg, bytes);
	return 0;
}

/* The first leg that fits whole; else the one with most room before it, if that is worth a step; else -1. */
static int next_leg(const struct planner *planner, uint64_t *ret_bytes)
{
	int widest = -1;
	uint64_t most = HN_STEP_MIN_BYTES - 1;

	for (size_t leg = 0; leg < planner->leg_count; leg++) {
		uint64_t room = planner->shelves[planner->legs[leg].to].room_bytes;

		if (planner->left[leg] == 0)
			continue;
		if (planner->left[leg] <= room) {
			*ret_bytes = planner->left[leg];
			return (int)leg;
		}
		if (room > most) {
			most = room;
			widest = (int)leg;
		}
	}
	*ret_bytes = most / HN_STEP_MIN_BYTES * HN_STEP_MIN_BYTES;
	return widest;
}

static size_t count_left(const struct planner *planner)
{
	size_t count = 0;

	for (size_t leg = 0; leg < planner->leg_count; leg++)
		count += planner->left[leg] > 0;
	return count;
}

static int plan_steps(struct planner *planner)
{
	int r = 0;

	while (r == 0 && count_left(planner) > 0 && planner->schedule->count < HN_STEPS_MAX) {
		uint64_t bytes;
		int leg = next_leg(planner, &bytes);

		/* a part of the last one would make room for nobody */
		if (leg < 0 || (bytes < planner->left[leg] && count_left(planner) == 1))
			break;
		r = add_step(planner, (size_t)leg, bytes);
	}
	planner->schedule->fits = count_left(planner) == 0;
	for (size_t leg = 0; leg < planner->leg_count && r == 0; leg++)
		if (planner->left[leg] > 0)
			r = add_step(planner, leg, planner->left[leg]);
	return r;
}

int hn_schedule_make(const struct hn_leg *legs, size_t leg_count, const struct hn_shelf *shelves,
		     size_t node_count, struct hn_schedule *ret)
{
	struct planner planner = {.legs = legs,
				  .leg_count = leg_count,
				  .node_count = node_count,
				  .left = calloc(leg_count + 1, sizeof(uint64_t)),
				  .shelves = calloc(node_count + 1, sizeof(*shelves)),
				  .schedule = ret};
	int r = planner.left && planner.shelves ? 0 : -ENOMEM;

	*ret = (struct hn_schedule){0};
	for (size_t leg = 0; leg < leg_count && r == 0; leg++)
		planner.left[leg] = legs[leg].bytes;
	if (r == 0) {
		memcpy(planner.shelves, shelves, node_count * sizeof(*shelves));
		r = plan_steps(&planner);
	}
	free(planner.left);
	free(planner.shelves);
	if (r < 0)
		hn_schedule_done(ret);
	return r;
}
