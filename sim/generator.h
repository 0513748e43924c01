#pragma once
/*
 * generator - draws a trace of guests shaped like those of a public cloud.
 * Pure: no I/O, clock, logging or globals. Same seed, same trace.
 *
 * The shape is what Cortez et al., "Resource Central" (SOSP 2017) and Hadary et al., "Protean" (OSDI 2020)
 * tell of Azure: most guests ask for one or two vCPUs and a few GiB and live for minutes or hours; few are
 * large and stay for days, and these hold most of the machine. One in 16 is of class dedicated. The weights
 * are round numbers of ours and fitted to no trace: cli/azure-trace.h reads a real one.
 */
#include "model/host.h"
#include "sim/trace.h"

struct hn_generator {
	uint64_t seed;
	uint64_t ticks;
	uint64_t tick_ns;
	uint64_t stray_ns; /* between two strays of a guest, in the mean, see sim/enliven.h; 0 never */
	double load;       /* memory or CPUs asked for at a time, in the mean, over what the host has; > 0 */
};

/*
 * A sorted trace for that host: about as many guests at tick 0 as there would be after a long time, then
 * arrivals at random. A guest has a cell for each node that its vCPUs need. -EINVAL for a load that is not
 * within 0.01 and 10, no ticks, a tick of no time, or a host without CPUs or memory; -ENOMEM.
 */
int hn_generate(const struct hn_generator *generator, const struct hn_host *host, struct hn_trace **ret,
		struct hn_error *err);

/* So many cells as a guest of that size gets on that host: one for each of the largest nodes it needs. */
unsigned hn_cells_for(const struct hn_host *host, unsigned vcpus, uint64_t memory_bytes);
