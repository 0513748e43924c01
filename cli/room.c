#include "cli/room.h"

#include <stdlib.h>

static void count_cpus(const struct hn_host *host, struct hn_room *rooms)
{
	for (size_t i = 0; i < host->cpu_count; i++) {
		int node = hn_host_node_index(host, host->cpus[i].node);

		if (node < 0)
			continue;
		rooms[node].cpus++;
		rooms[node].allocatable += !host->cpus[i].reserved;
	}
}

/* Where the home says, else evenly over its nodes. */
static void seat_cell(const struct hn_host *host, const struct hn_placement *home, size_t cell,
		      unsigned vcpus, struct hn_room *rooms)
{
	const struct hn_cell_home *place = &home->cells[cell];
	bool known = hn_placement_seats_known(home, cell, vcpus);
	unsigned nodes = (unsigned)hn_set_count(&place->nodes), at = 0;

	for (size_t node = 0; node < host->node_count; node++) {
		if (!hn_set_has(&place->nodes, host->nodes[node].id))
			continue;
		rooms[node].taken +=
			known ? (unsigned)place->vcpus[node] : vcpus / nodes + (at < vcpus % nodes);
		at++;
	}
}

static void seat_where_seen(const struct hn_guest_state *state, size_t node_count, struct hn_room *rooms)
{
	for (size_t i = 0; state->sample && i < state->sample->thread_count; i++)
		if (state->guest->threads[i].kind == HN_THREAD_VCPU &&
		    state->sample->threads[i].last_node >= 0 &&
		    (size_t)state->sample->threads[i].last_node < node_count)
			rooms[state->sample->threads[i].last_node].taken++;
}

static uint64_t less(uint64_t value, uint64_t taken)
{
	return value > taken ? value - taken : 0;
}

/* A guest that is not there yet has its memory still to come. */
static void promise_cell(const struct hn_host *host, const struct hn_guest_state *state, size_t cell,
			 struct hn_room *rooms)
{
	uint64_t page = state->guest->cells[cell].page_bytes;

	for (size_t node = 0; node < host->node_count; node++) {
		uint64_t bytes = state->home->cells[cell].bytes[node];

		if (page == 0)
			rooms[node].free_bytes = less(rooms[node].free_bytes, bytes);
		for (size_t i = 0; page && i < host->nodes[node].pool_count; i++)
			if (host->nodes[node].pools[i].page_bytes == page)
				rooms[node].free_pages[i] = less(rooms[node].free_pages[i], bytes / page);
	}
}

static void take_guest(const struct hn_snapshot *snapshot, const struct hn_guest_state *state,
		       struct hn_room *rooms)
{
	const struct hn_host *host = snapshot->host;

	if (!state->home || state->home->node_count != host->node_count ||
	    state->home->cell_count != state->guest->cell_count) {
		seat_where_seen(state, host->node_count, rooms);
		return;
	}
	for (size_t cell = 0; cell < state->guest->cell_count; cell++) {
		seat_cell(host, state->home, cell, (unsigned)hn_set_count(&state->guest->cells[cell].vcpus),
			  rooms);
		if (!state->sample)
			promise_cell(host, state, cell, rooms);
	}
}

struct hn_room *hn_room_of(const struct hn_snapshot *snapshot)
{
	const struct hn_host *host = snapshot->host;
	struct hn_room *rooms = calloc(host->node_count + 1, sizeof(*rooms));

	if (!rooms)
		return NULL;
	count_cpus(host, rooms);
	for (size_t node = 0; node < host->node_count; node++) {
		const struct hn_node *model = &host->nodes[node];

		rooms[node].allocatable_bytes = less(model->memory_bytes, model->reserved_bytes);
		rooms[node].free_bytes = less(model->free_bytes, model->reserved_bytes);
		for (size_t i = 0; i < model->pool_count; i++)
			rooms[node].free_pages[i] = model->pools[i].free_pages;
	}
	for (size_t i = 0; i < snapshot->guest_count; i++)
		take_guest(snapshot, &snapshot->guests[i], rooms);
	return rooms;
}
