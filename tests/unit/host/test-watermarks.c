/* What the kernel keeps free, read from a made-up file. */
#include "host/watermarks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/pages.h"
#include "tree.h"

static void zones_of_a_node_add_up(void **state)
{
	uint64_t low[HN_SET_MAX];
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	tree_write(
		&tree, "proc/zoneinfo",
		"Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 3\n  pages free     99\n"
		"        min      5\n        low      7\n        high     9\n  node_unreclaimable:  0\n"
		"Node 0, zone   Normal\n  pages free     50000\n        min      100\n        low      130\n"
		"Node 3, zone  Movable\n  pages free     0\n        min      1\n        low      20\n"
		"              lowmem 5\n");
	assert_int_equal(hn_watermarks_read(tree.root, low, &err), 0);
	assert_int_equal(low[0], 137 * hn_base_page_bytes());
	assert_int_equal(low[1], 0);
	assert_int_equal(low[3], 20 * hn_base_page_bytes());
	tree_done(&tree);
}

static void a_missing_file_is_said(void **state)
{
	uint64_t low[HN_SET_MAX];
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	assert_int_equal(hn_watermarks_read(tree.root, low, &err), -ENOENT);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_of_a_node_add_up),
		cmocka_unit_test(a_missing_file_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
