#pragma once
/*
 * bound-threads - which of a guest's threads may run where homenode has bound them, and nobody has since.
 *
 * What is told of a thread here is forgotten with its process, and when homenode starts anew: then it is
 * taken to be where somebody else wants it.
 */
#include "daemon/guest.h"

struct hn_bound_thread {
	pid_t tid;
	bool seen;       /* in the latest look */
	uint64_t cpus;   /* a hash of those it was bound to; 0: of none */
	uint64_t before; /* and of those before them */
};

/* The plan's threads are about to be bound. Without memory for them they count as bound by
 * somebody else. */
void hn_bound_threads_note(struct hn_managed *managed, const struct hn_plan *plan);
/* And they were not, or these have been bound back to where they were before that. */
void hn_bound_threads_revert(struct hn_managed *managed, const struct hn_plan *plan);
/* After a look: says of each thread whether it is where it was bound. */
void hn_bound_threads_heed(struct hn_managed *managed);
void hn_bound_threads_forget(struct hn_managed *managed);
