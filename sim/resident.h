#pragma once
/*
 * resident - one guest of a world: its pages and vCPUs, kept as an exhaustive sample in its snapshot state.
 * Pure. Private to sim/.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/plan.h"
#include "model/snapshot.h"
#include "sim/trace.h"

#define SIM_PAGE UINT64_C(4096)

struct resident {
	uint32_t number;
	double load;
	double busy;       /* of all its vCPUs together */
	double local;      /* of that, local */
	double lost;       /* of that, to memory that is remote */
	uint64_t *left_ns; /* [cell][node]: when a migration last took pages away, 0 never */
	/* the operation under way, NULL none */
	struct hn_plan *plan;
	uint64_t turn; /* in which it began */
	size_t next;   /* action */
	uint64_t action_pages, moved_pages;
	uint64_t moved_now; /* pages, in this tick */
	uint64_t *carried;  /* by node: pages read from it or written to it in this tick */
	bool exchanges;     /* the operation is half of an exchange with the guest of that number */
	uint32_t partner;
};

void resident_done(struct resident *resident);

/* The guest of a request in a zeroed state, with threads, backends and no sample: what the policy gets to see
 * before there is one. -EINVAL, -ENOMEM. */
int resident_init(struct resident *resident, struct hn_guest_state *state, const struct hn_event *event,
		  const char *policy, const struct hn_host *host, struct hn_error *err);

/*
 * Puts its memory and vCPUs where state->home says and takes the memory from the host. -ENOSPC when the home
 * has more than the nodes have free: nothing is taken then. bind: its vCPUs may run there only, else they do
 * so by chance. -ENOMEM.
 */
int resident_settle_in(struct hn_guest_state *state, struct hn_host *host, bool bind, struct hn_error *err);
/* Gives all its memory back to the host. */
void resident_leave(const struct hn_guest_state *state, struct hn_host *host);

/* Moves up to so many pages of a cell, as far as the target has room; how many it was. */
uint64_t resident_move(struct hn_guest_state *state, struct hn_host *host, size_t cell, size_t from,
		       size_t to, uint64_t pages);

/* Lets a thread run on these CPUs: it spreads evenly over them. */
void resident_bind(struct hn_guest_state *state, const struct hn_host *host, size_t thread,
		   const struct hn_set *cpus);
/* Lets a cell's vCPUs run anywhere, and there they do: on that node. */
void resident_drift(struct hn_guest_state *state, const struct hn_host *host, size_t cell, size_t node);

/* Recomputes busy, local and lost, and what the sample says of load. */
void resident_weigh(struct resident *resident, struct hn_guest_state *state, const struct hn_host *host);
