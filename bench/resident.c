#include "bench/resident.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

#define PAGE 4096

unsigned bench_size_vcpus(const struct bench_size *size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size->cells; i++)
		sum += size->vcpus[i];
	return sum;
}

uint64_t bench_size_mib(const struct bench_size *size)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size->cells; i++)
		sum += size->mib[i];
	return sum;
}

/* A cell with its backend and a thread for each vCPU. */
static int add_cell(struct hn_guest *guest, int index, unsigned vcpus, uint64_t mib)
{
	struct hn_cell *cell = hn_guest_add_cell(guest, index);
	struct hn_backend *backend = cell ? hn_guest_add_backend(guest, "ram") : NULL;
	int first = (int)guest->thread_count;

	if (!backend)
		return -ENOMEM;
	cell->memory_bytes = backend->bytes = mib * HN_MIB;
	backend->cell = index;
	for (int vcpu = first; vcpu < first + (int)vcpus; vcpu++) {
		struct hn_thread *thread = hn_guest_add_thread(guest, 1 + vcpu, HN_THREAD_VCPU);

		if (!thread)
			return -ENOMEM;
		thread->vcpu = vcpu;
		thread->cell = index;
		hn_set_add(&guest->cells[index].vcpus, vcpu);
	}
	return 0;
}

int bench_guest_add(struct hn_snapshot *snapshot, const char *name, enum hn_class class,
		    const struct bench_size *size)
{
	struct hn_guest_state *state = hn_snapshot_add(snapshot);
	int r = 0;

	if (!state)
		return -ENOMEM;
	state->guest = hn_guest_new(name);
	if (!state->guest)
		return -ENOMEM;
	state->guest->mode = HN_MODE_ENFORCE;
	state->guest->class = class;
	state->guest->state = HN_RUN_RUNNING;
	for (size_t i = 0; i < size->cells && r == 0; i++)
		r = add_cell(state->guest, (int)i, size->vcpus[i], size->mib[i]);
	return r < 0 ? r : (int)snapshot->guest_count - 1;
}

/* Bytes that the home wants on a node. */
static uint64_t bytes_on(const struct hn_placement *home, size_t node)
{
	uint64_t sum = 0;

	for (size_t cell = 0; home && cell < home->cell_count; cell++)
		sum += home->cells[cell].bytes[node];
	return sum;
}

/* Threads of a cell that lives on several nodes are put on them by memory, if nobody has chosen CPUs for
 * them. */
static size_t node_of_thread(const struct hn_cell_home *home, size_t nodes, size_t thread, size_t threads)
{
	uint64_t total = 0, before = 0;
	size_t last = 0;

	for (size_t node = 0; node < nodes; node++)
		total += home->bytes[node];
	for (size_t node = 0; node < nodes; node++) {
		if (home->bytes[node] == 0)
			continue;
		last = node;
		before += home->bytes[node];
		if ((double)before / (double)total > ((double)thread + 0.5) / (double)threads)
			break;
	}
	return last;
}

/* Where the CPUs are that have been chosen for the vCPU; -1 when none have. */
static int node_of_cpus(const struct hn_host *host, const struct hn_placement *home, int vcpu)
{
	for (size_t i = 0; i < home->vcpu_count; i++)
		if (home->vcpus[i].vcpu == vcpu)
			return hn_host_cpu_node(host, hn_set_next(&home->vcpus[i].cpus, 0));
	return -1;
}

static void look_at_cell(const struct hn_snapshot *snapshot, const struct hn_guest *guest, size_t cell,
			 const struct hn_placement *home, struct hn_sample *sample)
{
	struct hn_cell_sample *pages = &sample->cells[cell];
	size_t seen = 0, threads = (size_t)hn_set_count(&guest->cells[cell].vcpus);

	pages->cell = guest->cells[cell].id;
	for (size_t node = 0; node < home->node_count; node++)
		pages->sampled += pages->on_node[node] = home->cells[cell].bytes[node] / PAGE;
	for (size_t i = 0; i < guest->thread_count; i++) {
		struct hn_thread_sample *thread = &sample->threads[i];
		int chosen = node_of_cpus(snapshot->host, home, guest->threads[i].vcpu);
		size_t node;

		if (guest->threads[i].cell != guest->cells[cell].id)
			continue;
		node = node_of_thread(&home->cells[cell], home->node_count, seen++, threads);
		node = chosen >= 0 ? (size_t)chosen : node;
		thread->tid = guest->threads[i].tid;
		thread->last_node = (int)node;
		thread->last_cpu = hn_set_next(&snapshot->host->nodes[node].cpus, 0);
		thread->cpu_ns = HN_NS_PER_S;
		thread->busy = 0.5;
		thread->residency[node] = 1;
		hn_sample_allow(sample, i, &snapshot->host->nodes[node].cpus);
	}
}

static struct hn_sample *look(const struct hn_snapshot *snapshot, const struct hn_guest *guest,
			      const struct hn_placement *home)
{
	struct hn_sample *sample = hn_sample_new(home->node_count, guest->cell_count, guest->thread_count);

	if (!sample)
		return NULL;
	sample->taken_ns = snapshot->now_ns;
	sample->exhaustive = true;
	for (size_t cell = 0; cell < guest->cell_count; cell++)
		look_at_cell(snapshot, guest, cell, home, sample);
	return sample;
}

int bench_guest_settle(struct hn_snapshot *snapshot, size_t guest, struct hn_placement *home)
{
	HN_AUTO(hn_placement) struct hn_placement *taken = home;
	struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_sample) struct hn_sample *sample = NULL;

	for (size_t node = 0; node < home->node_count; node++)
		if (bytes_on(home, node) >
		    snapshot->host->nodes[node].free_bytes + bytes_on(state->home, node))
			return -ENOSPC;
	sample = look(snapshot, state->guest, home);
	if (!sample)
		return -ENOMEM;
	for (size_t node = 0; node < home->node_count; node++)
		snapshot->host->nodes[node].free_bytes += bytes_on(state->home, node) - bytes_on(home, node);
	hn_placement_free(state->home);
	hn_sample_free(state->sample);
	state->home = hn_steal(taken);
	state->sample = hn_steal(sample);
	return 0;
}

int bench_guest_settle_on(struct hn_snapshot *snapshot, size_t guest, const size_t *node_of)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	struct hn_placement *home = hn_placement_new(snapshot->host->node_count, model->cell_count);

	if (!home)
		return -ENOMEM;
	for (size_t cell = 0; cell < model->cell_count; cell++) {
		home->cells[cell].cell = model->cells[cell].id;
		hn_set_add(&home->cells[cell].nodes, snapshot->host->nodes[node_of[cell]].id);
		home->cells[cell].bytes[node_of[cell]] = model->cells[cell].memory_bytes;
	}
	return bench_guest_settle(snapshot, guest, home);
}

void bench_guest_unsettle(struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_guest_state *state = &snapshot->guests[guest];

	for (size_t node = 0; node < snapshot->host->node_count; node++)
		snapshot->host->nodes[node].free_bytes += bytes_on(state->home, node);
	hn_sample_free(hn_steal(state->sample));
	hn_placement_free(hn_steal(state->home));
}

void bench_guest_remove(struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_guest_state *state = &snapshot->guests[guest];

	bench_guest_unsettle(snapshot, guest);
	hn_guest_free(state->guest);
	hn_regret_free(state->regret);
	memmove(state, state + 1, (snapshot->guest_count - guest - 1) * sizeof(*state));
	snapshot->guest_count--;
}
