#pragma once
/*
 * reported - what a guest says of itself, through its agent and its balloon; and what follows from it about
 * which cell's threads use which cell's memory.
 *
 * A guest can be wrong or lie: nothing here is taken for true but the times, which are the host's own. What
 * is doubtful is told apart and said why (policy/reported.h). No decision stands on it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/interval.h"
#include "model/placement.h"

#define HN_REPORTED_UNKNOWN UINT64_MAX /* the guest does not say; null in JSON */
#define HN_REPORTED_NODES_MAX 128      /* guest NUMA nodes that are read */
#define HN_REPORTED_CPUS_MAX 1024
#define HN_REPORTED_NOTES_MAX 4

/*
 * A guest NUMA node. The six are allocations since the guest booted, as in
 * /sys/devices/system/node/nodeN/numastat (Linux, admin-guide/numastat.rst; a huge page counts once): of
 * memory on this node, wanted here or not (hit, miss), by a CPU of this node or not (local, other), by
 * interleaving; and of memory that was wanted here and came from elsewhere (foreign).
 */
struct hn_reported_node {
	int node;
	uint64_t hit, miss, foreign, interleave, local, other; /* HN_REPORTED_UNKNOWN: not said, all six */
	uint64_t total_bytes, free_bytes;                      /* HN_REPORTED_UNKNOWN: not said, both */
};

/* Since the guest booted. */
struct hn_reported_cpu {
	int cpu;
	uint64_t busy_ns; /* user, nice, system, irq, softirq */
	uint64_t idle_ns; /* idle, iowait */
	uint64_t steal_ns;
};

/* What the balloon device and its driver say; each HN_REPORTED_UNKNOWN when they do not. */
struct hn_reported_balloon {
	uint64_t actual_bytes; /* memory that the guest has at the moment */
	uint64_t free_bytes, available_bytes;
	uint64_t swapped_in_bytes, swapped_out_bytes; /* since the guest booted */
};

struct hn_reported {
	uint64_t started_ns, taken_ns; /* first question and last answer, CLOCK_MONOTONIC */
	uint64_t vcpu_ns;              /* CPU time of its vCPUs, as the host has measured it */
	uint64_t vcpu_taken_ns;        /* when; 0: not measured */
	size_t node_count;
	struct hn_reported_node *nodes; /* in ascending order */
	size_t cpu_count;
	struct hn_reported_cpu *cpus; /* in ascending order */
	/* /proc/vmstat, since the guest booted; HN_REPORTED_UNKNOWN: not said */
	uint64_t hint_faults, hint_faults_local, pages_migrated, migrate_success;
	struct hn_reported_balloon balloon;
	size_t note_count;
	char (*notes)[HN_REASON_MAX]; /* what it did not tell, and why; at most HN_REPORTED_NOTES_MAX */
};

void hn_reported_free(struct hn_reported *reported); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_reported, struct hn_reported *, hn_reported_free);
/* Nothing known; NULL when out of memory. */
struct hn_reported *hn_reported_new(void);
struct hn_reported *hn_reported_copy(const struct hn_reported *reported);

/* Each puts an element in its place and returns it, nothing in it known; the one there when there is one with
 * that number already; NULL when out of memory or with more than are read. */
struct hn_reported_node *hn_reported_add_node(struct hn_reported *reported, int node);
struct hn_reported_cpu *hn_reported_add_cpu(struct hn_reported *reported, int cpu);

/* Adds a sentence, cut to HN_REASON_MAX; one more than there may be is dropped. -ENOMEM. */
int hn_reported_add_note(struct hn_reported *reported, const char *text);

const struct hn_reported_node *hn_reported_find_node(const struct hn_reported *reported, int node);

/* Why two reports do not give rates. */
enum hn_doubt {
	HN_DOUBT_NONE,
	HN_DOUBT_ALONE,     /* there is only one so far */
	HN_DOUBT_SILENT,    /* neither tells what could be compared: no agent, no Linux, no NUMA counters */
	HN_DOUBT_NODES,     /* its nodes are not the guest's cells */
	HN_DOUBT_BACKWARDS, /* a counter is less than before: the guest has booted since, or lies */
	HN_DOUBT_WRAPPED,   /* a counter of 32 bits has begun anew */
	HN_DOUBT_ABSURD,    /* more than its vCPUs can have done in that time */
	HN_DOUBT_TORN,      /* counters contradict each other */
	HN_DOUBT_LATE,      /* asked too long ago, answered too slowly, or too soon after the one before */
	HN_DOUBT_COUNT,
};
const char *hn_doubt_name(enum hn_doubt doubt);
int hn_doubt_parse(const char *text, enum hn_doubt *ret, struct hn_error *err);

/* Threads of one cell that use another's memory. */
struct hn_use {
	int cpus_of;   /* cell id; -1: of any other cell, the guest does not tell which */
	int memory_of; /* cell id */
	/* cpus_of >= 0: share of what its threads allocated; -1: share of what was allocated there */
	struct hn_interval share;
	double per_second; /* allocations */
};

/* What two reports tell of the accesses inside the guest. */
struct hn_access {
	enum hn_doubt doubt;
	char reason[HN_REASON_MAX]; /* of the doubt, "" without one */
	uint64_t age_ns;            /* of the later report */
	uint64_t span_ns;           /* between the two */
	bool remote_known, faults_known;
	struct hn_interval remote;        /* share of allocations on another cell than the thread's */
	struct hn_interval remote_faults; /* share of NUMA hint faults on memory of another cell */
	double migrated_per_second;       /* pages moved between cells by the guest's kernel; 0 unknown */
	size_t use_count;
	struct hn_use *uses;
};

void hn_access_free(struct hn_access *access); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_access, struct hn_access *, hn_access_free);
/* With room for that many uses, use_count 0; NULL when out of memory. */
struct hn_access *hn_access_new(size_t uses);
struct hn_access *hn_access_copy(const struct hn_access *access);
