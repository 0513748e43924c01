#include "host/evidence.h"

#include "host/bandwidth.h"
#include "host/kernel-counters.h"
#include "host/kvm-counters.h"
#include "host/pressure.h"

void hn_host_evidence_read(const char *root, const int32_t *nodes, size_t node_count,
			   struct hn_stall stalls[HN_RESOURCE_COUNT], struct hn_counters *counters)
{
	hn_pressure_of_host(root, stalls);
	hn_kernel_counters_read(root, &counters[0]);
	for (size_t i = 0; i < node_count; i++)
		hn_node_counters_read(root, nodes[i], &counters[1 + i]);
}

void hn_guest_evidence_read(const char *root, const struct hn_process *process,
			    struct hn_thread_reading *threads, size_t thread_count, bool with_bandwidth,
			    struct hn_stall stalls[HN_RESOURCE_COUNT],
			    struct hn_counters counters[HN_GUEST_COUNTERS])
{
	hn_pressure_of_guest(root, process, stalls);
	hn_kvm_counters_read(root, process, &counters[0]);
	counters[1] = (struct hn_counters){.family = HN_COUNTERS_BANDWIDTH, .node = -1};
	if (with_bandwidth)
		hn_bandwidth_read(root, process, threads, thread_count, &counters[1]);
}
