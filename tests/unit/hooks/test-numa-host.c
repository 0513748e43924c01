/* The nodes of recorded machines, against what hwloc makes of them, and of trees with nonsense in them. */
#include "hooks/numa-host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/topology.h"
#include "tests/unit/host/tree.h"

/* all_cpus: in some recordings a node lists CPUs that are not online. */
static void check_node(const struct hn_host *expected, size_t index, const struct numa_host *host,
		       size_t place, bool all_cpus)
{
	const struct hn_node *node = &expected->nodes[index];
	size_t other = 0;

	assert_int_equal(host->nodes[place].id, node->id);
	if (all_cpus)
		assert_int_equal(host->nodes[place].cpus, hn_set_count(&node->cpus));
	assert_true(host->nodes[place].total_kib == node->memory_bytes / 1024);
	for (size_t i = 0; i < expected->node_count; i++) {
		if (hn_set_empty(&expected->nodes[i].cpus) || expected->nodes[i].memory_bytes == 0)
			continue;
		assert_int_equal(host->distance[place][other], hn_host_distance(expected, index, i));
		other++;
	}
}

static void check_recorded(const char *name, size_t least, bool all_cpus)
{
	HN_AUTO(hn_host) struct hn_host *expected = NULL;
	static struct numa_host host;
	struct node_set all;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, name);
	size_t count = 0;

	assert_int_equal(hn_topology_load(root, &expected, &err), 0);
	numa_host_read(root, &host);
	for (size_t i = 0; i < expected->node_count; i++)
		if (!hn_set_empty(&expected->nodes[i].cpus) && expected->nodes[i].memory_bytes > 0)
			check_node(expected, i, &host, count++, all_cpus);
	assert_int_equal(host.count, count);
	assert_true(count >= least);
	all = numa_host_all(&host);
	assert_int_equal(node_set_count(&all), count);
	tree_done(&tree);
}

static void recorded_machines(void **state)
{
	check_recorded("16amd64-8n2c", 8, true);
	check_recorded("64amd64-4s2n4ca2co", 8, true);
	check_recorded("96em64t-4no4pa3ca2co", 4, true);
	check_recorded("128arm-2pa2n8cluster4co", 4, true);
	check_recorded("40intel64-2g2n4c+pcilocality", 2, true);
	check_recorded("offline-cpu0-node0", 1, false);
}

static void memory_only_nodes_are_not_usable(void **state)
{
	check_recorded("fakeheteromemtiers", 1, true);

	check_recorded("nvidiagpunumanodes", 1, false);
}

static void write_node(const struct tree *tree, unsigned node, const char *cpus, unsigned total,
		       const char *distance)
{
	char path[96];

	snprintf(path, sizeof(path), "sys/devices/system/node/node%u/cpulist", node);
	tree_write(tree, path, "%s\n", cpus);
	snprintf(path, sizeof(path), "sys/devices/system/node/node%u/distance", node);
	tree_write(tree, path, "%s\n", distance);
	snprintf(path, sizeof(path), "sys/devices/system/node/node%u/meminfo", node);
	tree_write(tree, path,
		   "Node %u MemTotal:  %u kB\nNode %u MemFree:  600 kB\nNode %u Dirty:  20 kB\n"
		   "Node %u FilePages:  200 kB\nNode %u Shmem:  40 kB\nNode %u ShmemHugePages:  77 kB\n",
		   node, total, node, node, node, node, node);
}

static void check_all(const struct numa_host *host, const char *expected)
{
	struct node_set all = numa_host_all(host);
	char text[NODE_SET_TEXT_MAX];

	assert_string_equal(node_set_format(&all, text, sizeof(text)), expected);
}

