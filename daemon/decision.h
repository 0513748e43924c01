#pragma once
/*
 * decision - lets the policy decide on a guest, and acts on it as far as its mode allows.
 */
#include "daemon/exchange.h"
#include "daemon/guest.h"
#include "policy/decide.h"

/* What decisions are made with; now: because someone asked. */
struct hn_decide_options hn_decision_options(const struct hn_service *service, bool now);

/* A snapshot that borrows everything from the service, reservations of guests that are not seen yet included;
 * free only .guests. *ret_index is managed's place in it; managed may be NULL. */
int hn_decision_snapshot(struct hn_service *service, const struct hn_managed *managed,
			 struct hn_snapshot *ret, size_t *ret_index, struct hn_error *err);

/* The same with a guest that is to come, in place of what is known of it by uuid or name. */
int hn_decision_snapshot_with(struct hn_service *service, struct hn_guest *newcomer, struct hn_snapshot *ret,
			      size_t *ret_index, struct hn_error *err);

/* Decides on a fresh sample: remembers plan, home and looks, and starts the operation in mode enforce. */
void hn_decision_take(struct hn_managed *managed);

/*
 * Plans because someone asked: one look is enough. The caller frees *ret. -EBUSY while an operation runs,
 * -EAGAIN when nothing is known of the guest yet, and what hn_decide() returns.
 */
int hn_decision_now(struct hn_managed *managed, struct hn_plan **ret, struct hn_error *err);

/* Carries out a plan made by hn_decision_now(), which it takes over; its home becomes the guest's. */
int hn_decision_act(struct hn_managed *managed, struct hn_plan *plan, struct hn_error *err);

/* The same with its part in an exchange, which is taken over. */
int hn_decision_act_part(struct hn_managed *managed, struct hn_plan *plan, struct hn_part *part,
			 struct hn_error *err);
