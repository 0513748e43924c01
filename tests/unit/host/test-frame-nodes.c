/* Frames to nodes, from a zoneinfo as Linux prints it. */
#include "host/frame-nodes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tree.h"

/* One zone, with the lines around the two that count. */
#define ZONE(node, name, spanned, start)                                                                   \
	"Node " #node ", zone " name "\n  per-node stats\n      nr_inactive_anon 1\n  pages free     17\n" \
	"        boost    0\n        min      9\n        spanned  " #spanned                               \
	"\n        present  5\n        managed  5\n      nr_free_pages 2\n  pagesets\n    cpu: 0\n"        \
	"              count:    3\n  node_unreclaimable:  0\n  start_pfn:           " #start "\n"

static struct hn_frame_nodes *load(const char *zoneinfo)
{
	struct hn_frame_nodes *nodes = NULL;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/zoneinfo", "%s", zoneinfo);
	if (hn_frame_nodes_new(tree.root, &nodes, &err))
		fail_msg("%s", err.message);
	tree_done(&tree);
	return nodes;
}

static void frames_lie_where_their_zone_is(void **state)
{
	HN_AUTO(hn_frame_nodes)
	struct hn_frame_nodes *nodes = load(ZONE(0, "DMA", 100, 1) ZONE(0, "Normal", 1000, 4096) ZONE(
		0, "Movable", 0, 0) ZONE(3, "Normal", 1000, 5096) ZONE(3, "Movable", 50, 9000));

	assert_int_equal(hn_frame_nodes_find(nodes, 0).node, -1);
	assert_int_equal(hn_frame_nodes_find(nodes, 1).node, 0);
	assert_int_equal(hn_frame_nodes_find(nodes, 100).node, 0);
	assert_int_equal(hn_frame_nodes_find(nodes, 101).node, -1);
	assert_int_equal(hn_frame_nodes_find(nodes, 5095).node, 0);
	assert_int_equal(hn_frame_nodes_find(nodes, 5096).node, 3);
	assert_int_equal(hn_frame_nodes_find(nodes, 9049).node, 3);
	assert_int_equal(hn_frame_nodes_find(nodes, 9050).node, -1);
}

/* Node 1 lies in a hole of node 0. */
static void frames_claimed_twice_are_unknown(void **state)
{
	HN_AUTO(hn_frame_nodes)
	struct hn_frame_nodes *nodes =
		load(ZONE(0, "Normal", 1000, 0) ZONE(1, "Normal", 100, 500) ZONE(0, "Movable", 100, 950));

	assert_int_equal(hn_frame_nodes_find(nodes, 499).node, 0);
	assert_int_equal(hn_frame_nodes_find(nodes, 500).node, -1);
	assert_int_equal(hn_frame_nodes_find(nodes, 600).node, 0);
	assert_int_equal(hn_frame_nodes_find(nodes, 960).node, 0); /* two zones of one node agree */
}

/* Whatever frame of a span is asked for, and none beyond it. */
static void a_span_ends_where_the_answer_may_change(void **state)
{
	static const uint64_t borders[] = {0, 500, 600, 950, 1000, 1050, UINT64_MAX};
	HN_AUTO(hn_frame_nodes)
	struct hn_frame_nodes *nodes =
		load(ZONE(0, "Normal", 1000, 0) ZONE(1, "Normal", 100, 500) ZONE(0, "Movable", 100, 950));

	for (size_t i = 0; i + 1 < HN_COUNT(borders); i++) {
		const uint64_t frames[] = {borders[i], borders[i] + 7, borders[i + 1] - 1};

		for (size_t k = 0; k < HN_COUNT(frames); k++) {
			struct hn_frame_span span = hn_frame_nodes_find(nodes, frames[k]);

			assert_int_equal(span.first, borders[i]);
			assert_int_equal(span.end, borders[i + 1]);
		}
	}
}

static void no_zoneinfo_is_an_error(void **state)
{
	struct hn_frame_nodes *nodes = NULL;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	assert_int_equal(hn_frame_nodes_new(tree.root, &nodes, &err), -ENOENT);
	assert_null(nodes);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_lie_where_their_zone_is),
		cmocka_unit_test(frames_claimed_twice_are_unknown),
		cmocka_unit_test(a_span_ends_where_the_answer_may_change),
		cmocka_unit_test(no_zoneinfo_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
