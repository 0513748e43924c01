/* Threads of a realtime class, among those of a made-up /proc. */
#include "host/realtime-threads.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tree.h"

#define KERNEL_THREAD 0x00200000u

static void write_thread(const struct tree *tree, pid_t pid, pid_t tid, const char *name, unsigned flags,
			 int policy)
{
	const struct stat_line line = {
		.pid = tid, .name = name, .state = 'S', .flags = flags, .start = 9, .policy = policy};
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/task/%d/stat", (int)pid, (int)tid);
	tree_write_stat(tree, path, &line);
}

static void they_are_found_and_kernel_threads_are_not(void **state)
{
	struct hn_realtime_threads threads;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	write_thread(&tree, 10, 10, "bash", 0, 0);
	write_thread(&tree, 12, 12, "migration/0", KERNEL_THREAD, 1);
	assert_int_equal(hn_realtime_threads_find(tree.root, &threads, &err), 0);
	assert_int_equal(threads.count, 0);
	write_thread(&tree, 10, 11, "a) 1 (b", 0, 6);
	assert_int_equal(hn_realtime_threads_find(tree.root, &threads, &err), 0);
	assert_int_equal(threads.count, 1);
	assert_int_equal(threads.pid, 10);
	assert_int_equal(threads.tid, 11);
	assert_string_equal(threads.name, "a) 1 (b");
	assert_string_equal(threads.policy, "DEADLINE");
	write_thread(&tree, 13, 13, "jackd", 0, 1);
	write_thread(&tree, 13, 14, "jackd", 0, 2);
	tree_write(&tree, "proc/14/task/14/stat", "14 (gone");
	assert_int_equal(hn_realtime_threads_find(tree.root, &threads, &err), 0);
	assert_int_equal(threads.count, 3);
	tree_done(&tree);
}

static void without_a_proc_that_is_said(void **state)
{
	struct hn_realtime_threads threads;
	struct hn_error err = {0};
	struct tree tree;

	tree_init(&tree);
	assert_int_equal(hn_realtime_threads_find(tree.root, &threads, &err), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_found_and_kernel_threads_are_not),
		cmocka_unit_test(without_a_proc_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
