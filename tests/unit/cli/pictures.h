#pragma once
/*
 * pictures - hosts and guests of tests, with as much of them told as a test needs.
 */
#include "cli/picture.h"

/* Nodes 0.. of 4 CPUs and 8 GiB, half of it free. */
struct hn_picture *make_picture(size_t nodes);

/* Adds a running guest in mode enforce with that many cells of 1 GiB and two vCPUs; all is unknown of it. */
struct hn_report *add_guest(struct hn_picture *picture, const char *name, size_t cells);

/* Its locality, of all cells too, exact to half on either side. */
void set_locality(struct hn_report *report, double value, double half);

/* The latest guest's threads: CPUs they keep busy, all of them vCPUs, on that node. */
void set_busy(struct hn_picture *picture, double busy, size_t node);

/* Where a cell's sampled pages are, one number a node, all of them present. */
void set_pages(struct hn_picture *picture, struct hn_report *report, size_t cell, const uint64_t *pages);
