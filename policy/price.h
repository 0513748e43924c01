#pragma once
/*
 * price - what moving a guest costs, in vCPU-seconds, as learned from the moves this host has seen.
 * Pure: no I/O, clock, logging or globals.
 */
#include <stdint.h>

#include "model/snapshot.h"

/*
 * Assumed until the first migration has been seen. A copy at 512 MiB/s is the slow end of what move_pages()
 * does with base pages on current machines; a tenth of the guest's time lost meanwhile is what the mover's
 * own pace allows at most.
 */
#define HN_ASSUMED_BYTES_PER_SECOND (512.0 * 1024 * 1024)
#define HN_ASSUMED_STALL_SHARE 0.1

/* A vCPU that changes its node finds its caches cold: 32 MiB of last-level cache at about 3 GiB/s. */
#define HN_REBIND_SECONDS 0.01

#define HN_DISTRUST_MAX 64.0

/*
 * Price of moving that many bytes of a guest with so many vCPUs: seconds of the mover, and of its vCPUs' the
 * share they stall meanwhile, bytes / throughput x (1 + stall_share x vCPUs), times distrust (0 counts as 1).
 */
double hn_price_of_migration(const struct hn_calibration *calibration, uint64_t bytes, unsigned vcpus,
			     double distrust);

/*
 * How long, in seconds, who touches a page of that size waits while it moves: it is copied as a whole, so no
 * pace helps. A page of 1 GiB, at the assumed speed: 2 s. That is the least that is reckoned with: what has
 * been learned counts looking for pages and trying them too.
 */
double hn_price_page_gap(const struct hn_calibration *calibration, uint64_t page_bytes);

/* Price of letting so many vCPUs run on another node. */
double hn_price_of_rebinding(unsigned vcpus, double distrust);

/* The node count is of nodes that can be a home: with two of them 2, with more 1.5 (see tests/unit/policy/
 * test-competitive.c for what follows from it). */
double hn_price_theta(unsigned home_nodes);

/*
 * Learns from a migration that has ended: bytes moved, the time the mover was at work (its CPU time, so that
 * a limited rate does not look slow), and the share of the guest's vCPU time lost meanwhile, negative while
 * that is not measured. An exponentially weighted mean with a weight of a quarter; the first replaces the
 * assumption. Migrations of less than 1 MiB say nothing.
 */
void hn_price_learn(struct hn_calibration *calibration, uint64_t bytes, uint64_t work_ns, double stall_share);

/*
 * A guest's distrust after a move that gained so much where that was predicted, in the same unit: doubled
 * below 90 % up to HN_DISTRUST_MAX, else halved down to 1. Predictions of nothing leave it.
 */
double hn_price_distrust(double distrust, double predicted, double gained);
