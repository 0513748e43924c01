#pragma once
/*
 * admission - who may begin to move memory now, and who waits for it: policy/turn.h asked with what this host
 * is like at the moment, of guests of which is known what holds their memory.
 */
#include <stdbool.h>
#include <sys/queue.h>

#include "base/error.h"
#include "policy/turn.h"

struct hn_admission;
struct hn_managed;
struct hn_service;

/* One who waits; zeroed: does not. */
struct hn_waiter {
	TAILQ_ENTRY(hn_waiter) entry;
	bool queued;
	void (*try_again)(void *context); /* out of the queue by then; on the loop */
	void *context;
};

int hn_admission_new(struct hn_service *service, struct hn_admission **ret, struct hn_error *err);
void hn_admission_free(struct hn_admission *admission); /* NULL is fine; nobody waits any more */

/*
 * Whether the migration may begin; else why not, as the rest of a sentence behind "waits". move is NULL
 * before threads are bound, which asks for evidence alone. The one gate that every operation passes, whoever
 * asked for it: a guest whose last inspection is old is inspected first, and who waits for that is woken.
 */
enum hn_wait hn_admission_ask(struct hn_managed *managed, const struct hn_turn_move *move, char *why,
			      size_t size);

/* Queues it, to be told to try again when something has ended and every second; in order of their coming. */
void hn_admission_join(struct hn_admission *admission, struct hn_waiter *waiter);
/* Takes it out, if it waits. */
void hn_admission_leave(struct hn_admission *admission, struct hn_waiter *waiter);

/* Something has ended: who waits tries again as soon as the loop turns. */
void hn_admission_wake(struct hn_service *service);
