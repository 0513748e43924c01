#include "bench/machine.h"

#include <string.h>

#include "base/units.h"

static unsigned ring(size_t nodes, size_t a, size_t b)
{
	size_t hops = a > b ? a - b : b - a;

	if (hops > nodes - hops)
		hops = nodes - hops;
	return hops == 1 ? 16 : 22;
}

static unsigned packages(size_t a, size_t b)
{
	if (a / 2 == b / 2)
		return 11;
	return a / 4 == b / 4 ? 21 : 31;
}

static unsigned blades(size_t a, size_t b)
{
	size_t chassis = a / 8 > b / 8 ? a / 8 - b / 8 : b / 8 - a / 8;

	if (a / 2 == b / 2)
		return 13;
	return 40 + 8 * (unsigned)chassis;
}

static unsigned distance(enum bench_shape shape, size_t nodes, size_t a, size_t b, struct hn_random *chance)
{
	switch (shape) {
	case BENCH_RING:
		return ring(nodes, a, b);
	case BENCH_PACKAGES:
		return packages(a, b);
	case BENCH_HYPERCUBE:
		return 10 + 6 * (unsigned)__builtin_popcountll(a ^ b);
	case BENCH_BLADES:
		return blades(a, b);
	case BENCH_UNEVEN:
		return 11 + (unsigned)hn_random_below(chance, 30);
	default:
		return HN_DISTANCE_REMOTE;
	}
}

struct hn_host *bench_machine_new(enum bench_shape shape, size_t nodes, unsigned cpus, uint64_t mib,
				  struct hn_random *chance)
{
	struct hn_host *host =
		nodes * cpus <= HN_SET_MAX ? hn_host_new("made-up", nodes, nodes * cpus) : NULL;

	if (!host)
		return NULL;
	host->distances_known = true;
	for (size_t i = 0; i < nodes; i++) {
		host->nodes[i].memory_bytes = host->nodes[i].free_bytes = mib * HN_MIB;
		for (size_t j = 0; j < i; j++)
			host->distances[i * nodes + j] = host->distances[j * nodes + i] =
				(uint16_t)distance(shape, nodes, i, j, chance);
	}
	for (size_t i = 0; i < host->cpu_count; i++) {
		host->cpus[i].node = (int)(i / cpus);
		host->cpus[i].package = host->cpus[i].llc = host->cpus[i].node;
		hn_set_add(&host->nodes[i / cpus].cpus, (int)i);
	}
	return host;
}

void bench_machine_shrink(struct hn_host *host, size_t node, unsigned cpus)
{
	for (size_t i = host->cpu_count; i-- > 0 && cpus > 0;) {
		if (host->cpus[i].node != host->nodes[node].id)
			continue;
		hn_set_remove(&host->nodes[node].cpus, host->cpus[i].id);
		memmove(&host->cpus[i], &host->cpus[i + 1], (host->cpu_count - i - 1) * sizeof(*host->cpus));
		host->cpu_count--;
		cpus--;
	}
}
