/* Page tables made up word by word, and this process's own. */
#include "host/page-table.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/random.h"
#include "tree.h"

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define SOFT_DIRTY (UINT64_C(1) << 55)
#define COMPOUND_HEAD (UINT64_C(1) << 15)
#define COMPOUND_TAIL (UINT64_C(1) << 16)
#define ZERO_PAGE (UINT64_C(1) << 24)

#define FIRST_PAGE 0x12340 /* page number, not at the start of a block */

/* Node 0 has frames 1000-1999, node 2 has 2000-2999, and both claim 2900-2999. */
static void write_zones(const struct tree *tree)
{
	tree_write(tree, "proc/zoneinfo",
		   "Node 0, zone   Normal\n        spanned  1000\n  start_pfn:           1000\n"
		   "Node 0, zone  Movable\n        spanned  100\n  start_pfn:           2900\n"
		   "Node 2, zone   Normal\n        spanned  1000\n  start_pfn:           2000\n");
}

static struct hn_page_table *table_open(const struct tree *tree)
{
	struct hn_page_table *table;
	struct hn_error err;
	char path[128];
	int directory;

	tree_write(tree, "proc/100/comm", "qemu\n");
	snprintf(path, sizeof(path), "%s/proc/100", tree->root);
	directory = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(directory >= 0);
	assert_int_equal(hn_page_table_new(tree->root, directory, &table, &err), 0);
	close(directory);
	return table;
}

static void *page_at(uint64_t number)
{
	return (void *)(number * hn_base_page_bytes());
}

static void absent_pages_are_found_where_they_are(void **state)
{
	static const struct {
		uint64_t entry;
		int told, truth;
	} cases[] = {
		{PRESENT | SOFT_DIRTY | 1500, -ENOENT, 0},
		{PRESENT | 2500, -ENOENT, 2},
		{PRESENT | 2500, -EFAULT, 2},
		{0, -ENOENT, HN_PAGE_ABSENT},
		{0, -EFAULT, HN_PAGE_ABSENT},
		{SWAPPED | 1500, -ENOENT, HN_PAGE_ABSENT},
		{PRESENT, -ENOENT, HN_PAGE_UNKNOWN},        /* the frame is kept from us */
		{PRESENT | 500, -ENOENT, HN_PAGE_UNKNOWN},  /* in no zone */
		{PRESENT | 2950, -ENOENT, HN_PAGE_UNKNOWN}, /* in zones of two nodes */
		{PRESENT | 1001, -EFAULT, HN_PAGE_ABSENT},  /* the page of zeroes */
		{PRESENT | 2500, 7, 7},                     /* what move_pages knows stays */
		{PRESENT | 2500, -EBUSY, -EBUSY},
	};
	enum { COUNT = HN_COUNT(cases) };
	const uint64_t zeroes = ZERO_PAGE;
	uint64_t entries[COUNT];
	void *pages[COUNT];
	int status[COUNT];
	struct hn_page_table *table;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	write_zones(&tree);
	for (size_t i = 0; i < COUNT; i++) {
		entries[i] = cases[i].entry;
		pages[i] = page_at(FIRST_PAGE + i);
		status[i] = cases[i].told;
	}
	tree_write_words(&tree, "proc/100/pagemap", FIRST_PAGE, entries, COUNT);
	tree_write_words(&tree, "proc/kpageflags", 1001, &zeroes, 1);
	table = table_open(&tree);
	assert_int_equal(hn_page_table_look_up(table, pages, COUNT, status, &err), 0);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(status[i], cases[i].truth);
	hn_page_table_free(table);
	tree_done(&tree);
}

/* Any addresses in any order, with gaps, over many blocks: each gets its own entry's answer. */
static void lists_of_any_shape_are_answered(void **state)
{
	enum { PAGES = 5000, ASKED = 3000 };
	static uint64_t entries[PAGES];
	static void *pages[ASKED];
	static int status[ASKED];
	struct hn_random random = {.state = 3};
	struct hn_page_table *table;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	write_zones(&tree);
	for (int i = 0; i < PAGES; i++)
		entries[i] =
			hn_random_below(&random, 3) ? PRESENT | (1000 + hn_random_below(&random, 1900)) : 0;
	tree_write_words(&tree, "proc/100/pagemap", FIRST_PAGE, entries, PAGES);
	table = table_open(&tree);
	for (int sorted = 0; sorted < 2; sorted++) {
		for (int i = 0; i < ASKED; i++) {
			uint64_t at = sorted ? (uint64_t)i * PAGES / ASKED : hn_random_below(&random, PAGES);

			pages[i] = page_at(FIRST_PAGE + at);
			status[i] = hn_random_below(&random, 2) ? -ENOENT : 1;
		}
		assert_int_equal(hn_page_table_look_up(table, pages, ASKED, status, &err), 0);
		for (int i = 0; i < ASKED; i++) {
			uint64_t entry = entries[(uint64_t)pages[i] / hn_base_page_bytes() - FIRST_PAGE];
			uint64_t frame = entry & ~PRESENT;

			if (status[i] == 1)
				continue;
			assert_int_equal(status[i], !entry ? HN_PAGE_ABSENT : frame < 2000 ? 0 : 2);
		}
	}
	hn_page_table_free(table);
	tree_done(&tree);
}

