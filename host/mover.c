/*
 * mover - walks over the ranges of an order in windows, and moves what is elsewhere in pieces.
 *
 * What lies elsewhere in a window is moved piece by piece, a piece being some milliseconds of copying as
 * measured (move-piece.h), and at most 30 ms worth of the cap, with the pause that cap and duty owe behind
 * it. Every page of a window is booked exactly once, so that already + moved + absent + left + stayed =
 * scanned holds whenever the watch is called.
 *
 * Windows end on multiples of a huge page, so that none lies in two of them: its second part would be found
 * on the target and be taken for having been there before.
 */
#include "host/mover.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/units.h"
#include "host/move-batch.h"
#include "host/move-piece.h"
#include "host/token-bucket.h"
#include "model/names.h"

#define WINDOW_MIN (16 * HN_MIB)
#define NAP_NS (25 * HN_NS_PER_MS)
/* Huge pages tried one after the other without room for any: the target is full, and not only short of those.
 */
#define FULL_AFTER 8
#define NOTHING_GIVEN_UP HN_STAY_COUNT

static const char *const STAYS[] = {
	[HN_STAY_BUSY] = "busy",     [HN_STAY_NO_MEMORY] = "no-memory", [HN_STAY_CPUSET] = "cpuset",
	[HN_STAY_SHARED] = "shared", [HN_STAY_OTHER] = "other",
};

const char *hn_stay_name(enum hn_stay stay)
{
	return hn_name_of(STAYS, HN_COUNT(STAYS), stay);
}

struct move {
	const struct hn_move_kernel *kernel;
	const struct hn_move_order *order;
	hn_move_watch watch;
	void *context;
	struct hn_move_progress *progress;
	struct hn_error *err;
	struct hn_move_batch *batch;
	struct hn_token_bucket bucket; /* of bytes */
	struct hn_token_bucket duty;   /* of nanoseconds in moving calls */
	struct hn_move_piece piece;
	uint64_t started_ns, cpu_started_ns;
	uint64_t allowed_bytes; /* may still move before the limit is reached */
	uint64_t no_room_bytes; /* tried since something last moved, that found no room */
	bool at_full_speed;     /* no cap and no duty is in force */
	enum hn_stay given_up;  /* why nothing more is tried, or NOTHING_GIVEN_UP */
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec time = {0};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * HN_NS_PER_S + (uint64_t)time.tv_nsec;
}

static uint64_t now_ns(const struct move *move)
{
	return move->kernel->now_ns(move->kernel->context);
}

static void times_note(struct move *move)
{
	move->progress->wall_ns = now_ns(move) - move->started_ns;
	move->progress->cpu_ns = thread_cpu_ns() - move->cpu_started_ns + move->batch->mates_cpu_ns;
}

static void pace_set(struct move *move, const struct hn_move_pace *pace)
{
	uint64_t now = now_ns(move);
	bool bounded = pace->duty_permille > 0 && pace->duty_permille < 1000;

	move->progress->pace = *pace;
	hn_token_bucket_change(&move->bucket, pace->bytes_per_second, now);
	hn_token_bucket_change(&move->duty, bounded ? pace->duty_permille * HN_NS_PER_MS : 0, now);
	move->at_full_speed = !bounded && pace->bytes_per_second == 0;
	move->piece.target_ns = move->at_full_speed ? HN_PIECE_NS : HN_PIECE_PACED_NS;
}

static int watch_call(struct move *move)
{
	struct hn_move_pace pace = move->progress->pace;

	times_note(move);
	if (!move->watch)
		return 0;
	if (move->watch(move->context, move->progress, &pace)) {
		pace_set(move, &pace);
		return 0;
	}
	return hn_fail(move->err, -ECANCELED, "the move of process %d's pages was stopped",
		       (int)move->order->process.pid);
}

/* When the next piece may begin at the pace in force. */
static uint64_t due_ns(const struct move *move, uint64_t now)
{
	uint64_t due = move->bucket.bytes_per_second ? move->bucket.due_ns : 0;

	if (move->duty.bytes_per_second && move->duty.due_ns > due)
		due = move->duty.due_ns;
	return move->progress->pace.paused ? now + NAP_NS : due;
}

