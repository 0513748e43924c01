/*
 * metrics-evidence - what the kernel and the hardware tell, as the hands last read it. Counters are the
 * kernel's own, which began when the host did.
 */
#include <math.h>

#include "daemon/gauge.h"
#include "daemon/metrics-report.h"

void hn_metrics_tell_pressure(const struct hn_metrics_report *report)
{
	for (size_t i = 0; report->evidence && i < HN_RESOURCE_COUNT; i++) {
		const struct hn_stall *stall = &report->evidence->stalls[i];
		const char *name = hn_resource_name((enum hn_resource)i);

		if (stall->some_known)
			HN_METRIC(report, (double)stall->some_ns / 1e9, "resource", name, "tasks", "some");
		if (stall->full_known)
			HN_METRIC(report, (double)stall->full_ns / 1e9, "resource", name, "tasks", "all");
	}
}

void hn_metrics_tell_allocations(const struct hn_metrics_report *report)
{
	const struct hn_host *host = report->service->host;
	char node[16];

	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_counters *counters =
			hn_evidence_find(report->evidence, HN_COUNTERS_NODE, host->nodes[i].id);

		for (size_t j = 0; counters && j < HN_NODE_COUNTER_COUNT; j++)
			if (hn_counter_known(counters, j))
				HN_METRIC(report, counters->values[j], "node",
					  hn_metrics_node(report, i, node), "event",
					  hn_counter_name(HN_COUNTERS_NODE, j));
	}
}

/* With a label, unless it is NULL. */
static void tell_kernel(const struct hn_metrics_report *report, enum hn_kernel_counter counter,
			const char *label, const char *value)
{
	const struct hn_counters *counters = hn_evidence_find(report->evidence, HN_COUNTERS_KERNEL, -1);

	if (!counters || !hn_counter_known(counters, counter))
		return;
	if (label)
		HN_METRIC(report, counters->values[counter], label, value);
	else
		HN_METRIC(report, counters->values[counter]);
}

void hn_metrics_tell_swap(const struct hn_metrics_report *report)
{
	tell_kernel(report, HN_KERNEL_SWAP_IN, "direction", "in");
	tell_kernel(report, HN_KERNEL_SWAP_OUT, "direction", "out");
}

void hn_metrics_tell_updates(const struct hn_metrics_report *report)
{
	tell_kernel(report, HN_KERNEL_PTE_UPDATES, NULL, NULL);
}

void hn_metrics_tell_faults(const struct hn_metrics_report *report)
{
	const struct hn_counters *counters = hn_evidence_find(report->evidence, HN_COUNTERS_KERNEL, -1);
	uint64_t all, local;

	if (!counters || !hn_counter_known(counters, HN_KERNEL_HINT_FAULTS) ||
	    !hn_counter_known(counters, HN_KERNEL_HINT_FAULTS_LOCAL))
		return;
	all = counters->values[HN_KERNEL_HINT_FAULTS];
	local = counters->values[HN_KERNEL_HINT_FAULTS_LOCAL];
	HN_METRIC(report, local, "memory", "local");
	HN_METRIC(report, all > local ? all - local : 0, "memory", "remote");
}

void hn_metrics_tell_balanced(const struct hn_metrics_report *report)
{
	tell_kernel(report, HN_KERNEL_BALANCED, NULL, NULL);
}

void hn_metrics_tell_migrated(const struct hn_metrics_report *report)
{
	tell_kernel(report, HN_KERNEL_MIGRATED, "outcome", "moved");
	tell_kernel(report, HN_KERNEL_NOT_MIGRATED, "outcome", "failed");
}

void hn_metrics_tell_migrated_huge(const struct hn_metrics_report *report)
{
	tell_kernel(report, HN_KERNEL_THP_MIGRATED, "outcome", "moved");
	tell_kernel(report, HN_KERNEL_THP_NOT_MIGRATED, "outcome", "failed");
	tell_kernel(report, HN_KERNEL_THP_SPLIT, "outcome", "split");
}

static void init_row(struct hn_metrics_row *row)
{
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		row->stalled[i] = -1;
	row->remote_traffic = -1;
}

void hn_metrics_count_readings(struct hn_metrics_row *row, const struct hn_managed *managed)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	double share;

	if (row->members == 0)
		init_row(row);
	if (hn_readings_tell(&managed->readings, hn_now_ns(), hn_gauge_max_age(managed->service), &activity) <
		    0 ||
	    !activity)
		return;
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		if (activity->stalls[i].some_known)
			row->stalled[i] = fmax(row->stalled[i], activity->stalls[i].some_avg10 / 100);
	if (hn_activity_remote_traffic(activity, &share))
		row->remote_traffic = fmax(row->remote_traffic, share);
}

void hn_metrics_tell_guest_pressure(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		for (size_t j = 0; j < HN_RESOURCE_COUNT; j++)
			if (report->rows[i].stalled[j] >= 0)
				HN_METRIC(report, report->rows[i].stalled[j], "guest", report->rows[i].name,
					  "resource", hn_resource_name((enum hn_resource)j));
}

void hn_metrics_tell_guest_traffic(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].remote_traffic >= 0)
			HN_METRIC(report, report->rows[i].remote_traffic, "guest", report->rows[i].name);
}
