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

static void spans_cut(struct hn_move_call *call, unsigned lanes)
{
	size_t first = 0;

	call->span_count = call->count >= lanes ? lanes : 1;
	for (size_t i = 0; i < call->span_count; i++) {
		size_t end = call->count * (i + 1) / call->span_count;

		call->spans[i] = (struct hn_move_span){.pages = &call->heads[first],
						       .nodes = &call->nodes[first],
						       .status = &call->status[first],
						       .count = end - first};
		first = end;
	}
}

/* How far a call has told of its pages. */
static size_t span_told(const struct hn_move_span *span)
{
	size_t told = span->count;

	while (told > 0 && span->status[told - 1] == NOT_TOLD)
		told--;
	return told;
}

/*
 * When a group fails that was ended by a page which cannot be queued, that page has its status, the group
 * before it has none, and all behind it is untried. A group that fails without such a page went on to the end
 * of the list.
 */
static bool is_complete(const struct hn_move_span *span)
{
	size_t told = span_told(span);

	return span->answer <= 0 || told == span->count || told < 2 || span->status[told - 2] != NOT_TOLD;
}

static bool is_final(long answer)
{
	return answer == -ESRCH || answer == -EPERM || answer == -ENODEV || answer == -EINVAL ||
	       answer == -EFAULT || answer == -E2BIG;
}

/* Where only some spans found the target outside the cpuset, it has just been taken out, and others have
 * moved. */
static long failure_of(const struct hn_move_call *call)
{
	size_t refused = 0;

	for (size_t i = 0; i < call->span_count; i++) {
		if (is_final(call->spans[i].answer))
			return call->spans[i].answer;
		refused += call->spans[i].answer == -EACCES;
	}
	return refused == call->span_count ? -EACCES : 0;
}

static bool all_complete(const struct hn_move_call *call)
{
	for (size_t i = 0; i < call->span_count; i++)
		if (!is_complete(&call->spans[i]))
			return false;
	return true;
}

static bool any_answered(const struct hn_move_call *call, long answer)
{
	for (size_t i = 0; i < call->span_count; i++)
		if (call->spans[i].answer == answer)
			return true;
	return false;
}

void hn_move_call_make(struct hn_move_call *call, const struct hn_move_kernel *kernel, pid_t pid,
		       unsigned lanes, int *flags, struct hn_move_progress *progress)
{
	uint64_t began_ns = kernel->now_ns(kernel->context);
	bool again;

	spans_cut(call, lanes);
	do { /* pages that have moved meanwhile are told to be there */
		kernel->move(kernel->context, pid, call->spans, call->span_count, *flags);
		again = any_answered(call, -EINTR);
		if (any_answered(call, -EPERM) && *flags == MPOL_MF_MOVE_ALL) {
			*flags = MPOL_MF_MOVE; /* not allowed to touch others' pages: do without */
			again = true;
		}
		progress->calls += call->span_count;
	} while (again);
	progress->copying_ns += kernel->now_ns(kernel->context) - began_ns;
	call->failure = failure_of(call);
	call->complete = all_complete(call);
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

/* Statuses are stored only once all of a group, and so all of a huge page, has moved. */
static void page_read(const struct hn_move_call *call, const struct hn_move_span *span, size_t tried,
		      struct hn_move_pending *pending, size_t page)
{
	size_t place = call->place[page], in_span = place - (size_t)(span->status - call->status);
	int status = call->status[place];

	pending->arrived[page] = status == call->nodes[place];
	pending->reason[page] = reason_of(status, span->answer);
	if (status != NOT_TOLD)
		pending->turn[page] = HN_TURN_TOLD;
	else if (in_span < tried)
		pending->turn[page] = HN_TURN_TRIED;
	/* else the call did not come to it, and its turn stays */
}

void hn_move_call_read(const struct hn_move_call *call, struct hn_move_pending *pending)
{
	size_t tried[HN_LANES] = {0};

	for (size_t i = 0; i < call->span_count; i++)
		tried[i] = is_complete(&call->spans[i]) ? call->spans[i].count : span_told(&call->spans[i]);
	for (size_t i = 0; i < pending->count; i++) {
		size_t in = 0;

		pending->arrived[i] = false;
		if (pending->turn[i] == HN_TURN_NEVER)
			continue;
		while (in + 1 < call->span_count &&
		       &call->status[call->place[i]] >= call->spans[in].status + call->spans[in].count)
			in++;
		page_read(call, &call->spans[in], tried[in], pending, i);
	}
}
