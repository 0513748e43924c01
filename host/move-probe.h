#pragma once
/*
 * move-probe - whether memory of which nothing is known can be moved: one page of it is taken to another
 * node, and back.
 *
 * It is a moving call like any other, with all that it costs (host/mover.h): never for a realtime guest that
 * runs.
 */
#include "host/mover.h"

enum hn_probe {
	HN_PROBE_NOTHING, /* no page of it was found that is there */
	HN_PROBE_NOWHERE, /* there is no other node it may go to, or none that has room */
	HN_PROBE_STAYED,
	HN_PROBE_MOVED,
};

/*
 * Takes a page at random of the range (a whole one of its page_bytes) to the lowest of the nodes (ids) that
 * it is not on and that has room for it, and back. -ESRCH, -EPERM, -ENODEV, -ENOMEM.
 */
int hn_move_probe(const struct hn_process *process, const struct hn_range *range, const struct hn_set *nodes,
		  uint64_t seed, enum hn_probe *ret, struct hn_error *err);

/* The same through another kernel: see host/mover.h. */
int hn_move_probe_with(const struct hn_move_kernel *kernel, const struct hn_process *process,
		       const struct hn_range *range, const struct hn_set *nodes, uint64_t seed,
		       enum hn_probe *ret, struct hn_error *err);
