#pragma once
/*
 * reported - what two reports of a guest about itself tell of the accesses inside it: which cell's threads
 * use which cell's memory. Pure: no I/O, clock, logging or globals.
 *
 * Allocations by cell are counted by the guest's kernel whatever it does; NUMA hint faults only while its
 * kernel balancing is on, and they are nearer to accesses. Both are counted in full, yet they are only
 * evidence for where accesses go, and they come in runs: so an interval is Wilson's as if there were at most
 * HN_EVIDENCE_MOST of them, and half as many for every HN_EVIDENCE_HALF_LIFE_NS of age.
 */
#include "model/guest.h"
#include "model/reported.h"

#define HN_EVIDENCE_MOST 1024
#define HN_EVIDENCE_LEAST 64 /* fewer events between two reports tell nothing */
#define HN_EVIDENCE_HALF_LIFE_NS (UINT64_C(60) * 1000000000)

/* Two reports are compared when the later begins at least, and at most, so long after the earlier; and when
 * each took no longer than a quarter of that to be given. */
#define HN_REPORTED_SPAN_LEAST_NS (UINT64_C(500) * 1000000)
#define HN_REPORTED_SPAN_MOST_NS (UINT64_C(3600) * 1000000000)

/*
 * More than these a vCPU cannot have done in a second of CPU time. No core clears memory faster than 128
 * GiB/s (the fastest of today reach a quarter of it), which is that many pages of 4 KiB; and none enters and
 * leaves its kernel for a page fault in less than 100 ns.
 */
#define HN_PAGES_PER_VCPU_SECOND 33554432.0
#define HN_FAULTS_PER_VCPU_SECOND 10000000.0

/*
 * From earlier (NULL: none) to later, both of guest, seen at now_ns (CLOCK_MONOTONIC). Doubtful reports give
 * a struct with the doubt and its sentence, and nothing known. -ENOMEM.
 */
int hn_access_new_between(const struct hn_guest *guest, const struct hn_reported *earlier,
			  const struct hn_reported *later, uint64_t now_ns, struct hn_access **ret,
			  struct hn_error *err);

/*
 * What can only be mended inside the guest, as a sentence: "cell 1's threads use cell 0's memory: 63 % remote
 * inside the guest; ...". "" when there is nothing of the kind: less than HN_INSIDE_LEAST at the lower end of
 * the interval is what any guest has. Returns buffer.
 */
#define HN_INSIDE_LEAST 0.2
const char *hn_access_say(const struct hn_access *access, char *buffer, size_t size);
