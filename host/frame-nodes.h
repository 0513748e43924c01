#pragma once
/*
 * frame-nodes - which node a page frame belongs to.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct hn_frame_nodes;

/* Reads ROOT/proc/zoneinfo. -ENOMEM, -errno. */
int hn_frame_nodes_new(const char *root, struct hn_frame_nodes **ret, struct hn_error *err);
void hn_frame_nodes_free(struct hn_frame_nodes *nodes); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_frame_nodes, struct hn_frame_nodes *, hn_frame_nodes_free);

/* Frames first to end - 1. */
struct hn_frame_span {
	uint64_t first, end;
	int node; /* id; -1: no zone holds them, or zones of several nodes do */
};

/* The frame, with those around it that lie in the same zones. Takes a look at each zone. */
struct hn_frame_span hn_frame_nodes_find(const struct hn_frame_nodes *nodes, uint64_t frame);
