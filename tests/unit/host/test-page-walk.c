/* A walk of this process's own memory beside asking for every page of it, and of ranges that are no mappings.
 */
#include "host/page-walk.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/units.h"
#include "lacking.h"
#include "tests/unit/child.h"

#define PAGES 1024

/* With a hole on both sides, as QEMU has it: no neighbour becomes one mapping with it. */
static struct hn_range map(uint64_t pages, int cell)
{
	uint64_t step = hn_base_page_bytes();
	char *start =
		mmap(NULL, (pages + 2) * step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(start, MAP_FAILED);
	munmap(start, step);
	munmap(start + (pages + 1) * step, step);
	madvise(start + step, pages * step, MADV_NOHUGEPAGE);
	return (struct hn_range){.start = (uint64_t)start + step, .bytes = pages * step, .cell = cell};
}

static void touch(const struct hn_range *range, uint64_t page)
{
	*(volatile char *)(range->start + page * hn_base_page_bytes()) = 1;
}

static void unmap(const struct hn_range *range)
{
	munmap((char *)range->start, range->bytes);
}

static struct hn_process self(void)
{
	struct hn_process process;
	struct hn_error err;

	assert_int_equal(hn_process_of_thread(NULL, getpid(), &process, NULL, &err), 0);
	return process;
}

static uint64_t present(const struct hn_page_counts *counts)
{
	uint64_t sum = 0;

	for (int i = 0; i < HN_NODE_IDS; i++)
		sum += counts->on_node[i];
	assert_int_equal(sum + counts->absent + counts->unknown, counts->sampled);
	return sum;
}

static void a_walk_tells_what_asking_for_every_page_does(void **state)
{
	struct hn_range ranges[] = {map(PAGES, 0), map(PAGES, 3), map(PAGES / 2, 0)};
	struct hn_page_counts walked[2] = {{.cell = 0}, {.cell = 3}}, asked[2] = {{.cell = 0}, {.cell = 3}};
	struct hn_process process = self();
	struct hn_error err;

	if (lacks(SYS_move_pages, "move_pages"))
		skip();
	for (uint64_t i = 0; i < PAGES; i += 3)
		touch(&ranges[0], i);
	for (uint64_t i = 0; i < 100; i++)
		touch(&ranges[1], i);
	for (uint64_t i = 0; i < 7; i++)
		touch(&ranges[2], i);
	assert_int_equal(hn_pages_walk(NULL, &process, ranges, 3, walked, 2, &err), 0);
	assert_int_equal(hn_pages_count(NULL, &process, ranges, 3, asked, 2, &err), 0);
	assert_int_equal(present(&walked[0]), (PAGES + 2) / 3 + 7);
	assert_int_equal(present(&walked[1]), 100);
	assert_int_equal(walked[0].sampled, PAGES + PAGES / 2);
	assert_memory_equal(walked, asked, sizeof(walked));
	for (size_t i = 0; i < 3; i++)
		unmap(&ranges[i]);
}

/* What kernel NUMA balancing does to idle memory looks like mprotect's work in the page table: a walk sees
 * it. */
static void inaccessible_pages_are_counted(void **state)
{
	struct hn_range range = map(PAGES, 0);
	struct hn_page_counts counts = {.cell = 0};
	struct hn_process process = self();
	struct hn_error err;

	for (uint64_t i = 0; i < PAGES; i++)
		touch(&range, i);
	assert_int_equal(mprotect((char *)range.start, range.bytes / 2, PROT_NONE), 0);
	assert_int_equal(hn_pages_walk(NULL, &process, &range, 1, &counts, 1, &err), 0);
	assert_int_equal(present(&counts), PAGES);
	assert_int_equal(counts.unknown, 0);
	unmap(&range);
}

static void ranges_that_are_not_whole_mappings_are_refused(void **state)
{
	struct hn_range whole = map(PAGES, 0), range = whole;
	struct hn_page_counts counts = {.cell = 0};
	struct hn_process process = self();
	struct hn_error err;

	range.bytes -= hn_base_page_bytes();
	assert_int_equal(hn_pages_walk(NULL, &process, &range, 1, &counts, 1, &err), -EDOM);
	range = whole;
	range.start += hn_base_page_bytes();
	range.bytes -= hn_base_page_bytes();
	assert_int_equal(hn_pages_walk(NULL, &process, &range, 1, &counts, 1, &err), -EDOM);
	unmap(&whole);
	assert_int_equal(hn_pages_walk(NULL, &process, &whole, 1, &counts, 1, &err), -EDOM);
}

static void a_process_that_is_gone_is_said(void **state)
{
	struct hn_range range = {.start = 1 << 20, .bytes = 1 << 20};
	struct hn_page_counts counts = {.cell = 0};
	struct hn_process process;
	struct hn_error err;
	pid_t pid = child_fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(hn_process_of_thread(NULL, pid, &process, NULL, &err), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(hn_pages_walk(NULL, &process, &range, 1, &counts, 1, &err), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_tells_what_asking_for_every_page_does),
		cmocka_unit_test(inaccessible_pages_are_counted),
		cmocka_unit_test(ranges_that_are_not_whole_mappings_are_refused),
		cmocka_unit_test(a_process_that_is_gone_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
