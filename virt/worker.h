#pragma once
/*
 * worker - a thread that makes libvirt's blocking calls, one after the other, on a link of its own
 * (virt/link.h). Jobs go in and come out on the loop's thread; nothing else is shared.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"

struct event_base;
struct hn_link;
struct hn_worker;

#define HN_WORKER_JOBS_MAX 1024 /* that wait or are done and not yet told */

/* Is the first member of what a job is about. */
struct hn_job {
	TAILQ_ENTRY(hn_job) next;
	/* On the worker's thread. A call after the other: hn_worker_mark() between them. */
	void (*run)(struct hn_job *job, struct hn_link *link);
	/* Once for every job submitted, and frees it. told: on the loop's thread, after run. Otherwise the
	 * worker is being freed and there is nobody to tell; that may be on any thread. */
	void (*done)(struct hn_job *job, bool told);
};

/*
 * Takes link over in any case. A job without a mark for limit_ns has its link's sockets shut down, and
 * libvirt's call fails. -ENOMEM, -errno.
 */
int hn_worker_new(struct event_base *base, struct hn_link *link, uint64_t limit_ns, struct hn_worker **ret,
		  struct hn_error *err);

/*
 * Ends the thread, politely for half a second, then with its sockets shut down for another half; a thread
 * that is still in a call then is left to itself and frees what is its own when the call returns. NULL is
 * fine.
 */
void hn_worker_free(struct hn_worker *worker);

/* Takes the job over only if it returns 0. -EBUSY with too many. */
int hn_worker_submit(struct hn_worker *worker, struct hn_job *job, struct hn_error *err);

/* From run: the job is alive, its time limit begins anew. */
void hn_worker_mark(struct hn_worker *worker);

/* The last job's sockets were shut down because it took too long. On any thread. */
bool hn_worker_late(struct hn_worker *worker);
