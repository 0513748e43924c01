#pragma once
/*
 * running - an operation while it runs: where it is in its plan, its books, and its end. For operation.c
 * alone.
 */
#include "daemon/admission.h"
#include "daemon/books.h"
#include "daemon/events.h"
#include "daemon/exchange.h"
#include "daemon/guest.h"

struct hn_binding;
struct hn_fence;
struct hn_migration;

struct hn_running_operation {
	struct hn_managed *managed;
	struct hn_plan *plan;
	size_t next;                /* action to do next */
	struct hn_binding *binding; /* while threads are bound */
	struct hn_fence *fence;     /* while its cgroups are changed */
	struct hn_set fence_before; /* the nodes they allowed before they were opened; empty: they were not */
	struct hn_part part;        /* in an exchange */
	struct hn_plan *retreat;    /* binds its threads to where they were; NULL where no memory moves */
	bool retreats;              /* and it is being carried out */
	enum hn_operation_state end_state; /* of one that retreats */
	char end_message[HN_REASON_MAX];
	char stopped[HN_REASON_MAX]; /* why it is, once it is cancelled */
	struct hn_waiter waiter;     /* for its turn to migrate */
	uint64_t in_vain_since_ns;   /* has no room, or no evidence; 0: has, or was not asked */
	uint64_t seizures;           /* of the guest's memory, when it was planned */
	struct hn_set from;          /* ids of nodes that its memory lay on then */
	bool begun;                  /* to bind or to move */
	struct hn_migration *migration;
	bool paused, held;        /* held: the next migration would begin if it were not paused */
	char note[HN_REASON_MAX]; /* to be said at the end */
	double price, gain;       /* as predicted */
	uint64_t started_ns;
	struct hn_books books;
};

/* Brings the guest's record of it up to date. */
void hn_running_update(struct hn_running_operation *running);

/* Tells listeners of the guest's record, with that message. */
void hn_running_tell(const struct hn_managed *managed, enum hn_event_type type, const char *message);

/* Lets its migration go, and whoever waited for it try. */
void hn_running_end_migration(struct hn_running_operation *running);

/* Frees it with all it has begun; the guest has none any more. */
void hn_running_free(struct hn_running_operation *running);

/* Ends it: writes the record, sets the guest to settle, looks again at once. */
void hn_running_finish(struct hn_running_operation *running, enum hn_operation_state state,
		       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, having carried out its plan. */
void hn_running_finish_done(struct hn_running_operation *running);
