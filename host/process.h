#pragma once
/*
 * process - what /proc tells of a process and its threads. Every reader takes a root path ("" or NULL: the
 * machine).
 *
 * A process is named by pid *and* start time, so that a reused pid is never taken for the guest that had it
 * before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/set.h"

struct hn_process {
	pid_t pid;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
};

/* The process that thread tid belongs to, with its start time and owner (effective uid). -ESRCH when it is
 * gone. */
int hn_process_of_thread(const char *root, pid_t tid, struct hn_process *ret, uid_t *ret_uid,
			 struct hn_error *err);

/* 0 while that very process lives; -ESRCH when it is gone, a zombie, or its pid belongs to another now. */
int hn_process_check(const char *root, const struct hn_process *process, struct hn_error *err);

/*
 * A descriptor of ROOT/proc/PID, checked as above, for the caller to close. On the machine it stays with that
 * very process: what is opened or read through it fails once the process is gone, whoever has its pid then.
 * -ESRCH.
 */
int hn_process_open(const char *root, const struct hn_process *process, struct hn_error *err);

#define HN_THREADS_MAX 8192 /* of a guest, its helpers' included */

/* One look at a thread. */
struct hn_thread_reading {
	pid_t tid;
	char name[16];         /* comm, e.g. "CPU 0/KVM" */
	int last_cpu;          /* field 39 of stat: CPU last run on */
	uint64_t cpu_ns;       /* run time: schedstat's first field, else utime + stime in ticks */
	int scheduling_policy; /* SCHED_OTHER, SCHED_FIFO, ... */
	bool helper;           /* of another process that serves the guest, see helpers.h */
	bool monitored;        /* its memory traffic is counted for the guest alone, see bandwidth.h */
	struct hn_set allowed; /* Cpus_allowed_list */
};

/* For qsort() and bsearch(): by tid. */
int hn_thread_readings_order(const void *a, const void *b);

/*
 * All threads of the process, in order of tid, and behind them the vhost kernel workers that serve it (named
 * after one of its threads, vhost-TID; user workers are among its threads). Threads that vanish meanwhile are
 * left out. The caller frees *ret. -ESRCH, -ENOMEM, -E2BIG above HN_THREADS_MAX.
 */
int hn_threads_read(const char *root, const struct hn_process *process, struct hn_thread_reading **ret,
		    size_t *ret_count, struct hn_error *err);
