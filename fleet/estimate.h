#pragma once
/*
 * estimate - what a host could do for a guest, in the time that a scan of ten thousand hosts leaves for one:
 * a condition that is necessary, and a guess at what the solver would say it costs. The solver has the last
 * word.
 */
#include "fleet/index.h"
#include "model/guest.h"
#include "model/request.h"

#define HN_DEMAND_CELLS_MAX HN_REQUEST_CELLS_MAX

/* A guest as a scan wants it. */
struct hn_fleet_demand {
	enum hn_class class;
	bool drawn; /* to devices of the host's */
	size_t cell_count;
	struct {
		uint64_t bytes;
		uint64_t page_bytes;
		unsigned vcpus;
		struct hn_set allowed;
		bool restricted;      /* to the allowed ones */
	} cells[HN_DEMAND_CELLS_MAX]; /* largest memory first */
	uint64_t bytes;
	unsigned vcpus;
	uint64_t page_bytes;
	bool plain; /* all cells in pages of one size, and allowed everywhere */
};

/* -EOPNOTSUPP for a guest of too many cells. */
int hn_fleet_demand_init(struct hn_fleet_demand *demand, const struct hn_guest *guest, struct hn_error *err);

enum hn_fleet_refusal {
	HN_FLEET_POSSIBLE,
	HN_FLEET_NO_MEMORY, /* not enough of it in all */
	HN_FLEET_NO_PAGES,  /* its hosts have no pages of that size */
	HN_FLEET_NO_SEATS,  /* not enough CPUs in all */
	HN_FLEET_NO_NODES,  /* none of those it is allowed */
	HN_FLEET_REFUSED,   /* by the solver */
	HN_FLEET_REFUSAL_COUNT,
};
/* "possible", "memory", "pages", "cpus", "nodes", "solver" */
const char *hn_fleet_refusal_name(enum hn_fleet_refusal refusal);

/*
 * HN_FLEET_POSSIBLE, and in *ret a guess at the cost: less is better, in the order of enum hn_cost_part; or
 * why it cannot be. Beyond bound (UINT64_MAX: none) the guess may be any that is beyond it, too.
 */
enum hn_fleet_refusal hn_fleet_estimate(const struct hn_fleet_group *group, size_t host,
					const struct hn_fleet_demand *demand, uint64_t bound, uint64_t *ret);
