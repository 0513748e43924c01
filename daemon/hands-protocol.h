#pragma once
/*
 * hands-protocol - what the brain (homenoded) and its hands (homenode-host) say to each other over a
 * socketpair.
 *
 * Structs, not text: both ends come from one version, which the hello checks. A message is a header and a
 * body of header.length bytes. Requests carry an id; the reply carries it back with a result of 0 or -errno,
 * and on failure its body is the sentence. A move answers with any number of HN_HANDS_PROGRESS first. Every
 * request that touches a process names it by pid and start time, and is refused when that process is gone.
 */
#include <stdint.h>

#include "base/set.h"
#include "host/doctor.h"
#include "host/evidence.h"
#include "host/mappings.h"
#include "host/mover.h"
#include "host/page-sampler.h"
#include "host/process-devices.h"
#include "host/process-pins.h"
#include "host/process.h"
#include "host/qemu-processes.h"
#include "host/range-kinds.h"

#define HN_HANDS_MAGIC UINT32_C(0x484e4831) /* "HNH1"; the digit is the protocol's version */
#define HN_HANDS_BODY_MAX (8u << 20)
#define HN_HANDS_RANGES_MAX 4096
#define HN_HANDS_CELLS_MAX 256
#define HN_HANDS_TIDS_MAX 8192

enum hn_hands_type {
	HN_HANDS_HELLO,     /* struct hn_hands_hello, before all others; reply: struct hn_hands_hello, or
			       -EPROTO of another version, and nothing more is served */
	HN_HANDS_IDENTIFY,  /* struct hn_hands_identify + tids; reply: struct hn_hands_identity + tids
			     */
	HN_HANDS_LOOK,      /* struct hn_hands_look + ranges; reply: struct hn_hands_view + counts + thread
			       readings */
	HN_HANDS_BIND,      /* struct hn_hands_bind + bindings; reply: struct hn_hands_bound */
	HN_HANDS_MOVE,      /* struct hn_hands_move + ranges; reply: struct hn_move_progress */
	HN_HANDS_PROGRESS,  /* from the hands, during a move: struct hn_move_progress */
	HN_HANDS_CANCEL,    /* stops the move that is running; no reply of its own */
	HN_HANDS_PACE,      /* struct hn_move_pace: of the move that is running; no reply of its own */
	HN_HANDS_BALANCING, /* int32_t: what kernel.numa_balancing is to be, 0 to 3; reply: int32_t, what it
			       was */
	HN_HANDS_FIND,      /* no body; reply: struct hn_hands_found + processes + containers */
	HN_HANDS_SURVEY,    /* struct hn_hands_survey; reply: struct hn_hands_surveyed + thread readings +
			       mappings */
	HN_HANDS_CPUSET,    /* struct hn_hands_cpuset; reply: struct hn_set: the nodes allowed before */
	HN_HANDS_CHECKUP,   /* struct hn_doctor_case; reply: struct hn_checkup */
	HN_HANDS_EXAMINE,   /* struct hn_doctor_guest; reply: struct hn_checkup */
	HN_HANDS_INSPECT,   /* struct hn_hands_inspect + ranges; reply: struct hn_hands_inspected + kinds +
			       devices */
	HN_HANDS_PROBE,     /* struct hn_hands_probe + ranges; reply: int32_t[], an enum hn_probe a range */
	HN_HANDS_EVIDENCE,  /* int32_t node ids[]; reply: struct hn_hands_evidence + struct hn_counters[1 +
			       nodes] */
	HN_HANDS_OPEN, /* a path, not terminated; reply: no body, and a connection to the QEMU that listens
			  there comes with it */
	HN_HANDS_TYPE_COUNT,
};

struct hn_hands_header {
	uint32_t magic;
	uint32_t type;
	uint64_t id;
	int32_t result;
	uint32_t length; /* of the body */
};

struct hn_hands_hello {
	char version[60]; /* HOMENODE_VERSION */
	int32_t pid;      /* of who says it */
};

