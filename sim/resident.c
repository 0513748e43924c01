#include "sim/resident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/locality.h"
#include "policy/regret.h"

void resident_done(struct resident *resident)
{
	free(resident->left_ns);
	free(resident->carried);
	hn_plan_free(resident->plan);
}

static int add_make_up(struct hn_guest *guest, uint32_t number)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		const struct hn_cell *cell = &guest->cells[i];
		struct hn_backend *backend;
		char id[32];

		snprintf(id, sizeof(id), "ram-node%d", cell->id);
		backend = hn_guest_add_backend(guest, id);
		if (!backend)
			return -ENOMEM;
		backend->cell = cell->id;
		backend->bytes = cell->memory_bytes;
		HN_SET_FOREACH (vcpu, &cell->vcpus) {
			/* thread ids need only differ within a guest */
			struct hn_thread *thread = hn_guest_add_thread(guest, vcpu + 1, HN_THREAD_VCPU);

			if (!thread)
				return -ENOMEM;
			thread->vcpu = vcpu;
			thread->cell = cell->id;
			snprintf(thread->name, sizeof(thread->name), "CPU %d/SIM", vcpu);
		}
	}
	guest->pid = (pid_t)(number & 0x3fffffff) + 1;
	return 0;
}

int resident_init(struct resident *resident, struct hn_guest_state *state, const struct hn_event *event,
		  const char *policy, const struct hn_host *host, struct hn_error *err)
{
	char name[32];
	int r;

	*resident = (struct resident){.number = event->guest, .load = event->load};
	snprintf(name, sizeof(name), "vm%u", event->guest);
	r = hn_request_guest(&event->request, name, &state->guest, err);
	if (r < 0)
		return r;
	state->guest->state = HN_RUN_RUNNING;
	snprintf(state->guest->policy, sizeof(state->guest->policy), "%s", policy);
	resident->left_ns =
		calloc(state->guest->cell_count * host->node_count + 1, sizeof(*resident->left_ns));
	resident->carried = calloc(host->node_count + 1, sizeof(*resident->carried));
	return resident->left_ns && resident->carried && add_make_up(state->guest, event->guest) == 0
		       ? 0
		       : hn_oom(err);
}

static uint64_t pages_of_cell(const struct hn_guest_state *state, size_t cell)
{
	return (state->guest->cells[cell].memory_bytes + SIM_PAGE - 1) / SIM_PAGE;
}

/* A cell's pages on the nodes of its home; what does not divide goes to the last of them. */
static void lay_out(const struct hn_guest_state *state, size_t cell, uint64_t *pages)
{
	const struct hn_cell_home *home = &state->home->cells[cell];
	uint64_t left = pages_of_cell(state, cell);
	size_t last = 0;

	for (size_t node = 0; node < state->home->node_count; node++) {
		uint64_t part = home->bytes[node] / SIM_PAGE;

		part = part < left ? part : left;
		pages[node] = part;
		left -= part;
		last = home->bytes[node] > 0 ? node : last;
	}
	pages[last] += left;
}

static struct hn_set cpus_of_home(const struct hn_guest_state *state, const struct hn_host *host,
				  const struct hn_thread *thread)
{
	struct hn_set cpus = {0};
	int cell = hn_guest_cell_index(state->guest, thread->cell);

	for (size_t i = 0; i < state->home->vcpu_count; i++)
		if (state->home->vcpus[i].vcpu == thread->vcpu && !hn_set_empty(&state->home->vcpus[i].cpus))
			return state->home->vcpus[i].cpus;
	for (size_t i = 0; i < host->cpu_count; i++)
		if (!host->cpus[i].isolated && !host->cpus[i].reserved && cell >= 0 &&
		    hn_set_has(&state->home->cells[cell].nodes, host->cpus[i].node))
			hn_set_add(&cpus, host->cpus[i].id);
	return cpus;
}

static int take_memory(struct hn_guest_state *state, struct hn_host *host, struct hn_error *err)
{
	for (size_t node = 0; node < host->node_count; node++) {
		uint64_t pages = 0;

		for (size_t cell = 0; cell < state->guest->cell_count; cell++)
			pages += state->sample->cells[cell].on_node[node];
		if (pages > host->nodes[node].free_bytes / SIM_PAGE)
			return hn_fail(err, -ENOSPC, "guest '%s': its home has more on node %d than is free",
				       state->guest->name, host->nodes[node].id);
	}
	for (size_t cell = 0; cell < state->guest->cell_count; cell++)
		for (size_t node = 0; node < host->node_count; node++)
			host->nodes[node].free_bytes -= state->sample->cells[cell].on_node[node] * SIM_PAGE;
	return 0;
}

