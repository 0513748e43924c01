#pragma once
/*
 * reservations - the rooms kept for guests that start, run, or may come back, and the file that survives the
 * daemon.
 *
 * One of a guest at most. Changes are written as a whole, beside the API's socket (a tmpfs that a reboot
 * clears, as it clears the guests), all that have come until then at once; a file that cannot be written or
 * read is said once, and what is in memory goes on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "model/reservation.h"

#define HN_RESERVATIONS_MAX 8192 /* the oldest parked ones go first */

struct hn_reserved {
	TAILQ_ENTRY(hn_reserved) entry;
	struct hn_reservation *reservation;
	char *text;      /* as it is in the file; NULL: to be made */
	uint64_t change; /* the last one to it, by number */
};
TAILQ_HEAD(hn_reserved_list, hn_reserved);

struct hn_reservations {
	struct hn_reserved_list list; /* oldest first */
	size_t count;
	uint64_t changes; /* so far */
	uint64_t filed;   /* up to which change they are on file, or given up with the problem */
	uint64_t writes;  /* of the file, in vain or not */
	char path[160];
	char problem[HN_ERROR_MAX]; /* with the file; "" none */
	/* There is something to be put on file: hn_reservations_commit() is called soon. NULL: at once. */
	void (*due)(void *context);
	void *context;
};

/* Reads the file at path if there is one; what cannot be read in it is set aside as PATH.bad. -ENAMETOOLONG.
 */
int hn_reservations_init(struct hn_reservations *reservations, const char *path, struct hn_error *err);
void hn_reservations_done(struct hn_reservations *reservations);

/* By uuid, or by name where uuid is "". NULL when there is none. */
struct hn_reservation *hn_reservations_find(struct hn_reservations *reservations, const char *uuid,
					    const char *name);

/* By the id that the API knows it by, or by its client's key. NULL when there is none. */
struct hn_reservation *hn_reservations_find_id(struct hn_reservations *reservations, const char *id);
struct hn_reservation *hn_reservations_find_key(struct hn_reservations *reservations, const char *key);

/* Whether that one's last change is still to be put on file; false for one that is not there. */
bool hn_reservations_is_pending(struct hn_reservations *reservations,
				const struct hn_reservation *reservation);

/* Puts on file what has changed; nothing to do where nothing has. */
void hn_reservations_commit(struct hn_reservations *reservations);

/* Adds it in place of one of the same guest, whose id and key it gets, else an id of its own; takes it over
 * in any case. -ENOMEM, -ENOSPC. */
int hn_reservations_put(struct hn_reservations *reservations, struct hn_reservation *reservation,
			struct hn_error *err);

/* As JSON, as the file has it, borrowed until it changes; NULL when out of memory. */
const char *hn_reserved_text(struct hn_reserved *item);

/* Forgets it. */
void hn_reservations_drop(struct hn_reservations *reservations, struct hn_reservation *reservation);

/* Its guest does not start: the room is free, and it is forgotten unless pins of homenode's are remembered.
 */
void hn_reservations_give_back(struct hn_reservations *reservations, struct hn_reservation *reservation,
			       uint64_t now_ns);

/* That reservation's fields have changed, or NULL: all is due to be put on file. */
void hn_reservations_save(struct hn_reservations *reservations, const struct hn_reservation *changed);

/* Gives back what has expired by now. */
void hn_reservations_expire(struct hn_reservations *reservations, uint64_t now_ns);
