#pragma once
/*
 * traffic - which pairs of nodes others' migrations keep busy: one at a time between two nodes.
 * Pure: no I/O, clock, logging or globals. Private to policy/.
 */
#include <stdbool.h>

#include "policy/actions.h"

/*
 * Whether a migration of look's plan would use a pair of nodes, in either direction, between which another
 * guest's operation (its state says moving) brings pages home. Writes who and where into reason.
 */
bool hn_traffic_is_in_the_way(const struct hn_look *look, char *reason, size_t size);
