/*
 * affinity - sched_setaffinity(2), with the thread's membership looked at first.
 *
 * A thread id arrives from QMP, that is from the guest's QEMU. It is bound only when it is a thread of that
 * very process or of a helper of it, or a kernel thread named after one of them; a guest must not get
 * homenode to bind anyone else.
 */
#include "host/affinity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/helpers.h"
#include "host/process.h"

static bool is_helpers(const struct hn_process *process, pid_t tid)
{
	struct hn_process helpers[HN_HELPERS_MAX];
	size_t count = 0;
	bool found = false;

	if (hn_helpers_find(NULL, process, helpers, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		HN_AUTO(fd) int directory = hn_process_open(NULL, &helpers[i], NULL);
		char path[64];

		snprintf(path, sizeof(path), "task/%d", (int)tid);
		found = directory >= 0 && faccessat(directory, path, F_OK, 0) == 0;
	}
	return found;
}

/* A thread of its own is looked up directly; only what is not one may be a helper's or a vhost worker, which
 * is dear to find. */
static int member_check(const struct hn_process *process, pid_t tid, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(NULL, process, err);
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	size_t count = 0;
	char path[64];
	int r;

	if (directory < 0)
		return directory;
	snprintf(path, sizeof(path), "task/%d", (int)tid);
	if (tid > 0 && faccessat(directory, path, F_OK, 0) == 0)
		return 0;
	if (tid > 0 && is_helpers(process, tid))
		return 0;
	r = hn_threads_read(NULL, process, &threads, &count, err);
	if (r)
		return r;
	for (size_t i = 0; i < count; i++)
		if (threads[i].tid == tid)
			return 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)tid);
	if (tid > 0 && access(path, F_OK) != 0)
		return hn_fail(err, -ESRCH, "thread %d is gone", (int)tid);
	return hn_fail(err, -EPERM, "thread %d is not one of process %d", (int)tid, (int)process->pid);
}

int hn_thread_bind(const struct hn_process *process, pid_t tid, const struct hn_set *cpus,
		   struct hn_error *err)
{
	char text[200];
	int r = member_check(process, tid, err);

	if (r)
		return r;
	_Static_assert(sizeof(unsigned long) == sizeof(uint64_t),
		       "the kernel's CPU masks are words of a long");
	/* The raw call takes a mask of any length; what lies beyond the machine's CPUs is ignored. */
	if (syscall(SYS_sched_setaffinity, tid, sizeof(cpus->words), cpus->words) == 0)
		return 0;
	r = -errno;
	hn_set_format(cpus, text, sizeof(text));
	if (r == -EINVAL)
		return hn_fail(err, r,
			       "thread %d may use none of the CPUs '%s' (offline, or outside its cgroup)",
			       (int)tid, text);
	if (r == -ESRCH)
		return hn_fail(err, r, "thread %d is gone", (int)tid);
	return hn_fail_errno(err, r, "cannot bind thread %d to the CPUs '%s'", (int)tid, text);
}
