#pragma once
/*
 * pages - the sizes of this machine's pages.
 */
#include <stdint.h>

uint64_t hn_base_page_bytes(void);

/*
 * A huge page of the kernel's own choice: what one table of page table entries, of 8 bytes each, spans. 2 MiB
 * where base pages have 4 KiB; on arm64 also 32 MiB with 16 KiB, and 512 MiB with 64 KiB
 * (Documentation/arch/arm64/hugetlbpage.rst, column PMD). hugetlb's default, too, unless the kernel's command
 * line has another.
 */
uint64_t hn_huge_page_bytes(void);
