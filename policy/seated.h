#pragma once
/*
 * seated - the CPUs that a dedicated or realtime guest which runs has for its own, by what its threads are
 * allowed: whoever put it there, and whatever home it has or has not been given.
 * Pure: no I/O, clock, logging or globals. Private to policy/.
 */
#include "base/set.h"
#include "model/snapshot.h"

/* The host's cores, looked up by CPU. */
struct hn_cores {
	const struct hn_host *host;
	struct hn_set common;   /* CPUs of who has been told no others: those that are not isolated */
	int number[HN_SET_MAX]; /* of the core of every CPU, -1 where there is none */
};
void hn_cores_fill(const struct hn_host *host, struct hn_cores *ret);

/*
 * Adds to owned what vCPUs of the guest, which has a sample, sit on, SMT siblings included. A vCPU sits on a
 * core when it may run on no other; one that its operator has pinned, or a realtime one, on several, too,
 * when these are no more than the guest has vCPUs. One that may run wherever nothing is isolated sits
 * nowhere. Returns the vCPUs that sit where their operator has pinned them, and realtime ones that sit: what
 * their home says is not for them.
 */
struct hn_set hn_seated_add(const struct hn_cores *cores, const struct hn_guest_state *state,
			    struct hn_set *owned);
