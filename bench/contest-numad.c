/*
 * numad: a guest gets the nodes that the model of numad advises, if they have what it needs in all. It knows
 * no cells. vCPUs and memory fill the nodes in the order of the advice, as numad itself counts them, which
 * leaves the guest more local than Linux would.
 */
#include <errno.h>

#include "base/units.h"
#include "bench/contestant.h"
#include "bench/numad-model.h"

struct portion {
	unsigned vcpus;
	uint64_t mib;
};

static size_t ask(const struct bench_contestant *contestant, unsigned vcpus, uint64_t mib, size_t *advised)
{
	const struct hn_host *host = contestant->snapshot->host;
	struct numad_node nodes[NUMAD_NODES_MAX];
	size_t count;

	for (size_t i = 0; i < host->node_count; i++)
		nodes[i] = (struct numad_node){
			.cpus_total = hn_set_count(&host->nodes[i].cpus) * 100,
			.cpus_free = (int64_t)bench_contestant_free_cpus(contestant, i) * 100,
			.mib_total = (int64_t)(host->nodes[i].memory_bytes / HN_MIB),
			.mib_free = (int64_t)(host->nodes[i].free_bytes / HN_MIB),
		};
	numad_advise(nodes, host->node_count, host->distances, vcpus, mib, advised, &count);
	return count;
}

/* False when the nodes have not enough together. */
static bool divide(const struct bench_contestant *contestant, const size_t *advised, size_t count,
		   unsigned vcpus, uint64_t mib, struct portion *by_node)
{
	for (size_t i = 0; i < count; i++) {
		struct portion *portion = &by_node[advised[i]];
		uint64_t mib_free = contestant->snapshot->host->nodes[advised[i]].free_bytes / HN_MIB;
		unsigned cpus_free = bench_contestant_free_cpus(contestant, advised[i]);

		portion->vcpus = vcpus < cpus_free ? vcpus : cpus_free;
		portion->mib = mib < mib_free ? mib : mib_free;
		vcpus -= portion->vcpus;
		mib -= portion->mib;
	}
	return vcpus == 0 && mib == 0;
}

static int settle(struct hn_snapshot *snapshot, size_t guest, const struct portion *by_node)
{
	struct hn_placement *home = hn_placement_new(snapshot->host->node_count, 1);
	struct hn_sample *sample;
	size_t thread = 0;
	int r;

	if (!home)
		return -ENOMEM;
	for (size_t node = 0; node < snapshot->host->node_count; node++) {
		home->cells[0].bytes[node] = by_node[node].mib * HN_MIB;
		if (by_node[node].mib || by_node[node].vcpus)
			hn_set_add(&home->cells[0].nodes, (int)node);
	}
	r = bench_guest_settle(snapshot, guest, home);
	sample = snapshot->guests[guest].sample;
	for (size_t node = 0; r == 0 && node < snapshot->host->node_count; node++)
		for (unsigned i = 0; i < by_node[node].vcpus; i++)
			sample->threads[thread++].last_node = (int)node;
	return r;
}

static int arrive(struct bench_contestant *contestant, long number, const struct bench_size *size,
		  struct bench_place *ret, struct hn_error *err)
{
	struct bench_size whole = {
		.cells = 1, .vcpus = {bench_size_vcpus(size)}, .mib = {bench_size_mib(size)}};
	struct portion by_node[NUMAD_NODES_MAX] = {{0}};
	size_t advised[NUMAD_NODES_MAX], count = ask(contestant, whole.vcpus[0], whole.mib[0], advised);
	int guest;

	if (!divide(contestant, advised, count, whole.vcpus[0], whole.mib[0], by_node))
		return 0;
	guest = bench_contestant_add(contestant, number, &whole, err);
	if (guest < 0)
		return guest;
	if (settle(contestant->snapshot, (size_t)guest, by_node) < 0)
		return hn_oom(err);
	*ret = bench_contestant_place(contestant, (size_t)guest);
	return 1;
}

const struct bench_contest bench_contest_numad = {
	.begin = bench_contestant_begin,
	.arrive = arrive,
	.leave = bench_contestant_leave,
};
