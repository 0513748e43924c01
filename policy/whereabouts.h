#pragma once
/*
 * whereabouts - on which nodes a guest is now: most of its memory, and most of its vCPUs' time.
 * Pure: no I/O, clock, logging or globals.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/snapshot.h"

/* How much farther than local memory is, as a multiple of the local latency: 0 at home, 1 at a distance
 * of 20. 0 for a table that says less than local. */
double hn_remoteness(const struct hn_host *host, size_t from, size_t to);

/* CPU time a second of the cell's vCPUs, by index: 0 to how many there are. */
double hn_cell_busy(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell);

/* Busy time a second of the vCPUs of all guests, by node index; busy has room for all nodes. */
void hn_busy_of_nodes(const struct hn_snapshot *snapshot, double *busy);

/* CPUs of the node that are neither isolated nor reserved. */
unsigned hn_node_cpus(const struct hn_host *host, size_t node);

/*
 * The index of the node, of those with CPUs and memory that the guest is allowed, that holds most of the
 * cell's pages, or where its vCPUs spent most of their time. Ties go to the node of the vCPUs, or of the
 * pages, and then to the lower one. -1 while nothing is known.
 */
int hn_whereabouts_of_memory(const struct hn_snapshot *snapshot, size_t guest, size_t cell);
int hn_whereabouts_of_cpus(const struct hn_snapshot *snapshot, size_t guest, size_t cell);

/*
 * Where the cell's vCPUs lead memory that is, or belongs, on the node from (by index, -1 none): where they
 * spent most of their time, if that is twice as much as on that node; else it stays. So vCPUs that run here
 * as much as there do not carry it to and fro. -1 while nothing is known.
 */
int hn_whereabouts_led(const struct hn_snapshot *snapshot, size_t guest, size_t cell, int from);

/* The guest's cell, by index, may have a home on the node: it has CPUs and memory, and its operator allows
 * it. */
bool hn_node_allowed(const struct hn_snapshot *snapshot, size_t guest, size_t cell, size_t node);

/* A placement that has every cell, by index, wholly on nodes[cell]; its cost is not worked out. NULL when out
 * of memory. */
struct hn_placement *hn_placement_whole(const struct hn_snapshot *snapshot, size_t guest, const int *nodes);

/* Every cell where most of its pages are, or where its vCPUs ran: 1 and *ret; 0 when that is not known of
 * every cell that has any; -ENOMEM. Cells without vCPUs are then where their pages are, and the other way
 * round. */
int hn_placement_of_memory(const struct hn_snapshot *snapshot, size_t guest, struct hn_placement **ret);
int hn_placement_of_cpus(const struct hn_snapshot *snapshot, size_t guest, struct hn_placement **ret);
