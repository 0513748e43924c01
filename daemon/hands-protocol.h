#pragma once
/*
 * hands-protocol - what the brain (homenoded) and its hands (homenode-host) say to each other over a
 * socketpair.
 *
 * Structs, not text: both ends come from one build, which the hello checks. A message is a header and a body
 * of header.length bytes. Requests carry an id; the reply carries it back with a result of 0 or -errno, and
 * on failure its body is the sentence. A move answers with any number of HN_HANDS_PROGRESS first. Every
 * request that touches a process names it by pid and start time, and is refused when that process is gone.
 */
#include <stdint.h>

#include "base/set.h"
#include "host/mover.h"
#include "host/page-sampler.h"
#include "host/process.h"

#define HN_HANDS_MAGIC UINT32_C(0x484e4831) /* "HNH1"; the digit is the protocol's version */
#define HN_HANDS_BODY_MAX (8u << 20)
#define HN_HANDS_RANGES_MAX 4096
#define HN_HANDS_CELLS_MAX 256
#define HN_HANDS_TIDS_MAX 8192

enum hn_hands_type {
	HN_HANDS_HELLO,     /* no body; reply: no body */
	HN_HANDS_IDENTIFY,  /* struct hn_hands_identify + tids; reply: struct hn_hands_identity */
	HN_HANDS_LOOK,      /* struct hn_hands_look + ranges; reply: struct hn_hands_view + counts + thread
			       readings */
	HN_HANDS_BIND,      /* struct hn_hands_bind + bindings; reply: struct hn_hands_bound */
	HN_HANDS_MOVE,      /* struct hn_hands_move + ranges; reply: struct hn_move_progress */
	HN_HANDS_PROGRESS,  /* from the hands, during a move: struct hn_move_progress */
	HN_HANDS_CANCEL,    /* stops the move that is running; no reply of its own */
	HN_HANDS_BALANCING, /* int32_t: turn kernel NUMA balancing off (0) or on (1); reply: int32_t, what it
			       was */
	HN_HANDS_TYPE_COUNT,
};

struct hn_hands_header {
	uint32_t magic;
	uint32_t type;
	uint64_t id;
	int32_t result;
	uint32_t length; /* of the body */
};

/* Whose process are these threads? They must all be one process's, owned by uid unless uid is -1. */
struct hn_hands_identify {
	int64_t uid;
	uint32_t tid_count;
	uint32_t reserved;
	/* int32_t tids[] */
};

struct hn_hands_identity {
	struct hn_process process;
	uint32_t pinned; /* VFIO or similar is open: its memory cannot move */
	uint32_t reserved;
};

/* Where are the pages of these ranges, and its threads? */
struct hn_hands_look {
	struct hn_process process;
	uint64_t seed;
	uint32_t samples_per_cell; /* 0: count every page */
	uint32_t range_count;
	uint32_t check_ranges; /* first verify that they lie in the process's mappings */
	uint32_t cell_count;
	/* int32_t cells[cell_count], padded to 8 bytes; struct hn_range ranges[range_count] */
};

struct hn_hands_view {
	uint64_t cost_ns; /* CPU time of looking */
	uint32_t cell_count;
	uint32_t thread_count;
	/* struct hn_page_counts counts[cell_count]; struct hn_thread_reading threads[thread_count] */
};

struct hn_hands_binding {
	int32_t tid;
	int32_t reserved;
	struct hn_set cpus;
};

struct hn_hands_bind {
	struct hn_process process;
	uint32_t binding_count;
	uint32_t reserved;
	/* struct hn_hands_binding bindings[] */
};

struct hn_hands_bound {
	uint32_t bound;
	uint32_t gone; /* threads that have ended meanwhile */
	uint32_t failed;
	int32_t result;             /* of the first failure */
	char message[HN_ERROR_MAX]; /* of the first failure */
};

struct hn_hands_move {
	struct hn_process process;
	uint64_t limit_bytes;
	uint64_t bytes_per_second;
	struct hn_set stay_nodes;
	int32_t to_node;
	uint32_t shared;
	uint32_t range_count;
	uint32_t reserved;
	/* struct hn_range ranges[] */
};

static inline size_t hn_hands_padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}
