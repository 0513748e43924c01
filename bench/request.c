#include "bench/request.h"

#include "base/units.h"
#include "bench/machine.h"

#define CELLS 8

static uint64_t below(struct hn_random *random, uint64_t bound)
{
	return hn_random_below(random, bound);
}

/* Small ones are many, as in the traces that clouds have published. */
static unsigned draw_vcpus(struct hn_random *random)
{
	static const unsigned vcpus[] = {1, 1, 1, 2, 2, 2, 2, 4, 4, 8, 16};

	return vcpus[below(random, HN_COUNT(vcpus))];
}

static const struct crowd {
	size_t nodes;
	enum bench_shape shape;
	unsigned cpus;
} crowds[] = {
	{4, BENCH_FLAT, 96},    {8, BENCH_PACKAGES, 64}, {16, BENCH_HYPERCUBE, 48},
	{24, BENCH_BLADES, 36}, {64, BENCH_BLADES, 28},
};

/* The next node from a drawn one on that has room; -1 when none has. */
static int find_node(const struct hn_host *host, const struct bench_size *size, struct hn_random *random)
{
	size_t first = below(random, host->node_count);

	for (size_t i = 0; i < host->node_count; i++) {
		size_t node = (first + i) % host->node_count;

		if (host->nodes[node].free_bytes >= size->mib[0] * HN_MIB)
			return (int)node;
	}
	return -1;
}

/* One that finds no room is drawn anew. */
static int add_residents(struct hn_snapshot *snapshot, unsigned residents, struct hn_random *random)
{
	while (snapshot->guest_count < residents) {
		struct bench_size size = {.cells = 1, .vcpus = {draw_vcpus(random)}};
		size_t home;
		int node, guest;

		size.mib[0] = size.vcpus[0] * (2 + below(random, 7)) * 1024;
		node = find_node(snapshot->host, &size, random);
		if (node < 0)
			continue;
		home = (size_t)node;
		guest = bench_guest_add(snapshot, "resident", HN_CLASS_SHARED, &size);
		if (guest < 0 || bench_guest_settle_on(snapshot, (size_t)guest, &home) < 0)
			return -1;
	}
	return 0;
}

struct hn_snapshot *bench_crowd_new(size_t nodes, unsigned residents, struct hn_random *random)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	uint64_t mib =
		(uint64_t)residents * 20 * 1024 * 4 / 3 / nodes; /* a resident has 20 GiB in the mean */
	struct hn_host *host = NULL;

	for (size_t i = 0; i < HN_COUNT(crowds); i++)
		if (crowds[i].nodes == nodes)
			host = bench_machine_new(crowds[i].shape, nodes, crowds[i].cpus,
						 mib > 96 * 1024 ? mib : 96 * 1024, random);
	snapshot = host ? hn_snapshot_new(host) : NULL;
	if (!snapshot)
		return NULL;
	snapshot->now_ns = 1000 * HN_NS_PER_S;
	return add_residents(snapshot, residents, random) < 0 ? NULL : hn_steal(snapshot);
}

/* So many cells of that size fit, when there were no others. */
static unsigned places(const struct hn_host *host, unsigned vcpus, uint64_t mib)
{
	unsigned sum = 0;

	for (size_t i = 0; i < host->node_count; i++) {
		uint64_t by_mib = host->nodes[i].free_bytes / HN_MIB / mib;
		uint64_t by_cpus = (uint64_t)hn_set_count(&host->nodes[i].cpus) / vcpus;

		sum += (unsigned)(by_mib < by_cpus ? by_mib : by_cpus);
	}
	return sum;
}

/* The largest first, each on the first node with room; sizes are in falling order. */
static bool fits_largest_first(const struct hn_host *host, const struct bench_size *size)
{
	uint64_t mib[64];
	unsigned vcpus[64];

	for (size_t i = 0; i < host->node_count; i++) {
		mib[i] = host->nodes[i].free_bytes / HN_MIB;
		vcpus[i] = (unsigned)hn_set_count(&host->nodes[i].cpus);
	}
	for (size_t cell = 0; cell < size->cells; cell++) {
		size_t node = 0;

		while (node < host->node_count &&
		       (mib[node] < size->mib[cell] || vcpus[node] < size->vcpus[cell]))
			node++;
		if (node == host->node_count)
			return false;
		mib[node] -= size->mib[cell];
		vcpus[node] -= size->vcpus[cell];
	}
	return true;
}

static uint64_t most_free_mib(const struct hn_host *host, uint64_t *ret_sum)
{
	uint64_t most = 0;

	*ret_sum = 0;
	for (size_t i = 0; i < host->node_count; i++) {
		uint64_t mib = host->nodes[i].free_bytes / HN_MIB;

		*ret_sum += mib;
		most = mib > most ? mib : most;
	}
	return most;
}

void bench_request_draw(const struct hn_host *host, bool feasible, struct hn_random *random,
			struct bench_size *ret)
{
	uint64_t sum, most = most_free_mib(host, &sum);

	for (;;) {
		uint64_t large = 1 + below(random, most),
			 small = below(random, 2) ? large : 1 + below(random, large);
		unsigned vcpus = 1 + (unsigned)below(random, 8);
		bool fits, fits_not;

		ret->cells = CELLS;
		for (size_t i = 0; i < CELLS; i++) {
			ret->mib[i] = i < CELLS / 2 ? large : small;
			ret->vcpus[i] = vcpus;
		}
		if (large == small) {
			fits = places(host, vcpus, large) >= CELLS;
			fits_not = !fits;
		} else {
			fits = fits_largest_first(host, ret);
			fits_not = bench_size_mib(ret) > sum || places(host, vcpus, large) < CELLS / 2;
		}
		if (feasible ? fits : fits_not)
			return;
	}
}
