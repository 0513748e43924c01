#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hn_snapshot *scene_new(size_t nodes, int cpus, uint64_t mib)
{
	struct hn_host *host = hn_host_new("scene", nodes, nodes * (size_t)cpus);
	struct hn_snapshot *snapshot;

	assert_non_null(host);
	for (size_t node = 0; node < nodes; node++) {
		host->nodes[node].memory_bytes = host->nodes[node].free_bytes = mib * MIB;
		for (int i = 0; i < cpus; i++) {
			host->cpus[node * (size_t)cpus + (size_t)i].node = (int)node;
			hn_set_add(&host->nodes[node].cpus, (int)node * cpus + i);
		}
	}
	host->distances_known = true;
	snapshot = hn_snapshot_new(host);
	assert_non_null(snapshot);
	snapshot->now_ns = UINT64_C(1000000000000);
	return snapshot;
}

void scene_free_mib(struct hn_snapshot *snapshot, size_t node, uint64_t mib)
{
	snapshot->host->nodes[node].free_bytes = mib * MIB;
}

void scene_distance(struct hn_snapshot *snapshot, size_t a, size_t b, unsigned distance)
{
	snapshot->host->distances[a * snapshot->host->node_count + b] = (uint16_t)distance;
	snapshot->host->distances[b * snapshot->host->node_count + a] = (uint16_t)distance;
}

void scene_memory_only(struct hn_snapshot *snapshot, size_t node)
{
	struct hn_host *host = snapshot->host;
	size_t kept = 0;

	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].node != host->nodes[node].id)
			host->cpus[kept++] = host->cpus[i];
	host->cpu_count = kept;
	hn_set_clear(&host->nodes[node].cpus);
}

void scene_isolate(struct hn_snapshot *snapshot, int cpu)
{
	for (size_t i = 0; i < snapshot->host->cpu_count; i++)
		if (snapshot->host->cpus[i].id == cpu)
			snapshot->host->cpus[i].isolated = true;
}

size_t scene_guest(struct hn_snapshot *snapshot, const char *name)
{
	struct hn_guest_state *state = hn_snapshot_add(snapshot);

	assert_non_null(state);
	state->guest = hn_guest_new(name);
	assert_non_null(state->guest);
	state->guest->mode = HN_MODE_ENFORCE;
	state->guest->state = HN_RUN_RUNNING;
	return snapshot->guest_count - 1;
}

void scene_cell(struct hn_snapshot *snapshot, size_t guest, uint64_t mib, int vcpus)
{
	struct hn_guest *model = snapshot->guests[guest].guest;
	int id = (int)model->cell_count, first = hn_guest_vcpu_count(model);
	struct hn_cell *cell = hn_guest_add_cell(model, id);
	struct hn_backend *backend;
	char name[32];

	assert_non_null(cell);
	cell->memory_bytes = mib * MIB;
	for (int vcpu = first; vcpu < first + vcpus; vcpu++) {
		struct hn_thread *thread =
			hn_guest_add_thread(model, 1000 * (int)(guest + 1) + vcpu, HN_THREAD_VCPU);

		assert_non_null(thread);
		thread->vcpu = vcpu;
		thread->cell = id;
		hn_set_add(&cell->vcpus, vcpu);
	}
	snprintf(name, sizeof(name), "ram-node%d", id);
	backend = hn_guest_add_backend(model, name);
	assert_non_null(backend);
	backend->cell = id;
	backend->bytes = cell->memory_bytes;
}

void scene_emulator(struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_thread *thread = hn_guest_add_thread(snapshot->guests[guest].guest,
						       1000 * (int)(guest + 1) + 900, HN_THREAD_EMULATOR);

	assert_non_null(thread);
	snprintf(thread->name, sizeof(thread->name), "qemu");
}

void scene_allow(struct hn_sample *sample, size_t thread, struct hn_set cpus)
{
	assert_int_equal(hn_sample_allow(sample, thread, &cpus), 0);
}

void scene_allow_also(struct hn_sample *sample, size_t thread, const struct hn_set *cpus)
{
	struct hn_set all = *sample->threads[thread].allowed;

	hn_set_or(&all, cpus);
	scene_allow(sample, thread, all);
}