/* Read as they stand, with nobody asked before: what is not certain is unknown. */
static void pages_are_read_where_they_are(void **state)
{
	static const struct {
		uint64_t entry;
		int status;
	} cases[] = {
		{PRESENT | SOFT_DIRTY | 1500, 0},
		{PRESENT | 2500, 2},
		{PRESENT | 2500, HN_PAGE_UNKNOWN}, /* the same frame once more: zeroes, or merged */
		{0, HN_PAGE_ABSENT},
		{SWAPPED | 1500, HN_PAGE_ABSENT},
		{PRESENT, HN_PAGE_UNKNOWN},        /* the frame is kept from us */
		{PRESENT | 500, HN_PAGE_UNKNOWN},  /* in no zone */
		{PRESENT | 2950, HN_PAGE_UNKNOWN}, /* in zones of two nodes */
		{PRESENT | 2501, 2},
	};
	enum { COUNT = HN_COUNT(cases) };
	const uint64_t none = 0;
	uint64_t entries[COUNT];
	void *pages[COUNT];
	int status[COUNT];
	bool tail[COUNT];
	struct hn_page_table *table;
	struct tree tree;

	tree_init(&tree);
	write_zones(&tree);
	for (size_t i = 0; i < COUNT; i++) {
		entries[i] = cases[i].entry;
		pages[i] = page_at(FIRST_PAGE + i);
	}
	tree_write_words(&tree, "proc/100/pagemap", FIRST_PAGE, entries, COUNT);
	tree_write_words(&tree, "proc/kpageflags", 0, &none, 1);
	table = table_open(&tree);
	assert_int_equal(hn_page_table_read(table, pages, COUNT, status, tail), 0);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(status[i], cases[i].status);
		assert_false(tail[i]);
	}
	hn_page_table_free(table);
	tree_done(&tree);
}

/* Killed between two looks: what it had is not absent, it is to be asked for, which tells that it is gone. */
static void who_is_gone_has_no_absent_pages(void **state)
{
	void *pages[2] = {page_at(FIRST_PAGE), page_at(FIRST_PAGE + 1)};
	int status[2] = {0, 0};
	bool tail[2] = {true, true};
	struct hn_page_table *table;
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/100/pagemap", "%s", "");
	tree_write(&tree, "proc/kpageflags", "%s", "");
	table = table_open(&tree);
	assert_int_equal(hn_page_table_read(table, pages, 2, status, tail), -ESRCH);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(status[i], HN_PAGE_UNKNOWN);
		assert_false(tail[i]);
	}
	hn_page_table_free(table);
	tree_done(&tree);
}

static void without_rights_pages_are_unknown(void **state)
{
	void *pages[2] = {page_at(FIRST_PAGE), page_at(FIRST_PAGE + 1)};
	int status[2] = {-ENOENT, 3};
	bool tail[2] = {true, true};
	struct hn_page_table *table;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	table = table_open(&tree);
	assert_false(hn_page_table_readable(table));
	assert_int_equal(hn_page_table_look_up(table, pages, 2, status, &err), 0);
	assert_int_equal(status[0], HN_PAGE_UNKNOWN);
	assert_int_equal(status[1], 3);
	assert_int_equal(hn_page_table_read(table, pages, 2, status, tail), -EPERM);
	assert_false(tail[0] || tail[1]);
	assert_int_equal(status[1], HN_PAGE_UNKNOWN);
	hn_page_table_free(table);
	tree_done(&tree);
}

/*
 * A block of addresses and, as parts of it, frames of the huge page 1024-1535 in their places (offset 320 and
 * up); a hole; more of it; frames in their places of 2048-2559, which are small; and frames of the huge page
 * out of their places.
 */
