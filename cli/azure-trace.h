#pragma once
/*
 * azure-trace - reads a packing trace in the schema of "Azure Traces for Packing 2020" (Hadary et al.,
 * "Protean: VM Allocation Service at Scale", OSDI 2020; github.com/Azure/AzurePublicDataset): SQLite with the
 * tables vmType (vmTypeId, machineId, core, memory, ...; shares of one machine of that kind) and vm (vmId,
 * vmTypeId, starttime, endtime, ...; in days, negative for who was there before, NULL for who stays).
 */
#include "model/host.h"
#include "sim/trace.h"

struct hn_azure_options {
	uint64_t seed;
	uint64_t ticks, tick_ns;
	uint64_t stray_ns; /* see sim/enliven.h */
	double load; /* of the host, in the mean: guests are left out at random until it is about that */
};

/*
 * Guests of the machine that most types are made for, scaled to the host: a guest that takes half of theirs
 * takes half of ours. What they do meanwhile is drawn (sim/enliven.h). The caller frees *ret. -EINVAL for a
 * file that is no such trace, or has a value in it that makes no sense, named with table, row and column;
 * -ENOMEM.
 */
int hn_azure_trace_load(const char *path, const struct hn_azure_options *options, const struct hn_host *host,
			struct hn_trace **ret, struct hn_error *err);