struct hn_sample *scene_sample(struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_guest_state *state = &snapshot->guests[guest];

	hn_sample_free(state->sample);
	state->sample = hn_sample_new(snapshot->host->node_count, state->guest->cell_count,
				      state->guest->thread_count);
	assert_non_null(state->sample);
	state->sample->taken_ns = snapshot->now_ns;
	for (size_t i = 0; i < state->guest->cell_count; i++)
		state->sample->cells[i].cell = state->guest->cells[i].id;
	for (size_t i = 0; i < state->guest->thread_count; i++) {
		state->sample->threads[i].tid = state->guest->threads[i].tid;
		for (size_t node = 0; node < snapshot->host->node_count; node++)
			scene_allow_also(state->sample, i, &snapshot->host->nodes[node].cpus);
	}
	return state->sample;
}

void scene_pages(struct hn_snapshot *snapshot, size_t guest, size_t cell, int node, uint64_t count)
{
	struct hn_cell_sample *pages = &snapshot->guests[guest].sample->cells[cell];

	pages->sampled += count;
	*(node == -1 ? &pages->absent : node == -2 ? &pages->unknown : &pages->on_node[node]) += count;
}

void scene_threads(struct hn_snapshot *snapshot, size_t guest, int cell, size_t node)
{
	struct hn_guest_state *state = &snapshot->guests[guest];

	for (size_t i = 0; i < state->guest->thread_count; i++) {
		struct hn_thread_sample *thread = &state->sample->threads[i];

		if (cell >= 0 && state->guest->threads[i].cell != cell)
			continue;
		scene_allow(state->sample, i, snapshot->host->nodes[node].cpus);
		thread->last_node = (int)node;
		memset(thread->residency, 0, snapshot->host->node_count * sizeof(*thread->residency));
		thread->residency[node] = 1;
		thread->busy = 1;
	}
}

void scene_home(struct hn_snapshot *snapshot, size_t guest, size_t cell, size_t node)
{
	struct hn_guest_state *state = &snapshot->guests[guest];
	struct hn_cell_home *home;

	if (!state->home) {
		state->home = hn_placement_new(snapshot->host->node_count, state->guest->cell_count);
		assert_non_null(state->home);
		for (size_t i = 0; i < state->guest->cell_count; i++)
			state->home->cells[i].cell = state->guest->cells[i].id;
	}
	home = &state->home->cells[cell];
	memset(home->bytes, 0, snapshot->host->node_count * sizeof(*home->bytes));
	home->nodes = hn_set_of(snapshot->host->nodes[node].id);
	home->bytes[node] = state->guest->cells[cell].memory_bytes;
}

size_t scene_guest_on(struct hn_snapshot *snapshot, const char *name, int cells, uint64_t mib, int vcpus,
		      size_t node)
{
	size_t guest = scene_guest(snapshot, name);

	for (int i = 0; i < cells; i++)
		scene_cell(snapshot, guest, mib, vcpus);
	scene_sample(snapshot, guest);
	for (int i = 0; i < cells; i++)
		scene_pages(snapshot, guest, (size_t)i, (int)node, 1000);
	scene_threads(snapshot, guest, -1, node);
	return guest;
}

static uint64_t below(struct hn_random *random, uint64_t bound)
{
	return hn_random_below(random, bound);
}

/* Pages of a cell here and there, some absent, some unknown. */
static void draw_pages(struct hn_random *random, struct hn_snapshot *snapshot, size_t guest, size_t cell)
{
	size_t nodes = snapshot->host->node_count;
	uint64_t left = 1000,
		 most = below(random, 4) ? 1000 : 20; /* now and then only strays are elsewhere */

	for (uint64_t i = below(random, 3); i > 0; i--) {
		uint64_t part = below(random, (left < most ? left : most) + 1);

		scene_pages(snapshot, guest, cell, (int)below(random, nodes), part);
		left -= part;
	}
	if (below(random, 4) == 0 && left > 600) { /* untouched memory and some that the kernel hides */
		uint64_t absent = below(random, 200), unknown = below(random, 200);

		scene_pages(snapshot, guest, cell, -1, absent);
		scene_pages(snapshot, guest, cell, -2, unknown);
		left -= absent + unknown;
	}
	scene_pages(snapshot, guest, cell, (int)below(random, nodes), left);
}

