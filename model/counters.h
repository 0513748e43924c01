#pragma once
/*
 * counters - what the kernel and the hardware count of a node, of the host or of a guest, as it was read at
 * one moment. What could not be read is unknown, which is never the same as 0.
 *
 * The members of each family are one table (counters.c), named as the kernel names them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum hn_counter_family {
	HN_COUNTERS_KERNEL,    /* /proc/vmstat: what the whole host did about swap, balancing and migration */
	HN_COUNTERS_NODE,      /* nodeN/numastat: page allocations of one node */
	HN_COUNTERS_KVM,       /* debugfs' kvm/PID-FD: one guest */
	HN_COUNTERS_BANDWIDTH, /* resctrl's MBM: bytes that one guest's vCPUs moved to and from memory */
	HN_COUNTER_FAMILY_COUNT,
};
/* "kernel", "node", "kvm", "bandwidth" */
const char *hn_counter_family_name(enum hn_counter_family family);
int hn_counter_family_parse(const char *text, enum hn_counter_family *ret, struct hn_error *err);

/* Of HN_COUNTERS_KERNEL, in pages unless said otherwise. */
enum hn_kernel_counter {
	HN_KERNEL_SWAP_IN,
	HN_KERNEL_SWAP_OUT,
	HN_KERNEL_PTE_UPDATES, /* mappings that balancing took away, to see who comes */
	HN_KERNEL_HUGE_PTE_UPDATES,
	HN_KERNEL_HINT_FAULTS, /* who came */
	HN_KERNEL_HINT_FAULTS_LOCAL,
	HN_KERNEL_BALANCED, /* moved by balancing */
	HN_KERNEL_MIGRATED, /* moved by whomever, homenode included */
	HN_KERNEL_NOT_MIGRATED,
	HN_KERNEL_THP_MIGRATED,     /* huge pages moved whole */
	HN_KERNEL_THP_NOT_MIGRATED, /* and not moved */
	HN_KERNEL_THP_SPLIT,        /* and split to be moved */
	HN_KERNEL_COUNTER_COUNT,
};

/* Of HN_COUNTERS_NODE: allocations. What each means: Documentation/admin-guide/numastat.rst. */
enum hn_node_counter {
	HN_NODE_HIT,     /* here, as wanted */
	HN_NODE_MISS,    /* here, though another node was wanted */
	HN_NODE_FOREIGN, /* wanted here, made elsewhere */
	HN_NODE_INTERLEAVED,
	HN_NODE_LOCAL, /* here, by a thread that ran here */
	HN_NODE_OTHER, /* here, by a thread that ran elsewhere */
	HN_NODE_COUNTER_COUNT,
};

/* Of HN_COUNTERS_KVM. Those of pages are levels: what is mapped now. */
enum hn_kvm_counter {
	HN_KVM_EXITS,
	HN_KVM_FAULTS,         /* of the second level: the guest touched what was not mapped for it */
	HN_KVM_FAULTS_MENDED,  /* by a mapping: each time the kernel takes pages away, they come back so */
	HN_KVM_REMOTE_FLUSHES, /* TLBs of the guest emptied on all its CPUs: mappings were taken away */
	HN_KVM_PAGES_4K,
	HN_KVM_PAGES_2M,
	HN_KVM_PAGES_1G,
	HN_KVM_COUNTER_COUNT,
};

/* Of HN_COUNTERS_BANDWIDTH: bytes. */
enum hn_bandwidth_counter {
	HN_BANDWIDTH_TOTAL,
	HN_BANDWIDTH_LOCAL, /* to and from memory of the CPU's own node */
	HN_BANDWIDTH_COUNTER_COUNT,
};

/* How many members a family has, and a member's name ("numa_miss"). */
size_t hn_counter_count(enum hn_counter_family family);
const char *hn_counter_name(enum hn_counter_family family, size_t counter);
/* The member of that name, or -1. */
int hn_counter_find(enum hn_counter_family family, const char *name);
/* It tells how much there is now, not how much there has been. */
bool hn_counter_is_level(enum hn_counter_family family, size_t counter);

#define HN_COUNTERS_MAX 12

/* Plain data, so that it can be sent as a struct. */
struct hn_counters {
	uint32_t family; /* enum hn_counter_family */
	int32_t node;    /* id of the node counted, -1: none */
	/* who counts: readings of different ones (another VM, other monitoring groups) are not compared */
	uint64_t source;
	uint64_t known; /* bit by member */
	uint64_t values[HN_COUNTERS_MAX];
};

static inline bool hn_counter_known(const struct hn_counters *counters, size_t counter)
{
	return counters->known >> counter & 1;
}

/* Records a value. */
void hn_counter_set(struct hn_counters *counters, size_t counter, uint64_t value);
