#include "bench/instance.h"

#include "base/units.h"
#include "bench/machine.h"
#include "bench/resident.h"

#define NODE_MIB 65536
#define NODE_CPUS 16

static uint64_t below(struct hn_random *random, uint64_t bound)
{
	return hn_random_below(random, bound);
}

static struct hn_host *draw_host(struct hn_random *random, const struct bench_instance_limits *limits)
{
	size_t nodes = limits->nodes_least + below(random, limits->nodes_most - limits->nodes_least + 1);
	enum bench_shape shape = (enum bench_shape)below(random, limits->even ? BENCH_UNEVEN : BENCH_SHAPES);
	struct hn_host *host = bench_machine_new(shape, nodes, NODE_CPUS, NODE_MIB, random);
	bool uneven = below(random, 2);

	for (size_t i = 0; host && i < nodes && uneven; i++) {
		uint64_t less = below(random, 4) * (NODE_MIB / 8) * HN_MIB;

		host->nodes[i].memory_bytes -= less;
		host->nodes[i].free_bytes -= less;
		bench_machine_shrink(host, i, (unsigned)below(random, 3) * 4);
	}
	return host;
}

/* Residents of one cell each take a drawn part of every node's memory, and CPUs whether there are or not. */
static int draw_residents(struct hn_random *random, struct hn_snapshot *snapshot)
{
	unsigned fullness = (unsigned)below(random, 4);

	for (size_t node = 0; node < snapshot->host->node_count; node++) {
		for (uint64_t i = below(random, fullness + 1); i > 0; i--) {
			uint64_t mib = snapshot->host->nodes[node].free_bytes / HN_MIB;
			struct bench_size size = {.cells = 1, .vcpus = {1 + (unsigned)below(random, 8)}};
			int guest;

			size.mib[0] = 1 + below(random, mib / 2);
			guest = bench_guest_add(snapshot, "resident", HN_CLASS_SHARED, &size);
			if (guest < 0 || bench_guest_settle_on(snapshot, (size_t)guest, &node) < 0)
				return -1;
		}
	}
	return 0;
}

static struct bench_size draw_size(struct hn_random *random, const struct hn_host *host, size_t cells_most)
{
	struct bench_size size = {.cells = 1 + below(random, cells_most)};
	uint64_t most = 0, scale;
	bool alike = below(random, 2);

	for (size_t i = 0; i < host->node_count; i++)
		most = host->nodes[i].free_bytes / HN_MIB > most ? host->nodes[i].free_bytes / HN_MIB : most;
	scale = 1 +
		below(random, 4); /* a cell is up to all, a half, a third, a quarter of the emptiest node */
	for (size_t i = 0; i < size.cells; i++) {
		size.vcpus[i] = 1 + (unsigned)below(random, 8);
		size.mib[i] = 1 + below(random, most / scale);
		if (alike && i > 0) {
			size.vcpus[i] = size.vcpus[0];
			size.mib[i] = size.mib[0];
		}
	}
	return size;
}

/* Somewhere, each cell on a node that has room; nowhere when one finds none. */
static int draw_incumbent(struct hn_random *random, struct hn_snapshot *snapshot,
			  const struct bench_size *size)
{
	const struct hn_host *host = snapshot->host;
	size_t node_of[BENCH_CELLS_MAX];
	uint64_t taken[64] = {0};

	for (size_t i = 0; i < size->cells; i++) {
		size_t node = below(random, host->node_count), tried = 0;

		while (host->nodes[node].free_bytes < taken[node] + size->mib[i] * HN_MIB) {
			node = (node + 1) % host->node_count;
			if (++tried == host->node_count)
				return 0;
		}
		taken[node] += size->mib[i] * HN_MIB;
		node_of[i] = node;
	}
	return bench_guest_settle_on(snapshot, 0, node_of);
}

struct hn_snapshot *bench_instance_draw(struct hn_random *random, const struct bench_instance_limits *limits)
{
	struct hn_host *host = draw_host(random, limits);
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = host ? hn_snapshot_new(host) : NULL;
	struct hn_guest_state first;
	struct bench_size size;
	int asked;

	if (!snapshot || draw_residents(random, snapshot) < 0)
		return NULL;
	snapshot->now_ns = 1000 * HN_NS_PER_S;
	size = draw_size(random, host, limits->cells_most);
	asked = bench_guest_add(snapshot, "asked", HN_CLASS_SHARED, &size);
	if (asked < 0)
		return NULL;
	first = snapshot->guests[0]; /* the one in question comes first */
	snapshot->guests[0] = snapshot->guests[asked];
	snapshot->guests[asked] = first;
	if (below(random, 3) == 0 && draw_incumbent(random, snapshot, &size) < 0)
		return NULL;
	return hn_steal(snapshot);
}
