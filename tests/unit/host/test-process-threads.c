/* Threads of a process and its vhost workers. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/proc-file.h"
#include "host/process.h"
#include "tree.h"

#define KERNEL_THREAD 0x00200000

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

/* folder: the thread's own, such as proc/100/task/101. */
static void write_thread(const struct tree *tree, const char *folder, const struct stat_line *line,
			 uint64_t run_ns, const char *allowed)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/stat", folder);
	tree_write_stat(tree, path, line);
	snprintf(path, sizeof(path), "%s/comm", folder);
	tree_write(tree, path, "%s\n", line->name);
	snprintf(path, sizeof(path), "%s/status", folder);
	tree_write(tree, path,
		   "Name:\t%s\nPid:\t%d\nCpus_allowed:\tff\nCpus_allowed_list:\t%s\nMems_allowed:\t1\n",
		   line->name, (int)line->pid, allowed);
	if (!run_ns)
		return;
	snprintf(path, sizeof(path), "%s/schedstat", folder);
	tree_write(tree, path, "%llu 12 13\n", (unsigned long long)run_ns);
}

static void write_guest(const struct tree *tree)
{
	tree_write_process(tree, 100, 1);
	write_thread(tree, "proc/100/task/103",
		     &(struct stat_line){.pid = 103, .name = "CPU 1/KVM", .utime = 7, .stime = 3, .cpu = 5},
		     0, "4-7");
	write_thread(tree, "proc/100/task/100", &(struct stat_line){.pid = 100, .name = "qemu", .cpu = 2},
		     555, "0-7,12");
	write_thread(tree, "proc/100/task/102",
		     &(struct stat_line){.pid = 102, .name = "CPU 0/KVM", .cpu = 4, .policy = SCHED_FIFO},
		     999, "4");
}

static void threads_come_in_order_with_their_readings(void **state)
{
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	uint64_t tick_ns = HN_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	struct hn_error err;
	struct tree tree;
	size_t count;

	tree_init(&tree);
	write_guest(&tree);
	/* Two that end while they are looked at. */
	tree_write(&tree, "proc/100/task/104/comm", "gone\n");
	tree_write_stat(&tree, "proc/100/task/105/stat", &(struct stat_line){.pid = 105, .name = "gone"});
	if (hn_threads_read(tree.root, &QEMU, &threads, &count, &err))
		fail_msg("%s", err.message);
	assert_int_equal(count, 3);
	assert_int_equal(threads[0].tid, 100);
	assert_int_equal(threads[1].tid, 102);
	assert_int_equal(threads[2].tid, 103);
	assert_string_equal(threads[1].name, "CPU 0/KVM");
	assert_int_equal(threads[1].last_cpu, 4);
	assert_int_equal(threads[1].cpu_ns, 999);
	assert_int_equal(threads[1].scheduling_policy, SCHED_FIFO);
	assert_true(hn_set_has(&threads[0].allowed, 12) && !hn_set_has(&threads[0].allowed, 8));
	assert_int_equal(hn_set_count(&threads[2].allowed), 4);
	assert_int_equal(threads[2].cpu_ns, 10 * tick_ns); /* no schedstat: ticks */
	tree_done(&tree);
}

static size_t count_threads(const struct tree *tree, pid_t *ret_last)
{
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	struct hn_error err;
	size_t count;

	if (hn_threads_read(tree->root, &QEMU, &threads, &count, &err))
		fail_msg("%s", err.message);
	*ret_last = threads[count - 1].tid;
	return count;
}

static void more_threads_than_any_guests_are_refused(void **state)
{
	struct hn_thread_reading *threads = NULL;
	struct hn_error err = {0};
	struct tree tree;
	char path[64];
	size_t count;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	for (pid_t tid = 100; tid <= 100 + HN_THREADS_MAX; tid++) {
		snprintf(path, sizeof(path), "proc/100/task/%d", (int)tid);
		write_thread(&tree, path, &(struct stat_line){.pid = tid, .name = "idle"}, 0, "0");
	}
	assert_int_equal(hn_threads_read(tree.root, &QEMU, &threads, &count, &err), -E2BIG);
	assert_string_equal(err.message, "process 100 has more than 8192 threads");
	snprintf(path, sizeof(path), "proc/100/task/%d", 100 + HN_THREADS_MAX);
	tree_remove(&tree, path);
	assert_int_equal(hn_threads_read(tree.root, &QEMU, &threads, &count, &err), 0);
	assert_int_equal(count, HN_THREADS_MAX);
	free(threads);
	tree_done(&tree);
}

