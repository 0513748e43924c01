/*
 * hands-serve-moves - requests that change where a guest's memory may be and is.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "daemon/hands-request.h"
#include "host/cpuset.h"
#include "host/process-maps.h"

#define PROGRESS_EVERY_NS (100 * HN_NS_PER_MS)

/* What the watch of a running move needs. */
struct move_watch {
	const struct hn_hands_work *work;
	uint64_t told_ns; /* wall time of the move at the last progress message */
	bool paced;       /* another pace has been told since */
};

/* One message of the brain's; false when it says cancel, or is gone: then nobody wants this move any more. */
static bool take_word(struct move_watch *watch, struct hn_move_pace *pace)
{
	HN_AUTO(memory) void *body = NULL;
	struct hn_hands_header header;
	struct hn_error ignored;

	if (hn_hands_read(watch->work->fd, &header, &body, &ignored) <= 0 || header.type == HN_HANDS_CANCEL)
		return false;
	if (header.type == HN_HANDS_PACE && header.length == sizeof(*pace)) {
		memcpy(pace, body, sizeof(*pace));
		watch->paced = true;
	}
	return true;
}

static bool has_word(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	return poll(&poller, 1, 0) > 0;
}

/* A pace in force is told at once: others may go faster only when this one goes slower. */
static bool on_move_progress(void *context, const struct hn_move_progress *progress,
			     struct hn_move_pace *pace)
{
	struct move_watch *watch = context;
	bool due = watch->paced || progress->wall_ns >= watch->told_ns + PROGRESS_EVERY_NS;

	watch->paced = false;
	while (has_word(watch->work->fd))
		if (!take_word(watch, pace))
			return false;
	if (due) {
		watch->told_ns = progress->wall_ns;
		if (hn_hands_write(watch->work->fd, HN_HANDS_PROGRESS, watch->work->header.id, 0,
				   &(struct hn_hands_part){progress, sizeof(*progress)}, 1) < 0)
			return false;
	}
	return true;
}

int hn_hands_serve_move(const struct hn_hands_work *work, struct hn_error *err)
{
	struct move_watch watch = {.work = work};
	struct hn_move_progress progress = {0};
	struct hn_hands_move move;
	struct hn_move_order order;
	struct hn_hands_part parts[2];
	int r;

	if (work->header.length < sizeof(move))
		return hn_hands_check_length(work, sizeof(move), 0, err);
	memcpy(&move, work->body, sizeof(move));
	if (move.range_count > HN_HANDS_RANGES_MAX)
		return hn_fail(err, -E2BIG, "%u ranges are too many", move.range_count);
	r = hn_hands_check_length(work, sizeof(move), move.range_count * sizeof(struct hn_range), err);
	if (r < 0)
		return r;
	order = (struct hn_move_order){
		.process = move.process,
		.ranges = (const struct hn_range *)(const void *)(work->body + sizeof(move)),
		.range_count = move.range_count,
		.to_node = move.to_node,
		.stay_nodes = move.stay_nodes,
		.limit_bytes = move.limit_bytes,
		.pace = move.pace,
		.shared = move.shared != 0,
	};
	if ((r = hn_hands_check_guest(&move.process, err)) < 0 ||
	    (r = hn_ranges_check(NULL, &move.process, order.ranges, order.range_count, err)) < 0)
		return r;
	r = hn_move(&order, on_move_progress, &watch, &progress, err);
	/* the books come along with a failure too, ahead of its sentence */
	parts[0] = (struct hn_hands_part){&progress, sizeof(progress)};
	parts[1] = (struct hn_hands_part){r < 0 ? err->message : "", r < 0 ? strlen(err->message) : 0};
	return hn_hands_write(work->fd, HN_HANDS_MOVE, work->header.id, r, parts, 2);
}

int hn_hands_serve_cpuset(const struct hn_hands_work *work, struct hn_error *err)
{
	struct hn_hands_cpuset cpuset;
	struct hn_set before;
	int r = hn_hands_check_length(work, sizeof(cpuset), 0, err);

	if (r < 0)
		return r;
	memcpy(&cpuset, work->body, sizeof(cpuset));
	if ((r = hn_hands_check_guest(&cpuset.process, err)) < 0 ||
	    (r = hn_cpuset_nodes(NULL, &cpuset.process, &before, err)) < 0)
		return r;
	if (cpuset.step == HN_HANDS_WIDEN)
		r = hn_cpuset_widen(NULL, &cpuset.process, &cpuset.nodes, err);
	else if (cpuset.step == HN_HANDS_NARROW)
		r = hn_cpuset_narrow(NULL, &cpuset.process, &cpuset.nodes, err);
	else
		r = hn_fail(err, -EPROTO, "a cpuset has no step %u", cpuset.step);
	return r < 0 ? r : hn_hands_reply_with(work, &(struct hn_hands_part){&before, sizeof(before)}, 1);
}
