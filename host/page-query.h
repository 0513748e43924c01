#pragma once
/*
 * page-query - on which node each of some pages of a process lies, without moving any.
 *
 * move_pages(2) in its asking form, put right where the kernel's answer is wrong: a page that kernel NUMA
 * balancing has marked looks absent to it, and is looked up in the page table.
 */
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/page-table.h"
#include "host/process.h"

struct hn_page_query;

/* What is made of a page that move_pages(2) calls absent. */
enum hn_doubt {
	HN_DOUBT_NONE, /* it is absent: this kernel tells the truth */
	HN_DOUBT_SOME, /* a few are looked up; when any turns out present, all are from then on */
	HN_DOUBT_ALL,  /* it is looked up */
};

/* -ESRCH when the process is gone, -ENOMEM. What the caller has no right to read makes pages unknown. */
int hn_page_query_new(const char *root, const struct hn_process *process, struct hn_page_query **ret,
		      struct hn_error *err);
void hn_page_query_free(struct hn_page_query *query); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_page_query, struct hn_page_query *, hn_page_query_free);

/*
 * Statuses of count pages: node id, HN_PAGE_ABSENT or HN_PAGE_UNKNOWN. Cheapest in order of address. -ESRCH,
 * -EPERM without the right to ask, -ENOMEM.
 */
int hn_page_query_run(struct hn_page_query *query, void *const *pages, size_t count, int *ret_status,
		      struct hn_error *err);

/*
 * Of pages known to be present, those that move_pages calls absent all the same, and so could not move.
 * Returns how many (at most count); 0 without asking when no such page was met so far. scratch has room for
 * count numbers.
 */
size_t hn_page_query_hidden(const struct hn_page_query *query, void *const *pages, size_t count, int *scratch,
			    void **ret_hidden);

/* The process's page table, borrowed. */
struct hn_page_table *hn_page_query_table(const struct hn_page_query *query);

/* Overrides what hn_page_query_new() found out about this kernel, to stand in for another one. */
void hn_page_query_doubt(struct hn_page_query *query, enum hn_doubt doubt);