static void kernel_workers_are_found_by_name(void **state)
{
	struct tree tree;
	pid_t last;

	tree_init(&tree);
	write_guest(&tree);
	tree_link(&tree, "proc/100/fd/9", "/dev/vhost-net");
	write_thread(&tree, "proc/50",
		     &(struct stat_line){.pid = 50, .name = "vhost-102", .flags = KERNEL_THREAD}, 1, "0");
	/* Another guest's, one that only claims the name, and a number that is the start of ours. */
	write_thread(&tree, "proc/51",
		     &(struct stat_line){.pid = 51, .name = "vhost-200", .flags = KERNEL_THREAD}, 1, "0");
	write_thread(&tree, "proc/52", &(struct stat_line){.pid = 52, .name = "vhost-100", .flags = 0}, 1,
		     "0");
	write_thread(&tree, "proc/53",
		     &(struct stat_line){.pid = 53, .name = "vhost-10", .flags = KERNEL_THREAD}, 1, "0");
	assert_int_equal(count_threads(&tree, &last), 4);
	assert_int_equal(last, 50);
	tree_done(&tree);
}

static void without_vhost_no_search_is_made(void **state)
{
	struct tree tree;
	pid_t last;

	tree_init(&tree);
	write_guest(&tree);
	tree_link(&tree, "proc/100/fd/9", "/dev/kvm");
	write_thread(&tree, "proc/50",
		     &(struct stat_line){.pid = 50, .name = "vhost-100", .flags = KERNEL_THREAD}, 1, "0");
	assert_int_equal(count_threads(&tree, &last), 3);
	/* Where what it has open cannot be seen, it is. */
	tree_remove(&tree, "proc/100/fd");
	assert_int_equal(count_threads(&tree, &last), 4);
	tree_done(&tree);
}

static void a_worker_among_the_threads_ends_the_search(void **state)
{
	struct tree tree;
	pid_t last;

	tree_init(&tree);
	write_guest(&tree);
	tree_link(&tree, "proc/100/fd/9", "/dev/vhost-net");
	write_thread(&tree, "proc/100/task/110", &(struct stat_line){.pid = 110, .name = "vhost-100"}, 1,
		     "0");
	write_thread(&tree, "proc/50",
		     &(struct stat_line){.pid = 50, .name = "vhost-100", .flags = KERNEL_THREAD}, 1, "0");
	assert_int_equal(count_threads(&tree, &last), 4);
	assert_int_equal(last, 110);
	tree_done(&tree);
}

static void a_process_that_is_gone_is_told(void **state)
{
	struct hn_thread_reading *threads = NULL;
	struct hn_process other = {.pid = 100, .start_ticks = 2};
	struct hn_error err;
	struct tree tree;
	size_t count;

	tree_init(&tree);
	assert_int_equal(hn_threads_read(tree.root, &QEMU, &threads, &count, &err), -ESRCH);
	write_guest(&tree);
	assert_int_equal(hn_threads_read(tree.root, &other, &threads, &count, &err), -ESRCH);
	tree_remove(&tree, "proc/100/task");
	assert_int_equal(hn_threads_read(tree.root, &QEMU, &threads, &count, &err), -ESRCH);
	assert_null(threads);
	tree_done(&tree);
}

static void *worker_main(void *context)
{
	pthread_barrier_t *barrier = context;

	pthread_setname_np(pthread_self(), "a) S 1 (b");
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

/* qemu-user, under which ./test arm64 runs this, has one of its own. */
static size_t own_thread_count(void)
{
	HN_AUTO(directory) DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks)))
		count += entry->d_name[0] != '.';
	return count;
}

static void own_threads_are_read(void **state)
{
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	pthread_barrier_t barrier;
	struct hn_process self;
	struct hn_error err;
	pthread_t worker;
	struct timespec used;
	uint64_t used_ns;
	cpu_set_t allowed;
	size_t count, before = own_thread_count();
	uid_t uid;

	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&worker, NULL, worker_main, &barrier), 0);
	pthread_barrier_wait(&barrier);
	assert_int_equal(hn_process_of_thread(NULL, getpid(), &self, &uid, &err), 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	used_ns = (uint64_t)used.tv_sec * HN_NS_PER_S + (uint64_t)used.tv_nsec;
	assert_int_equal(hn_threads_read(NULL, &self, &threads, &count, &err), 0);
	assert_int_equal(count, before + 1);
	assert_int_equal(threads[0].tid, getpid());
	assert_string_equal(threads[before].name, "a) S 1 (b");
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	assert_int_equal(hn_set_count(&threads[0].allowed), CPU_COUNT(&allowed));
	assert_true(hn_set_has(&threads[0].allowed, threads[0].last_cpu));
	/* The kernel's figure may trail by up to a tick while the thread runs. */
	assert_true(threads[0].cpu_ns + 20 * HN_NS_PER_MS > used_ns);
	pthread_barrier_wait(&barrier);
	pthread_join(worker, NULL);
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_come_in_order_with_their_readings),
		cmocka_unit_test(more_threads_than_any_guests_are_refused),
		cmocka_unit_test(kernel_workers_are_found_by_name),
		cmocka_unit_test(without_vhost_no_search_is_made),
		cmocka_unit_test(a_worker_among_the_threads_ends_the_search),
		cmocka_unit_test(a_process_that_is_gone_is_told),
		cmocka_unit_test(own_threads_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