/* Whose process are these threads? They must all be one process's, owned by uid unless uid is -1. */
struct hn_hands_identify {
	int64_t uid;
	uint32_t tid_count;
	int32_t told_by; /* whose ids they are: a process (SO_PEERCRED), in another pid namespace perhaps; 0:
			    ours */
			 /* int32_t tids[] */
};

struct hn_hands_identity {
	struct hn_process process;
	struct hn_set nodes; /* that its cpusets allow it; empty: all, or none can be told */

	/* int32_t tids[]: those asked for, as they are called here */
};

/* Where are the pages of these ranges, and its threads? */
struct hn_hands_look {
	struct hn_process process;
	uint64_t seed;
	uint32_t samples_per_cell; /* 0: count every page */
	uint32_t range_count;
	uint32_t check_ranges; /* first verify that they lie in the process's mappings */
	uint32_t cell_count;
	uint32_t walk;           /* by numa_maps, whole; where that cannot tell, as if it were 0 */
	uint32_t with_bandwidth; /* also read what its memory traffic is, which interrupts CPUs */
	/* int32_t cells[cell_count], padded to 8 bytes; struct hn_range ranges[range_count] */
};

struct hn_hands_view {
	uint64_t cost_ns;  /* CPU time of looking */
	uint64_t pages_ns; /* of it, what asking where the pages are cost */
	uint32_t walked;   /* numa_maps was walked */
	uint32_t whole;    /* every page was counted */
	uint32_t cell_count;
	uint32_t thread_count;
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct hn_counters counters[HN_GUEST_COUNTERS];
	/* struct hn_page_counts counts[cell_count]; struct hn_thread_reading threads[thread_count], of QEMU
	 * and of the guest's helpers */
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
	struct hn_move_pace pace; /* to begin with */
	struct hn_set stay_nodes;
	int32_t to_node;
	uint32_t shared;
	uint32_t range_count;
	uint32_t reserved;
	/* struct hn_range ranges[] */
};

/* Which QEMUs are there? */
struct hn_hands_found {
	uint32_t process_count;
	uint32_t container_count;
	/* struct hn_qemu_process processes[process_count];
	 * struct hn_qemu_container containers[container_count] */
};

/* What is this process made of, when QEMU cannot be asked? */
struct hn_hands_survey {
	struct hn_process process;
	uint64_t least_bytes; /* of a mapping to be told */
	uint32_t with_policies;
	uint32_t reserved;
};

struct hn_hands_surveyed {
	uint32_t thread_count;
	uint32_t mapping_count;
	struct hn_set nodes; /* that its cpusets allow it; empty: all */
	/* struct hn_thread_reading threads[thread_count]; struct hn_mapping mappings[mapping_count] */
};

/* What is the memory behind these ranges, what holds it, and where may it be? */
struct hn_hands_inspect {
	struct hn_process process;
	uint64_t seed;
	uint32_t look_inside; /* and look at some of its pages: not of a realtime guest that runs */
	uint32_t range_count;
	/* struct hn_range ranges[range_count] */
};

struct hn_hands_inspected {
	uint64_t cost_ns; /* CPU time of looking */
	struct hn_process_pins pins;
	struct hn_set nodes; /* that its cpusets allow it; empty: all */
	uint32_t range_count;
	uint32_t device_count;
	/* struct hn_range_kind kinds[range_count]; struct hn_process_device devices[device_count] */
};

/* Can a page of each of these be moved? */
struct hn_hands_probe {
	struct hn_process process;
	uint64_t seed;
	struct hn_set nodes; /* where it may be taken */
	uint32_t range_count;
	uint32_t reserved;
	/* struct hn_range ranges[range_count] */
};

/* What the kernel tells of the host. */
struct hn_hands_evidence {
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	/* struct hn_counters counters[]: the kernel's, then each node's */
};

enum hn_hands_cpuset_step {
	HN_HANDS_WIDEN,
	HN_HANDS_NARROW,
};

struct hn_hands_cpuset {
	struct hn_process process;
	uint32_t step;
	uint32_t reserved;
	struct hn_set nodes;
};

static inline size_t hn_hands_padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}
