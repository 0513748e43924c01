#pragma once
/*
 * explanation - plans and explanations as people read them.
 */
#include <stdbool.h>

#include "base/error.h"
#include "model/explanation.h"
#include "model/plan.h"

/* Verdict, actions and notes. */
void hn_print_plan(const struct hn_plan *plan);

/* The home, its cost part by part, and a table of why not the other nodes. 0 or -ENOMEM. */
int hn_print_explanation(const struct hn_explanation *explanation, bool colour);
