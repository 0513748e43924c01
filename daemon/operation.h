#pragma once
/*
 * operation - the carrying-out of one plan for one guest: threads first, then cell by cell its pages, each
 * migration in a homenode-host of its own that can be given up.
 */
#include "daemon/guest.h"

/* Starts it and takes plan over. -EBUSY while another runs on the guest, -ENOMEM, or what starting the hands
 * returns. */
int hn_operation_start(struct hn_managed *managed, struct hn_plan *plan, struct hn_error *err);

/* Stops at once, without waiting for the hands; why goes into the guest's record. Nothing when none runs. */
void hn_operation_abandon(struct hn_managed *managed, const char *why);
