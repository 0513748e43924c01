#include "model/check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const struct hn_guest *const *)a)->name, (*(const struct hn_guest *const *)b)->name);
}

static int check_unique(const struct hn_snapshot *snapshot, struct hn_error *err)
{
	size_t count = snapshot->guest_count;
	HN_AUTO(memory) const struct hn_guest **guests = calloc(count + 1, sizeof(*guests));

	if (!guests)
		return hn_oom(err);
	for (size_t i = 0; i < count; i++)
		guests[i] = snapshot->guests[i].guest;
	qsort(guests, count, sizeof(*guests), compare_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(guests[i]->name, guests[i - 1]->name) == 0)
			return hn_fail(err, -EINVAL, "guests: name '%s' is there twice", guests[i]->name);
	return 0;
}

static int check_sample(const struct hn_host *host, const struct hn_sample *sample, struct hn_error *err)
{
	for (size_t i = 0; i < sample->thread_count; i++) {
		int node = sample->threads[i].last_node;

		if (node < -1 || node >= (int)host->node_count)
			return hn_fail(err, -EINVAL,
				       "sample: threads[%zu]: last_node %d is not within -1..%d", i, node,
				       (int)host->node_count - 1);
	}
	return 0;
}

static int check_home(const struct hn_host *host, const struct hn_guest *guest,
		      const struct hn_placement *home, struct hn_error *err)
{
	uint64_t total = 0;

	for (size_t i = 0; i < home->cell_count; i++) {
		const struct hn_cell_home *cell = &home->cells[i];

		if (cell->cell != guest->cells[i].id)
			return hn_fail(err, -EINVAL, "home: cells[%zu]: cell %d, where the guest's has id %d",
				       i, cell->cell, guest->cells[i].id);
		HN_SET_FOREACH (node, &cell->nodes) {
			if (hn_host_node_index(host, node) < 0)
				return hn_fail(
					err, -EINVAL,
					"home: cells[%zu]: nodes has id %d, which is none of the host's", i,
					node);
		}
		for (size_t node = 0; node < home->node_count; node++)
			if (cell->vcpus[node] > HN_SET_MAX)
				return hn_fail(err, -EINVAL,
					       "home: cells[%zu]: vcpus %" PRIu64
					       " on node %d are more than %d",
					       i, cell->vcpus[node], host->nodes[node].id, HN_SET_MAX);
		for (size_t node = 0; node < home->node_count; node++)
			if (cell->bytes[node] > HN_MEMORY_MAX || (total += cell->bytes[node]) > HN_MEMORY_MAX)
				return hn_fail(err, -EINVAL,
					       "home: cells[%zu]: bytes %" PRIu64
					       " on node %d bring the guest's to more than %" PRIu64,
					       i, cell->bytes[node], host->nodes[node].id, HN_MEMORY_MAX);
	}
	return 0;
}

static int check_state(const struct hn_host *host, const struct hn_guest_state *state, struct hn_error *err)
{
	int r = hn_guest_check_shape(state->guest, err);

	if (r < 0)
		return r;
	if ((state->sample && (r = check_sample(host, state->sample, err)) < 0) ||
	    (state->home && (r = check_home(host, state->guest, state->home, err)) < 0))
		hn_error_prefix(err, "guest '%s'", state->guest->name);
	return r;
}

int hn_snapshot_check(const struct hn_snapshot *snapshot, struct hn_error *err)
{
	int r = hn_host_check(snapshot->host, err);
	uint64_t total = 0;

	for (size_t i = 0; r == 0 && i < snapshot->guest_count; i++) {
		const struct hn_guest *guest = snapshot->guests[i].guest;

		if ((r = check_state(snapshot->host, &snapshot->guests[i], err)) == 0 &&
		    (total += hn_guest_memory_bytes(guest)) > HN_MEMORY_MAX)
			r = hn_fail(err, -EINVAL,
				    "guest '%s': memory_bytes %" PRIu64
				    " bring all guests' to more than %" PRIu64,
				    guest->name, hn_guest_memory_bytes(guest), HN_MEMORY_MAX);
	}
	return r == 0 ? check_unique(snapshot, err) : r;
}
