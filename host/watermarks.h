#pragma once
/*
 * watermarks - how much of each node's memory the kernel keeps free by itself, from /proc/zoneinfo: below the
 * low watermarks it begins to reclaim.
 */
#include <stdint.h>

#include "base/error.h"
#include "base/set.h"

/*
 * ret_low: by node id, the sum of the low watermarks of its zones, in bytes; 0 for nodes that are not there.
 * root as in hn_host_memory_refresh(). -ENOENT, -errno.
 */
int hn_watermarks_read(const char *root, uint64_t ret_low[HN_SET_MAX], struct hn_error *err);
