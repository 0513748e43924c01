#pragma once
/*
 * kvm-counters - KVM's own statistics of one guest, where debugfs shows them.
 */
#include "host/process.h"
#include "model/counters.h"

/*
 * ROOT/sys/kernel/debug/kvm/PID-FD of the process's VM (the first, should it have several). Unknown where
 * debugfs is not mounted, may not be read, or the process has none (an emulated guest). KVM counts no MMU
 * notifier's calls on x86; what follows from them are remote_tlb_flush and, when the guest comes back to the
 * page, pf_fixed.
 */
void hn_kvm_counters_read(const char *root, const struct hn_process *process, struct hn_counters *ret);
