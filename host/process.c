/*
 * process - which process is meant, and whether it still is that one.
 *
 * Pids are reused, so a process is named by its pid and the tick it started at. Between a check and a read
 * the pid may change hands all the same; readers that take several steps therefore hold /proc/PID open: the
 * kernel ties that descriptor to the process itself, and answers ESRCH through it when the process is gone.
 */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"

#define STATUS_MAX 16384 /* about 1.5 KiB, and two lists of CPUs that may be long */

static int process_gone(pid_t pid, struct hn_error *err)
{
	return hn_fail(err, -ESRCH, "process %d is gone", (int)pid);
}

static int read_failed(int code, pid_t pid, const char *file, struct hn_error *err)
{
	if (code == -ENOENT || code == -ESRCH)
		return process_gone(pid, err);
	return hn_fail_errno(err, code, "cannot read /proc/%d/%s", (int)pid, file);
}

/* "Tgid:" and the second number of "Uid:" from /proc/TID/status. */
static int owner_read(const char *root, pid_t tid, pid_t *ret_pid, uid_t *ret_uid, struct hn_error *err)
{
	char status[STATUS_MAX];
	const char *tgid, *uid;
	unsigned real, effective;
	ssize_t length;
	int pid;

	length = hn_proc_read(status, sizeof(status), root, "proc/%d/status", (int)tid);
	if (length < 0)
		return read_failed((int)length, tid, "status", err);
	/* The name comes first and cannot fake these: newlines in it are escaped. */
	tgid = strstr(status, "\nTgid:");
	uid = strstr(status, "\nUid:");
	if (!tgid || !uid || sscanf(tgid, "\nTgid: %d", &pid) != 1 ||
	    sscanf(uid, "\nUid: %u %u", &real, &effective) != 2)
		return hn_fail(err, -EPROTO, "/proc/%d/status names no process or owner", (int)tid);
	*ret_pid = pid;
	*ret_uid = effective;
	return 0;
}

int hn_process_of_thread(const char *root, pid_t tid, struct hn_process *ret, uid_t *ret_uid,
			 struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	struct hn_proc_stat stat;
	char path[64];
	uid_t uid;
	pid_t pid;
	int r;

	r = owner_read(root, tid, &pid, &uid, err);
	if (r)
		return r;
	directory = hn_proc_open(root, O_DIRECTORY, "proc/%d", (int)pid);
	if (directory < 0)
		return read_failed(directory, pid, "", err);
	r = hn_proc_stat_read(directory, "stat", &stat);
	if (r)
		return read_failed(r, pid, "stat", err);
	/*
	 * Seen through the open directory: the process whose start time was read is the one the thread
	 * is in.
	 */
	snprintf(path, sizeof(path), "task/%d", (int)tid);
	if (faccessat(directory, path, F_OK, 0))
		return process_gone(pid, err);
	*ret = (struct hn_process){.pid = pid, .start_ticks = stat.start_ticks};
	if (ret_uid)
		*ret_uid = uid;
	return 0;
}

int hn_process_open(const char *root, const struct hn_process *process, struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	struct hn_proc_stat stat;
	int r, taken;

	directory = hn_proc_open(root, O_DIRECTORY, "proc/%d", (int)process->pid);
	if (directory < 0)
		return read_failed(directory, process->pid, "", err);
	r = hn_proc_stat_read(directory, "stat", &stat);
	if (r)
		return read_failed(r, process->pid, "stat", err);
	if (stat.start_ticks != process->start_ticks)
		return hn_fail(err, -ESRCH, "process %d is gone, its number belongs to another",
			       (int)process->pid);
	if (stat.state == 'Z' || stat.state == 'X')
		return process_gone(process->pid, err);
	taken = directory;
	directory = -1;
	return taken;
}

int hn_process_check(const char *root, const struct hn_process *process, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);

	return directory < 0 ? directory : 0;
}
