#pragma once
/*
 * remote-cost - what remote memory costs in the operator's terms: the share of a guest's vCPU time that it
 * waits for memory on other nodes than its own. Pure: no I/O, clock, logging or globals.
 *
 * Mostly an estimate: from where pages are, how far that is from where vCPUs ran, and HN_REMOTE_LOSS
 * (policy/regret.h). Where the hardware counts the guest's memory traffic, from that: how much of it went to
 * other nodes is then known, and no longer taken from where pages are.
 */
#include <stdbool.h>

#include "model/activity.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/interval.h"
#include "model/sample.h"

/*
 * Share of the cell's (by index) busy vCPU time, 0..1: hn_loss_of_cell() over its busy time, with the
 * interval of the sampled pages; pages that the kernel does not tell of count as local at the lower end and
 * as far as can be at the upper. False when no page has been seen, or its vCPUs were idle.
 */
bool hn_remote_cost_of_cell(const struct hn_host *host, const struct hn_guest *guest,
			    const struct hn_sample *sample, size_t cell, struct hn_interval *ret);

/* The same of the guest: the mean of its cells by busy time. False when none is known. */
bool hn_remote_cost_of_guest(const struct hn_host *host, const struct hn_guest *guest,
			     const struct hn_sample *sample, struct hn_interval *ret);

/* Bytes that one access moves, and ns that it takes at home where the machine does not tell (ACPI HMAT). */
#define HN_LINE_BYTES 64
#define HN_LOCAL_LATENCY_NS 100

/*
 * The same of the guest, from its traffic as it was counted: HN_REMOTE_LOSS x the share that went to other
 * nodes x how far these are, which is the mean over its pages that are remote; at the lower end of the
 * interval the nearest other node, at the upper end the farthest. Never more than if every line fetched from
 * there had been waited for: a guest that computes and moves little waits little. False while its traffic is
 * not known (NULL: nothing is), or its vCPUs were idle.
 */
bool hn_remote_cost_counted(const struct hn_host *host, const struct hn_guest *guest,
			    const struct hn_sample *sample, const struct hn_activity *activity,
			    struct hn_interval *ret);