static struct hn_set all_cpus(const struct hn_host *host)
{
	struct hn_set all = {0};

	for (size_t i = 0; i < host->cpu_count; i++)
		hn_set_add(&all, host->cpus[i].id);
	return all;
}

int resident_settle_in(struct hn_guest_state *state, struct hn_host *host, bool bind, struct hn_error *err)
{
	const struct hn_guest *guest = state->guest;
	int r;

	state->sample = hn_sample_new(host->node_count, guest->cell_count, guest->thread_count);
	if (!state->sample)
		return hn_oom(err);
	state->sample->exhaustive = true;
	for (size_t cell = 0; cell < guest->cell_count; cell++) {
		state->sample->cells[cell].cell = guest->cells[cell].id;
		state->sample->cells[cell].sampled = pages_of_cell(state, cell);
		lay_out(state, cell, state->sample->cells[cell].on_node);
	}
	r = take_memory(state, host, err);
	for (size_t i = 0; r == 0 && i < guest->thread_count; i++) {
		struct hn_set all = all_cpus(host);
		struct hn_set cpus = cpus_of_home(state, host, &guest->threads[i]);

		state->sample->threads[i].tid = guest->threads[i].tid;
		resident_bind(state, host, i, &cpus);
		if (!bind)
			hn_sample_allow(state->sample, i, &all);
	}
	return r;
}

void resident_leave(const struct hn_guest_state *state, struct hn_host *host)
{
	for (size_t cell = 0; cell < state->guest->cell_count; cell++)
		for (size_t node = 0; node < host->node_count; node++)
			host->nodes[node].free_bytes += state->sample->cells[cell].on_node[node] * SIM_PAGE;
}

uint64_t resident_move(struct hn_guest_state *state, struct hn_host *host, size_t cell, size_t from,
		       size_t to, uint64_t pages)
{
	uint64_t *on_node = state->sample->cells[cell].on_node;
	uint64_t room = host->nodes[to].free_bytes / SIM_PAGE;

	if (from == to)
		return 0;
	pages = pages < on_node[from] ? pages : on_node[from];
	pages = pages < room ? pages : room;
	on_node[from] -= pages;
	on_node[to] += pages;
	host->nodes[from].free_bytes += pages * SIM_PAGE;
	host->nodes[to].free_bytes -= pages * SIM_PAGE;
	return pages;
}

void resident_bind(struct hn_guest_state *state, const struct hn_host *host, size_t thread,
		   const struct hn_set *cpus)
{
	struct hn_thread_sample *where = &state->sample->threads[thread];
	double most = 0;
	int count = 0;

	hn_sample_allow(state->sample, thread, cpus); /* without memory it stays where it was */
	memset(where->residency, 0, host->node_count * sizeof(*where->residency));
	for (size_t i = 0; i < host->cpu_count; i++)
		count += hn_set_has(cpus, host->cpus[i].id);
	for (size_t i = 0; i < host->cpu_count; i++) {
		int node = hn_host_node_index(host, host->cpus[i].node);

		if (node < 0 || !hn_set_has(cpus, host->cpus[i].id))
			continue;
		where->residency[node] += 1.0 / count;
		if (where->residency[node] > most) {
			most = where->residency[node];
			where->last_node = node;
			where->last_cpu = host->cpus[i].id;
		}
	}
}

void resident_drift(struct hn_guest_state *state, const struct hn_host *host, size_t cell, size_t node)
{
	struct hn_set all = all_cpus(host);
	int there = hn_set_next(&host->nodes[node].cpus, 0);

	if (there < 0)
		return;
	for (size_t i = 0; i < state->guest->thread_count; i++) {
		struct hn_thread_sample *where = &state->sample->threads[i];

		if (state->guest->threads[i].cell != state->guest->cells[cell].id)
			continue;
		hn_sample_allow(state->sample, i, &all);
		memset(where->residency, 0, host->node_count * sizeof(*where->residency));
		where->residency[node] = 1;
		where->last_node = (int)node;
		where->last_cpu = there;
	}
}

void resident_weigh(struct resident *resident, struct hn_guest_state *state, const struct hn_host *host)
{
	struct hn_interval locality;

	for (size_t i = 0; i < state->guest->thread_count; i++)
		state->sample->threads[i].busy = resident->load;
	resident->busy = resident->load * (double)state->guest->thread_count;
	resident->local = hn_locality_of_guest(state->guest, state->sample, &locality)
				  ? resident->busy * locality.value
				  : 0;
	resident->lost = 0;
	for (size_t cell = 0; cell < state->guest->cell_count; cell++)
		resident->lost += hn_loss_of_cell(host, state->guest, state->sample, cell);
}
