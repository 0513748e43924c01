/* Processes named for good, on made-up trees and on this very process. */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/proc-stat.h"
#include "tests/unit/child.h"
#include "tree.h"

static void names_cannot_fake_fields(void **state)
{
	const char *const names[] = {"qemu",    "CPU 0/KVM", "a) S 1 2 3 4",      "()",
				     "))) (((", "",          "kworker/0:1-mm_per"};
	struct tree tree;

	tree_init(&tree);
	for (size_t i = 0; i < HN_COUNT(names); i++) {
		struct stat_line line = {.pid = 77,
					 .name = names[i],
					 .state = 'R',
					 .flags = i % 2 ? 0x00200040 : 0x00400040,
					 .utime = 500,
					 .stime = 25,
					 .start = 123456789 + i,
					 .cpu = (int)i,
					 .policy = 1};
		struct hn_proc_stat stat;
		char text[2048], expected[16];

		tree_write_stat(&tree, "stat", &line);
		assert_true(file_read(text, sizeof(text), tree.root, "stat") > 0);
		assert_int_equal(hn_proc_stat_parse(text, &stat), 0);
		snprintf(expected, sizeof(expected), "%.15s", names[i]);
		assert_string_equal(stat.name, expected);
		assert_int_equal(stat.state, 'R');
		assert_int_equal(stat.kernel_thread, i % 2);
		assert_int_equal(stat.cpu_ticks, 525);
		assert_int_equal(stat.start_ticks, 123456789 + i);
		assert_int_equal(stat.last_cpu, i);
		assert_int_equal(stat.scheduling_policy, 1);
	}
	tree_done(&tree);
}

static void a_name_is_nothing_that_a_terminal_obeys(void **state)
{
	struct hn_proc_stat stat;
	struct stat_line line = {.pid = 77, .name = "\x1b]0;it\x07", .state = 'R', .start = 1};
	struct tree tree;
	char text[2048];

	tree_init(&tree);
	tree_write_stat(&tree, "stat", &line);
	assert_true(file_read(text, sizeof(text), tree.root, "stat") > 0);
	assert_int_equal(hn_proc_stat_parse(text, &stat), 0);
	assert_string_equal(stat.name, "?]0;it?");
	tree_done(&tree);
}

static void lines_that_are_none_are_refused(void **state)
{
	const char *const texts[] = {
		"", "1", "1 (a", "1 (a)", "1 (a) S", "1 (a) S 1 2 3", ") 1 (a S 1 2", "1 (a) S x y"};

	for (size_t i = 0; i < HN_COUNT(texts); i++) {
		struct hn_proc_stat stat;

		assert_int_equal(hn_proc_stat_parse(texts[i], &stat), -EPROTO);
	}
}

static void a_thread_leads_to_its_process(void **state)
{
	struct hn_process process;
	struct hn_error err;
	struct tree tree;
	uid_t uid;

	tree_init(&tree);
	tree_write_process(&tree, 100, 4711);
	tree_write(&tree, "proc/103/status",
		   "Name:\tCPU 0/KVM\nTgid:\t100\nPid:\t103\nUid:\t7\t64055\t8\t9\n");
	tree_write(&tree, "proc/100/task/103/comm", "CPU 0/KVM\n");
	assert_int_equal(hn_process_of_thread(tree.root, 103, &process, &uid, &err), 0);
	assert_int_equal(process.pid, 100);
	assert_int_equal(process.start_ticks, 4711);
	assert_int_equal(uid, 64055);
	/* The thread ended while its process was looked at. */
	tree_remove(&tree, "proc/100/task/103");
	assert_int_equal(hn_process_of_thread(tree.root, 103, &process, &uid, &err), -ESRCH);
	assert_int_equal(hn_process_of_thread(tree.root, 104, &process, &uid, &err), -ESRCH);
	tree_write(&tree, "proc/105/status", "Name:\tx\n");
	assert_int_equal(hn_process_of_thread(tree.root, 105, &process, &uid, &err), -EPROTO);
	tree_done(&tree);
}

static void another_with_the_same_pid_is_not_taken_for_it(void **state)
{
	struct hn_process process = {.pid = 100, .start_ticks = 4711};
	struct stat_line zombie = {.pid = 100, .name = "qemu", .state = 'Z', .start = 4711};
	struct hn_error err = {0};
	struct tree tree;

	tree_init(&tree);
	assert_int_equal(hn_process_check(tree.root, &process, &err), -ESRCH);
	tree_write_process(&tree, 100, 4711);
	assert_int_equal(hn_process_check(tree.root, &process, &err), 0);
	tree_write_process(&tree, 100, 4712);
	assert_int_equal(hn_process_check(tree.root, &process, &err), -ESRCH);
	assert_non_null(strstr(err.message, "100"));
	tree_write_stat(&tree, "proc/100/stat", &zombie);
	assert_int_equal(hn_process_check(tree.root, &process, &err), -ESRCH);
	tree_done(&tree);
}

static void this_process_lives_and_its_child_dies(void **state)
{
	struct hn_process self, child;
	struct hn_error err;
	uid_t uid;
	pid_t pid;
	int fd;

	assert_int_equal(hn_process_of_thread(NULL, getpid(), &self, &uid, &err), 0);
	assert_int_equal(self.pid, getpid());
	assert_int_equal(uid, geteuid());
	assert_int_equal(hn_process_check("", &self, &err), 0);
	pid = child_fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(hn_process_of_thread(NULL, pid, &child, &uid, &err), 0);
	fd = hn_process_open(NULL, &child, &err);
	assert_true(fd >= 0);
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	assert_int_equal(hn_process_check(NULL, &child, &err), -ESRCH); /* a zombie */
	waitpid(pid, NULL, 0);
	assert_int_equal(hn_process_check(NULL, &child, &err), -ESRCH);
	/* What was opened stays with the one that is gone. */
	assert_true(openat(fd, "comm", O_RDONLY) < 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_cannot_fake_fields),
		cmocka_unit_test(a_name_is_nothing_that_a_terminal_obeys),
		cmocka_unit_test(lines_that_are_none_are_refused),
		cmocka_unit_test(a_thread_leads_to_its_process),
		cmocka_unit_test(another_with_the_same_pid_is_not_taken_for_it),
		cmocka_unit_test(this_process_lives_and_its_child_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
