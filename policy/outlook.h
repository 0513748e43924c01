#pragma once
/*
 * outlook - what all guests of the host lose where they are, and what they would lose after a move: the
 * potential function of the decisions. Pure: no I/O, clock, logging or globals. Private to policy/.
 *
 * Two losses, both in vCPU-seconds a second: memory that is remote (policy/regret.h), and vCPUs that find no
 * CPU, the busy time on a node beyond its CPUs. Their sum over the host depends on where things are and on
 * the load, and on nothing else; a move is made only when it makes the sum less. So under a constant load
 * nothing can come back to where it was, whoever else has moved in between. (The solver's cost would not do:
 * it holds the bytes to migrate, and so depends on which way one looks.)
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/snapshot.h"

struct hn_outlook {
	double lost;  /* to remote memory */
	double *busy; /* by node */
	size_t node_count;
};
void hn_outlook_done(struct hn_outlook *outlook);

/* As things are. -ENOMEM. */
int hn_outlook_init(struct hn_outlook *outlook, const struct hn_snapshot *snapshot);

/* The same once more. -ENOMEM. */
int hn_outlook_copy(struct hn_outlook *outlook, const struct hn_outlook *of);

/* As it would be with these sides (enum hn_side) of the cell, by index, in that home. */
void hn_outlook_move(struct hn_outlook *outlook, const struct hn_snapshot *snapshot, size_t guest,
		     size_t cell, const struct hn_placement *home, unsigned sides);

double hn_outlook_potential(const struct hn_outlook *outlook, const struct hn_host *host);

/* What the cell would lose to remote memory then. */
double hn_outlook_cell(const struct hn_snapshot *snapshot, size_t guest, size_t cell,
		       const struct hn_placement *home, unsigned sides);

/* Whether the potential is less, by more than rounding. */
bool hn_outlook_is_better(const struct hn_outlook *after, const struct hn_outlook *before,
			  const struct hn_host *host);
