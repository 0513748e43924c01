#pragma once
/*
 * decision - lets the policy decide on a guest, and acts on it as far as its mode allows.
 */
#include "daemon/guest.h"

/* A snapshot that borrows everything from the service; free only .guests. *ret_index is managed's place in
 * it. */
int hn_decision_snapshot(struct hn_managed *managed, struct hn_snapshot *ret, size_t *ret_index,
			 struct hn_error *err);

/* Decides on a fresh sample: remembers plan, home and looks, and starts the operation in mode enforce. */
void hn_decision_take(struct hn_managed *managed);

/*
 * Plans because someone asked: one look is enough. The caller frees *ret. -EBUSY while an operation runs,
 * -EAGAIN when nothing is known of the guest yet, and what hn_decide() returns.
 */
int hn_decision_now(struct hn_managed *managed, struct hn_plan **ret, struct hn_error *err);

/* Carries out a plan made by hn_decision_now(), which it takes over; its home becomes the guest's. */
int hn_decision_act(struct hn_managed *managed, struct hn_plan *plan, struct hn_error *err);
