/*
 * process-threads - one look at each thread of a guest, its vhost workers included.
 *
 * vhost workers of Linux before 6.4 are kernel threads of their own, found only by their name, vhost-TID
 * after the thread that set them up. Looking through all of /proc for them costs more than all the rest, so
 * it is done only for a process that has a vhost device open and no worker among its own threads. A name
 * proves nothing by itself: only a kernel thread is believed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"
#include "host/process-files.h"
#include "host/process.h"

#define STATUS_MAX 16384
#define VHOST_PREFIX "vhost-"

static const char *const VHOST_DEVICES[] = {"/dev/vhost-net", "/dev/vhost-scsi", "/dev/vhost-vsock"};

struct readings {
	struct hn_thread_reading *items;
	size_t count, room;
};

static struct hn_thread_reading *readings_add(struct readings *readings)
{
	if (readings->count == readings->room) {
		size_t room = readings->room ? 2 * readings->room : 16;
		void *grown = realloc(readings->items, room * sizeof(*readings->items));

		if (!grown)
			return NULL;
		readings->items = grown;
		readings->room = room;
	}
	return &readings->items[readings->count];
}

/* CPU time in ns: schedstat's first number where the kernel keeps it, else the ticks of stat. */
static uint64_t cpu_time_read(int directory, const char *prefix, uint64_t ticks)
{
	char path[64], text[128];
	uint64_t ns;

	snprintf(path, sizeof(path), "%s/schedstat", prefix);
	if (hn_proc_read_at(directory, path, text, sizeof(text)) > 0 && sscanf(text, "%" SCNu64, &ns) == 1)
		return ns;
	return ticks * (HN_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static int allowed_read(int directory, const char *prefix, struct hn_set *ret, struct hn_error *err)
{
	char path[64], status[STATUS_MAX], *list, *end;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/status", prefix);
	length = hn_proc_read_at(directory, path, status, sizeof(status));
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read %s", path);
	list = strstr(status, "\nCpus_allowed_list:");
	if (!list)
		return hn_fail(err, -EPROTO, "%s lists no CPUs", path);
	list = strchr(list, ':') + 1;
	list += strspn(list, " \t");
	end = strchr(list, '\n');
	if (end)
		*end = '\0';
	return hn_set_parse(list, ret, err);
}

/* 1 when read, 0 when the thread has gone meanwhile. prefix: its folder seen from directory. */
static int thread_read(int directory, const char *prefix, pid_t tid, struct hn_thread_reading *ret,
		       struct hn_error *err)
{
	struct hn_proc_stat stat;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "%s/stat", prefix);
	r = hn_proc_stat_read(directory, path, &stat);
	if (r == -ENOENT || r == -ESRCH)
		return 0;
	if (r)
		return hn_fail_errno(err, r, "cannot read the stat of thread %d", (int)tid);
	*ret = (struct hn_thread_reading){
		.tid = tid,
		.last_cpu = stat.last_cpu,
		.cpu_ns = cpu_time_read(directory, prefix, stat.cpu_ticks),
		.scheduling_policy = stat.scheduling_policy,
	};
	memcpy(ret->name, stat.name, sizeof(ret->name));
	r = allowed_read(directory, prefix, &ret->allowed, err);
	if (r == -ENOENT || r == -ESRCH)
		return 0;
	return r ? r : 1;
}

static int tasks_read(int directory, const struct hn_process *process, struct readings *readings,
		      struct hn_error *err)
{
	HN_AUTO(directory) DIR *tasks = hn_proc_folder_at(directory, "task");
	struct dirent *entry;

	if (!tasks)
		return hn_fail(err, -ESRCH, "process %d is gone", (int)process->pid);
	while ((entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);
		struct hn_thread_reading *reading;
		char prefix[32];
		int r;

		if (tid <= 0)
			continue;
		if (readings->count == HN_THREADS_MAX)
			return hn_fail(err, -E2BIG, "process %d has more than %d threads", (int)process->pid,
				       HN_THREADS_MAX);
		reading = readings_add(readings);
		if (!reading)
			return hn_oom(err);
		snprintf(prefix, sizeof(prefix), "task/%d", (int)tid);
		r = thread_read(directory, prefix, tid, reading, err);
		if (r < 0)
			return r;
		readings->count += (size_t)r;
	}
	return 0;
}

int hn_thread_readings_order(const void *a, const void *b)
{
	const struct hn_thread_reading *left = a, *right = b;

	return (left->tid > right->tid) - (left->tid < right->tid);
}

/* Whether name is vhost-TID of one of the first count threads, which are in order. */
static bool serves(const char *name, const struct hn_thread_reading *threads, size_t count)
{
	struct hn_thread_reading served = {.tid = -1};

	if (strncmp(name, VHOST_PREFIX, strlen(VHOST_PREFIX)) != 0)
		return false;
	served.tid = atoi(name + strlen(VHOST_PREFIX));
	return bsearch(&served, threads, count, sizeof(*threads), hn_thread_readings_order) != NULL;
}

static bool workers_outside_likely(int directory, const struct readings *threads)
{
	for (size_t i = 0; i < threads->count; i++)
		if (strncmp(threads->items[i].name, VHOST_PREFIX, strlen(VHOST_PREFIX)) == 0)
			return false;
	/* Where the files cannot be seen (no right) the search is made. */
	return hn_process_files_match(directory, VHOST_DEVICES, HN_COUNT(VHOST_DEVICES)) != 0;
}

/* Adds /proc/ENTRY when it is a kernel thread that serves one of the first count threads. */
static int worker_add(int proc, const char *entry, size_t count, struct readings *readings,
		      struct hn_error *err)
{
	struct hn_thread_reading *reading;
	struct hn_proc_stat stat;
	char path[300];
	int r;

	snprintf(path, sizeof(path), "%s/comm", entry);
	if (hn_proc_read_at(proc, path, stat.name, sizeof(stat.name)) <= 0 ||
	    !serves(stat.name, readings->items, count))
		return 0;
	snprintf(path, sizeof(path), "%s/stat", entry);
	if (hn_proc_stat_read(proc, path, &stat) || !stat.kernel_thread)
		return 0;
	reading = readings_add(readings);
	if (!reading)
		return hn_oom(err);
	r = thread_read(proc, entry, atoi(entry), reading, err);
	readings->count += r > 0;
	return r < 0 ? r : 0;
}

static int workers_read(const char *root, struct readings *readings, struct hn_error *err)
{
	HN_AUTO(fd) int proc = hn_proc_open(root, O_DIRECTORY, "proc");
	HN_AUTO(directory) DIR *folder = NULL;
	size_t threads = readings->count;
	struct dirent *entry;

	if (proc < 0)
		return hn_fail_errno(err, proc, "cannot open /proc");
	folder = hn_proc_folder_at(proc, ".");
	if (!folder)
		return hn_fail_errno(err, -errno, "cannot list /proc");
	while ((entry = readdir(folder))) {
		int r = isdigit((unsigned char)entry->d_name[0])
				? worker_add(proc, entry->d_name, threads, readings, err)
				: 0;

		if (r)
			return r;
	}
	return 0;
}

int hn_threads_read(const char *root, const struct hn_process *process, struct hn_thread_reading **ret,
		    size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	struct readings readings = {0};
	int r;

	if (directory < 0)
		return directory;
	r = tasks_read(directory, process, &readings, err);
	if (!r && readings.count == 0)
		r = hn_fail(err, -ESRCH, "process %d is gone", (int)process->pid);
	if (!r) {
		qsort(readings.items, readings.count, sizeof(*readings.items), hn_thread_readings_order);
		if (workers_outside_likely(directory, &readings))
			r = workers_read(root, &readings, err);
	}
	if (r) {
		free(readings.items);
		return r;
	}
	*ret = readings.items;
	*ret_count = readings.count;
	return 0;
}
