#include "bench/contestant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* vCPUs at home on the node, by index. */
static unsigned vcpus_on(const struct hn_snapshot *snapshot, size_t node)
{
	unsigned sum = 0;

	for (size_t i = 0; i < snapshot->guest_count; i++) {
		const struct hn_guest_state *state = &snapshot->guests[i];

		for (size_t j = 0; state->sample && j < state->guest->thread_count; j++)
			sum += state->sample->threads[j].last_node == (int)node;
	}
	return sum;
}

/* Memory by what guests have at home, not by what the host says to be free. */
static uint64_t bytes_on(const struct hn_snapshot *snapshot, size_t node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < snapshot->guest_count; i++)
		for (size_t cell = 0; snapshot->guests[i].home && cell < snapshot->guests[i].home->cell_count;
		     cell++)
			sum += snapshot->guests[i].home->cells[cell].bytes[node];
	return sum;
}

bool bench_contestant_keeps_rules(const struct bench_contestant *contestant)
{
	const struct hn_snapshot *snapshot = contestant->snapshot;

	for (size_t node = 0; node < snapshot->host->node_count; node++)
		if (vcpus_on(snapshot, node) > (unsigned)hn_set_count(&snapshot->host->nodes[node].cpus) ||
		    bytes_on(snapshot, node) > snapshot->host->nodes[node].memory_bytes)
			return false;
	return true;
}

unsigned bench_contestant_free_cpus(const struct bench_contestant *contestant, size_t node)
{
	return (unsigned)hn_set_count(&contestant->snapshot->host->nodes[node].cpus) -
	       vcpus_on(contestant->snapshot, node);
}

int bench_contestant_begin(struct bench_contestant *contestant, struct hn_host *host, struct hn_error *err)
{
	hn_snapshot_free(contestant->snapshot);
	contestant->snapshot = hn_snapshot_new(host);
	contestant->move_bytes = 0;
	if (!contestant->snapshot)
		return hn_oom(err);
	contestant->snapshot->now_ns = 1000 * HN_NS_PER_S;
	return 0;
}

static int find_guest(const struct bench_contestant *contestant, long number)
{
	char name[32];

	snprintf(name, sizeof(name), "%ld", number);
	for (size_t i = 0; i < contestant->snapshot->guest_count; i++)
		if (!strcmp(contestant->snapshot->guests[i].guest->name, name))
			return (int)i;
	return -1;
}

int bench_contestant_add(struct bench_contestant *contestant, long number, const struct bench_size *size,
			 struct hn_error *err)
{
	char name[32];
	int guest;

	snprintf(name, sizeof(name), "%ld", number);
	guest = bench_guest_add(contestant->snapshot, name, HN_CLASS_DEDICATED, size);
	return guest < 0 ? hn_oom(err) : guest;
}

int bench_contestant_leave(struct bench_contestant *contestant, long number, struct hn_error *err)
{
	int guest = find_guest(contestant, number);

	if (guest < 0)
		return hn_fail(err, -ENOENT, "guest %ld is not there", number);
	bench_guest_remove(contestant->snapshot, (size_t)guest);
	return 0;
}

/* Of a cell, the sum over nodes of (share of memory) x (share of vCPUs). */
static double cell_locality(const struct hn_guest_state *state, size_t cell)
{
	const struct hn_cell_home *home = &state->home->cells[cell];
	double sum = 0, bytes = (double)state->guest->cells[cell].memory_bytes;

	for (size_t i = 0; i < state->guest->thread_count; i++)
		if (state->guest->threads[i].cell == state->guest->cells[cell].id)
			sum += (double)home->bytes[state->sample->threads[i].last_node] / bytes;
	return sum / hn_set_count(&state->guest->cells[cell].vcpus);
}

struct bench_place bench_contestant_place(const struct bench_contestant *contestant, size_t guest)
{
	const struct hn_guest_state *state = &contestant->snapshot->guests[guest];
	struct bench_place place = {.locality = 0};

	for (size_t cell = 0; cell < state->guest->cell_count; cell++) {
		place.locality += cell_locality(state, cell) *
				  (double)state->guest->cells[cell].memory_bytes /
				  (double)hn_guest_memory_bytes(state->guest);
		place.split = place.split || hn_set_count(&state->home->cells[cell].nodes) > 1;
	}
	return place;
}

void bench_contestant_done(struct bench_contestant *contestant)
{
	hn_snapshot_free(hn_steal(contestant->snapshot));
}
