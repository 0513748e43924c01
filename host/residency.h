#pragma once
/*
 * residency - on which nodes a thread has spent its CPU time, from readings taken now and then.
 *
 * Pure arithmetic on readings. Each interval's CPU time is credited to the node of the CPU seen at its end;
 * when the thread may run on one node only, all of it is that node's. Older time fades with a half-life of
 * HN_RESIDENCY_HALF_NS; time on a node that the thread may no longer run on is forgotten.
 */
#include <stddef.h>
#include <stdint.h>

#define HN_RESIDENCY_HALF_NS UINT64_C(30000000000)

struct hn_residency {
	uint64_t last_ns;     /* time of the last reading, 0 before the first */
	uint64_t last_cpu_ns; /* the thread's CPU time then */
	double window_ns;     /* faded sum of wall time */
	double used_ns;       /* faded sum of CPU time */
	size_t node_count;
	double on_node_ns[]; /* by node index, faded */
};

/* Zeroed; free() it. NULL when out of memory. */
struct hn_residency *hn_residency_new(size_t node_count);

/*
 * Takes in a reading: at now_ns the thread had used cpu_ns and was on the node with that index (-1 unknown:
 * the time counts as used, on no node). A CPU time that went backwards or a time that stood still starts
 * afresh.
 */
void hn_residency_add(struct hn_residency *residency, uint64_t now_ns, uint64_t cpu_ns, int node);

/* The thread may no longer run on the node with that index: its time there tells nothing of what is to come.
 */
void hn_residency_leave(struct hn_residency *residency, size_t node);

/* Shares by node index that sum to 1; all 0 while nothing is known. Returns the busy share, 0..1. */
double hn_residency_read(const struct hn_residency *residency, double *ret_shares);