static void gaps_and_room(void **state)
{
	static struct numa_host host;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/online", "0,2,5,9\n");
	write_node(&tree, 0, "0-3,8-11", 1000, "10 21 22 23");
	write_node(&tree, 2, "", 1000, "20 10 20 20");
	write_node(&tree, 5, "4", 1000, "31 32 10 33");
	write_node(&tree, 9, "5-7", 0, "20 20 20 10");
	numa_host_read(tree.root, &host);
	assert_int_equal(host.count, 2);
	check_all(&host, "0,5");
	assert_int_equal(host.nodes[0].cpus, 8);
	assert_int_equal(host.nodes[1].cpus, 1);
	assert_true(host.nodes[0].room_kib == 600 + (200 - 20 - 40) / 2);
	assert_int_equal(host.distance[0][1], 22);
	assert_int_equal(host.distance[1][0], 31);
	assert_true(node_set_has(&host.memory, 2) && !node_set_has(&host.cpus, 2));
	assert_true(node_set_has(&host.cpus, 9) && !node_set_has(&host.memory, 9));
	/* what a container's cpuset forbids */
	tree_write(&tree, "proc/self/status",
		   "Name:\tnumad\nMems_allowed:\t1\nMems_allowed_list:\t0,2\nX:\t1\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "0");
	tree_write(&tree, "proc/self/status", "Mems_allowed_list:\tnone\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "0,5");
	tree_done(&tree);
}

/* Nobody is told to go where homenoded brings guests away, unless there is nowhere else. */
static void nodes_that_drain_are_left_out(void **state)
{
	static struct numa_host host;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/online", "0-2\n");
	for (unsigned node = 0; node < 3; node++)
		write_node(&tree, node, "0-3", 1000, "10 20 20");
	tree_write(&tree, "run/homenode/draining", "1\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "0,2");
	assert_true(node_set_has(&host.memory, 1) &&
		    node_set_has(&host.cpus, 1)); /* the daemon may answer it */
	tree_write(&tree, "run/homenode/draining", "0-2\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "0-2");
	tree_write(&tree, "run/homenode/draining", "\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "0-2");
	tree_write(&tree, "run/homenode/draining", "one\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "0-2");
	tree_done(&tree);
}

static void garbage_leaves_something(void **state)
{
	static struct numa_host host;
	struct tree tree;

	tree_init(&tree);
	numa_host_read(tree.root, &host);
	assert_int_equal(host.count, 0);
	check_all(&host, "0");
	tree_write(&tree, "sys/devices/system/node/online", "3-x\n");
	write_node(&tree, 4, "0-1", 1000, "10");
	numa_host_read(tree.root, &host);
	check_all(&host, "4"); /* found by its files */
	tree_write(&tree, "sys/devices/system/node/online", "4,6-7\n");
	tree_write(&tree, "sys/devices/system/node/node4/cpulist", "1-0,a\n");
	numa_host_read(tree.root, &host);
	assert_int_equal(host.count, 0);
	check_all(&host, "4"); /* the only one with memory */
	tree_write(&tree, "sys/devices/system/node/node4/meminfo", "Node 4 MemTotal: much\n");
	numa_host_read(tree.root, &host);
	check_all(&host, "4,6-7");
	tree_done(&tree);
}

static void unreadable_distances_are_the_usual_ones(void **state)
{
	static const char *const texts[] = {"", "10", "21", "10 3", "10 256", "10 x", "-10 20", "10 31 31"};
	static struct numa_host host;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/online", "0-1\n");
	write_node(&tree, 1, "1", 1000, "17 10");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_node(&tree, 0, "0", 1000, texts[i]);
		numa_host_read(tree.root, &host);
		assert_int_equal(host.distance[0][0], 10);
		assert_int_equal(host.distance[0][1], 20);
		assert_int_equal(host.distance[1][0], 17);
	}
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_machines),
		cmocka_unit_test(memory_only_nodes_are_not_usable),
		cmocka_unit_test(gaps_and_room),
		cmocka_unit_test(nodes_that_drain_are_left_out),
		cmocka_unit_test(garbage_leaves_something),
		cmocka_unit_test(unreadable_distances_are_the_usual_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
