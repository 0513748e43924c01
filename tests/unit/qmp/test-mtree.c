/* The texts of the human monitor, of several versions and with lines that nobody expects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "qmp/mtree.h"

static void reads_the_view_of_memory_only(void **state)
{
	const char *text =
		"FlatView #0\r\n AS \"cpu-smm-0\", root: memory\r\n Root memory region: memory\r\n"
		"  0000000000000000-00000000000bffff (prio 0, ram): smm\r\n\r\n"
		"FlatView #1\r\n AS \"pci\", root: bus\r\n AS \"memory\", root: system\r\n"
		" Root memory region: system\r\n"
		"  0000000000000000-00000000000bffff (prio 0, ram): a KVM KVM\r\n"
		"  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\r\n"
		"  0000000000100000-00000000bfffffff (prio 0, ram): a @0000000000100000 KVM\r\n"
		"  00000000c0000000-00000000c0000fff (prio -10, nv-ram): my region\r\n"
		"  00000000e0000000-00000000e0000fff (prio 0, ramd): bar\r\n"
		"  0000000100000000-000000013fffffff (prio 0, ram): /objects/b @00000000c0000000\r\n"
		"  nonsense\r\n  00000002-1 (prio 0, ram): backwards\r\n"
		"  0000000000000000-ffffffffffffffff (prio 0, ram): everything\r\n"
		"  0000000200000000-000000023fffffff (prio 0, ram): \r\n\r\n"
		"FlatView #2\r\n AS \"I/O\", root: io\r\n"
		"  0000000000000000-0000000000000fff (prio 0, ram): port\r\n";
	static const struct hn_mtree_piece expected[] = {
		{"a", 0, 0xc0000, 0},
		{"a", 0x100000, 0xbff00000, 0x100000},
		{"my region", 0xc0000000, 0x1000, 0},
		{"b", 0x100000000, 0x40000000, 0xc0000000},
	};
	HN_AUTO(memory) struct hn_mtree_piece *pieces = NULL;
	size_t count;

	assert_int_equal(hn_mtree_parse(text, &pieces, &count, NULL), 0);
	assert_int_equal(count, HN_COUNT(expected));
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(pieces[i].region, expected[i].region);
		assert_int_equal(pieces[i].guest_address, expected[i].guest_address);
		assert_int_equal(pieces[i].bytes, expected[i].bytes);
		assert_int_equal(pieces[i].offset, expected[i].offset);
	}
}

static void a_tree_without_ram_is_no_data(void **state)
{
	static const char *const texts[] = {
		"", "\r\n", "unknown command: 'info mtree'\r\n",
		"FlatView #0\n AS \"memory\", root: system\n  No rendered FlatView\n"};
	struct hn_mtree_piece *pieces = NULL;
	struct hn_error err;
	size_t count;

	for (size_t i = 0; i < HN_COUNT(texts); i++)
		assert_int_equal(hn_mtree_parse(texts[i], &pieces, &count, &err), -ENODATA);
}

static void reads_gpa2hva(void **state)
{
	char region[HN_NAME_MAX];
	struct hn_error err;
	uint64_t address;

	assert_int_equal(hn_mtree_parse_gpa2hva(
				 "Host virtual address for 0x100000000 (/objects/b c) is 0x7f6d7bdff000\r\n",
				 region, &address, NULL),
			 0);
	assert_string_equal(region, "b c");
	assert_int_equal(address, 0x7f6d7bdff000);
	assert_int_equal(hn_mtree_parse_gpa2hva("No memory is mapped at address 0xfff00000000\r\n", region,
						&address, &err),
			 -ENODATA);
	assert_string_equal(err.message, "gpa2hva says 'No memory is mapped at address 0xfff00000000'");
	assert_int_equal(
		hn_mtree_parse_gpa2hva("Memory at address 0xe0000is not RAM\r\n", region, &address, &err),
		-ENODATA);
	assert_int_equal(hn_mtree_parse_gpa2hva("", region, &address, &err), -ENODATA);
}

static void reads_ramblocks_with_and_without_addresses(void **state)
{
	const char *text = "              Block Name    PSize              Offset               Used         "
			   "     Total                HVA  RO\r\n"
			   "                       a    1 GiB  0x0000000000000000 0x0000000040000000 "
			   "0x0000000080000000 0x00007f1200000000  rw\r\n"
			   "              /objects/b    4 KiB  0x0000000080000000 0x0000000040000000 "
			   "0x0000000040000000\r\n"
			   "        0000:00:03.0/vm0   16 MiB  0x00000000c0000000 0x0000000040000000 "
			   "0x0000000040000000\r\n"
			   "                       c    4 XiB  0x0000000080000000 0x0000000040000000 "
			   "0x0000000040000000\r\n"
			   "                       d    4 KiB  0x0000000080000000\r\n";
	HN_AUTO(memory) struct hn_ramblock *blocks = NULL;
	const struct hn_ramblock *found;
	size_t count;

	assert_int_equal(hn_mtree_parse_ramblocks(text, &blocks, &count, NULL), 0);
	assert_int_equal(count, 3);
	found = hn_mtree_find_ramblock(blocks, count, "a");
	assert_int_equal(found->page_bytes, HN_GIB);
	assert_int_equal(found->bytes, 2 * HN_GIB);
	assert_int_equal(found->host_address, 0x7f1200000000);
	found = hn_mtree_find_ramblock(blocks, count, "b");
	assert_int_equal(found->page_bytes, 4 * HN_KIB);
	assert_int_equal(found->host_address, 0);
	assert_int_equal(hn_mtree_find_ramblock(blocks, count, "vm0")->page_bytes, 16 * HN_MIB);
	assert_null(hn_mtree_find_ramblock(blocks, count, "m0"));
	assert_null(hn_mtree_find_ramblock(blocks, count, "d"));
}

static void reads_numa(void **state)
{
	HN_AUTO(memory) struct hn_numa_node *nodes = NULL;
	struct hn_set expected;
	struct hn_error err;
	size_t count = 7;

	assert_int_equal(hn_mtree_parse_numa("0 nodes\r\n", &nodes, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(
		hn_mtree_parse_numa(
			"2 nodes\r\nnode 0 cpus: 0 2 99999999999999999999 -1\r\nnode 0 size: 2048 MB\r\n"
			"node 0 plugged: 1024 MB\r\nnode 1 cpus:\r\nnode 1 size: 99999999999999999999 MB\r\n"
			"node -3 size: 1 MB\r\nnode 9999 size: 1 MB\r\n",
			&nodes, &count, NULL),
		0);
	assert_int_equal(count, 2);
	assert_int_equal(hn_set_parse("0,2", &expected, NULL), 0);
	assert_true(hn_set_equal(&nodes[0].vcpus, &expected));
	assert_int_equal(nodes[0].bytes, 2 * HN_GIB);
	assert_int_equal(nodes[0].plugged_bytes, HN_GIB);
	assert_true(hn_set_empty(&nodes[1].vcpus));
	assert_int_equal(nodes[1].bytes, 0);
	free(hn_steal(nodes));
	assert_int_equal(hn_mtree_parse_numa("no idea\r\nmore", &nodes, &count, &err), -ENODATA);
	assert_string_equal(err.message, "info numa says 'no idea'");
}

/* A line so often, each with its number twice. */
static char *repeat(const char *head, size_t count, const char *before, const char *between,
		    const char *behind)
{
	size_t room = strlen(head) + count * 160 + 1, used = strlen(head);
	char *text = malloc(room);

	assert_non_null(text);
	memcpy(text, head, used + 1);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%06zu%s%06zu%s\r\n", before, i, between,
					 i, behind);
	return text;
}

