/*
 * move-batch - ask, move, ask again.
 *
 * move_pages(2) queues pages until one cannot be queued (it is busy, shared, or gone), moves that group, and
 * goes on. It stops at the first group of which a page could not be moved, and stores no status for that
 * group nor for what lies behind it. So statuses start as a sentinel; a page's fate is found out by asking;
 * and the next call names first what the last one never came to, then what it could not move, and last what
 * could not even be queued and so ends groups.
 *
 * A huge page is moved by its head alone. Its other pages in the list would each end a group, and be called
 * busy.
 */
#include "host/move-batch.h"

#include <errno.h>
#include <limits.h>
#include <numaif.h>
#include <string.h>

#include "base/units.h"
#include "host/page-query.h"
#include "host/page-table.h"

#define NOT_TOLD INT_MIN
#define TRIES_BUSY 4
#define TRIES_NO_MEMORY 2
#define TRIES_OTHER 3 /* among them pages that balancing marks anew just before they move */
#define CALLS_MAX 64  /* for one piece; as many groups may each hold a page that cannot be moved */
#define FIRST_PAUSE_NS HN_NS_PER_MS
#define PAUSE_GROWTH 4

void hn_move_batch_init(struct hn_move_batch *batch, const struct hn_move_kernel *kernel,
			const struct hn_move_order *order)
{
	batch->kernel = kernel;
	batch->order = order;
	batch->page_bytes = order->page_bytes ? order->page_bytes : hn_base_page_bytes();
	batch->flags = order->shared ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE;
	batch->refused = false;
	batch->count = 0;
}

static int process_failed(const struct hn_move_batch *batch, long code, struct hn_error *err)
{
	int pid = (int)batch->order->process.pid, node = batch->order->to_node;

	if (code == -ESRCH)
		return hn_fail(err, -ESRCH, "process %d is gone", pid);
	if (code == -ENODEV)
		return hn_fail(err, -ENODEV, "node %d has no memory", node);
	if (code == -EPERM)
		return hn_fail(err, -EPERM, "no right to move pages of process %d", pid);
	return hn_fail_errno(err, (int)code, "cannot move pages of process %d to node %d", pid, node);
}

static int ask(const struct hn_move_batch *batch, void **pages, size_t count, int *ret_status,
	       struct hn_error *err)
{
	const struct hn_move_kernel *kernel = batch->kernel;
	long r;

	do
		r = kernel->move_pages(kernel->context, batch->order->process.pid, count, pages, NULL,
				       ret_status, 0);
	while (r == -EINTR);
	return r < 0 ? process_failed(batch, r, err) : 0;
}

/* Which pages move with the one before. Where that cannot be known every page is tried by itself, which is
 * slower. */
static void tails_find(const struct hn_move_batch *batch, void *const *pages, size_t count, bool *ret_tail)
{
	const struct hn_move_kernel *kernel = batch->kernel;

	memset(ret_tail, 0, count * sizeof(*ret_tail));
	if (kernel->find_tails && count > 1 && batch->page_bytes == hn_base_page_bytes() &&
	    kernel->find_tails(kernel->context, &batch->order->process, pages, count, ret_tail))
		memset(ret_tail, 0, count * sizeof(*ret_tail));
}

static bool is_absent(int status)
{
	return status == HN_PAGE_ABSENT || status == -EFAULT;
}

int hn_move_batch_look(struct hn_move_batch *batch, struct hn_move_progress *progress, struct hn_error *err)
{
	size_t elsewhere = 0;
	int r = ask(batch, batch->pages, batch->count, batch->status, err);

	if (r)
		return r;
	for (size_t i = 0; i < batch->count; i++) {
		int status = batch->status[i];

		if (status >= 0 && status != batch->order->to_node) {
			batch->pages[elsewhere++] = batch->pages[i];
			continue;
		}
		progress->scanned_bytes += batch->page_bytes;
		if (status >= 0)
			progress->already_bytes += batch->page_bytes;
		else if (is_absent(status))
			progress->absent_bytes += batch->page_bytes;
		else
			progress->stayed_bytes[HN_STAY_OTHER] += batch->page_bytes;
	}
	batch->count = elsewhere;
	return 0;
}

