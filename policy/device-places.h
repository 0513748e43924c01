#pragma once
/*
 * device-places - where a guest lives, and how far from there the host's devices that it uses are.
 */
#include "model/device-place.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/placement.h"
#include "model/sample.h"

/* Ids of the nodes that hold most of a cell's pages each; without a sample those of its home; empty while
 * neither is known. sample and home may be NULL. */
struct hn_set hn_guest_lives_on(const struct hn_host *host, const struct hn_sample *sample,
				const struct hn_placement *home);

/* Where the device of that name is, seen from these nodes (ids; empty: nowhere yet, and nothing is far). */
struct hn_device_place hn_device_place_of(const struct hn_host *host, const char *name, bool shared,
					  const struct hn_set *lives);
