/* Every recorded machine can be planned with; one that is broken on purpose is refused with a sentence. */
#include "host/import.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "model/check.h"
#include "tree.h"

static void import_recorded(const char *name, bool noted)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err = {0};
	struct tree tree;
	char note[200];
	const char *root = tree_unpack(&tree, name);

	if (hn_host_import(root, &host, note, sizeof(note), &err))
		fail_msg("%s: %s", name, err.message);
	assert_int_equal(note[0] != '\0', noted);
	assert_int_equal(hn_host_check(host, &err), 0);
	tree_done(&tree);
}

#define RECORDED(function, name, noted)       \
	static void function(void **state)    \
	{                                     \
		import_recorded(name, noted); \
	}
RECORDED(arm_four_nodes, "128arm-2pa2n8cluster4co", false)
RECORDED(amd_eight_nodes, "16amd64-8n2c", false)
RECORDED(inside_a_cpuset, "32amd64-4s2n4c-cgroup2", false)
RECORDED(numbered_across_nodes, "40intel64-2g2n4c+pcilocality", false)
RECORDED(uneven_distances, "64amd64-4s2n4ca2co", false)
RECORDED(nodes_above_packages, "96em64t-4no4pa3ca2co", false)
RECORDED(memory_only_nodes, "fakeheteromemtiers", false)
RECORDED(gpu_nodes, "nvidiagpunumanodes", false)
RECORDED(first_node_offline, "offline-cpu0-node0", true) /* its CPUs 4, 6, ... 20 are not */

/* Exports do not tell what is free: all is. hwloc 2 takes those of format 3.0 when they call themselves 2.0.
 */
static void exports_are_all_free(void **state)
{
	static const char *const names[] = {"16amd64-4distances", "64intel64-heteromem",
					    "8intel64-4n2t-memattrs"};

	for (size_t i = 0; i < HN_COUNT(names); i++) {
		HN_AUTO(hn_host) struct hn_host *host = NULL;
		char command[1024], path[128], note[200];
		struct hn_error err = {0};
		struct tree tree;

		snprintf(path, sizeof(path), "hosts/%s.xml", names[i]);
		data_path(path);
		tree_init(&tree);
		snprintf(command, sizeof(command),
			 "sed 's/<topology version=\"3.0\"/<topology version=\"2.0\"/' '%s' > %s/export.xml",
			 data_path(path), tree.root);
		assert_int_equal(system(command), 0);
		snprintf(path, sizeof(path), "%s/export.xml", tree.root);
		if (hn_host_import(path, &host, note, sizeof(note), &err))
			fail_msg("%s: %s", names[i], err.message);
		for (size_t node = 0; node < host->node_count; node++)
			assert_true(host->nodes[node].free_bytes == host->nodes[node].memory_bytes);
		tree_done(&tree);
	}
}

static void a_small_tree_is_imported(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err = {0};
	struct tree tree;
	char note[200];

	tree_init(&tree);
	tree_write_two_nodes(&tree);
	assert_int_equal(hn_host_import(tree.root, &host, note, sizeof(note), &err), 0);
	assert_string_equal(note, "");
	assert_int_equal(host->node_count, 2);
	assert_true(host->nodes[1].free_bytes == 17 * HN_MIB);
	tree_done(&tree);
}

#define NODE "sys/devices/system/node/"
#define CPU "sys/devices/system/cpu/"

/* The small tree with one file written otherwise (text NULL: removed), and what is said of it. */
static void broken_trees_are_refused(void **state)
{
	static const struct {
		const char *file, *text, *sentence;
	} cases[] = {
		{NODE "node0/distance", "10 rubbish\n", "node 0: 'rubbish' in distance"},
		{NODE "node1/distance", "0 10\n", "node 1: '0' in distance"},
		{NODE "node1/distance", "300 10\n", "node 1: '300' in distance"},
		{NODE "node1/distance", "-20 10\n", "node 1: '-20' in distance"},
		{NODE "node1/distance", "2", "node 1: '2' in distance"}, /* cut off */
		{NODE "node1/distance", "20 10x\n", "node 1: '10x' in distance"},
		{NODE "node0/cpulist", "0-\n", "node 0: cpulist"},
		{NODE "node0/cpulist", "zero\n", "node 0: cpulist"},
		{NODE "node1/cpulist", "1\n", "cpus has CPU id 1, which another node has too"},
		{NODE "node0/cpulist", "\n", "cpus: 0 of them"},
		{NODE "node0/meminfo", "rubbish\n", "nodes: 0 of 2 have both cpus and memory_bytes"},
		{NODE "node0/meminfo", "", "nodes: 0 of 2 have both cpus and memory_bytes"},
		{NODE "node0/meminfo", "Node 0 MemTotal: 18014398509481983 kB\n", "memory_bytes"},
		{NODE "node0/meminfo", "Node 0 MemTotal: 10 kB\nNode 0 MemFree: 11 kB\n",
		 "free_bytes 11264 is above memory_bytes 10240"},
		{NODE "online", "\n", "sys/devices/system/node/online"},
		{NODE "online", "rubbish\n", "sys/devices/system/node/online"},
		{NODE "online", "1,0\n", "sys/devices/system/node/online"}, /* hwloc would abort */
		{NODE "online", "0-1,3\n", "names node3, which is not there"},
		{NODE "online", "7\n", "sys/devices/system/node/online"},
		{NODE "online", "0-1,256\n", "sys/devices/system/node/online"},
		{CPU "online", "-\n", "sys/devices/system/cpu/online"},
		{CPU "online", "\n", "sys/devices/system/cpu/online"},
		{CPU "isolated", "1-0\n", "1-0"},
		{"sys/devices/system/cpu", NULL, "no tree with sys/devices/system/cpu"},
		{"sys", NULL, "no tree with sys/devices/system/cpu"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_host) struct hn_host *host = NULL;
		struct hn_error err = {0};
		struct tree tree;
		char note[200];
		int r;

		tree_init(&tree);
		tree_write_two_nodes(&tree);
		if (cases[i].text)
			tree_write(&tree, cases[i].file, "%s", cases[i].text);
		else
			tree_remove(&tree, cases[i].file);
		r = hn_host_import(tree.root, &host, note, sizeof(note), &err);
		if (r >= 0 || err.code != r || !strstr(err.message, cases[i].sentence))
			fail_msg("%s \"%s\": %d \"%s\"", cases[i].file,
				 cases[i].text ? cases[i].text : "(removed)", r, err.message);
		assert_null(host);
		tree_done(&tree);
	}
}

