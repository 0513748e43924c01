#pragma once
/*
 * regulator - how fast each running migration may go: deals the operator's budgets (policy/deal.h) and holds
 * moves back while memory is under pressure (policy/pace.h), four times a second while any run.
 */
#include "base/error.h"

struct hn_service;
struct hn_regulator;

int hn_regulator_new(struct hn_service *service, struct hn_regulator **ret, struct hn_error *err);
void hn_regulator_free(struct hn_regulator *regulator); /* NULL is fine */

/* A migration has begun, ended, was paused or resumed, or has taken to a pace: who may go how fast is told
 * anew. */
void hn_regulator_deal(struct hn_service *service);
