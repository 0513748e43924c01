#pragma once
/*
 * cpus - the second stage of a placement: which CPUs of its cells' nodes a guest's threads are to run on.
 * Pure: no I/O, clock, logging or globals.
 *
 * A shared guest's vCPUs may use all CPUs of their node that are not reserved, isolated or another guest's
 * own. A dedicated one's get a core each, all its SMT siblings included, in as few last-level caches as
 * possible; a realtime one's likewise among isolated CPUs. The emulator and iothreads go to housekeeping CPUs
 * (neither isolated nor anyone's own) of the home, else to the nearest there are.
 */
#include "base/error.h"
#include "model/placement.h"
#include "model/snapshot.h"

/* Fills placement->vcpus and other_cpus for snapshot->guests[guest]. -ENOSPC when a node has too few whole
 * cores left, -ENOMEM. */
int hn_cpus_choose(const struct hn_snapshot *snapshot, size_t guest, struct hn_placement *placement,
		   struct hn_error *err);

/* The same for one of several that are being placed: what they own now is free, and what has been chosen for
 * some of them already is not. */
int hn_cpus_choose_among(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
			 const struct hn_set *taken, size_t guest, struct hn_placement *placement,
			 struct hn_error *err);
