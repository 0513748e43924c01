/*
 * page-query - ask move_pages, doubt what it calls absent.
 *
 * Up to Linux 6.11 the kernel follows page tables for move_pages the way a core dump does: it passes over
 * holes and the page of zeroes, which is right, and over entries made inaccessible by NUMA balancing as well
 * (-ENOENT for a 4 KiB page, -EFAULT for a huge one), which are memory like any other. Whether this kernel
 * does is tried out on a page of one's own.
 *
 * Where it does and balancing is off, nearly all of the absent are absent; but switching balancing off leaves
 * the marks in the page tables until each page is touched. So a few of them are looked up even then, and all
 * when any of the few turns out present.
 *
 * The kernel takes mmap_lock anew for every 16 pages, so a long list holds the process up no more than many
 * short ones.
 */
#include "host/page-query.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/pages.h"
#include "host/proc-file.h"

#define CALL_PAGES 1024 /* pages asked for in one system call */
#define PROBES 32       /* absent pages looked up although balancing is off */

struct hn_page_query {
	struct hn_process process;
	struct hn_page_table *table;
	enum hn_doubt doubt;
};

void hn_page_query_free(struct hn_page_query *query)
{
	if (!query)
		return;
	hn_page_table_free(query->table);
	free(query);
}

/* A page made inaccessible by mprotect(2) has the same page table entry as one that balancing has marked. */
static bool try_kernel(void)
{
	size_t bytes = hn_base_page_bytes();
	char *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = -ENOENT;
	void *pages[] = {page};

	if (page == MAP_FAILED)
		return false;
	*(volatile char *)page = 1;
	if (mprotect(page, bytes, PROT_NONE) || syscall(SYS_move_pages, 0, 1UL, pages, NULL, &status, 0))
		status = -ENOENT;
	munmap(page, bytes);
	return status >= 0;
}

static bool sees_all;

static void try_kernel_once(void)
{
	sees_all = try_kernel();
}

/* Of this kernel, and so tried but once. */
static bool kernel_sees_all(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, try_kernel_once);
	return sees_all;
}

/* A kernel without the file has no balancing; a file that cannot be read may hide one that is on. */
static bool balancing_on(const char *root)
{
	uint64_t mode;
	int r = hn_proc_read_u64(&mode, root, "proc/sys/kernel/numa_balancing");

	return r ? r != -ENOENT : mode != 0;
}

static enum hn_doubt first_doubt(const char *root)
{
	if (kernel_sees_all())
		return HN_DOUBT_NONE;
	return balancing_on(root) ? HN_DOUBT_ALL : HN_DOUBT_SOME;
}

int hn_page_query_new(const char *root, const struct hn_process *process, struct hn_page_query **ret,
		      struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	HN_AUTO(hn_page_query) struct hn_page_query *query = NULL;
	int r;

	if (directory < 0)
		return directory;
	query = calloc(1, sizeof(*query));
	if (!query)
		return hn_oom(err);
	query->process = *process;
	query->doubt = first_doubt(root);
	r = hn_page_table_new(root, directory, &query->table, err);
	if (r)
		return r;
	*ret = hn_steal(query);
	return 0;
}

static int ask(const struct hn_page_query *query, void *const *pages, size_t count, int *ret_status,
	       struct hn_error *err)
{
	pid_t pid = query->process.pid;

	if (syscall(SYS_move_pages, pid, count, pages, NULL, ret_status, 0) >= 0)
		return 0;
	if (errno == ESRCH || errno == EINVAL) /* EINVAL: it has given up its memory, about to end */
		return hn_fail(err, -ESRCH, "process %d is gone", (int)pid);
	return hn_fail_errno(err, -errno, "cannot ask where the pages of process %d are", (int)pid);
}

static int ask_all(const struct hn_page_query *query, void *const *pages, size_t count, int *ret_status,
		   struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i += CALL_PAGES)
		r = ask(query, &pages[i], count - i < CALL_PAGES ? count - i : CALL_PAGES, &ret_status[i],
			err);
	return r;
}

static size_t absent_count(const int *status, size_t count)
{
	size_t absent = 0;

	for (size_t i = 0; i < count; i++)
		absent += hn_page_is_absent(status[i]);
	return absent;
}

/* Looks up some of the pages called absent, spread over all of them. */
static int probe(struct hn_page_query *query, void *const *pages, size_t count, const int *status,
		 size_t absent, struct hn_error *err)
{
	size_t stride = absent / PROBES + 1, seen = 0;

	for (size_t i = 0; i < count; i++) {
		int found = status[i], r;

		if (!hn_page_is_absent(status[i]) || seen++ % stride)
			continue;
		r = hn_page_table_look_up(query->table, &pages[i], 1, &found, err);
		if (r)
			return r;
		if (found != HN_PAGE_ABSENT) {
			query->doubt = HN_DOUBT_ALL;
			return 0;
		}
	}
	return 0;
}

/* Leaves the kernel's names for absent as one name, and its other troubles as unknown. */
static void names_unite(int *status, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (status[i] < 0)
			status[i] = hn_page_is_absent(status[i]) ? HN_PAGE_ABSENT : HN_PAGE_UNKNOWN;
}

int hn_page_query_run(struct hn_page_query *query, void *const *pages, size_t count, int *ret_status,
		      struct hn_error *err)
{
	size_t absent;
	int r = ask_all(query, pages, count, ret_status, err);

	if (r)
		return r;
	absent = query->doubt == HN_DOUBT_NONE ? 0 : absent_count(ret_status, count);
	if (absent && query->doubt == HN_DOUBT_SOME && hn_page_table_readable(query->table))
		r = probe(query, pages, count, ret_status, absent, err);
	if (absent && query->doubt == HN_DOUBT_ALL && !r)
		r = hn_page_table_look_up(query->table, pages, count, ret_status, err);
	names_unite(ret_status, count);
	return r;
}

size_t hn_page_query_hidden(const struct hn_page_query *query, void *const *pages, size_t count, int *scratch,
			    void **ret_hidden)
{
	size_t hidden = 0;

	if (query->doubt != HN_DOUBT_ALL || ask_all(query, pages, count, scratch, NULL))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (hn_page_is_absent(scratch[i]))
			ret_hidden[hidden++] = pages[i];
	return hidden;
}

struct hn_page_table *hn_page_query_table(const struct hn_page_query *query)
{
	return query->table;
}

void hn_page_query_doubt(struct hn_page_query *query, enum hn_doubt doubt)
{
	query->doubt = doubt;
}