/* Sleeps until the next piece may begin, watched. */
static int turn_wait(struct move *move)
{
	int r = watch_call(move);

	for (uint64_t now = now_ns(move); !r && now < due_ns(move, now); now = now_ns(move)) {
		uint64_t left = due_ns(move, now) - now;

		move->kernel->sleep_ns(move->kernel->context, left < NAP_NS ? left : NAP_NS);
		r = watch_call(move);
	}
	return r;
}

/* Pages elsewhere that are not to be moved any more. */
static void rest_book(struct move *move, size_t first)
{
	uint64_t bytes = (move->batch->count - first) * move->batch->page_bytes;

	move->progress->scanned_bytes += bytes;
	if (move->given_up != NOTHING_GIVEN_UP)
		move->progress->stayed_bytes[move->given_up] += bytes;
	else
		move->progress->left_bytes += bytes;
}

/* Moves the next piece of the window. *ret: how many pages it was. */
static int piece_move(struct move *move, size_t first, size_t *ret)
{
	struct hn_move_progress *progress = move->progress;
	uint64_t moved_before = progress->moved_bytes, copying_before = progress->copying_ns;
	uint64_t began_ns = now_ns(move), copied_ns;
	uint64_t full_before = progress->stayed_bytes[HN_STAY_NO_MEMORY];
	unsigned lanes = move->at_full_speed ? hn_move_lanes_next(&move->batch->lanes) : 1;
	uint64_t bytes = hn_token_bucket_piece(&move->bucket), moved;
	int r;

	if (bytes > move->piece.bytes * lanes)
		bytes = move->piece.bytes * lanes;
	if (bytes > move->allowed_bytes)
		bytes = move->allowed_bytes;
	*ret = hn_move_batch_piece(move->batch, first, bytes);
	r = hn_move_batch_run(move->batch, first, *ret, lanes, progress, move->err);
	if (r)
		return r;
	moved = progress->moved_bytes - moved_before;
	copied_ns = progress->copying_ns - copying_before;
	hn_move_piece_learn(&move->piece, *ret * move->batch->page_bytes / lanes, copied_ns);
	move->no_room_bytes =
		moved ? 0 : move->no_room_bytes + progress->stayed_bytes[HN_STAY_NO_MEMORY] - full_before;
	move->allowed_bytes -= moved < move->allowed_bytes ? moved : move->allowed_bytes;
	if (move->batch->refused)
		move->given_up = HN_STAY_CPUSET;
	else if (move->no_room_bytes >= FULL_AFTER * hn_huge_page_bytes())
		move->given_up = HN_STAY_NO_MEMORY;
	hn_token_bucket_take(&move->bucket, moved, began_ns);
	hn_token_bucket_take(&move->duty, copied_ns, began_ns);
	return turn_wait(move);
}

static int window_move(struct move *move)
{
	struct hn_move_batch *batch = move->batch;
	size_t first = 0, count;
	int r = hn_move_batch_look(batch, move->progress, move->err);

	if (r)
		return r;
	if (batch->count == 0 || move->given_up != NOTHING_GIVEN_UP || move->allowed_bytes == 0) {
		rest_book(move, 0);
		return watch_call(move);
	}
	for (; first < batch->count && move->given_up == NOTHING_GIVEN_UP && move->allowed_bytes;
	     first += count) {
		r = piece_move(move, first, &count);
		if (r)
			return r;
	}
	rest_book(move, first);
	return 0;
}

/* Before a limited move: how much lies on the target by now. Books nothing. */
static int window_survey(struct move *move)
{
	struct hn_move_progress seen = {0};
	uint64_t there;
	int r = hn_move_batch_look(move->batch, &seen, move->err);

	if (r)
		return r;
	there = seen.already_bytes;
	move->allowed_bytes -= there < move->allowed_bytes ? there : move->allowed_bytes;
	return watch_call(move);
}

/* As much as can be looked at in a few ms, and no more than moves in half a second, lest what was seen gets
 * old. */
static uint64_t window_bytes(const struct move *move)
{
	uint64_t bytes = HN_BATCH_BYTES, cap = move->bucket.bytes_per_second;

	if (cap && cap / 2 < bytes)
		bytes = cap / 2 < WINDOW_MIN ? WINDOW_MIN : cap / 2;
	return bytes < hn_huge_page_bytes() ? hn_huge_page_bytes() : bytes;
}

