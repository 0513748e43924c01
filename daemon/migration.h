#pragma once
/*
 * migration - one running move of a cell's memory to a node, in a homenode-host of its own that can be given
 * up.
 */
#include <stdbool.h>
#include <sys/queue.h>

#include "daemon/guest.h"
#include "host/mover.h"
#include "policy/pace.h"
#include "policy/turn.h"

/* The pages of one cell, as the plan has it. */
struct hn_migration_order {
	const struct hn_action *action;
	struct hn_set stay_nodes; /* ids: what lies there may stay */
};

/* What it tells: on the loop, never from inside hn_migration_start(). */
struct hn_migration_listener {
	void (*progress)(const struct hn_move_progress *books, void *context);
	/* Once; err is NULL exactly when result is 0. May free the migration. */
	void (*done)(int result, const struct hn_move_progress *books, const struct hn_error *err,
		     void *context);
	void *context;
};

struct hn_migration {
	TAILQ_ENTRY(hn_migration) entry; /* in service->migrations */
	struct hn_managed *managed;
	struct hn_turn_move move; /* left_bytes as of the last progress */
	struct hn_move_progress books;
	struct hn_migration_listener listener;
	struct hn_hands *hands;
	struct event *grace; /* until a cancelled one is given up */
	bool paused;         /* by an operator */
	bool cancelled, answered;
	/* The regulator's: */
	struct hn_move_pace told; /* what the hands were told last */
	struct hn_pace pace;
	double factor;
	uint64_t seen_wall_ns, seen_copying_ns; /* of books, at its last step */
};

/* What asking for it to begin takes: where its memory comes from, where it goes, and how much. */
void hn_migration_turn(const struct hn_managed *managed, const struct hn_migration_order *order,
		       struct hn_turn_move *ret);

/* Starts it, admitted or not. -ENOMEM, and what starting the hands returns. */
int hn_migration_start(struct hn_managed *managed, const struct hn_migration_order *order,
		       const struct hn_migration_listener *listener, struct hn_migration **ret,
		       struct hn_error *err);

/* Tells its hands another pace, unless it is the one they were told last. */
void hn_migration_set_pace(struct hn_migration *migration, const struct hn_move_pace *pace);

/* Stops it: done comes with -ECANCELED, a few seconds later at most whatever the hands do, and some more
 * where a page of 1 GiB is under way. */
void hn_migration_cancel(struct hn_migration *migration);

/* Ends it at once; done is not called. NULL is fine. */
void hn_migration_free(struct hn_migration *migration);