static void more_than_any_guest_has_is_refused(void **state)
{
	for (size_t more = 0; more < 2; more++) {
		HN_AUTO(memory)
		char *tree = repeat(" AS \"memory\", root: system\r\n", HN_MTREE_MAX + more, "  0000000000",
				    "-0000000000", " (prio 0, ram): a KVM");
		HN_AUTO(memory)
		char *list = repeat("", HN_MTREE_MAX + more, " a", "    4 KiB  0x0000000000",
				    " 0x0000000040000000 0x0000000040000000");
		HN_AUTO(memory)
		char *numa = repeat("9 nodes\r\n", HN_MTREE_NODES_MAX + more, "node ", " size: 1", " MB");
		HN_AUTO(memory) struct hn_mtree_piece *pieces = NULL;
		HN_AUTO(memory) struct hn_ramblock *blocks = NULL;
		HN_AUTO(memory) struct hn_numa_node *nodes = NULL;
		int expected = more ? -EPROTO : 0;
		struct hn_error err;
		size_t count;

		assert_int_equal(hn_mtree_parse(tree, &pieces, &count, &err), expected);
		assert_int_equal(hn_mtree_parse_ramblocks(list, &blocks, &count, &err), expected);
		assert_int_equal(hn_mtree_parse_numa(numa, &nodes, &count, &err), expected);
		if (more)
			assert_string_equal(err.message, "there are more than 256 NUMA nodes");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_view_of_memory_only),
		cmocka_unit_test(a_tree_without_ram_is_no_data),
		cmocka_unit_test(reads_gpa2hva),
		cmocka_unit_test(reads_ramblocks_with_and_without_addresses),
		cmocka_unit_test(reads_numa),
		cmocka_unit_test(more_than_any_guest_has_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
