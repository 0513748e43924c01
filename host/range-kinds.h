#pragma once
/*
 * range-kinds - what kind of memory lies behind ranges of a process: whose pages the kernel gives it, and,
 * from a few of them, whether these are huge or merged.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "host/page-sampler.h"
#include "host/process.h"
#include "model/guest.h"

/* Plain data. */
struct hn_range_kind {
	enum hn_backing backing; /* HN_BACKING_UNKNOWN as well where a range is of several kinds */
	uint64_t page_bytes;     /* of hugetlb pages, else the base page's; 0 unknown */
	bool shared;             /* MAP_SHARED */
	bool looked_inside;      /* the shares are known */
	double huge_share, merged_share;
};

/*
 * Reads ROOT/proc/PID/maps, and what the file systems behind the mappings say. ranges, here and below, are
 * such that hn_ranges_check() has nothing against them. ret has count entries. -ESRCH, -EACCES, -ENOMEM.
 */
int hn_range_kinds_read(const char *root, const struct hn_process *process, const struct hn_range *ranges,
			size_t count, struct hn_range_kind *ret, struct hn_error *err);

/*
 * Draws addresses and looks up what their pages are: costs some 50 us a range on Linux 6.18, a few ms where
 * pagemap is slow. Ranges whose pages cannot be seen (no CAP_SYS_ADMIN, nothing there) are left as they are.
 * Never for a realtime guest that runs. -ESRCH, -ENOMEM.
 */
int hn_range_kinds_look_inside(const char *root, const struct hn_process *process,
			       const struct hn_range *ranges, size_t count, uint64_t seed,
			       struct hn_range_kind *ret, struct hn_error *err);

/*
 * About how much private memory the process has beside the ranges: heaps, stacks, buffers. From a sample of
 * addresses, right to 5 % of what is mapped. On the machine only. -ESRCH, -EPERM, -ENOMEM.
 */
int hn_process_own_bytes(const struct hn_process *process, const struct hn_range *ranges, size_t count,
			 uint64_t seed, uint64_t *ret, struct hn_error *err);
