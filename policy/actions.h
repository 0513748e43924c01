#pragma once
/*
 * actions - what has to be done so that a guest is in the home of its plan: threads to bind, pages to bring.
 * Pure: no I/O, clock, logging or globals. Private to policy/.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/plan.h"
#include "model/snapshot.h"

struct hn_decide_options;
struct hn_shelf;

/* One look at one guest. */
struct hn_look {
	const struct hn_snapshot *snapshot;
	size_t index; /* of the guest */
	const struct hn_guest_state *state;
	const struct hn_guest *guest;
	const struct hn_sample *sample;
	const struct hn_decide_options *options;
	struct hn_plan *plan;
	const struct hn_set
		*owned; /* CPUs that other guests have for their own; NULL: worked out when asked */
};

/* What of a cell may be brought home; an or of these. */
enum hn_side {
	HN_SIDE_VCPUS = 1,  /* its vCPUs, wherever they may run now */
	HN_SIDE_MEMORY = 2, /* its pages */
	HN_SIDE_NARROW = 4, /* its vCPUs that may run at home already are kept there */
	HN_SIDE_WIDEN = 8,  /* those that homenode has bound to a part of their home get all of it back */
};

/*
 * Adds to look->plan, whose home is set, what brings the sides of each cell (by index) home: first bindings,
 * so that what the guest touches from now on is allocated at home; then migrations in an order in which none
 * needs more room than is free, in parts where they have to be (policy/schedule.h). A few stray pages are no
 * reason to move, unless something moves anyway. Adds notes about what cannot be had. -ENOMEM.
 */
int hn_actions_plan(const struct hn_look *look, const unsigned *sides);

/* Whose turn it is: the action of that plan. */
struct hn_plan_turn {
	size_t look, action;
};

/*
 * The same for several guests at once, whose migrations make room for one another: *ret_turns, to be freed by
 * the caller, are those of all plans in the order in which they have to be done, *ret_count many; *ret_fits
 * says whether each finds room in its turn. room: hn_room_now() for all of them. -ENOMEM.
 */
int hn_actions_plan_together(const struct hn_look *looks, const unsigned *const *sides, size_t count,
			     const struct hn_shelf *room, struct hn_plan_turn **ret_turns, size_t *ret_count,
			     bool *ret_fits);

/* Share of the cell's sampled pages that lie in that home, by index; 1 without any page. */
double hn_share_at_home(const struct hn_look *look, const struct hn_placement *home, size_t cell);

/* Upper estimate of the cell's bytes that lie outside that home. */
uint64_t hn_bytes_away(const struct hn_look *look, const struct hn_placement *home, size_t cell);

/* CPUs that the thread, by index, is to run on in that home: none that another guest has for its own, and
 * none at all where those are all there are. */
struct hn_set hn_home_cpus(const struct hn_look *look, const struct hn_placement *home, size_t thread);

/*
 * What can be brought where now: free beyond keep_free and what others than these guests have been promised;
 * or what is missing to that. By shelf, hn_shelf_count() of them: each node's base pages, then its pools of
 * other page sizes. NULL when out of memory.
 */
struct hn_shelf *hn_room_now(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
			     uint64_t keep_free_bytes);
size_t hn_shelf_count(const struct hn_host *host);
