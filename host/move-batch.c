/*
 * move-batch - look, move, ask.
 *
 * A status of a moving call that tells of success is relied upon, any other is a hint (move-call.h): where
 * such a page is afterwards is asked for. What is still elsewhere is tried again while there is hope, and in
 * the end booked by the last reason known.
 */
#include "host/move-batch.h"

#include <errno.h>
#include <numaif.h>
#include <string.h>

#include "base/pages.h"
#include "base/units.h"
#include "host/page-table.h"

#define TRIES_BUSY 4
#define TRIES_NO_MEMORY 2
#define TRIES_OTHER 3 /* among them pages that balancing marks anew just before they move */
/*
 * Calls that end early, at one page that cannot be moved after the other, do not count as tries up to
 * here.
 */
#define CALLS_MAX 64
#define PATIENCE_NS (80 * HN_NS_PER_MS)
#define FIRST_PAUSE_NS HN_NS_PER_MS
#define PAUSE_GROWTH 4

void hn_move_batch_init(struct hn_move_batch *batch, const struct hn_move_kernel *kernel,
			const struct hn_move_order *order)
{
	batch->kernel = kernel;
	batch->order = order;
	batch->page_bytes = hn_base_page_bytes();
	batch->flags = order->shared ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE;
	batch->refused = false;
	hn_move_lanes_init(&batch->lanes, kernel->lanes);
	batch->mates_cpu_ns = 0;
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
		r = kernel->ask(kernel->context, batch->order->process.pid, pages, count, ret_status);
	while (r == -EINTR);
	return r < 0 ? process_failed(batch, r, err) : 0;
}

/*
 * Of pages that nobody could tell the place of. Parts of a huge page lie where its head lies, so only heads
 * are asked for.
 */
static int unknown_ask(struct hn_move_batch *batch, struct hn_error *err)
{
	size_t asked = 0;
	int r;

	for (size_t i = 0; i < batch->count; i++)
		if (!batch->tail[i] && batch->status[i] == HN_PAGE_UNKNOWN)
			batch->asked[asked++] = batch->pages[i];
	r = asked ? ask(batch, batch->asked, asked, batch->asked_status, err) : 0;
	if (r)
		return r;
	asked = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->status[i] == HN_PAGE_UNKNOWN)
			batch->status[i] =
				batch->tail[i] ? batch->status[i - 1] : batch->asked_status[asked++];
	}
	return 0;
}

int hn_move_batch_look(struct hn_move_batch *batch, struct hn_move_progress *progress, struct hn_error *err)
{
	size_t elsewhere = 0;
	int r;

	batch->kernel->look(batch->kernel->context, batch->pages, batch->count, batch->status, batch->tail);
	r = unknown_ask(batch, err);
	if (r)
		return r;
	for (size_t i = 0; i < batch->count; i++) {
		int status = batch->status[i];
		bool there = status == batch->order->to_node;
		bool may_stay = status >= 0 && hn_set_has(&batch->order->stay_nodes, status);

		if (status >= 0 && !there && !may_stay) {
			batch->tail[elsewhere] = batch->tail[i];
			batch->pages[elsewhere++] = batch->pages[i];
			continue;
		}
		progress->scanned_bytes += batch->page_bytes;
		if (there)
			progress->already_bytes += batch->page_bytes;
		else if (may_stay)
			progress->left_bytes += batch->page_bytes;
		else if (hn_page_is_absent(status))
			progress->absent_bytes += batch->page_bytes;
		else
			progress->stayed_bytes[HN_STAY_OTHER] += batch->page_bytes;
	}
	batch->count = elsewhere;
	return 0;
}

size_t hn_move_batch_piece(const struct hn_move_batch *batch, size_t first, uint64_t bytes)
{
	size_t end = first, heads = 0;

	while (end < batch->count) {
		size_t next = end + 1;

		while (next < batch->count && batch->tail[next])
			next++;
		if (end > first && ((next - first) * batch->page_bytes > bytes || heads == HN_PIECE_HEADS))
			break;
		heads++;
		end = next;
	}
	return end - first;
}

static bool worth_another_try(enum hn_stay reason, unsigned tries)
{
	return (reason == HN_STAY_BUSY && tries < TRIES_BUSY) ||
	       (reason == HN_STAY_NO_MEMORY && tries < TRIES_NO_MEMORY) ||
	       (reason == HN_STAY_OTHER && tries < TRIES_OTHER);
}

/*
 * Where the pending pages are now. A status that says a page of a group was moved, and with it all of its
 * huge page, can be relied upon; every other one is but a hint, and the page is asked for.
 */
static int pending_locate(struct hn_move_batch *batch, struct hn_error *err)
{
	struct hn_move_pending *pending = &batch->pending;
	size_t asked = 0;
	int r;

	for (size_t i = 0; i < pending->count; i++)
		if (!pending->arrived[i])
			batch->asked[asked++] = pending->pages[i];
	r = asked ? ask(batch, batch->asked, asked, batch->asked_status, err) : 0;
	if (r)
		return r;
	asked = 0;
	for (size_t i = 0; i < pending->count; i++)
		batch->status[i] = pending->arrived[i] ? batch->order->to_node : batch->asked_status[asked++];
	return 0;
}

