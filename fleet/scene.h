#pragma once
/*
 * scene - a host set up again from its record, so that the solver answers there as it would on the host
 * itself. Pure but for memory.
 */
#include "fleet/record.h"
#include "model/placement.h"
#include "policy/solver.h"

#define HN_FLEET_STEPS 1000 /* of a search on one host: some 0.1 ms at the very most */

/* One for all hosts of a topology, one after the other. */
struct hn_fleet_scene;

/* NULL when out of memory. */
struct hn_fleet_scene *hn_fleet_scene_new(struct hn_topology *topology);
void hn_fleet_scene_free(struct hn_fleet_scene *scene); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_fleet_scene, struct hn_fleet_scene *, hn_fleet_scene_free);

/* Places the guest, who is the caller's, on the record's host, whose topology is the scene's. As hn_solve().
 */
int hn_fleet_scene_solve(struct hn_fleet_scene *scene, const struct hn_fleet_record *record,
			 struct hn_guest *guest, uint64_t steps, struct hn_placement **ret,
			 struct hn_error *err);
