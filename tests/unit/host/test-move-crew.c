/* The crew on the kernel that is there: it is asked to move this process's pages to the node they are on. */
#include "host/move-crew.h"

#include <errno.h>
#include <numaif.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/units.h"
#include "lacking.h"

#define PAGES 4096
#define CALLS 200

struct list {
	char *memory;
	void *pages[PAGES];
	int nodes[PAGES], status[PAGES];
};

static void list_fill(struct list *list)
{
	list->memory = mmap(NULL, PAGES * hn_base_page_bytes(), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(list->memory != MAP_FAILED);
	memset(list->memory, 1, PAGES * hn_base_page_bytes());
	for (size_t i = 0; i < PAGES; i++)
		list->pages[i] = list->memory + i * hn_base_page_bytes();
	assert_int_equal(syscall(SYS_move_pages, 0, 1UL, list->pages, NULL, list->nodes, 0), 0);
	for (size_t i = 0; i < PAGES; i++)
		list->nodes[i] = list->nodes[0];
}

static void list_cut(struct list *list, struct hn_move_span *spans)
{
	memset(list->status, 0xff, sizeof(list->status));
	for (size_t i = 0; i < HN_LANES; i++) {
		size_t first = i * PAGES / HN_LANES;

		spans[i] = (struct hn_move_span){.pages = &list->pages[first],
						 .nodes = &list->nodes[first],
						 .status = &list->status[first],
						 .count = PAGES / HN_LANES,
						 .answer = 4711};
	}
}

static void check_made(const struct list *list, const struct hn_move_span *spans)
{
	for (size_t i = 0; i < HN_LANES; i++) {
		assert_int_equal(spans[i].answer, 0);
		assert_true(spans[i].wall_ns > 0);
	}
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(list->status[i], list->nodes[0]);
}

/* Again and again, so that who ends first changes. */
static void every_span_is_made(void **state)
{
	HN_AUTO(hn_move_crew) struct hn_move_crew *crew = hn_move_crew_new();
	struct hn_move_span spans[HN_LANES];
	static struct list list;

	if (lacks(SYS_move_pages, "move_pages"))
		skip();
	assert_non_null(crew);
	list_fill(&list);
	for (int i = 0; i < CALLS; i++) {
		list_cut(&list, spans);
		hn_move_crew_run(crew, getpid(), spans, HN_LANES, MPOL_MF_MOVE);
		check_made(&list, spans);
		assert_true(spans[1].cpu_ns > 0);
	}
	munmap(list.memory, PAGES * hn_base_page_bytes());
}

static void without_a_crew_they_are_made_in_turn(void **state)
{
	struct hn_move_span spans[HN_LANES];
	static struct list list;

	if (lacks(SYS_move_pages, "move_pages"))
		skip();
	list_fill(&list);
	list_cut(&list, spans);
	hn_move_crew_run(NULL, getpid(), spans, HN_LANES, MPOL_MF_MOVE);
	check_made(&list, spans);
	assert_int_equal(spans[1].cpu_ns, 0);
	munmap(list.memory, PAGES * hn_base_page_bytes());
}

static void a_process_that_is_gone_is_told_by_all(void **state)
{
	HN_AUTO(hn_move_crew) struct hn_move_crew *crew = hn_move_crew_new();
	struct hn_move_span spans[HN_LANES];
	static struct list list;
	pid_t child;

	if (lacks(SYS_move_pages, "move_pages"))
		skip();
	list_fill(&list);
	list_cut(&list, spans);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	for (int reaped = 0; reaped < 2; reaped++) { /* first it is dead and not yet waited for */
		siginfo_t info;

		assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | (reaped ? 0 : WNOWAIT)), 0);
		hn_move_crew_run(crew, child, spans, HN_LANES, MPOL_MF_MOVE);
		for (size_t i = 0; i < HN_LANES; i++)
			assert_int_equal(spans[i].answer, -ESRCH);
	}
	munmap(list.memory, PAGES * hn_base_page_bytes());
}

static volatile sig_atomic_t taken;
static pthread_t taker;

static void on_signal(int number)
{
	taker = pthread_self();
	taken = taken + 1;
}

/* Signals of the process are for who has started the crew. */
static void the_crew_takes_no_signals(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};
	HN_AUTO(hn_move_crew) struct hn_move_crew *crew = NULL;
	struct sigaction before;

	sigaction(SIGUSR1, &action, &before);
	crew = hn_move_crew_new();
	assert_non_null(crew);
	for (int i = 0; i < CALLS; i++)
		kill(getpid(), SIGUSR1);
	assert_true(taken > 0);
	assert_true(pthread_equal(taker, pthread_self()));
	sigaction(SIGUSR1, &before, NULL);
}

/* As many as the CPUs it may run on. */
static void the_crew_is_as_large_as_its_cpus(void **state)
{
	struct hn_set before = {0}, one = {0};

	assert_true(syscall(SYS_sched_getaffinity, 0, sizeof(before.words), before.words) > 0);
	assert_int_equal(hn_move_crew_most(), hn_set_count(&before) < HN_LANES ? 1 : HN_LANES);
	hn_set_add(&one, hn_set_next(&before, 0));
	assert_int_equal(syscall(SYS_sched_setaffinity, 0, sizeof(one.words), one.words), 0);
	assert_int_equal(hn_move_crew_most(), 1);
	assert_int_equal(syscall(SYS_sched_setaffinity, 0, sizeof(before.words), before.words), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_span_is_made),
		cmocka_unit_test(without_a_crew_they_are_made_in_turn),
		cmocka_unit_test(a_process_that_is_gone_is_told_by_all),
		cmocka_unit_test(the_crew_takes_no_signals),
		cmocka_unit_test(the_crew_is_as_large_as_its_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
