#pragma once
/*
 * group - the hosts of one topology in the index. For fleet/index.c alone, who finds them by name.
 */
#include "fleet/index.h"

struct hn_fleet_group *hn_fleet_group_new(struct hn_topology *topology); /* NULL when out of memory */
void hn_fleet_group_free(struct hn_fleet_group *group);                  /* NULL is fine */

/* Whether that can be of a host of this topology: -EINVAL with what cannot. */
int hn_fleet_group_check(const struct hn_fleet_group *group, const struct hn_fleet_record *record,
			 struct hn_error *err);
/* Room for one more. -ENOMEM. */
int hn_fleet_group_reserve(struct hn_fleet_group *group);
/* Each takes the record over; checked, and reserved for, before. */
void hn_fleet_group_append(struct hn_fleet_group *group, struct hn_fleet_record *record, uint64_t mark);
void hn_fleet_group_replace(struct hn_fleet_group *group, size_t host, struct hn_fleet_record *record,
			    uint64_t mark);
/* The last host takes its place. */
void hn_fleet_group_remove(struct hn_fleet_group *group, size_t host);
