#pragma once
/*
 * pagemap - page table entries of a process and the state of page frames, as /proc shows them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Linux Documentation/admin-guide/mm/pagemap.rst */
#define HN_FRAME_COMPOUND_TAIL (UINT64_C(1) << 16)
#define HN_FRAME_ZERO_PAGE (UINT64_C(1) << 24)

static inline bool hn_pagemap_present(uint64_t entry)
{
	return entry >> 63;
}

/* The frame number of a present page; 0 when the kernel keeps it from us (no CAP_SYS_ADMIN). */
static inline uint64_t hn_pagemap_frame(uint64_t entry)
{
	return entry & ((UINT64_C(1) << 55) - 1);
}

/* Entries of count base pages from address on; what lies beyond the address space reads as 0. 0 or -errno. */
int hn_pagemap_read(int pagemap, uint64_t address, size_t count, uint64_t *ret);

/* Flags of count frames from number frame on, from /proc/kpageflags; 0 beyond the last. 0 or -errno. */
int hn_frame_flags_read(int kpageflags, uint64_t frame, size_t count, uint64_t *ret);

/* How many of the addresses from the first on follow each other page by page, at most max. */
size_t hn_pages_run(void *const *pages, size_t count, size_t max);

/* The size of a base page. */
uint64_t hn_base_page_bytes(void);
