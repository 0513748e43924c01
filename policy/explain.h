#pragma once
/*
 * explain - why a guest's cells are where they are, and what every other node would break or cost.
 * Pure: no I/O, clock, logging or globals.
 */
#include "base/error.h"
#include "model/explanation.h"
#include "model/snapshot.h"
#include "policy/solver.h"

/*
 * Exchanges of cells that are tried for one explanation: as many as a guest of 64 cells can have. One that
 * has more cells is told where some were not tried.
 */
#define HN_EXPLAIN_SWAPS_MAX 4096

/*
 * Explains home for snapshot->guests[guest]: each cell in turn is put on every other node, its other cells
 * staying where they are, and the cost is compared; where another cell is in the way, the two change places.
 * home NULL: the guest fits nowhere, why says so (may be NULL), and each cell is tried on each node as if it
 * were the whole guest. The caller frees *ret. -EINVAL for a home that is not one of this guest on this host,
 * -ENOMEM.
 */
int hn_explain(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	       const struct hn_placement *home, const char *why, struct hn_explanation **ret,
	       struct hn_error *err);
