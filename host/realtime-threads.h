#pragma once
/*
 * realtime-threads - threads of processes that the kernel lets run before all others: SCHED_FIFO, SCHED_RR,
 * SCHED_DEADLINE. One that never leaves its CPU holds up every call that moves pages (docs/host.md).
 */
#include <sys/types.h>

#include "base/error.h"

struct hn_realtime_threads {
	unsigned count;
	/* of the first found: */
	pid_t pid, tid;
	char name[16];
	const char *policy; /* "FIFO", "RR", "DEADLINE" */
};

/*
 * Looks through ROOT/proc; root as in hn_host_memory_refresh(). Kernel threads are left out: theirs do not
 * spin. What ends meanwhile is passed over. -errno when /proc cannot be listed.
 */
int hn_realtime_threads_find(const char *root, struct hn_realtime_threads *ret, struct hn_error *err);