void hn_move_batch_tails(struct hn_move_batch *batch)
{
	tails_find(batch, batch->pages, batch->count, batch->tail);
}

size_t hn_move_batch_piece(const struct hn_move_batch *batch, size_t first, uint64_t bytes)
{
	uint64_t fit = bytes / batch->page_bytes;
	size_t count = batch->count - first, end;

	if (fit >= count)
		return count;
	end = first + (fit ? (size_t)fit : 1);
	/* Back to the start of the huge page that would be cut; when it is the only one, on to its end. */
	while (end > first && batch->tail[end])
		end--;
	if (end == first)
		for (end = first + 1; end < batch->count && batch->tail[end]; end++)
			;
	return end - first;
}

/* Turns in a moving call. */
enum rank {
	RANK_UNTRIED,
	RANK_TRIED,
	RANK_TOLD, /* the kernel gave it a status of its own */
	RANK_COUNT,
};

static void head_add(struct hn_move_batch *batch, size_t page)
{
	batch->place[page] = (uint16_t)batch->head_count;
	batch->heads[batch->head_count] = batch->pending[page];
	batch->head_node[batch->head_count] = batch->order->to_node;
	batch->head_status[batch->head_count++] = NOT_TOLD;
}

/* Lists the pages to name to the kernel by rank; every second call backwards, so that none is always behind
 * another. */
static void heads_list(struct hn_move_batch *batch, bool backwards)
{
	batch->head_count = 0;
	batch->pending_tail[0] = false;
	for (int rank = 0; rank < RANK_COUNT; rank++) {
		for (size_t i = 0; i < batch->pending_count; i++) {
			size_t page = backwards ? batch->pending_count - 1 - i : i;

			if (batch->rank[page] == rank && !batch->pending_tail[page])
				head_add(batch, page);
		}
	}
	for (size_t i = 1; i < batch->pending_count; i++)
		if (batch->pending_tail[i])
			batch->place[i] = batch->place[i - 1];
}

