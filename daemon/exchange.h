#pragma once
/*
 * exchange - two guests change places on full nodes: an operation on each, whose migrations take turns as
 * policy/swap.h has put them in order, since each makes the room for the next.
 *
 * When one of the two ends before its last turn, whatever for, the other ends too, once the migration that it
 * may be in has ended: nothing is moved back, and nothing twice. Its threads may run where they did again
 * (daemon/retreat.h).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "daemon/guest.h"

struct hn_exchange;
struct hn_swap;

/* One of the two in it; zeroed: in none. */
struct hn_part {
	struct hn_exchange *exchange;
	size_t side; /* 0 or 1, as in the swap */
};

/* Begins, when the guest that has just been decided on has no room where it should be and its plan names a
 * partner. -ENOMEM, and what starting an operation returns. */
int hn_exchange_consider(struct hn_managed *managed, struct hn_error *err);

/*
 * Begins it: both get their homes of the swap, whose plans and turns are taken out of it, and an operation
 * each. -EBUSY while another runs on one of them, -ENOMEM; then neither has one, or the one that has ends at
 * once.
 */
int hn_exchange_begin(struct hn_managed *const guests[2], struct hn_swap *swap, struct hn_error *err);

/* For daemon/operation.c: 1 when it is the turn of that action of the part's plan (of a part of none:
 * always), 0 when not yet, with what it waits for as the rest of a sentence behind "waits", -ECANCELED when
 * the other has ended. */
int hn_exchange_ask(const struct hn_part *part, size_t action, char *why, size_t size);
/* Whether no turn is left that is the part's. */
bool hn_exchange_is_through(const struct hn_part *part);
/* The part's turn is done. */
void hn_exchange_advance(const struct hn_part *part);
/* The part's operation has ended, before its last turn or behind it. */
void hn_exchange_leave(struct hn_part *part);