/* Where the window that starts at an address of the range ends. */
static uint64_t window_end(const struct move *move, uint64_t start, uint64_t range_end)
{
	uint64_t bytes = window_bytes(move), page_bytes = move->batch->page_bytes, end;

	if (page_bytes >= bytes)
		end = start + page_bytes;
	else
		end = (start + bytes) / hn_huge_page_bytes() * hn_huge_page_bytes();
	return end < range_end ? end : range_end;
}

static uint64_t page_bytes_of(const struct hn_range *range)
{
	return range->page_bytes ? range->page_bytes : hn_base_page_bytes();
}

/* That there was no room was said of pages of one size: a pool that is used up keeps no other memory. */
static void page_bytes_set(struct move *move, uint64_t page_bytes)
{
	if (page_bytes == move->batch->page_bytes)
		return;
	move->batch->page_bytes = page_bytes;
	move->no_room_bytes = 0;
	if (move->given_up == HN_STAY_NO_MEMORY)
		move->given_up = NOTHING_GIVEN_UP;
}

static int range_walk(struct move *move, const struct hn_range *range, int (*window)(struct move *move))
{
	uint64_t at = range->start, end = range->start + range->bytes;
	int r = 0;

	page_bytes_set(move, page_bytes_of(range));
	while (at < end && !r) {
		uint64_t stop = window_end(move, at, end);

		move->batch->count = 0;
		for (; at < stop; at += move->batch->page_bytes)
			move->batch->pages[move->batch->count++] = (void *)at;
		r = window(move);
	}
	return r;
}

static int ranges_walk(struct move *move, int (*window)(struct move *move))
{
	int r = 0;

	for (size_t i = 0; i < move->order->range_count && !r; i++)
		r = range_walk(move, &move->order->ranges[i], window);
	return r;
}

static int order_check(const struct hn_move_order *order, uint64_t *ret_total, struct hn_error *err)
{
	*ret_total = 0;
	if (order->to_node < 0 || order->to_node >= HN_NODE_IDS)
		return hn_fail(err, -EINVAL, "node %d cannot exist", order->to_node);
	for (size_t i = 0; i < order->range_count; i++) {
		const struct hn_range *range = &order->ranges[i];
		uint64_t page_bytes = page_bytes_of(range);

		if (page_bytes % hn_base_page_bytes())
			return hn_fail(err, -EINVAL, "there are no pages of %" PRIu64 " bytes", page_bytes);
		if (range->bytes == 0 || range->start % page_bytes || range->bytes % page_bytes)
			return hn_fail(err, -EINVAL,
				       "the range of %" PRIu64 " bytes at 0x%" PRIx64 " is not made of pages",
				       range->bytes, range->start);
		*ret_total += range->bytes;
	}
	return 0;
}

int hn_move_with(const struct hn_move_kernel *kernel, const struct hn_move_order *order, hn_move_watch watch,
		 void *context, struct hn_move_progress *ret, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_move_batch *batch = malloc(sizeof(*batch));
	struct move move = {
		.kernel = kernel,
		.order = order,
		.watch = watch,
		.context = context,
		.progress = ret,
		.err = err,
		.batch = batch,
		.allowed_bytes = order->limit_bytes ? order->limit_bytes : UINT64_MAX,
		.given_up = NOTHING_GIVEN_UP,
	};
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!batch)
		return hn_oom(err);
	hn_move_batch_init(batch, kernel, order);
	r = order_check(order, &ret->total_bytes, err);
	if (r)
		return r;
	move.started_ns = now_ns(&move);
	move.cpu_started_ns = thread_cpu_ns();
	hn_move_piece_init(&move.piece);
	hn_token_bucket_init(&move.bucket, 0, move.started_ns);
	hn_token_bucket_init(&move.duty, 0, move.started_ns);
	pace_set(&move, &order->pace);
	r = order->pace.paused ? turn_wait(&move) : 0;
	if (!r && order->limit_bytes)
		r = ranges_walk(&move, window_survey);
	if (!r)
		r = ranges_walk(&move, window_move);
	times_note(&move);
	return r;
}
