#include "host/realtime-threads.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"

/* Of sched(7); the numbers are the kernel's. */
static const char *realtime_policy(int policy)
{
	switch (policy) {
	case 1:
		return "FIFO";
	case 2:
		return "RR";
	case 6:
		return "DEADLINE";
	default:
		return NULL;
	}
}

static void thread_look(int proc, const char *pid, const char *tid, struct hn_realtime_threads *ret)
{
	struct hn_proc_stat stat;
	const char *policy;
	char path[600];

	snprintf(path, sizeof(path), "%s/task/%s/stat", pid, tid);
	if (hn_proc_stat_read(proc, path, &stat) < 0 || stat.kernel_thread)
		return;
	policy = realtime_policy(stat.scheduling_policy);
	if (!policy)
		return;
	if (ret->count++ == 0) {
		ret->pid = atoi(pid);
		ret->tid = atoi(tid);
		ret->policy = policy;
		snprintf(ret->name, sizeof(ret->name), "%s", stat.name);
	}
}

static void process_look(int proc, const char *pid, struct hn_realtime_threads *ret)
{
	HN_AUTO(directory) DIR *folder = NULL;
	const struct dirent *entry;
	char path[300];

	snprintf(path, sizeof(path), "%s/task", pid);
	folder = hn_proc_folder_at(proc, path);
	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			thread_look(proc, pid, entry->d_name, ret);
}

int hn_realtime_threads_find(const char *root, struct hn_realtime_threads *ret, struct hn_error *err)
{
	HN_AUTO(fd) int proc = hn_proc_open(root, O_DIRECTORY, "proc");
	HN_AUTO(directory) DIR *folder = proc < 0 ? NULL : hn_proc_folder_at(proc, ".");
	const struct dirent *entry;

	memset(ret, 0, sizeof(*ret));
	if (!folder)
		return hn_fail_errno(err, proc < 0 ? proc : -errno, "cannot list %s/proc", root ? root : "");
	while ((entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			process_look(proc, entry->d_name, ret);
	return 0;
}
