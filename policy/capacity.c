#include "policy/capacity.h"

struct hn_set hn_usable_cpus(const struct hn_host *host, size_t node, enum hn_class class)
{
	struct hn_set cpus = host->nodes[node].cpus;

	if (class == HN_CLASS_REALTIME)
		return cpus;
	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].isolated)
			hn_set_remove(&cpus, host->cpus[i].id);
	return cpus;
}

/* value x part / whole without rounding in between: a cell that is wholly on a node has all its bytes there.
 */
static uint64_t scale(uint64_t value, uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((unsigned __int128)value * part / whole) : 0;
}

uint64_t hn_cell_bytes_present(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];

	return scale(guest->cells[cell].memory_bytes, pages->sampled - pages->absent, pages->sampled);
}

uint64_t hn_cell_bytes_on(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			  size_t node)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];

	return scale(hn_cell_bytes_present(guest, sample, cell), pages->on_node[node],
		     hn_cell_sample_present(pages, sample->node_count));
}

static uint64_t guest_bytes_on(const struct hn_guest_state *state, size_t cell, size_t node)
{
	return state->sample ? hn_cell_bytes_on(state->guest, state->sample, cell, node) : 0;
}

/*
 * Only a home that somebody brings the guest to counts; in the other modes it is a mere opinion. One from
 * before nodes or cells came or went counts no more.
 */
static bool goes_home(const struct hn_guest_state *state, size_t node_count)
{
	return state->home && (state->guest->mode == HN_MODE_ENFORCE || state->moving) &&
	       state->home->node_count == node_count && state->home->cell_count == state->guest->cell_count;
}

/* What a guest has still to receive on the node is promised to it. */
static uint64_t promised_bytes(const struct hn_guest_state *state, size_t node)
{
	uint64_t promised = 0;

	for (size_t cell = 0; cell < state->home->cell_count; cell++) {
		uint64_t wanted = state->home->cells[cell].bytes[node],
			 there = guest_bytes_on(state, cell, node);

		if (wanted > there)
			promised += wanted - there;
	}
	return promised;
}

/* vCPUs of a placed guest's cell are spread over its nodes by memory, evenly where it has none. */
static double homed_vcpus(const struct hn_guest_state *state, const struct hn_host *host, size_t node)
{
	double vcpus = 0;

	for (size_t cell = 0; cell < state->home->cell_count; cell++) {
		const struct hn_cell_home *home = &state->home->cells[cell];
		int count = hn_set_count(&state->guest->cells[cell].vcpus);
		uint64_t total = 0;

		for (size_t i = 0; i < state->home->node_count; i++)
			total += home->bytes[i];
		if (total > 0)
			vcpus += count * (double)home->bytes[node] / (double)total;
		else if (hn_set_has(&home->nodes, host->nodes[node].id))
			vcpus += count / (double)hn_set_count(&home->nodes);
	}
	return vcpus;
}

static double seen_vcpus(const struct hn_guest_state *state, size_t node)
{
	double vcpus = 0;

	for (size_t i = 0; i < state->guest->thread_count && state->sample; i++)
		if (state->guest->threads[i].kind == HN_THREAD_VCPU &&
		    state->sample->threads[i].last_node == (int)node)
			vcpus++;
	return vcpus;
}

static void fill_node(const struct hn_snapshot *snapshot, size_t guest, size_t node, uint64_t keep_free_bytes,
		      struct hn_node_capacity *ret)
{
	const struct hn_guest_state *own = &snapshot->guests[guest];
	struct hn_set cpus = hn_usable_cpus(snapshot->host, node, own->guest->class);
	uint64_t taken = keep_free_bytes, free_bytes = snapshot->host->nodes[node].free_bytes;
	double vcpus = 0;

	ret->cpus = (unsigned)hn_set_count(&cpus);
	for (size_t cell = 0; cell < own->guest->cell_count; cell++)
		if (hn_guest_cell_movable(own->guest, cell))
			ret->own_bytes += guest_bytes_on(own, cell, node);
	for (size_t i = 0; i < snapshot->guest_count; i++) {
		const struct hn_guest_state *other = &snapshot->guests[i];

		if (i == guest || other->guest->mode == HN_MODE_OFF)
			continue;
		if (goes_home(other, snapshot->host->node_count)) {
			taken += promised_bytes(other, node);
			vcpus += homed_vcpus(other, snapshot->host, node);
		} else {
			vcpus += seen_vcpus(other, node);
		}
	}
	ret->others_vcpus = (unsigned)(vcpus + 0.5);
	ret->room_bytes = ret->own_bytes + (free_bytes > taken ? free_bytes - taken : 0);
	ret->short_bytes = taken > free_bytes ? taken - free_bytes : 0;
}

struct hn_capacity *hn_capacity_new(const struct hn_snapshot *snapshot, size_t guest,
				    uint64_t keep_free_bytes)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	size_t nodes = snapshot->host->node_count, cells = state->guest->cell_count;
	struct hn_capacity *capacity = calloc(1, sizeof(*capacity) + nodes * sizeof(capacity->nodes[0]));

	if (!capacity)
		return NULL;
	capacity->node_count = nodes;
	capacity->cell_bytes = calloc(nodes * cells + 1, sizeof(*capacity->cell_bytes));
	if (!capacity->cell_bytes) {
		free(capacity);
		return NULL;
	}
	for (size_t node = 0; node < nodes; node++) {
		fill_node(snapshot, guest, node, keep_free_bytes, &capacity->nodes[node]);
		for (size_t cell = 0; cell < cells; cell++)
			capacity->cell_bytes[cell * nodes + node] = guest_bytes_on(state, cell, node);
	}
	return capacity;
}

int hn_capacity_tie(const struct hn_capacity *capacity, const struct hn_guest *guest, size_t cell)
{
	const uint64_t *here = &capacity->cell_bytes[cell * capacity->node_count];
	size_t most = 0;

	for (size_t node = 1; node < capacity->node_count; node++)
		if (here[node] > here[most])
			most = node;
	return here[most] > 0 && !hn_guest_cell_movable(guest, cell) ? (int)most : -1;
}

void hn_capacity_free(struct hn_capacity *capacity)
{
	if (!capacity)
		return;
	free(capacity->cell_bytes);
	free(capacity);
}
