#pragma once
/*
 * world - what a plan for a guest stood on: so much of the host and its guests that another plan would have
 * come of it had it been different, kept as hashes, and where the guest's memory was.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct hn_managed;
struct hn_plan;

/* A cell's memory may shift by so much of it before the plan is another's. */
#define HN_WORLD_SHIFT 0.1

struct hn_world {
	uint64_t host;   /* nodes, CPUs, memory, distances, what is reserved */
	uint64_t guest;  /* its process, cells, backends, devices, settings and home */
	uint64_t others; /* guests and reservations beside it, and their homes */
	size_t cell_count, node_count;
	double *shares; /* [cell][node] of what is present, by index */
};
void hn_world_free(struct hn_world *world); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_world, struct hn_world *, hn_world_free);

/* As it is now; the guest has been looked at. -EAGAIN when it has not, -ENOMEM. */
int hn_world_of(struct hn_managed *managed, struct hn_world **ret, struct hn_error *err);

/* All of it as one word. */
uint64_t hn_world_digest(const struct hn_world *world);

/* 0 when the plan made then is still one for now, else -ESTALE with what has changed: besides the above, that
 * a node has no longer room for what the plan brings there. */
int hn_world_compare(const struct hn_world *then, const struct hn_world *now,
		     const struct hn_managed *managed, const struct hn_plan *plan, struct hn_error *err);