/* What is not there at all is made do without, or refused; never half a host. */
static void trees_with_a_file_less_are_survived(void **state)
{
	static const char *const files[] = {NODE "node0/distance",
					    NODE "node0/cpulist",
					    NODE "node0/cpumap",
					    NODE "node0/meminfo",
					    NODE "node0",
					    NODE "node1",
					    NODE "online",
					    "sys/devices/system/node",
					    CPU "cpu0/topology",
					    CPU "cpu1",
					    CPU "online",
					    CPU "possible",
					    CPU "cpu1/topology/core_id",
					    "proc/meminfo",
					    "proc"};
	size_t imported = 0;

	for (size_t i = 0; i < HN_COUNT(files); i++) {
		HN_AUTO(hn_host) struct hn_host *host = NULL;
		struct hn_error err = {0}, again;
		struct tree tree;
		char note[200];

		tree_init(&tree);
		tree_write_two_nodes(&tree);
		tree_remove(&tree, files[i]);
		if (hn_host_import(tree.root, &host, note, sizeof(note), &err) == 0) {
			assert_int_equal(hn_host_check(host, &again), 0);
			imported++;
		} else {
			assert_true(strlen(err.message) > 10);
			assert_null(host);
		}
		tree_done(&tree);
	}
	assert_true(imported > 0 && imported < HN_COUNT(files));
}

/* Bytes overwritten at random in any of the small files: a host that can be, or a sentence. */
static void random_damage_is_survived(void **state)
{
	static const char *const files[] = {
		NODE "node0/distance", NODE "node1/distance", NODE "node0/cpulist", NODE "node1/cpulist",
		NODE "node0/meminfo",  NODE "node0/cpumap",   NODE "online",        CPU "online"};
	static const char letters[] = "0123456789-,. \nx\x80";
	struct hn_random random = {91};
	size_t imported = 0, refused = 0;

	for (int round = 0; round < 150; round++) {
		HN_AUTO(hn_host) struct hn_host *host = NULL;
		const char *file = files[hn_random_below(&random, HN_COUNT(files))];
		struct hn_error err = {0}, again;
		char text[256] = "", note[200];
		struct tree tree;

		tree_init(&tree);
		tree_write_two_nodes(&tree);
		assert_true(file_read(text, sizeof(text), tree.root, "%s", file) > 0);
		for (int i = 0; i < 2; i++)
			text[hn_random_below(&random, strlen(text))] =
				letters[hn_random_below(&random, sizeof(letters) - 1)];
		tree_write(&tree, file, "%s", text);
		if (hn_host_import(tree.root, &host, note, sizeof(note), &err) == 0) {
			assert_int_equal(hn_host_check(host, &again), 0);
			imported++;
		} else {
			assert_true(strlen(err.message) > 10);
			refused++;
		}
		tree_done(&tree);
	}
	assert_true(imported > 0 && refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arm_four_nodes),
		cmocka_unit_test(amd_eight_nodes),
		cmocka_unit_test(inside_a_cpuset),
		cmocka_unit_test(numbered_across_nodes),
		cmocka_unit_test(uneven_distances),
		cmocka_unit_test(nodes_above_packages),
		cmocka_unit_test(memory_only_nodes),
		cmocka_unit_test(gpu_nodes),
		cmocka_unit_test(first_node_offline),
		cmocka_unit_test(exports_are_all_free),
		cmocka_unit_test(a_small_tree_is_imported),
		cmocka_unit_test(broken_trees_are_refused),
		cmocka_unit_test(trees_with_a_file_less_are_survived),
		cmocka_unit_test(random_damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
