/*
 * page-query - ask move_pages, doubt what it calls absent.
 *
 * do_pages_stat() of the kernel follows page tables the way a core dump does: it passes over holes and the
 * page of zeroes, which is right, and up to Linux 6.11 over entries made inaccessible by NUMA balancing as
 * well (-ENOENT for a 4 KiB page, -EFAULT for a huge one), which are memory like any other. It takes
 * mmap_lock anew for every 16 pages, so a long list disturbs the process no more than many short ones.
 *
 * Where balancing is off, nearly all of the absent are absent; but switching it off leaves the marks in the
 * page tables until each page is touched. So a few of them are looked up even then, and all when any of the
 * few turns out present.
 */
#include "host/page-query.h"

#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/frame-nodes.h"
#include "host/pagemap.h"
#include "host/proc-file.h"

_Static_assert(HN_PAGE_ABSENT == -ENOENT && HN_PAGE_UNKNOWN == -EIO, "the header spares its readers errno.h");

#define CALL_PAGES 1024 /* pages asked for in one system call */
#define RUN_PAGES 512   /* neighbours looked up in one read */
#define PROBES 32       /* absent pages looked up although balancing is off */

struct hn_page_query {
	char *root;
	struct hn_process process;
	int pagemap;                   /* -1: not to be had */
	int kpageflags;                /* likewise */
	bool doubt;                    /* absent pages are looked up */
	struct hn_frame_nodes *frames; /* read when first needed */
};

void hn_page_query_free(struct hn_page_query *query)
{
	if (!query)
		return;
	if (query->pagemap >= 0)
		close(query->pagemap);
	if (query->kpageflags >= 0)
		close(query->kpageflags);
	hn_frame_nodes_free(query->frames);
	free(query->root);
	free(query);
}

/* A kernel without the file has no balancing; a file that cannot be read may hide one that is on. */
static bool balancing_on(const char *root)
{
	uint64_t mode;
	int r = hn_proc_read_u64(&mode, root, "proc/sys/kernel/numa_balancing");

	return r ? r != -ENOENT : mode != 0;
}

int hn_page_query_new(const char *root, const struct hn_process *process, struct hn_page_query **ret,
		      struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	HN_AUTO(hn_page_query) struct hn_page_query *query = NULL;

	if (directory < 0)
		return directory;
	query = calloc(1, sizeof(*query));
	if (!query)
		return hn_oom(err);
	query->process = *process;
	query->pagemap = openat(directory, "pagemap", O_RDONLY | O_CLOEXEC);
	query->kpageflags = hn_proc_open(root, 0, "proc/kpageflags");
	query->doubt = balancing_on(root);
	query->root = strdup(root ? root : "");
	if (!query->root)
		return hn_oom(err);
	*ret = hn_steal(query);
	return 0;
}

/* Reads and anonymous huge pages never written share one frame of zeroes; it is no memory of the process. */
static bool is_zeroes(const struct hn_page_query *query, uint64_t frame)
{
	uint64_t flags;

	return query->kpageflags >= 0 && hn_frame_flags_read(query->kpageflags, frame, 1, &flags) == 0 &&
	       (flags & HN_FRAME_ZERO_PAGE);
}

/* *status: what the kernel called the page; becomes where it is. */
static int entry_status(struct hn_page_query *query, uint64_t entry, int *status, struct hn_error *err)
{
	uint64_t frame = hn_pagemap_frame(entry);
	int node;

	if (!hn_pagemap_present(entry)) {
		*status = HN_PAGE_ABSENT; /* a swapped page too: nothing of it can be moved */
		return 0;
	}
	if (frame == 0) {
		*status = HN_PAGE_UNKNOWN;
		return 0;
	}
	/* The kernel answers EFAULT for zeroes, which saves looking at each page of 4 KiB. */
	if (*status == -EFAULT && is_zeroes(query, frame)) {
		*status = HN_PAGE_ABSENT;
		return 0;
	}
	if (!query->frames) {
		int r = hn_frame_nodes_new(query->root, &query->frames, err);

		if (r == -ENOMEM)
			return r;
	}
	node = query->frames ? hn_frame_nodes_find(query->frames, frame) : -1;
	*status = node >= 0 ? node : HN_PAGE_UNKNOWN;
	return 0;
}

static bool is_absent(int status)
{
	return status == -ENOENT || status == -EFAULT;
}

/* Looks a run of neighbours up in pagemap. */
static int run_look_up(struct hn_page_query *query, void *const *pages, size_t count, int *status,
		       struct hn_error *err)
{
	uint64_t entries[RUN_PAGES];
	int r = 0;

	if (query->pagemap < 0 || hn_pagemap_read(query->pagemap, (uint64_t)pages[0], count, entries)) {
		for (size_t i = 0; i < count; i++)
			status[i] = HN_PAGE_UNKNOWN;
		return 0;
	}
	for (size_t i = 0; i < count && !r; i++)
		r = entry_status(query, entries[i], &status[i], err);
	return r;
}

/* Where balancing is off: whether any of a few pages called absent is there after all. */
static int probe(struct hn_page_query *query, void *const *pages, size_t count, const int *status,
		 size_t absent, struct hn_error *err)
{
	size_t stride = absent / PROBES + 1, seen = 0;

	if (query->pagemap < 0)
		return 0; /* and believe the kernel */
	for (size_t i = 0; i < count; i++) {
		int found = status[i], r;

		if (!is_absent(status[i]) || seen++ % stride)
			continue;
		r = run_look_up(query, &pages[i], 1, &found, err);
		if (r)
			return r;
		if (found != HN_PAGE_ABSENT) {
			query->doubt = true;
			return 0;
		}
	}
	return 0;
}

/* Replaces "absent" by the truth. */
static int absent_look_up(struct hn_page_query *query, void *const *pages, size_t count, int *status,
			  struct hn_error *err)
{
	for (size_t i = 0; i < count;) {
		size_t run, length = 1;
		int r;

		if (!is_absent(status[i])) {
			i++;
			continue;
		}
		run = hn_pages_run(&pages[i], count - i, RUN_PAGES);
		while (length < run && is_absent(status[i + length]))
			length++;
		r = run_look_up(query, &pages[i], length, &status[i], err);
		if (r)
			return r;
		i += length;
	}
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

static size_t absent_count(const int *status, size_t count)
{
	size_t absent = 0;

	for (size_t i = 0; i < count; i++)
		absent += is_absent(status[i]);
	return absent;
}

/* Leaves the kernel's names for absent as one name, and its other troubles as unknown. */
static void names_unite(int *status, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (status[i] < 0)
			status[i] = is_absent(status[i]) ? HN_PAGE_ABSENT : HN_PAGE_UNKNOWN;
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

int hn_page_query_run(struct hn_page_query *query, void *const *pages, size_t count, int *ret_status,
		      struct hn_error *err)
{
	size_t absent;
	int r = ask_all(query, pages, count, ret_status, err);

	if (r)
		return r;
	absent = absent_count(ret_status, count);
	if (absent > 0 && !query->doubt)
		r = probe(query, pages, count, ret_status, absent, err);
	if (absent > 0 && query->doubt && !r)
		r = absent_look_up(query, pages, count, ret_status, err);
	names_unite(ret_status, count);
	return r;
}

size_t hn_page_query_hidden(const struct hn_page_query *query, void *const *pages, size_t count, int *scratch,
			    void **ret_hidden)
{
	size_t hidden = 0;

	if (!query->doubt || ask_all(query, pages, count, scratch, NULL))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (is_absent(scratch[i]))
			ret_hidden[hidden++] = pages[i];
	return hidden;
}