static void draw_threads(struct hn_random *random, struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_guest_state *state = &snapshot->guests[guest];

	for (size_t i = 0; i < state->guest->thread_count; i++) {
		size_t node = below(random, snapshot->host->node_count);

		state->sample->threads[i].last_node = (int)node;
		if (below(random, 2) && !hn_set_empty(&snapshot->host->nodes[node].cpus))
			scene_allow(state->sample, i, snapshot->host->nodes[node].cpus);
		state->sample->threads[i].busy = (double)below(random, 3) / 2;
	}
}

static int fewest_cpus(const struct hn_host *host)
{
	int fewest = 64;

	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set cpus = host->nodes[i].cpus;
		int count;

		for (size_t j = 0; j < host->cpu_count; j++)
			if (host->cpus[j].isolated)
				hn_set_remove(&cpus, host->cpus[j].id);
		count = hn_set_count(&cpus);
		fewest = count > 0 && count < fewest ? count : fewest;
	}
	return fewest;
}

static struct hn_snapshot *draw_host(struct hn_random *random, size_t nodes)
{
	struct hn_snapshot *snapshot = scene_new(nodes, 1 + (int)below(random, 6), 4096);
	struct hn_host *host = snapshot->host;

	for (size_t i = 0; i < nodes; i++) {
		host->nodes[i].id = (int)(2 * i + 1); /* ids are not indices */
		scene_free_mib(snapshot, i, 64 + below(random, 4000));
		for (size_t j = 0; j < i; j++)
			scene_distance(snapshot, i, j, 11 + (unsigned)below(random, 30));
	}
	for (size_t i = 0; i < host->cpu_count; i++)
		host->cpus[i].node = 2 * host->cpus[i].node + 1;
	for (size_t i = 0; i < nodes; i++) {
		if (below(random, 8) == 0)
			scene_free_mib(snapshot, i, 0);
		if (nodes > 1 && below(random, 8) == 0)
			scene_memory_only(snapshot, i);
	}
	for (size_t i = 0; i < host->cpu_count; i++)
		if (below(random, 10) == 0)
			scene_isolate(snapshot, host->cpus[i].id);
	return snapshot;
}

static void draw_other(struct hn_random *random, struct hn_snapshot *snapshot)
{
	size_t guest = scene_guest(snapshot, "other");

	snapshot->guests[guest].guest->mode = (enum hn_mode)below(random, HN_MODE_COUNT);
	snapshot->guests[guest].moving = below(random, 6) == 0;
	for (uint64_t i = 1 + below(random, 2); i > 0; i--)
		scene_cell(snapshot, guest, below(random, 1000), (int)below(random, 4));
	if (below(random, 4)) {
		scene_sample(snapshot, guest);
		for (size_t cell = 0; cell < snapshot->guests[guest].guest->cell_count; cell++)
			draw_pages(random, snapshot, guest, cell);
		draw_threads(random, snapshot, guest);
	}
	if (below(random, 2))
		for (size_t cell = 0; cell < snapshot->guests[guest].guest->cell_count; cell++)
			scene_home(snapshot, guest, cell, below(random, snapshot->host->node_count));
}

struct hn_snapshot *scene_draw(struct hn_random *random, const struct scene_limits *limits)
{
	struct hn_snapshot *snapshot = draw_host(random, 1 + below(random, limits->nodes));
	size_t guest = scene_guest(snapshot, "drawn"), cells = 1 + below(random, limits->cells);
	uint64_t vcpus = limits->narrow ? (uint64_t)fewest_cpus(snapshot->host) : 9;
	uint64_t mib = 1 + below(random, 4000 / cells);

	if (below(random, 6) == 0)
		snapshot->guests[guest].guest->class = (enum hn_class)below(random, HN_CLASS_COUNT);
	snapshot->guests[guest].guest->state = HN_RUN_PAUSED;
	for (size_t i = 0; i < cells; i++) {
		scene_cell(snapshot, guest, below(random, 4) ? mib : below(random, 2000),
			   (int)below(random, vcpus + 1));
		if (below(random, 10) == 0)
			snapshot->guests[guest].guest->backends[i].movability = HN_IMMOVABLE_PINNED;
	}
	if (below(random, 2))
		scene_emulator(snapshot, guest);
	if (below(random, 6)) {
		scene_sample(snapshot, guest);
		for (size_t i = 0; i < cells; i++)
			draw_pages(random, snapshot, guest, i);
		draw_threads(random, snapshot, guest);
	}
	for (uint64_t i = below(random, limits->others + 1); i > 0; i--)
		draw_other(random, snapshot);
	return snapshot;
}

