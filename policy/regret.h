#pragma once
/*
 * regret - what a guest has lost by where it is: for every cell and every node its memory could be on
 * instead, in vCPU-seconds. Pure: no I/O, clock, logging or globals.
 *
 * A counter c = max(0, c + rate x dt) for every cell and node, as in the counter algorithms for the page
 * migration problem (Black and Sleator, CMU-CS-89-201, 1989): it rises while the cell would do better there
 * and falls while it would do worse. What has been lost is known, what will be lost is not; so a move is paid
 * for with regret that has accrued (policy/adaptive.h).
 */
#include "base/error.h"
#include "model/snapshot.h"

/*
 * Estimated: the share of a busy vCPU's time that is lost when all its memory is twice as far as local
 * memory. In Pond (Li et al., ASPLOS 2023) 158 workloads run from memory at 1.82 times the local latency: 43
 * % of them lost less than 5 % and 21 % more than a quarter. 0.15 for 0.82 is their middle between the
 * halves, so about 0.18 for one. Accounts of the paper agree: 60 % of workloads lose more than 5 %
 * (khale.github.io/mem-systems-w26/blog/pond), almost a quarter more than 25 % (aneeshdurg.me, Thoughts on
 * Pond, 2024). The spread is wide, the middle a guess: a guest whose memory bandwidth can be measured would
 * do better.
 */
#define HN_REMOTE_LOSS 0.18

/*
 * vCPU-seconds a second that the cell, by index, loses by being as it was sampled: sum over its vCPUs of busy
 * time x sum over pages of the remoteness from where the vCPU ran, x HN_REMOTE_LOSS. Unknown pages count 0.
 */
double hn_loss_of_cell(const struct hn_host *host, const struct hn_guest *guest,
		       const struct hn_sample *sample, size_t cell);

/*
 * How much less that would be were the cell wholly on the node: either its memory comes, and of its vCPUs
 * those that may run there; or its vCPUs come, and its memory stays where it is; whichever is better. Of the
 * interval of the pages the end that gives less. Negative when it would be worse there.
 */
double hn_regret_rate(const struct hn_host *host, const struct hn_guest *guest,
		      const struct hn_sample *sample, size_t cell, size_t node);

/*
 * The guest's regret with its latest sample added, in *ret, to be freed by the caller: rate x the time since
 * the sample before. A sample that was added before, the first one, one older than two ticks and one that
 * comes more than two ticks after the one before add nothing. Starts from nothing when cells or nodes came or
 * went. *ret is NULL for a guest without cells or sample. -ENOMEM.
 */
int hn_regret_add(const struct hn_snapshot *snapshot, size_t guest, uint64_t tick_ns, struct hn_regret **ret,
		  struct hn_error *err);

/* After a move: nothing is owed any more. NULL is fine. */
void hn_regret_clear(struct hn_regret *regret);

/* What is owed to a cell for not being in that home: over its nodes by bytes. 0 for NULL. */
double hn_regret_of(const struct hn_regret *regret, const struct hn_placement *home, size_t cell);