static void tails_follow_their_head(void **state)
{
	enum { AT = FIRST_PAGE % 512 };
	const uint64_t frames[] = {1024 + AT,     1024 + AT + 1, 0,          1024 + AT + 3, 1024 + AT + 4,
				   2048 + AT + 5, 2048 + AT + 6, 1024 + 300, 1024 + 301};
	const bool expected[] = {0, 1, 0, 0, 1, 0, 0, 0, 0};
	enum { COUNT = HN_COUNT(frames) };
	uint64_t entries[COUNT], flags[512];
	void *pages[COUNT];
	int status[COUNT];
	bool tail[COUNT];
	struct hn_page_table *table;
	struct tree tree;

	tree_init(&tree);
	for (int i = 0; i < 512; i++)
		flags[i] = i == 0 ? COMPOUND_HEAD : COMPOUND_TAIL;
	for (int i = 0; i < COUNT; i++) {
		entries[i] = frames[i] ? PRESENT | frames[i] : 0;
		pages[i] = page_at(FIRST_PAGE + (uint64_t)i);
	}
	tree_write_words(&tree, "proc/kpageflags", 1024, flags, HN_COUNT(flags));
	tree_write_words(&tree, "proc/100/pagemap", FIRST_PAGE, entries, COUNT);
	table = table_open(&tree);
	assert_int_equal(hn_page_table_read(table, pages, COUNT, status, tail), 0);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(tail[i], expected[i]);
	/* Also when pages between are not in the list. */
	pages[1] = pages[3];
	pages[2] = pages[6];
	assert_int_equal(hn_page_table_read(table, pages, 3, status, tail), 0);
	assert_false(tail[0]);
	assert_true(tail[1]);
	assert_false(tail[2]);
	hn_page_table_free(table);
	tree_done(&tree);
}

/* Compound pages of any order at any place they can be at: only those of a whole block or more count. */
static void smaller_compound_pages_are_passed_over(void **state)
{
	enum { FIRST = 512 * 4, COUNT = 512 * 6 };
	static uint64_t entries[COUNT], flags[COUNT];
	static bool whole[COUNT], tail[COUNT];
	static void *pages[COUNT];
	static int status[COUNT];
	struct hn_random random = {.state = 9};
	struct hn_page_table *table;
	struct tree tree;

	tree_init(&tree);
	for (int i = 0; i < COUNT;) {
		int order = (int)hn_random_below(&random, 11), size;

		while ((FIRST + i) % (1 << order) || i + (1 << order) > COUNT)
			order--;
		size = 1 << order;
		for (int k = i; k < i + size; k++) {
			flags[k] = size == 1 ? 0 : k == i ? COMPOUND_HEAD : COMPOUND_TAIL;
			whole[k] = size >= 512 && k > i;
		}
		i += size;
	}
	for (int i = 0; i < COUNT; i++) {
		entries[i] = PRESENT | (uint64_t)(FIRST + i);
		pages[i] = page_at((uint64_t)(512 * 100 + i));
	}
	tree_write_words(&tree, "proc/kpageflags", FIRST, flags, COUNT);
	tree_write_words(&tree, "proc/100/pagemap", 512 * 100, entries, COUNT);
	table = table_open(&tree);
	assert_int_equal(hn_page_table_read(table, pages, COUNT, status, tail), 0);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(tail[i],
				 whole[i] && i % 512); /* each block of a larger page has its own first */
	hn_page_table_free(table);
	tree_done(&tree);
}

/* A real huge page, where this kernel gives one. */
static void own_huge_page_has_one_head(void **state)
{
	const size_t huge = 2 << 20;
	size_t base = hn_base_page_bytes(), count = huge / base, heads = 0;
	struct hn_page_table *table;
	struct hn_error err;
	char *area, *memory;
	void *pages[512];
	int status[512];
	bool tail[512];
	int directory;

	if (base != 4096 || geteuid() != 0)
		skip();
	area = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	memory = (char *)(((uint64_t)area + huge - 1) / huge * huge);
	madvise(memory, huge, MADV_HUGEPAGE);
	memset(memory, 1, huge);
	for (size_t i = 0; i < count; i++)
		pages[i] = memory + i * base;
	directory = open("/proc/self", O_RDONLY | O_DIRECTORY);
	assert_int_equal(hn_page_table_new(NULL, directory, &table, &err), 0);
	assert_int_equal(hn_page_table_read(table, pages, count, status, tail), 0);
	for (size_t i = 0; i < count; i++)
		heads += !tail[i];
	if (heads == count) {
		print_message("skipped: no huge page to be had\n");
		skip();
	}
	assert_int_equal(heads, 1);
	assert_false(tail[0]);
	for (size_t i = 0; i < count; i++)
		assert_true(status[i] >= 0 || status[i] == HN_PAGE_UNKNOWN);
	/* Split into small pages it has none. */
	madvise(memory, huge, MADV_DONTNEED);
	madvise(memory, huge, MADV_NOHUGEPAGE);
	memset(memory, 1, huge);
	assert_int_equal(hn_page_table_read(table, pages, count, status, tail), 0);
	for (size_t i = 0; i < count; i++)
		assert_false(tail[i]);
	hn_page_table_free(table);
	close(directory);
	munmap(area, 2 * huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_pages_are_found_where_they_are),
		cmocka_unit_test(lists_of_any_shape_are_answered),
		cmocka_unit_test(pages_are_read_where_they_are),
		cmocka_unit_test(who_is_gone_has_no_absent_pages),
		cmocka_unit_test(without_rights_pages_are_unknown),
		cmocka_unit_test(tails_follow_their_head),
		cmocka_unit_test(smaller_compound_pages_are_passed_over),
		cmocka_unit_test(own_huge_page_has_one_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
