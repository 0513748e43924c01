#pragma once
/*
 * page-query - on which node each of some pages of a process lies, without moving any.
 *
 * move_pages(2) in its asking form, put right where the kernel's answer is wrong: a page that kernel NUMA
 * balancing has marked looks absent to it, and is looked up in pagemap.
 */
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/process.h"

/* Statuses beside node ids. */
#define HN_PAGE_ABSENT (-2)  /* -ENOENT: never touched, swapped out, or the shared page of zeroes */
#define HN_PAGE_UNKNOWN (-5) /* -EIO: it is there, or may be, and the kernel does not tell where */

struct hn_page_query;

/* -ESRCH when the process is gone, -ENOMEM. What the caller has no right to read makes pages unknown. */
int hn_page_query_new(const char *root, const struct hn_process *process, struct hn_page_query **ret,
		      struct hn_error *err);
void hn_page_query_free(struct hn_page_query *query); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_page_query, struct hn_page_query *, hn_page_query_free);

/* Statuses of count pages; cheapest in order of address. -ESRCH, -EPERM without the right to ask, -ENOMEM. */
int hn_page_query_run(struct hn_page_query *query, void *const *pages, size_t count, int *ret_status,
		      struct hn_error *err);

/*
 * Of pages known to be present, those that move_pages calls absent all the same, and so could not move.
 * Returns how many (at most count); 0 without asking when no such page was met so far. scratch has room for
 * count numbers.
 */
size_t hn_page_query_hidden(const struct hn_page_query *query, void *const *pages, size_t count, int *scratch,
			    void **ret_hidden);
