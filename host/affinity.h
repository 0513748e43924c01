#pragma once
/*
 * affinity - lets a thread of a guest run on given CPUs only.
 */
#include "base/error.h"
#include "base/set.h"
#include "host/process.h"

/*
 * Binds thread tid, which must belong to the process (or be one of its vhost workers, or of a helper's, see
 * helpers.h), to cpus. Offline CPUs in the set are ignored by the kernel. -ESRCH when the thread is gone,
 * -EPERM, -EINVAL when none of the CPUs is allowed by its cgroup's cpuset (the sentence says so), -EPERM when
 * the thread is not the process's.
 */
int hn_thread_bind(const struct hn_process *process, pid_t tid, const struct hn_set *cpus,
		   struct hn_error *err);
