/* Free memory by node, from recorded machines and from files made up to the byte. */
#include "host/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/units.h"
#include "host/topology.h"
#include "tree.h"

#define NODE0 "sys/devices/system/node/node0/"
#define NODE1 "sys/devices/system/node/node1/"

/* The figure of one line of a node's meminfo, in KiB, read word by word. */
static uint64_t kib_of(const char *text, const char *wanted)
{
	char key[64];
	unsigned long long kib;
	int node, used;

	for (; sscanf(text, " Node %d %63[^:]: %llu kB%n", &node, key, &kib, &used) == 3; text += used)
		if (strcmp(key, wanted) == 0)
			return kib;
	return 0;
}

static void check_recorded(const char *name)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, name);

	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	assert_int_equal(hn_host_memory_refresh(root, host, &err), 0);
	for (size_t i = 0; i < host->node_count; i++) {
		char text[8192];
		uint64_t cache, lost;

		assert_true(file_read(text, sizeof(text), root, "sys/devices/system/node/node%d/meminfo",
				      host->nodes[i].id) > 0);
		cache = kib_of(text, "FilePages");
		lost = kib_of(text, "Dirty") + kib_of(text, "Shmem");
		cache = cache > lost ? cache - lost : 0;
		assert_true(host->nodes[i].memory_bytes == kib_of(text, "MemTotal") * 1024);
		assert_true(host->nodes[i].free_bytes == kib_of(text, "MemFree") * 1024 + cache * 1024 / 2);
		for (size_t k = 0; k < host->nodes[i].pool_count; k++) {
			const struct hn_page_pool *pool = &host->nodes[i].pools[k];
			char number[32];

			assert_true(file_read(number, sizeof(number), root,
					      "sys/devices/system/node/node%d/hugepages/hugepages-%lukB/"
					      "nr_hugepages",
					      host->nodes[i].id,
					      (unsigned long)(pool->page_bytes / 1024)) > 0);
			assert_int_equal(strtoull(number, NULL, 10), pool->total_pages);
		}
	}
	tree_done(&tree);
}

static void recorded_machines(void **state)
{
	check_recorded("40intel64-2g2n4c+pcilocality");
	check_recorded("64amd64-4s2n4ca2co");
	check_recorded("fakeheteromemtiers");
	check_recorded("offline-cpu0-node0");
}

static void write_pool(const struct tree *tree, const char *folder, unsigned kib, unsigned total,
		       unsigned free_pages)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/hugepages-%ukB/nr_hugepages", folder, kib);
	tree_write(tree, path, "%u\n", total);
	snprintf(path, sizeof(path), "%s/hugepages-%ukB/free_hugepages", folder, kib);
	tree_write(tree, path, "%u\n", free_pages);
}

static void write_node(const struct tree *tree, int node, unsigned total, unsigned free_kib, unsigned file,
		       unsigned dirty, unsigned shmem)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/devices/system/node/node%d/meminfo", node);
	tree_write(tree, path,
		   "Node %d MemTotal:       %u kB\nNode %d MemFree:        %u kB\nNode %d Dirty:  %u kB\n"
		   "Node %d FilePages:  %u kB\nNode %d Shmem:  %u kB\nNode %d ShmemHugePages: 77 kB\n",
		   node, total, node, free_kib, node, dirty, node, file, node, shmem, node);
}

static void pools_come_in_order_of_size(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("made up", 2, 1);
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	write_node(&tree, 0, 1000, 600, 200, 20, 40);
	write_node(&tree, 1, 2000, 100, 10, 20, 40);
	write_pool(&tree, NODE0 "hugepages", 1048576, 8, 3);
	write_pool(&tree, NODE0 "hugepages", 2048, 100, 99);
	/* in pages; a watermark beyond the node's memory is all of it */
	tree_write(&tree, "proc/zoneinfo",
		   "Node 0, zone   Normal\n        low      7\n"
		   "Node 1, zone   Normal\n        low      9000\n");
	assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
	assert_int_equal(host->nodes[0].memory_bytes, 1000 * HN_KIB);
	assert_int_equal(host->nodes[0].free_bytes, (600 + (200 - 20 - 40) / 2) * HN_KIB);
	assert_int_equal(host->nodes[1].free_bytes,
			 100 * HN_KIB); /* more dirty than cache: nothing to reclaim */
	assert_int_equal(host->nodes[0].watermark_bytes, 7 * hn_base_page_bytes());
	assert_int_equal(host->nodes[1].watermark_bytes, 2000 * HN_KIB);
	assert_int_equal(host->nodes[0].pool_count, 2);
	assert_int_equal(host->nodes[0].pools[0].page_bytes, 2 * HN_MIB);
	assert_int_equal(host->nodes[0].pools[0].free_pages, 99);
	assert_int_equal(host->nodes[0].pools[1].page_bytes, HN_GIB);
	assert_int_equal(host->nodes[0].pools[1].total_pages, 8);
	assert_int_equal(host->nodes[0].pools[1].free_pages, 3);
	assert_int_equal(host->nodes[1].pool_count, 0);
	tree_done(&tree);
}

