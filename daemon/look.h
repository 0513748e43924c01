#pragma once
/*
 * look - one look at a guest: asks the hands where its pages and threads are, turns the answer into a sample,
 * and lets the policy decide.
 */
#include "daemon/guest.h"

/* Starts a look at an identified guest; its outcome is written into the guest, and the rota told of its end.
 * False when none was started, as while one is running. */
bool hn_look_start(struct hn_managed *managed);

/* The reading of that thread, NULL when it has none. Readings are in order of tid, here and below. */
const struct hn_thread_reading *hn_look_find(const struct hn_thread_reading *readings, size_t count,
					     pid_t tid);

/*
 * Whether the threads of its vCPUs say that it is realtime: all of them SCHED_FIFO or SCHED_RR, or each on
 * isolated CPUs alone.
 */
bool hn_look_runs_realtime(const struct hn_host *host, const struct hn_guest *guest,
			   const struct hn_thread_reading *readings, size_t reading_count);

/*
 * The sample that counts and readings make of the guest: rewrites guest->threads to what is there now (vCPUs
 * and iothreads as QMP named them, everything else emulator, vhost or helper) and carries each thread's
 * history on. counts are in the order of the guest's cells. -ENOMEM.
 */
int hn_look_merge(const struct hn_host *host, struct hn_guest *guest, const struct hn_page_counts *counts,
		  const struct hn_thread_reading *readings, size_t reading_count, uint64_t now_ns,
		  struct hn_thread_history **history, size_t *history_count, struct hn_sample **ret,
		  struct hn_error *err);
