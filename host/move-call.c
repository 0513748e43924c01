/*
 * move-call - move_pages(2) queues pages until one cannot be queued (it is busy, shared, or gone), moves that
 * group, and goes on. It stops at the first group of which a page could not be moved, and stores no status
 * for that group nor for what lies behind it.
 *
 * So statuses start as a sentinel, and the next call names first what this one never came to, then what it
 * could not move, and last what could not even be queued and so ends groups. Every second call goes
 * backwards, so that no page is always behind the same other.
 *
 * A huge page is moved by its head alone. Its other pages in the list would each end a group, and be called
 * busy.
 */
#include "host/move-call.h"

#include <errno.h>
#include <limits.h>
#include <numaif.h>

#define NOT_TOLD INT_MIN

static void head_add(struct hn_move_call *call, const struct hn_move_pending *pending, size_t page,
		     int to_node)
{
	call->place[page] = (uint16_t)call->count;
	call->heads[call->count] = pending->pages[page];
	call->nodes[call->count] = to_node;
	call->status[call->count++] = NOT_TOLD;
}

void hn_move_call_list(struct hn_move_call *call, struct hn_move_pending *pending, int to_node,
		       bool backwards)
{
	bool waits[HN_TURN_NEVER + 1] = {false};

	call->count = 0;
	for (size_t i = 0; i < pending->count; i++) {
		pending->tail[i] = pending->tail[i] && i > 0 && pending->turn[i - 1] != HN_TURN_NEVER;
		waits[pending->turn[i]] = true;
	}
	for (int turn = 0; turn < HN_TURN_NEVER; turn++) {
		if (!waits[turn])
			continue;
		for (size_t i = 0; i < pending->count; i++) {
			size_t page = backwards ? pending->count - 1 - i : i;

			if (pending->turn[page] == turn && !pending->tail[page])
				head_add(call, pending, page, to_node);
		}
	}
	for (size_t i = 1; i < pending->count; i++)
		if (pending->tail[i])
			call->place[i] = call->place[i - 1];
}

/*
 * When a group fails that was ended by a page which cannot be queued, that page has its status, the group
 * before it has none, and all behind it is untried. A group that fails without such a page went on to the end
 * of the list.
 */
static bool is_complete(const struct hn_move_call *call)
{
	size_t last = call->count;

	while (last > 0 && call->status[last - 1] == NOT_TOLD)
		last--;
	return call->answer <= 0 || last == call->count || last < 2 || call->status[last - 2] != NOT_TOLD;
}

void hn_move_call_make(struct hn_move_call *call, const struct hn_move_kernel *kernel, pid_t pid, int *flags,
		       struct hn_move_progress *progress)
{
	uint64_t began_ns = kernel->now_ns(kernel->context);
	bool again;

	do {
		call->answer = kernel->move_pages(kernel->context, pid, call->count, call->heads, call->nodes,
						  call->status, *flags);
		again = call->answer == -EINTR;
		if (call->answer == -EPERM && *flags == MPOL_MF_MOVE_ALL) {
			*flags = MPOL_MF_MOVE; /* not allowed to touch others' pages: do without */
			again = true;
		}
		progress->calls++;
	} while (again);
	progress->copying_ns += kernel->now_ns(kernel->context) - began_ns;
	call->complete = is_complete(call);
}

/* Why a page that is still elsewhere did not move: by its status, or the call's answer where it got none. */
static enum hn_stay reason_of(int status, long answer)
{
	if (status == NOT_TOLD)
		status = answer == -ENOMEM ? -ENOMEM : answer < 0 && answer != -EAGAIN ? -EIO : -EBUSY;
	switch (status) {
	case -EACCES:
		return HN_STAY_SHARED;
	case -ENOMEM:
		return HN_STAY_NO_MEMORY;
	case -EBUSY:
	case -EAGAIN:
		return HN_STAY_BUSY;
	default: /* a page reported moved which is not there was moved on, or lost a race */
		return status >= 0 ? HN_STAY_BUSY : HN_STAY_OTHER;
	}
}

void hn_move_call_read(const struct hn_move_call *call, struct hn_move_pending *pending)
{
	size_t reached = call->count;

	while (!call->complete && reached > 0 && call->status[reached - 1] == NOT_TOLD)
		reached--;
	for (size_t i = 0; i < pending->count; i++) {
		int status;

		pending->arrived[i] = false;
		if (pending->turn[i] == HN_TURN_NEVER)
			continue;
		status = call->status[call->place[i]];
		/* Stored only once all of its group, and so all of its huge page, has moved. */
		pending->arrived[i] = status == call->nodes[call->place[i]];
		pending->reason[i] = reason_of(status, call->answer);
		if (status != NOT_TOLD)
			pending->turn[i] = HN_TURN_TOLD;
		else if (call->place[i] < reached)
			pending->turn[i] = HN_TURN_TRIED;
		/* else the call did not come to it, and its turn stays */
	}
}
