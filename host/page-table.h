#pragma once
/*
 * page-table - a process's page table, as far as /proc/PID/pagemap and /proc/kpageflags show it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/* The status of a page: a node id, or one of these. */
#define HN_PAGE_ABSENT (-2)  /* -ENOENT: never touched, swapped out, or the shared page of zeroes */
#define HN_PAGE_UNKNOWN (-5) /* -EIO: it is there, or may be, and the kernel does not tell where */

/* What move_pages(2) says of a page that is not there; of one that NUMA balancing has marked, wrongly. */
static inline bool hn_page_is_absent(int status)
{
	return status == -ENOENT || status == -EFAULT;
}

struct hn_page_table;

/* directory: an open ROOT/proc/PID. Files the caller may not read make pages unknown. -ENOMEM. */
int hn_page_table_new(const char *root, int directory, struct hn_page_table **ret, struct hn_error *err);
void hn_page_table_free(struct hn_page_table *table); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_page_table, struct hn_page_table *, hn_page_table_free);

/* False when nothing can be looked up. */
bool hn_page_table_readable(const struct hn_page_table *table);

/*
 * Looks up those pages that move_pages(2) called absent: status is its answer on entry, and where -ENOENT or
 * -EFAULT it becomes where the page is. Cheapest in order of address. -ENOMEM.
 */
int hn_page_table_look_up(struct hn_page_table *table, void *const *pages, size_t count, int *status,
			  struct hn_error *err);

/*
 * Of each page where it is, and whether it is part of the same huge page of 2 MiB or more (THP or hugetlb) as
 * the page before it in the list. Pages in order of address. Unknown is also whose neighbour has the same
 * frame: it may be the page of zeroes, which a lone page of it is taken for memory. Smaller compound pages
 * are not looked for: to read the flags of every frame costs more than it saves. -EPERM or -errno where
 * nothing can be seen, -ESRCH where the process has given up its memory; then all are unknown, none a part.
 */
int hn_page_table_read(struct hn_page_table *table, void *const *pages, size_t count, int *ret_status,
		       bool *ret_tail);

/* What hn_page_table_flags() tells of a page. */
#define HN_PAGE_IS_THERE 1u
#define HN_PAGE_IS_HUGE 2u   /* part of a transparent huge page of 2 MiB or more, or of a hugetlb one */
#define HN_PAGE_IS_MERGED 4u /* by KSM: other pages share it */

/* Of each page what it is, 0 where it is absent. Cheapest in order of address. -EPERM or -errno where nothing
 * can be seen. */
int hn_page_table_flags(const struct hn_page_table *table, void *const *pages, size_t count,
			uint64_t *ret_flags);
