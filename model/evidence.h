#pragma once
/*
 * evidence - one reading of what the kernel tells of a host's, or of a guest's, trouble: how long its tasks
 * waited (pressure), and its counters. Two readings make an activity (model/activity.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "model/counters.h"

enum hn_resource {
	HN_RESOURCE_CPU,
	HN_RESOURCE_MEMORY,
	HN_RESOURCE_IO,
	HN_RESOURCE_COUNT,
};
/* "cpu", "memory", "io", as the kernel's files are named */
const char *hn_resource_name(enum hn_resource resource);

/* How much tasks waited for one resource. Plain data. */
struct hn_stall {
	uint8_t some_known, full_known; /* kernels before 5.13 tell no "full" of CPUs */
	double some_avg10;              /* per cent of the last 10 s in which some task waited, 0..100 */
	double full_avg10;              /* in which all that were not idle did */
	uint64_t some_ns, full_ns; /* in all: of the host since it started, of a group since it was made */
};

struct hn_evidence {
	uint64_t taken_ns; /* CLOCK_MONOTONIC */
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	size_t counters_count;
	struct hn_counters *counters; /* of the host: kernel, then node by node; of a guest: KVM, bandwidth */
};

void hn_evidence_free(struct hn_evidence *evidence); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_evidence, struct hn_evidence *, hn_evidence_free);

/* Nothing known, room for so many counters, zeroed. NULL when out of memory. */
struct hn_evidence *hn_evidence_new(size_t counters_count);

/* The counters of that family, of the node with that id (-1 for families that are of none); NULL when there
 * are none. */
const struct hn_counters *hn_evidence_find(const struct hn_evidence *evidence, enum hn_counter_family family,
					   int node);
