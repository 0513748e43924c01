#pragma once
/*
 * chronicle - what of a guest's life goes into the history: looks, at most one in 10 s; changes of verdict or
 * home; operations that have ended. Without a store all of it does nothing.
 */
#include <stddef.h>

#include "daemon/guest.h"

/* Opens the history that the configuration names. What is wrong with it is logged, then and later. -ENOMEM
 * and the like. */
int hn_chronicle_open(struct hn_service *service, struct hn_error *err);

/* The guest has just been looked at. */
void hn_chronicle_sample(struct hn_managed *managed);

/* What was decided about it; before it becomes the guest's plan and home. */
void hn_chronicle_decision(struct hn_managed *managed, const struct hn_plan *plan);

/* What carrying the plan out will cost, in vCPU-seconds; see policy/price.h. */
double hn_chronicle_price(const struct hn_managed *managed, const struct hn_plan *plan);

/* Its operation has ended: managed->operation is the outcome. */
void hn_chronicle_move(struct hn_managed *managed, double price, double predicted_gain);
