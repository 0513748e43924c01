/*
 * What move_pages says of this very process, against page tables that say otherwise: a stand-in for a kernel
 * that hides pages.
 */
#include "host/page-query.h"

#include <errno.h>
#include <numaif.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "host/page-reveal.h"
#include "lacking.h"
#include "tests/unit/child.h"
#include "tree.h"

#define PAGES 256
#define TOUCHED 64
#define PRESENT (UINT64_C(1) << 63)
#define HIDDEN_NODE 5

struct own {
	struct tree tree;
	struct hn_process process;
	char *memory;
	void *pages[PAGES];
	int status[PAGES];
};

static void own_init(struct own *own)
{
	size_t step = hn_base_page_bytes();
	struct hn_error err;
	char path[64], target[64];
	uid_t uid;

	own->memory = mmap(NULL, PAGES * step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(own->memory, MAP_FAILED);
	madvise(own->memory, PAGES * step, MADV_NOHUGEPAGE);
	for (int i = 0; i < PAGES; i++)
		own->pages[i] = own->memory + (size_t)i * step;
	for (int i = 0; i < TOUCHED; i++)
		*(volatile char *)own->pages[i] = 1;
	assert_int_equal(hn_process_of_thread(NULL, getpid(), &own->process, &uid, &err), 0);
	tree_init(&own->tree);
	snprintf(path, sizeof(path), "proc/%d/stat", (int)getpid());
	snprintf(target, sizeof(target), "/proc/%d/stat", (int)getpid());
	tree_link(&own->tree, path, target);
	tree_write(&own->tree, "proc/zoneinfo", "Node 5, zone Normal\n spanned 1000\n start_pfn: 1000\n");
}

static void own_done(struct own *own)
{
	tree_done(&own->tree);
	munmap(own->memory, PAGES * hn_base_page_bytes());
}

/* Page tables that say untouched pages from first to last are there. */
static void own_pretend(struct own *own, int first, int last)
{
	uint64_t entries[PAGES] = {0};
	char path[64];

	for (int i = first; i <= last; i++)
		entries[i] = PRESENT | (uint64_t)(1000 + i);
	snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
	tree_write_words(&own->tree, path, (uint64_t)own->memory / hn_base_page_bytes(), entries, PAGES);
}

static void own_ask(struct own *own, enum hn_doubt doubt)
{
	struct hn_page_query *query;
	struct hn_error err;

	if (hn_page_query_new(own->tree.root, &own->process, &query, &err))
		fail_msg("%s", err.message);
	hn_page_query_doubt(query, doubt);
	if (hn_page_query_run(query, own->pages, PAGES, own->status, &err))
		fail_msg("%s", err.message);
	hn_page_query_free(query);
	for (int i = 0; i < TOUCHED; i++)
		assert_true(own->status[i] >= 0 && own->status[i] != HIDDEN_NODE);
}

static void hidden_pages_are_found_where_all_are_doubted(void **state)
{
	struct own own;

	own_init(&own);
	own_pretend(&own, 100, 180);
	own_ask(&own, HN_DOUBT_ALL);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_int_equal(own.status[i], i >= 100 && i <= 180 ? HIDDEN_NODE : HN_PAGE_ABSENT);
	own_ask(&own, HN_DOUBT_NONE);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_int_equal(own.status[i], HN_PAGE_ABSENT);
	own_done(&own);
}

/* Nine hidden in a row of 192 absent are met by one of 32 spread probes, and then all are looked up. */
static void a_probe_that_finds_one_finds_all(void **state)
{
	struct own own;

	own_init(&own);
	own_pretend(&own, 200, 208);
	own_ask(&own, HN_DOUBT_SOME);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_int_equal(own.status[i], i >= 200 && i <= 208 ? HIDDEN_NODE : HN_PAGE_ABSENT);
	own_pretend(&own, 1, 0);
	own_ask(&own, HN_DOUBT_SOME);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_int_equal(own.status[i], HN_PAGE_ABSENT);
	own_done(&own);
}

/* No pagemap: with balancing on nothing can be said; with it off the kernel is believed. */
static void without_a_page_table_doubt_decides(void **state)
{
	struct own own;

	own_init(&own);
	own_ask(&own, HN_DOUBT_ALL);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_int_equal(own.status[i], HN_PAGE_UNKNOWN);
	own_ask(&own, HN_DOUBT_SOME);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_int_equal(own.status[i], HN_PAGE_ABSENT);
	own_done(&own);
}

/*
 * Pages with no rights for their own process, as balancing leaves them: found whatever this kernel
 * answers.
 */
static void inaccessible_pages_are_present(void **state)
{
	size_t step = hn_base_page_bytes();
	struct hn_page_query *query;
	struct hn_error err;
	struct own own;

	own_init(&own);
	assert_int_equal(mprotect(own.memory, TOUCHED * step, PROT_NONE), 0);
	assert_int_equal(hn_page_query_new(NULL, &own.process, &query, &err), 0);
	assert_int_equal(hn_page_query_run(query, own.pages, PAGES, own.status, &err), 0);
	for (int i = 0; i < PAGES; i++) {
		if (i < TOUCHED && geteuid() == 0)
			assert_true(own.status[i] >= 0);
		if (i >= TOUCHED)
			assert_int_equal(own.status[i], HN_PAGE_ABSENT);
	}
	hn_page_query_free(query);
	own_done(&own);
}

static void zeroes_read_and_never_written_are_absent(void **state)
{
	struct hn_page_query *query;
	struct hn_error err;
	struct own own;
	char sum = 0;

	own_init(&own);
	for (int i = TOUCHED; i < PAGES; i++)
		sum = (char)(sum + *(volatile char *)own.pages[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(hn_page_query_new(NULL, &own.process, &query, &err), 0);
	for (int doubt = HN_DOUBT_NONE; doubt <= HN_DOUBT_ALL; doubt++) {
		hn_page_query_doubt(query, (enum hn_doubt)doubt);
		assert_int_equal(hn_page_query_run(query, own.pages, PAGES, own.status, &err), 0);
		if (doubt == HN_DOUBT_ALL && access("/proc/kpageflags", R_OK))
			break; /* then they cannot be told from others */
		for (int i = TOUCHED; i < PAGES; i++)
			assert_int_equal(own.status[i], HN_PAGE_ABSENT);
	}
	hn_page_query_free(query);
	own_done(&own);
}

static void pages_to_be_touched_are_those_not_seen(void **state)
{
	struct hn_page_query *query;
	struct hn_error err;
	void *hidden[PAGES];
	struct own own;

	own_init(&own);
	assert_int_equal(hn_page_query_new(own.tree.root, &own.process, &query, &err), 0);
	hn_page_query_doubt(query, HN_DOUBT_SOME);
	assert_int_equal(hn_page_query_hidden(query, own.pages, PAGES, own.status, hidden), 0);
	hn_page_query_doubt(query, HN_DOUBT_ALL);
	assert_int_equal(hn_page_query_hidden(query, own.pages, PAGES, own.status, hidden), PAGES - TOUCHED);
	for (int i = TOUCHED; i < PAGES; i++)
		assert_ptr_equal(hidden[i - TOUCHED], own.pages[i]);
	hn_page_query_free(query);
	own_done(&own);
}

/* Touching goes on behind pages that cannot be touched. */
static void pages_are_touched_past_holes(void **state)
{
	size_t step = hn_base_page_bytes();
	struct own own;

	own_init(&own);
	assert_int_equal(munmap(own.pages[3], step), 0);
	assert_int_equal(mprotect(own.pages[9], step, PROT_NONE), 0);
	assert_int_equal(hn_pages_reveal(getpid(), own.pages, TOUCHED), TOUCHED - 2);
	own_done(&own);
}

/* Of the thread that touches, be it the default or one with nodes. */
static void touching_leaves_the_memory_policy_as_it_was(void **state)
{
	static const int modes[] = {MPOL_DEFAULT, MPOL_BIND, MPOL_LOCAL};
	struct own own;

	own_init(&own);
	for (size_t i = 0; i < HN_COUNT(modes); i++) {
		unsigned long node = 1;
		int after = -1;

		assert_int_equal(set_mempolicy(modes[i], modes[i] == MPOL_BIND ? &node : NULL,
					       modes[i] == MPOL_BIND ? 8 * sizeof(node) : 0),
				 0);
		assert_int_equal(hn_pages_reveal(getpid(), own.pages, TOUCHED), TOUCHED);
		assert_int_equal(get_mempolicy(&after, NULL, 0, NULL, 0), 0);
		assert_int_equal(after, modes[i]);
	}
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
	own_done(&own);
}

static void a_process_that_is_gone_is_told(void **state)
{
	struct hn_page_query *query;
	struct hn_process child;
	struct hn_error err;
	struct own own;
	int gate[2];
	uid_t uid;
	pid_t pid;
	char byte;

	own_init(&own);
	assert_int_equal(pipe(gate), 0);
	pid = child_fork();
	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) != 0);
	}
	close(gate[0]);
	assert_int_equal(hn_process_of_thread(NULL, pid, &child, &uid, &err), 0);
	assert_int_equal(hn_page_query_new(NULL, &child, &query, &err), 0);
	assert_int_equal(hn_page_query_run(query, own.pages, PAGES, own.status, &err), 0);
	close(gate[1]);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	assert_int_equal(hn_page_query_run(query, own.pages, PAGES, own.status, &err), -ESRCH); /* a zombie */
	waitpid(pid, NULL, 0);
	assert_int_equal(hn_page_query_run(query, own.pages, PAGES, own.status, &err), -ESRCH);
	hn_page_query_free(query);
	assert_int_equal(hn_page_query_new(NULL, &child, &query, &err), -ESRCH);
	own_done(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidden_pages_are_found_where_all_are_doubted),
		cmocka_unit_test(a_probe_that_finds_one_finds_all),
		cmocka_unit_test(without_a_page_table_doubt_decides),
		cmocka_unit_test(inaccessible_pages_are_present),
		cmocka_unit_test(zeroes_read_and_never_written_are_absent),
		cmocka_unit_test(pages_to_be_touched_are_those_not_seen),
		cmocka_unit_test(pages_are_touched_past_holes),
		cmocka_unit_test(touching_leaves_the_memory_policy_as_it_was),
		cmocka_unit_test(a_process_that_is_gone_is_told),
	};

	if (lacks(SYS_move_pages, "move_pages"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
