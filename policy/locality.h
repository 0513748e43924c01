#pragma once
/*
 * locality - the share of a guest's accesses expected to be local, from where its vCPUs ran and its pages
 * lie. Pure: no I/O, clock, logging or globals.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/guest.h"
#include "model/host.h"
#include "model/interval.h"
#include "model/sample.h"

/*
 * Locality of a cell = sum over its vCPUs of (share of the cell's CPU time) x sum over nodes of
 * residency(vCPU, node) x pages(cell, node). vCPUs that used no CPU time count alike, at the node they were
 * last on. The interval is Wilson's on the pages: for a mean of values in 0..1 it errs on the wide side.
 * False (and *ret untouched) when no page or no vCPU of the cell has been seen.
 */
bool hn_locality_of_cell(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			 struct hn_interval *ret);

/* The mean of its cells weighted by vCPU time (evenly when idle), interval likewise; false when no cell is
 * known. */
bool hn_locality_of_guest(const struct hn_guest *guest, const struct hn_sample *sample,
			  struct hn_interval *ret);

/* Share of a cell's CPU time, or of its idle vCPUs' last places, spent on the node with that index. */
double hn_residency_of_cell(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			    size_t node);

/* Share of a thread's CPU time, or of its last place while that is unknown, spent on the node with that
 * index. */
double hn_residency_of_thread(const struct hn_thread_sample *thread, size_t node_count, size_t node);