/*
 * Books the pending pages that have arrived or gone, and gives up those that deserve no other try. These stay
 * pending: the other part of their huge page may take them along yet. *ret: how many are hoped for.
 */
static int pending_settle(struct hn_move_batch *batch, unsigned tries, struct hn_move_progress *progress,
			  size_t *ret, struct hn_error *err)
{
	struct hn_move_pending *pending = &batch->pending;
	size_t kept = 0;
	int r = pending_locate(batch, err);

	*ret = 0;
	for (size_t i = 0; i < pending->count && !r; i++) {
		bool hope = pending->turn[i] != HN_TURN_NEVER && worth_another_try(pending->reason[i], tries);

		if (batch->status[i] == batch->order->to_node) {
			progress->moved_bytes += batch->page_bytes;
			progress->scanned_bytes += batch->page_bytes;
		} else if (hn_page_is_absent(batch->status[i])) {
			progress->absent_bytes += batch->page_bytes;
			progress->scanned_bytes += batch->page_bytes;
		} else {
			pending->turn[kept] = hope ? pending->turn[i] : HN_TURN_NEVER;
			pending->reason[kept] = pending->reason[i];
			pending->pages[kept++] = pending->pages[i];
			*ret += hope;
		}
	}
	if (!r)
		pending->count = kept;
	return r;
}

/* What is pending when nothing more is tried has stayed. */
static void pending_book(struct hn_move_batch *batch, struct hn_move_progress *progress)
{
	for (size_t i = 0; i < batch->pending.count; i++)
		progress->stayed_bytes[batch->pending.reason[i]] += batch->page_bytes;
	progress->scanned_bytes += batch->pending.count * batch->page_bytes;
}

/* The kernel will not hear of the target: nothing was tried, and nothing needs to be asked. */
static void pending_refuse(struct hn_move_batch *batch, struct hn_move_progress *progress)
{
	uint64_t bytes = batch->pending.count * batch->page_bytes;

	batch->refused = true;
	batch->pending.count = 0;
	progress->stayed_bytes[HN_STAY_CPUSET] += bytes;
	progress->scanned_bytes += bytes;
}

static void pending_fill(struct hn_move_batch *batch, size_t first, size_t count)
{
	struct hn_move_pending *pending = &batch->pending;

	memcpy(pending->pages, &batch->pages[first], count * sizeof(*batch->pages));
	memcpy(pending->tail, &batch->tail[first], count * sizeof(*batch->tail));
	memset(pending->turn, HN_TURN_UNTRIED, count * sizeof(*pending->turn));
	pending->count = count;
}

static void call_make(struct hn_move_batch *batch, unsigned lanes, struct hn_move_progress *progress)
{
	struct hn_move_call *call = &batch->call;

	hn_move_call_make(call, batch->kernel, batch->order->process.pid, lanes, &batch->flags, progress);
	for (size_t i = 1; i < call->span_count; i++)
		batch->mates_cpu_ns += call->spans[i].cpu_ns;
	hn_move_lanes_learn(&batch->lanes, call->spans, call->span_count);
}

int hn_move_batch_run(struct hn_move_batch *batch, size_t first, size_t count, unsigned lanes,
		      struct hn_move_progress *progress, struct hn_error *err)
{
	const struct hn_move_kernel *kernel = batch->kernel;
	struct hn_move_pending *pending = &batch->pending;
	struct hn_move_call *call = &batch->call;
	uint64_t pause_ns = FIRST_PAUSE_NS, began_ns = kernel->now_ns(kernel->context);

	pending_fill(batch, first, count);
	for (unsigned calls = 1, tries = 0;; calls++) {
		size_t hoped_for;
		int r;

		hn_move_call_list(call, pending, batch->order->to_node, calls % 2 == 0);
		call_make(batch, lanes, progress);
		if (call->failure == -EACCES) {
			pending_refuse(batch, progress);
			return 0;
		}
		if (call->failure)
			return process_failed(batch, call->failure, err);
		tries += call->complete || calls > CALLS_MAX ||
			 kernel->now_ns(kernel->context) - began_ns > PATIENCE_NS;
		hn_move_call_read(call, pending);
		r = pending_settle(batch, tries, progress, &hoped_for, err);
		if (r)
			return r;
		if (hoped_for == 0)
			break;
		if (call->complete) {
			kernel->sleep_ns(kernel->context, pause_ns);
			pause_ns *= PAUSE_GROWTH;
		}
		/* A huge page that found no room whole may have been split since. */
		kernel->look(kernel->context, pending->pages, pending->count, batch->status, pending->tail);
	}
	pending_book(batch, progress);
	return 0;
}