static int cell_by_id(const struct hn_guest *guest, int id)
{
	int index = hn_guest_cell_index(guest, id);

	assert_true(index >= 0);
	return index;
}

/* Bytes that so many of the cell's known pages stand for: those that the kernel hides move along. */
static uint64_t bytes_of(const struct hn_guest_state *state, size_t cell, uint64_t pages)
{
	const struct hn_cell_sample *sample = &state->sample->cells[cell];
	uint64_t known = hn_cell_sample_present(sample, state->sample->node_count);

	return (uint64_t)((long double)state->guest->cells[cell].memory_bytes *
			  (long double)(sample->sampled - sample->absent) / (long double)sample->sampled *
			  (long double)pages / (long double)known);
}

static void carry_pages(struct hn_snapshot *snapshot, size_t guest, const struct hn_plan *plan,
			const struct hn_action *action)
{
	struct hn_guest_state *state = &snapshot->guests[guest];
	size_t cell = (size_t)cell_by_id(state->guest, action->cell);
	uint64_t *on_node = state->sample->cells[cell].on_node;
	int to = hn_host_node_index(snapshot->host, action->to_node);

	assert_true(to >= 0);
	for (size_t node = 0; node < snapshot->host->node_count; node++) {
		uint64_t moved = on_node[node];

		if (hn_set_has(&plan->home->cells[cell].nodes, snapshot->host->nodes[node].id))
			continue;
		while (action->limit_bytes && moved > 0 &&
		       bytes_of(state, cell, on_node[to] + moved) > action->limit_bytes)
			moved--;
		snapshot->host->nodes[node].free_bytes += bytes_of(state, cell, moved);
		on_node[node] -= moved;
		on_node[to] += moved;
		/* what the sample rounds off may not make room out of nothing */
		if (snapshot->host->nodes[to].free_bytes > bytes_of(state, cell, moved))
			snapshot->host->nodes[to].free_bytes -= bytes_of(state, cell, moved);
		else
			snapshot->host->nodes[to].free_bytes = 0;
	}
}

void scene_carry_out(struct hn_snapshot *snapshot, size_t guest, const struct hn_plan *plan)
{
	struct hn_guest_state *state = &snapshot->guests[guest];

	for (size_t i = 0; i < plan->action_count; i++) {
		const struct hn_action *action = &plan->actions[i];
		bool found = action->kind == HN_ACTION_MIGRATE;

		if (action->kind == HN_ACTION_MIGRATE)
			carry_pages(snapshot, guest, plan, action);
		for (size_t j = 0; j < state->guest->thread_count && action->kind == HN_ACTION_BIND; j++) {
			if (state->guest->threads[j].tid != action->tid)
				continue;
			scene_allow(state->sample, j, action->cpus);
			state->guest->threads[j].ours = found = true;
		}
		assert_true(found);
	}
}

void scene_adopt(struct hn_snapshot *snapshot, size_t guest, const struct hn_plan *plan)
{
	hn_placement_free(snapshot->guests[guest].home);
	snapshot->guests[guest].home = plan->home ? hn_placement_copy(plan->home) : NULL;
}

struct hn_snapshot *scene_copy(const struct hn_snapshot *snapshot)
{
	struct hn_snapshot *copy = hn_snapshot_new(hn_host_copy(snapshot->host));

	assert_non_null(copy);
	copy->now_ns = snapshot->now_ns;
	for (size_t i = 0; i < snapshot->guest_count; i++) {
		const struct hn_guest_state *state = &snapshot->guests[i];
		struct hn_guest_state *twin = hn_snapshot_add(copy);

		assert_non_null(twin);
		twin->guest = hn_guest_copy(state->guest);
		twin->sample = state->sample ? hn_sample_copy(state->sample) : NULL;
		twin->home = state->home ? hn_placement_copy(state->home) : NULL;
		twin->looks = state->looks;
		twin->moving = state->moving;
	}
	return copy;
}
