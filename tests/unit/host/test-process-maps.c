/* Address ranges held against what the kernel lists, on made-up trees and on this very process. */
#include "host/process-maps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/range-kinds.h"
#include "tree.h"

static int check_own(uint64_t start, uint64_t bytes)
{
	struct hn_process self;
	struct hn_error err;

	assert_int_equal(hn_process_of_thread(NULL, getpid(), &self, NULL, &err), 0);
	return hn_ranges_check(NULL, &self, &(struct hn_range){start, bytes, 0}, 1, &err);
}

/* Mappings as the kernel lists them: two that touch, a gap, one that is read-only, two that touch. */
static void ranges_must_lie_in_writable_memory(void **state)
{
	static const struct {
		uint64_t start, bytes;
		int result;
		uint64_t at;
	} cases[] = {
		{0x10000, 0x1000, 0, 0},
		{0x10000, 0x3000, 0, 0},
		{0x11000, 0x2000, 0, 0},
		{0x0f000, 0x1000, -EFAULT, 0x0f000},
		{0x10000, 0x4000, -EFAULT, 0x13000},
		{0x20000, 0x1000, -EFAULT, 0x20000},
		{0x30000, 0x2000, 0, 0},
		{0x30000, 0x2001, -EFAULT, 0x32000},
		{0x90000, 0x1000, -EFAULT, 0x90000},
		{0x10000, 0, -EINVAL, 0},
		{0xfffffffffffff000, 0x2000, -EINVAL, 0},
	};
	struct hn_process process = {.pid = 100, .start_ticks = 1};
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/maps",
		   "00001000-00002000 rw-p 00000000 00:00 0          [heap]\n"
		   "00010000-00012000 rw-p 00000000 00:00 0\n"
		   "00012000-00013000 rw-s 00000000 00:01 17 /memfd:a b (deleted)\n"
		   "00020000-00022000 r--p 00000000 00:00 0 /lib/x.so\n"
		   "00030000-00031000 rwxp 00000000 00:00 0\n"
		   "00031000-00032000 rw-p 00000000 00:00 0\n"
		   "00032000-00033000 ---p 00000000 00:00 0\n");
	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_error err = {0};
		char where[32];

		assert_int_equal(hn_ranges_check(tree.root, &process,
						 &(struct hn_range){cases[i].start, cases[i].bytes, 0}, 1,
						 &err),
				 cases[i].result);
		snprintf(where, sizeof(where), "0x%llx", (unsigned long long)cases[i].at);
		if (cases[i].result == -EFAULT)
			assert_non_null(strstr(err.message, where));
	}
	tree_done(&tree);
}

static void own_memory_is_found_and_holes_are_not(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(check_own((uint64_t)memory, 8 * page), 0);
	assert_int_equal(mprotect(memory + 4 * page, page, PROT_READ), 0);
	assert_int_equal(check_own((uint64_t)memory, 4 * page), 0);
	assert_int_equal(check_own((uint64_t)memory, 5 * page), -EFAULT);
	munmap(memory, 8 * page);
}

/* In whatever order they are told. */
static void each_of_many_ranges_is_checked(void **state)
{
	static const struct {
		struct hn_range ranges[4];
		size_t count;
		int result;
		const char *said;
	} cases[] = {
		{{{0}}, 0, 0, NULL},
		{{{0x30000, 0x1000, 0}, {0x10000, 0x1000, 0}, {0x11000, 0x2000, 0}, {0x31000, 0x1000, 0}},
		 4,
		 0,
		 NULL},
		{{{0x30000, 0x1000, 0}, {0x12000, 0x2000, 0}, {0x10000, 0x1000, 0}}, 3, -EFAULT, "0x13000"},
		{{{0x12000, 0x1000, 0}, {0x1f000, 0x1000, 0}}, 2, -EFAULT, "0x1f000"},
		{{{0x12000, 0x1000, 0}, {0x40000, 0x1000, 0}}, 2, -EFAULT, "0x40000"},
		{{{0x10000, 0x2000, 0}, {0x30000, 0x1000, 0}, {0x11000, 0x1000, 0}}, 3, -EINVAL, "overlap"},
		{{{0x10000, 0x1000, 0}, {0x10000, 0x1000, 0}}, 2, -EINVAL, "0x10000 and 0x10000"},
		{{{0x10000, 0x1000, 0}, {0xfffffffffffff000, 0x2000, 0}}, 2, -EINVAL, "no address range"},
	};
	const struct hn_process process = {.pid = 100, .start_ticks = 1};
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/maps",
		   "00010000-00013000 rw-p 00000000 00:00 0\n"
		   "00020000-00022000 r--p 00000000 00:00 0 /lib/x.so\n"
		   "00030000-00031000 rw-p 00000000 00:00 0\n"
		   "00031000-00032000 rw-p 00000000 00:00 0\n");
	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_error err = {0};

		assert_int_equal(hn_ranges_check(tree.root, &process, cases[i].ranges, cases[i].count, &err),
				 cases[i].result);
		if (cases[i].said)
			assert_non_null(strstr(err.message, cases[i].said));
	}
	tree_done(&tree);
}

/* As many mappings as the kernel allows, and more ranges: read once for each, or each compared with each, it
 * would take hours. */
static void many_ranges_take_one_pass(void **state)
{
	enum { MAPPINGS = 1 << 16, EACH = 16, RANGES = MAPPINGS * EACH };
	HN_AUTO(memory) struct hn_range *ranges = calloc(RANGES, sizeof(*ranges));
	HN_AUTO(memory) struct hn_range_kind *kinds = calloc(RANGES, sizeof(*kinds));
	HN_AUTO(memory) char *text = malloc(MAPPINGS * 64);
	const struct hn_process process = {.pid = 100, .start_ticks = 1};
	struct hn_error err = {0};
	size_t used = 0;
	struct tree tree;

	assert_true(ranges && kinds && text);
	for (size_t i = 0; i < MAPPINGS; i++)
		used += (size_t)sprintf(text + used, "%zx-%zx rw-%c 00000000 00:00 0\n", (i + 1) << 16,
					(i + 2) << 16, i % 2 ? 's' : 'p');
	for (size_t i = 0; i < RANGES; i++)
		ranges[i] = (struct hn_range){(RANGES - i + 15) << 12, 1 << 12, 0};
	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/maps", "%s", text);
	assert_int_equal(hn_ranges_check(tree.root, &process, ranges, RANGES, &err), 0);
	assert_int_equal(hn_range_kinds_read(tree.root, &process, ranges, RANGES, kinds, &err), 0);
	for (size_t i = 0; i < RANGES; i++) {
		assert_int_equal(kinds[i].backing, HN_BACKING_ANONYMOUS);
		assert_int_equal(kinds[i].shared, ((ranges[i].start >> 16) - 1) % 2);
	}
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_must_lie_in_writable_memory),
		cmocka_unit_test(own_memory_is_found_and_holes_are_not),
		cmocka_unit_test(each_of_many_ranges_is_checked),
		cmocka_unit_test(many_ranges_take_one_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
