#pragma once
/*
 * sample - where a guest's pages and threads were at one moment.
 *
 * Page counts are counts of sampled addresses, or of all pages where the sample was exhaustive.
 * "absent" is memory never touched; "unknown" is memory the kernel would not tell about (pages that kernel
 * NUMA balancing has marked PROT_NONE look absent to move_pages); the two are never mixed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"
#include "model/interval.h"

struct hn_cell_sample {
	int cell;         /* cell id */
	uint64_t sampled; /* addresses asked for = sum of nodes + absent + unknown */
	uint64_t absent;
	uint64_t unknown;
	uint64_t *on_node; /* by host node index, node_count of them */
};

/* How the kernel schedules a thread: sched(7). */
enum hn_scheduler {
	HN_SCHEDULER_OTHER, /* SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, or not known */
	HN_SCHEDULER_FIFO,
	HN_SCHEDULER_RR,
	HN_SCHEDULER_DEADLINE,
	HN_SCHEDULER_COUNT,
};
const char *hn_scheduler_name(enum hn_scheduler scheduler);
int hn_scheduler_parse(const char *text, enum hn_scheduler *ret, struct hn_error *err);

struct hn_thread_sample {
	pid_t tid;
	int last_cpu;      /* CPU it last ran on, -1 unknown */
	int last_node;     /* node index of that CPU, -1 unknown */
	uint64_t cpu_ns;   /* CPU time used since it started */
	double busy;       /* CPU time / time over the window, 0..1 */
	double *residency; /* by host node index: share of its CPU time, sums to 1; all 0 while unknown */
	const struct hn_set *allowed; /* CPUs it may run on: see hn_sample_allow(); never NULL */
	enum hn_scheduler scheduler;
};

struct hn_sample {
	uint64_t taken_ns; /* CLOCK_MONOTONIC */
	uint64_t cost_ns;  /* CPU time that taking it cost */
	bool exhaustive;   /* every page was counted: the interval is a point */
	size_t node_count;
	size_t cell_count;
	struct hn_cell_sample *cells; /* in the guest's order */
	size_t thread_count;
	struct hn_thread_sample *threads; /* in the guest's order */
	size_t set_count;
	struct hn_set **sets; /* what threads are allowed: each once, as most share one */
};

void hn_sample_free(struct hn_sample *sample); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_sample, struct hn_sample *, hn_sample_free);

/* Zeroed arrays of these sizes, threads' last_cpu and last_node -1. NULL when out of memory. */
struct hn_sample *hn_sample_new(size_t node_count, size_t cell_count, size_t thread_count);
struct hn_sample *hn_sample_copy(const struct hn_sample *sample);

/* The thread, by index, may run on these CPUs. -ENOMEM: as before. */
int hn_sample_allow(struct hn_sample *sample, size_t thread, const struct hn_set *cpus);

/* Pages of the cell seen present on any node. */
uint64_t hn_cell_sample_present(const struct hn_cell_sample *cell, size_t node_count);

/* Share of the cell's present pages that lie on the node, by index, with its interval. */
struct hn_interval hn_cell_sample_share(const struct hn_cell_sample *cell, size_t node_count, size_t node,
					bool exhaustive);
