#pragma once
/*
 * page-walk - on which nodes a guest's memory lies, every page of it, from /proc/PID/numa_maps.
 *
 * The kernel walks the page tables of the whole process under mmap_lock, mapping by mapping: 8-11 ms a GiB of
 * 4 KiB pages, 0.05-0.12 ms a GiB of huge ones (docs/host.md). Pages that kernel NUMA balancing has marked
 * are counted like others (fs/proc/task_mmu.c asks pte_present(), which they pass), so none is unknown.
 */
#include "host/page-sampler.h"

/*
 * Counts as hn_pages_count() does. -EDOM when the ranges are not whole mappings or these change meanwhile, so
 * that lines of numa_maps are not theirs; -ESRCH when the process is gone, -EACCES without the right to read,
 * -ENOMEM. What ret holds is then of no use.
 */
int hn_pages_walk(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		  size_t range_count, struct hn_page_counts *ret, size_t cell_count, struct hn_error *err);
