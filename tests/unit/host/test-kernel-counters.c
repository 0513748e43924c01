/* /proc/vmstat and numastat: of this machine, and made up. */
#include "host/kernel-counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/evidence.h"
#include "tree.h"

static void lines_are_found_by_name(void **state)
{
	struct hn_counters counters;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/vmstat",
		   "nr_free_pages 5\nnuma_hit 77\npswpin 3\npswpout "
		   "18446744073709551615\nnuma_hint_faults_local 4\n"
		   "numa_hint_faults 40\npgmigrate_success -3\npgmigrate_fail 12x\nthp_migration_split \n"
		   "numa_pages_migrated 99999999999999999999\n");
	hn_kernel_counters_read(tree.root, &counters);
	assert_int_equal(counters.family, HN_COUNTERS_KERNEL);
	assert_int_equal(counters.node, -1);
	assert_int_equal(counters.values[HN_KERNEL_SWAP_IN], 3);
	assert_true(counters.values[HN_KERNEL_SWAP_OUT] == UINT64_MAX);
	assert_int_equal(counters.values[HN_KERNEL_HINT_FAULTS], 40);
	assert_int_equal(counters.values[HN_KERNEL_HINT_FAULTS_LOCAL], 4);
	assert_int_equal(counters.known, 1 << HN_KERNEL_SWAP_IN | 1 << HN_KERNEL_SWAP_OUT |
						 1 << HN_KERNEL_HINT_FAULTS |
						 1 << HN_KERNEL_HINT_FAULTS_LOCAL);
	tree_done(&tree);
}

static void what_is_not_there_is_unknown(void **state)
{
	struct hn_counters counters[2];
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	const int32_t nodes[] = {3};
	struct tree tree;

	tree_init(&tree);
	hn_host_evidence_read(tree.root, nodes, 1, stalls, counters);
	assert_int_equal(counters[0].family, HN_COUNTERS_KERNEL);
	assert_int_equal(counters[0].known, 0);
	assert_int_equal(counters[1].family, HN_COUNTERS_NODE);
	assert_int_equal(counters[1].node, 3);
	assert_int_equal(counters[1].known, 0);
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		assert_false(stalls[i].some_known || stalls[i].full_known);
	tree_done(&tree);
}

static void each_node_has_its_own(void **state)
{
	struct hn_counters counters[3];
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	const int32_t nodes[] = {0, 8};
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/node0/numastat",
		   "numa_hit 10\nnuma_miss 11\nnuma_foreign 12\ninterleave_hit 13\nlocal_node 14\nother_node "
		   "15\n");
	tree_write(&tree, "sys/devices/system/node/node8/numastat", "numa_hit 20\nnuma_miss 21\n");
	hn_host_evidence_read(tree.root, nodes, 2, stalls, counters);
	assert_int_equal(counters[1].node, 0);
	for (size_t i = 0; i < HN_NODE_COUNTER_COUNT; i++) {
		assert_true(hn_counter_known(&counters[1], i));
		assert_int_equal(counters[1].values[i], 10 + i);
	}
	assert_int_equal(counters[2].node, 8);
	assert_int_equal(counters[2].values[HN_NODE_MISS], 21);
	assert_int_equal(counters[2].known, 1 << HN_NODE_HIT | 1 << HN_NODE_MISS);
	tree_done(&tree);
}

/* Read twice, with the same counter read by hand between. */
static void this_machine_agrees(void **state)
{
	struct hn_counters before, after;
	char text[65536];
	const char *line;
	uint64_t hits;

	hn_node_counters_read(NULL, 0, &before);
	if (file_read(text, sizeof(text), "", "sys/devices/system/node/node0/numastat") <= 0)
		skip();
	hn_node_counters_read(NULL, 0, &after);
	line = strstr(text, "numa_hit ");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "numa_hit %lu", &hits), 1);
	assert_true(hn_counter_known(&before, HN_NODE_HIT));
	assert_true(before.values[HN_NODE_HIT] <= hits && hits <= after.values[HN_NODE_HIT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_found_by_name),
		cmocka_unit_test(what_is_not_there_is_unknown),
		cmocka_unit_test(each_node_has_its_own),
		cmocka_unit_test(this_machine_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
