#pragma once
/*
 * operation - the carrying-out of one plan for one guest: threads first, then cell by cell its pages, each
 * migration in a homenode-host of its own that can be given up.
 */
#include "daemon/exchange.h"
#include "daemon/guest.h"

/* Starts it, once it is known what holds the guest's memory (daemon/admission.h), and takes plan over.
 * predicted_gain is for the history: the share of the time of its busy vCPUs that will be saved, 0 where
 * nothing is predicted. part: the guest's in an exchange, taken over as well, or zeroed. -EBUSY while another
 * runs on the guest, -ENOMEM, or what starting the hands returns. */
int hn_operation_start(struct hn_managed *managed, struct hn_plan *plan, double predicted_gain,
		       struct hn_part *part, struct hn_error *err);

/*
 * Between two pieces of its memory, within a tenth of a second: begins no more of them until it is resumed.
 * Threads are bound all the same. -EBUSY when none is under way.
 */
int hn_operation_pause(struct hn_managed *managed, bool pause, struct hn_error *err);

/* Ends it likewise, with why as its record's message: what has moved stays where it is. -EBUSY when none is
 * under way. */
int hn_operation_cancel(struct hn_managed *managed, const char *why, struct hn_error *err);

/* Whether one is under way that has yet to bring memory to that node, by id. */
bool hn_operation_goes_to(const struct hn_managed *managed, int node);

/* Or away from it. A page on its way is seen nowhere, and one of 1 GiB is so for seconds. */
bool hn_operation_leaves(const struct hn_managed *managed, int node);

/* Stops at once, without waiting for the hands; why goes into the guest's record. When none runs, only what
 * the last one still puts back is not waited for any more. */
void hn_operation_abandon(struct hn_managed *managed, const char *why);
