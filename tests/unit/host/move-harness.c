#include "move-harness.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_books(const struct hn_move_progress *progress)
{
	uint64_t sum = progress->already_bytes + progress->moved_bytes + progress->absent_bytes +
		       progress->left_bytes;

	for (int i = 0; i < HN_STAY_COUNT; i++)
		sum += progress->stayed_bytes[i];
	assert_int_equal(sum, progress->scanned_bytes);
	assert_true(progress->scanned_bytes <= progress->total_bytes);
}

static bool on_watch(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	struct watcher *watcher = context;
	uint64_t now = watcher->fake->now_ns;

	check_books(progress);
	assert_true(progress->scanned_bytes >= watcher->last.scanned_bytes);
	assert_true(progress->moved_bytes >= watcher->last.moved_bytes);
	watcher->last = *progress;
	if (watcher->calls++ && now - watcher->last_ns > watcher->longest_gap_ns)
		watcher->longest_gap_ns = now - watcher->last_ns;
	watcher->last_ns = now;
	if (watcher->repace_at_ns && now >= watcher->repace_at_ns) {
		*pace = watcher->repace;
		watcher->repace_at_ns = 0;
		watcher->repaced_ns = now;
	}
	if (watcher->strike && progress->moved_bytes >= watcher->strike_at_bytes) {
		watcher->strike(watcher->fake);
		watcher->strike = NULL;
	}
	if (watcher->stop_at_ns && now >= watcher->stop_at_ns && !watcher->stopped_ns)
		watcher->stopped_ns = now;
	return !watcher->stopped_ns;
}

int order_run(struct fake_kernel *fake, const struct hn_move_order *wanted, struct watcher *watcher,
	      struct hn_move_progress *ret)
{
	struct hn_range range = fake_kernel_range(fake);
	struct hn_move_order order = *wanted;
	struct watcher own = {0};
	struct hn_error err = {0};
	int r;

	order.process = (struct hn_process){.pid = 4711, .start_ticks = 1};
	if (!order.ranges) {
		order.ranges = &range;
		order.range_count = 1;
	}
	order.to_node = TARGET;
	watcher = watcher ? watcher : &own;
	watcher->fake = fake;
	r = hn_move_with(&fake->kernel, &order, on_watch, watcher, ret, &err);
	assert_int_equal(r, err.code);
	check_books(ret);
	assert_int_equal(ret->calls, fake->moves);
	if (r == 0)
		assert_int_equal(ret->scanned_bytes, ret->total_bytes);
	return r;
}
