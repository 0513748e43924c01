/* hn_move() with the machine's own kernel: on any machine, memory can at least be "moved" to where it is. */
#include "host/mover.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/units.h"
#include "host/topology.h"
#include "lacking.h"
#include "tests/unit/child.h"

#define BYTES (64 * HN_MIB)
#define TOUCHED (40 * HN_MIB)

struct child {
	struct hn_process process;
	struct hn_range range;
};

/* A process with TOUCHED of BYTES touched, in huge pages where there are any. */
static void child_start(struct child *child)
{
	struct hn_error err;
	char *area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int gate[2];
	char byte;
	uid_t uid;
	pid_t pid;

	assert_ptr_not_equal(area, MAP_FAILED);
	madvise(area, TOUCHED / 2, MADV_HUGEPAGE);
	madvise(area + TOUCHED / 2, BYTES - TOUCHED / 2, MADV_NOHUGEPAGE);
	assert_int_equal(pipe(gate), 0);
	pid = child_fork();
	if (pid == 0) {
		memset(area, 1, TOUCHED);
		if (write(gate[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(gate[0], &byte, 1), 1);
	close(gate[0]);
	close(gate[1]);
	munmap(area, BYTES);
	assert_int_equal(hn_process_of_thread(NULL, pid, &child->process, &uid, &err), 0);
	child->range = (struct hn_range){.start = (uint64_t)area, .bytes = BYTES};
}

static void child_stop(struct child *child)
{
	kill(child->process.pid, SIGKILL);
	waitpid(child->process.pid, NULL, 0);
}

static uint64_t bytes_on(const struct child *child, int node)
{
	struct hn_page_counts counts = {.cell = 0};
	struct hn_error err;

	assert_int_equal(hn_pages_count(NULL, &child->process, &child->range, 1, &counts, 1, &err), 0);
	return counts.on_node[node] * hn_base_page_bytes();
}

static bool on_watch(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	++*(int *)context;
	return true;
}

static struct hn_move_order order_of(const struct child *child, int node)
{
	return (struct hn_move_order){
		.process = child->process, .ranges = &child->range, .range_count = 1, .to_node = node};
}

static void check_books(const struct hn_move_progress *progress)
{
	uint64_t sum = progress->already_bytes + progress->moved_bytes + progress->absent_bytes;

	for (int i = 0; i < HN_STAY_COUNT; i++)
		sum += progress->stayed_bytes[i];
	assert_int_equal(sum, progress->total_bytes);
	assert_int_equal(progress->scanned_bytes, progress->total_bytes);
}

/* To every node with memory in turn; with one node that means nothing moves. */
static void memory_goes_where_it_is_told(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct child child;

	if (lacks(SYS_move_pages, "move_pages"))
		skip();
	assert_int_equal(hn_topology_load(NULL, &host, &err), 0);
	child_start(&child);
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_move_order order = order_of(&child, host->nodes[i].id);
		uint64_t before = bytes_on(&child, host->nodes[i].id), there;
		struct hn_move_progress progress;
		int calls = 0;

		if (host->nodes[i].memory_bytes == 0)
			continue;
		if (hn_move(&order, on_watch, &calls, &progress, &err))
			fail_msg("%s", err.message);
		check_books(&progress);
		there = bytes_on(&child, host->nodes[i].id);
		assert_int_equal(progress.already_bytes, before);
		assert_int_equal(progress.already_bytes + progress.moved_bytes, there);
		assert_true(there >= TOUCHED * 99 / 100);
		assert_true(calls > 0);
	}
	child_stop(&child);
}

static void a_node_that_is_not_there_is_told(void **state)
{
	struct hn_move_progress progress;
	struct hn_error err;
	struct child child;
	struct hn_move_order order;

	if (access("/sys/devices/system/node/node255", F_OK) == 0 || lacks(SYS_move_pages, "move_pages"))
		skip();
	child_start(&child);
	order = order_of(&child, 255);
	assert_int_equal(hn_move(&order, NULL, NULL, &progress, &err), -ENODEV);
	assert_int_equal(progress.moved_bytes, 0);
	child_stop(&child);
}

static void another_process_with_its_pid_is_left_alone(void **state)
{
	struct hn_move_progress progress;
	struct hn_error err;
	struct child child;
	struct hn_move_order order;

	child_start(&child);
	order = order_of(&child, 0);
	order.process.start_ticks++;
	assert_int_equal(hn_move(&order, NULL, NULL, &progress, &err), -ESRCH);
	child_stop(&child);
	order.process.start_ticks--;
	assert_int_equal(hn_move(&order, NULL, NULL, &progress, &err), -ESRCH);
	assert_int_equal(progress.scanned_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_goes_where_it_is_told),
		cmocka_unit_test(a_node_that_is_not_there_is_told),
		cmocka_unit_test(another_process_with_its_pid_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
