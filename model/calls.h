#pragma once
/*
 * calls - what homenoded has done to a guest's process that such a process can feel; what it never does to a
 * realtime guest that runs, outside of a window.
 */
#include <stdint.h>

enum hn_call_kind {
	HN_CALL_MOVE,     /* pages moved: a moving call's batch or more, a probe */
	HN_CALL_CPUSET,   /* cpuset.mems written, by homenode or through libvirt */
	HN_CALL_AFFINITY, /* a thread's affinity changed, likewise */
	HN_CALL_WALK,     /* numa_maps read, which walks all pages */
	HN_CALL_KIND_COUNT,
};
const char *hn_call_kind_name(enum hn_call_kind kind); /* "moves", "cpusets", "affinities", "walks" */

/* Since homenoded knows the process. */
struct hn_calls {
	uint64_t made[HN_CALL_KIND_COUNT];
	uint64_t refused; /* asked for by a part of homenoded, and not made because the guest is realtime */
};
