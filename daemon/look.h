#pragma once
/*
 * look - one look at a guest: asks the hands where its pages and threads are, turns the answer into a sample,
 * and lets the policy decide.
 */
#include "daemon/guest.h"

/* Starts a look at an identified guest; its outcome is written into the guest. Nothing happens while one is
 * running. */
void hn_look_start(struct hn_managed *managed);

/*
 * The sample that counts and readings make of the guest: rewrites guest->threads to what is there now (vCPUs
 * and iothreads as QMP named them, everything else emulator or vhost) and carries each thread's history on.
 * counts are in the order of the guest's cells. -ENOMEM.
 */
int hn_look_merge(const struct hn_host *host, struct hn_guest *guest, const struct hn_page_counts *counts,
		  const struct hn_thread_reading *readings, size_t reading_count, uint64_t now_ns,
		  struct hn_thread_history **history, size_t *history_count, struct hn_sample **ret,
		  struct hn_error *err);
