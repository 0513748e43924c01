#pragma once
/*
 * move-crew - threads that make the parts of a moving call at the same time.
 *
 * Part of the mover; see mover.h for the terms.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "host/mover.h"

struct hn_move_crew;

/*
 * Starts the threads, HN_LANES - 1 of them: the caller is one of the crew. They run where the caller may, at
 * its nice value, and take no signals. NULL when they cannot be started.
 */
struct hn_move_crew *hn_move_crew_new(void);
void hn_move_crew_free(struct hn_move_crew *crew); /* NULL is allowed */
HN_CLEANUP_DEFINE(hn_move_crew, struct hn_move_crew *, hn_move_crew_free);

/* How many of a crew would find CPUs that the caller may run on: 1 to HN_LANES. */
unsigned hn_move_crew_most(void);

/*
 * Makes move_pages(2) of each span, at most HN_LANES of them, and returns when all have ended. Without a crew
 * the caller makes one after the other, and only the first is said to have used a CPU.
 */
void hn_move_crew_run(struct hn_move_crew *crew, pid_t pid, struct hn_move_span *spans, size_t count,
		      int flags);
