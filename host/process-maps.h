#pragma once
/*
 * process-maps - are pieces of address space really the process's own memory?
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/page-sampler.h"
#include "host/process.h"

/* The ranges in order of address, in an array for the caller to free; NULL when out of memory. */
const struct hn_range **hn_ranges_sort(const struct hn_range *ranges, size_t count);
HN_CLEANUP_DEFINE(ranges, const struct hn_range **, free);

/*
 * 0 when every byte of every range lies in readable-and-writable mappings of the process (adjacent ones count
 * together). -EFAULT with the first address that does not: a claim about where guest memory lies is never
 * believed unchecked. -EINVAL for what is no range, and where two overlap: so their bytes are never more than
 * the process has. One pass over /proc/PID/maps, however many they are. -ESRCH, -ENOMEM.
 */
int hn_ranges_check(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		    size_t count, struct hn_error *err);