/* One moving call. Its return value: how many pages it left, or -errno. */
static long heads_move(struct hn_move_batch *batch, struct hn_move_progress *progress)
{
	const struct hn_move_kernel *kernel = batch->kernel;
	long r;

	do {
		r = kernel->move_pages(kernel->context, batch->order->process.pid, batch->head_count,
				       batch->heads, batch->head_node, batch->head_status, batch->flags);
		progress->calls++;
		if (r == -EPERM && batch->flags == MPOL_MF_MOVE_ALL) {
			batch->flags = MPOL_MF_MOVE; /* not allowed to touch others' pages: do without */
			r = -EINTR;
		}
	} while (r == -EINTR);
	return r;
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

/*
 * How many of the listed pages the kernel came to. When a group fails because a page that cannot be queued
 * ended it, that page has its status and the group before it has none; all behind it is untried. Else the
 * group went on to the end.
 */
static size_t heads_reached(const struct hn_move_batch *batch, long answer)
{
	size_t last = batch->head_count;

	while (last > 0 && batch->head_status[last - 1] == NOT_TOLD)
		last--;
	if (answer > 0 && last > 1 && batch->head_status[last - 2] == NOT_TOLD)
		return last;
	return batch->head_count;
}

/* Notes for each pending page why it stays, should it, and its turn in the next call. */
static void answers_note(struct hn_move_batch *batch, size_t reached, long answer)
{
	for (size_t i = 0; i < batch->pending_count; i++) {
		size_t place = batch->place[i];
		int status = batch->head_status[place];

		batch->reason[i] = reason_of(status, answer);
		batch->rank[i] = status != NOT_TOLD ? RANK_TOLD : place < reached ? RANK_TRIED : RANK_UNTRIED;
	}
}

static bool worth_another_try(enum hn_stay reason, unsigned tries)
{
	return (reason == HN_STAY_BUSY && tries < TRIES_BUSY) ||
	       (reason == HN_STAY_NO_MEMORY && tries < TRIES_NO_MEMORY) ||
	       (reason == HN_STAY_OTHER && tries < TRIES_OTHER);
}

/* Asks where the pending pages are now, books what is settled and keeps what deserves another try. */
static int pending_settle(struct hn_move_batch *batch, unsigned tries, struct hn_move_progress *progress,
			  struct hn_error *err)
{
	size_t kept = 0;
	int r = ask(batch, batch->pending, batch->pending_count, batch->status, err);

	if (r)
		return r;
	for (size_t i = 0; i < batch->pending_count; i++) {
		int status = batch->status[i];

		if (status != batch->order->to_node && !is_absent(status) &&
		    worth_another_try(batch->reason[i], tries)) {
			batch->rank[kept] = batch->rank[i];
			batch->pending[kept++] = batch->pending[i];
			continue;
		}
		progress->scanned_bytes += batch->page_bytes;
		if (status == batch->order->to_node)
			progress->moved_bytes += batch->page_bytes;
		else if (is_absent(status))
			progress->absent_bytes += batch->page_bytes;
		else
			progress->stayed_bytes[batch->reason[i]] += batch->page_bytes;
	}
	batch->pending_count = kept;
	return 0;
}

/* The kernel will not hear of the target: nothing was tried, and nothing needs to be asked. */
static void pending_refuse(struct hn_move_batch *batch, struct hn_move_progress *progress)
{
	uint64_t bytes = batch->pending_count * batch->page_bytes;

	batch->refused = true;
	batch->pending_count = 0;
	progress->stayed_bytes[HN_STAY_CPUSET] += bytes;
	progress->scanned_bytes += bytes;
}

static bool is_final(long answer)
{
	return answer == -ESRCH || answer == -EPERM || answer == -ENODEV || answer == -EINVAL ||
	       answer == -EFAULT || answer == -E2BIG;
}

static void piece_take(struct hn_move_batch *batch, size_t first, size_t count)
{
	memcpy(batch->pending, &batch->pages[first], count * sizeof(*batch->pages));
	memcpy(batch->pending_tail, &batch->tail[first], count * sizeof(*batch->tail));
	memset(batch->rank, RANK_UNTRIED, count * sizeof(*batch->rank));
	batch->pending_count = count;
}

int hn_move_batch_run(struct hn_move_batch *batch, size_t first, size_t count,
		      struct hn_move_progress *progress, struct hn_error *err)
{
	const struct hn_move_kernel *kernel = batch->kernel;
	uint64_t pause_ns = FIRST_PAUSE_NS;

	piece_take(batch, first, count);
	for (unsigned calls = 1, tries = 0;; calls++) {
		size_t reached;
		long answer;
		int r;

		heads_list(batch, calls % 2 == 0);
		answer = heads_move(batch, progress);
		if (is_final(answer))
			return process_failed(batch, answer, err);
		if (answer == -EACCES) {
			pending_refuse(batch, progress);
			return 0;
		}
		reached = heads_reached(batch, answer);
		tries += reached == batch->head_count || calls > CALLS_MAX;
		answers_note(batch, reached, answer);
		r = pending_settle(batch, tries, progress, err);
		if (r || batch->pending_count == 0)
			return r;
		if (reached == batch->head_count) {
			kernel->sleep_ns(kernel->context, pause_ns);
			pause_ns *= PAUSE_GROWTH;
		}
		/* A huge page that found no room whole may have been split: look at what moves together anew.
		 */
		tails_find(batch, batch->pending, batch->pending_count, batch->pending_tail);
	}
}
