#pragma once
/*
 * conditions - whether a guest runs under the conditions that its class asks for, as far as a sample of it
 * tells: findings of model/checkup.h with what mends each. Pure.
 */
#include "model/checkup.h"
#include "model/device-place.h"
#include "model/snapshot.h"

/*
 * Examines the snapshot's guest of that index. A realtime guest must meet them all, a dedicated one those of
 * its CPUs, any guest those of memory and devices. What a missing sample would tell is HN_FINDING_UNKNOWN.
 * devices: of the host's that it uses.
 */
void hn_conditions_examine(const struct hn_snapshot *snapshot, size_t index,
			   const struct hn_device_place *devices, size_t device_count,
			   struct hn_checkup *ret);

/* CPUs that its vCPUs may run on; empty without a sample. */
struct hn_set hn_vcpu_cpus(const struct hn_guest *guest, const struct hn_sample *sample);

/* Kernel NUMA balancing passes its memory by: all is bound to nodes (without MPOL_F_NUMA_BALANCING, which
 * QEMU does not ask for) or of hugetlb pages. */
bool hn_is_passed_by_balancing(const struct hn_guest *guest);