/* As on arm64 with many contiguous sizes: what is empty may be left out, what holds pages may not. */
static void more_sizes_than_room_keep_the_filled(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("made up", 1, 1);
	const unsigned sizes[] = {64, 2048, 32768, 524288, 1048576, 16777216};
	struct hn_error err;
	struct tree tree;
	bool seen_first = false, seen_last = false;

	tree_init(&tree);
	write_node(&tree, 0, 1000, 600, 0, 0, 0);
	for (size_t i = 0; i < HN_COUNT(sizes); i++)
		write_pool(&tree, NODE0 "hugepages", sizes[i], i == 0 || i == 5 ? 7 : 0, 1);
	assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
	assert_int_equal(host->nodes[0].pool_count, HN_POOLS_MAX);
	for (size_t i = 0; i < HN_POOLS_MAX; i++) {
		seen_first = seen_first || host->nodes[0].pools[i].page_bytes == 64 * HN_KIB;
		seen_last = seen_last || host->nodes[0].pools[i].page_bytes == 16777216 * HN_KIB;
		assert_true(i == 0 ||
			    host->nodes[0].pools[i - 1].page_bytes < host->nodes[0].pools[i].page_bytes);
	}
	assert_true(seen_first && seen_last);
	tree_done(&tree);
}

static void a_node_that_went_offline_has_nothing_free(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("made up", 2, 1);
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	write_node(&tree, 0, 1000, 600, 0, 0, 0);
	write_node(&tree, 1, 1000, 700, 0, 0, 0);
	write_pool(&tree, NODE1 "hugepages", 2048, 4, 4);
	assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
	assert_int_equal(host->nodes[1].free_bytes, 700 * HN_KIB);
	assert_int_equal(host->nodes[1].pool_count, 1);
	tree_remove(&tree, "sys/devices/system/node/node1");
	assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
	assert_int_equal(host->nodes[0].free_bytes, 600 * HN_KIB);
	assert_int_equal(host->nodes[1].free_bytes, 0);
	assert_int_equal(host->nodes[1].pool_count, 0);
	tree_done(&tree);
}

static void without_numa_the_machine_is_one_node(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("made up", 1, 1);
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/meminfo",
		   "MemTotal:  9000 kB\nMemFree:  500 kB\nMemAvailable: 8888 kB\nBuffers: 100 kB\nCached: "
		   "300 kB\n"
		   "SwapCached: 4000 kB\nDirty: 50 kB\nShmem: 30 kB\n");
	write_pool(&tree, "sys/kernel/mm/hugepages", 2048, 4, 2);
	assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
	assert_int_equal(host->nodes[0].memory_bytes, 9000 * HN_KIB);
	assert_int_equal(host->nodes[0].free_bytes, (500 + (100 + 300 - 50 - 30) / 2) * HN_KIB);
	assert_int_equal(host->nodes[0].pool_count, 1);
	assert_int_equal(host->nodes[0].pools[0].free_pages, 2);
	tree_done(&tree);
}

static void balancing_is_told(void **state)
{
	const char *const contents[] = {"0\n", "1\n", "2\n"};
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("made up", 1, 1);
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	write_node(&tree, 0, 1000, 600, 0, 0, 0);
	host->kernel_balancing = true;
	assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
	assert_false(host->kernel_balancing); /* no such file: a kernel without it */
	for (size_t i = 0; i < HN_COUNT(contents); i++) {
		tree_write(&tree, "proc/sys/kernel/numa_balancing", "%s", contents[i]);
		assert_int_equal(hn_host_memory_refresh(tree.root, host, &err), 0);
		assert_int_equal(host->kernel_balancing, i > 0);
	}
	tree_done(&tree);
}

static void this_machine_is_read(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;

	assert_int_equal(hn_topology_load(NULL, &host, &err), 0);
	assert_int_equal(hn_host_memory_refresh(NULL, host, &err), 0);
	for (size_t i = 0; i < host->node_count; i++)
		assert_true(host->nodes[i].free_bytes <= host->nodes[i].memory_bytes);
	assert_true(host->nodes[0].memory_bytes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_machines),
		cmocka_unit_test(pools_come_in_order_of_size),
		cmocka_unit_test(more_sizes_than_room_keep_the_filled),
		cmocka_unit_test(a_node_that_went_offline_has_nothing_free),
		cmocka_unit_test(without_numa_the_machine_is_one_node),
		cmocka_unit_test(balancing_is_told),
		cmocka_unit_test(this_machine_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
