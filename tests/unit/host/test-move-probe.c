/* One page is tried on a fake kernel: it moves and comes back, or stays. */
#include "host/move-probe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-kernel.h"

static enum hn_probe probe(struct fake_kernel *fake, const char *nodes, int expected)
{
	const struct hn_process process = {.pid = 100, .start_ticks = 1};
	const struct hn_range range = fake_kernel_range(fake);
	enum hn_probe ret = HN_PROBE_NOTHING;
	struct hn_set set;
	struct hn_error err;

	assert_int_equal(hn_set_parse(nodes, &set, NULL), 0);
	assert_int_equal(hn_move_probe_with(&fake->kernel, &process, &range, &set, 7, &ret, &err), expected);
	return ret;
}

static void a_page_moves_and_comes_back(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_MOVED);
	assert_int_equal(fake.moves, 2); /* there and back, and no page besides */
	assert_int_equal(fake_kernel_on(&fake, 0), 1000);
	assert_int_equal(fake.event_count, 2);
	assert_int_equal(fake.events[0].bytes, hn_base_page_bytes());
	fake_kernel_done(&fake);
}

static void a_pinned_page_stays(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	for (uint64_t i = 0; i < fake.count; i++)
		fake.pages[i].pinned = true;
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_STAYED);
	assert_int_equal(fake_kernel_on(&fake, 0), 1000);
	fake_kernel_done(&fake);
}

static void merged_pages_are_tried_too(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	for (uint64_t i = 0; i < fake.count; i++)
		fake.pages[i].shared = true;
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_MOVED);
	fake_kernel_done(&fake);
}

/* Linux queues a hugetlb page by its head alone: "if (PageHead(page))" in add_page_for_migration(). */
static void a_page_of_a_pool_is_tried_whole(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 100);
	fake.page_bytes = 2 * HN_MIB;
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_MOVED);
	assert_int_equal(fake.moves, 2);
	assert_int_equal(fake.events[0].bytes, 2 * HN_MIB);
	assert_int_equal(fake_kernel_on(&fake, 0), 100);
	fake_kernel_done(&fake);
}

/* That a node has no room, or is not allowed, says nothing of the page. */
static void where_there_is_no_room_another_node_is_tried(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	fake.free_pages[1] = 0;
	fake.cpuset_allows[2] = false;
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_MOVED);
	assert_int_equal(fake_kernel_on(&fake, 0), 1000);
	fake.free_pages[3] = 0;
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_NOWHERE);
	assert_int_equal(fake_kernel_on(&fake, 0), 1000);
	fake_kernel_done(&fake);
}

static void without_pages_or_nodes_nothing_is_tried(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	assert_int_equal(probe(&fake, "0", 0), HN_PROBE_NOWHERE);
	for (uint64_t i = 0; i < fake.count; i++)
		fake.pages[i].node = -1;
	assert_int_equal(probe(&fake, "0-3", 0), HN_PROBE_NOTHING);
	assert_int_equal(fake.moves, 0);
	fake_kernel_done(&fake);
}

static void a_process_that_goes_is_said(void **state)
{
	struct fake_kernel fake;

	fake_kernel_init(&fake, 1000);
	fake.calls_until_gone = 0;
	probe(&fake, "0-3", -ESRCH);
	fake_kernel_done(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_moves_and_comes_back),
		cmocka_unit_test(a_pinned_page_stays),
		cmocka_unit_test(merged_pages_are_tried_too),
		cmocka_unit_test(a_page_of_a_pool_is_tried_whole),
		cmocka_unit_test(where_there_is_no_room_another_node_is_tried),
		cmocka_unit_test(without_pages_or_nodes_nothing_is_tried),
		cmocka_unit_test(a_process_that_goes_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
