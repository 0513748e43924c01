#include "policy/home-node.h"

#include <errno.h>
#include <string.h>

#include "policy/capacity.h"
#include "policy/whereabouts.h"

#define BASE_PAGE (UINT64_C(4) << 10)

/* Its nodes are the host's, by id and by index. */
static bool is_on(const struct hn_cell_home *home, const struct hn_host *host)
{
	int found = 0;

	for (size_t node = 0; node < host->node_count; node++) {
		bool has = hn_set_has(&home->nodes, host->nodes[node].id);

		if (home->bytes[node] > 0 && !has)
			return false;
		found += has;
	}
	return found == hn_set_count(&home->nodes);
}

/*
 * What cannot move is at home where most of it is, give or take a tenth of the cell: samples differ, and a
 * home must not change with them.
 */
static bool stays_where_it_is(const struct hn_cell_home *home, const struct hn_host *host,
			      const uint64_t *here, uint64_t memory_bytes)
{
	uint64_t most = 0, at_home = 0;

	for (size_t node = 0; node < host->node_count; node++) {
		most = here[node] > most ? here[node] : most;
		if (hn_set_has(&home->nodes, host->nodes[node].id))
			at_home += here[node];
	}
	return most == 0 || (at_home > 0 && most - (most < at_home ? most : at_home) <= memory_bytes / 10);
}

/* What its operator allows may have changed since. */
static bool is_allowed(const struct hn_guest *guest, size_t cell, const struct hn_host *host,
		       const struct hn_set *nodes)
{
	HN_SET_FOREACH (node, nodes) {
		int index = hn_host_node_index(host, node);

		if (!hn_guest_allows(guest, cell, node) || (index >= 0 && host->nodes[index].draining))
			return false;
	}
	return true;
}

static bool same_cells(const struct hn_guest_state *state, const struct hn_placement *home,
		       const struct hn_host *host, const struct hn_capacity *capacity)
{
	if (home->cell_count != state->guest->cell_count || home->node_count != capacity->node_count)
		return false;
	for (size_t cell = 0; cell < home->cell_count; cell++) {
		const struct hn_cell *now = &state->guest->cells[cell];
		uint64_t wanted = 0;

		if (home->cells[cell].cell != now->id || !is_on(&home->cells[cell], host))
			return false;
		if (!hn_guest_cell_movable(state->guest, cell)) {
			if (!stays_where_it_is(&home->cells[cell], host,
					       &capacity->cell_bytes[cell * host->node_count],
					       now->memory_bytes))
				return false;
			continue;
		}
		for (size_t node = 0; node < home->node_count; node++)
			wanted += home->cells[cell].bytes[node];
		if (wanted < now->memory_bytes) /* the cell has grown */
			return false;
		if (!is_allowed(state->guest, cell, host, &home->cells[cell].nodes))
			return false;
	}
	return true;
}

bool hn_home_node_is_apart(const struct hn_snapshot *snapshot, size_t guest, const struct hn_placement *home)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	struct hn_set nodes = {0};

	for (size_t cell = 0; cell < home->cell_count && *model->apart; cell++)
		if (hn_guest_cell_movable(model, cell))
			hn_set_or(&nodes, &home->cells[cell].nodes);
	for (size_t i = 0; i < snapshot->guest_count && !hn_set_empty(&nodes); i++) {
		const struct hn_guest_state *other = &snapshot->guests[i];
		struct hn_set both;

		if (i == guest || !other->home || strcmp(model->apart, other->guest->apart) != 0)
			continue;
		both = hn_placement_nodes(other->home);
		hn_set_and(&both, &nodes);
		if (!hn_set_empty(&both))
			return false;
	}
	return true;
}

/* A home that is judged. */
struct claim {
	const struct hn_guest_state *state;
	const struct hn_placement *home;
	const struct hn_host *host;
	const struct hn_capacity *capacity;
};

static bool is_tied(const struct claim *claim, size_t cell)
{
	return hn_capacity_tie(claim->capacity, claim->state->guest, cell) >= 0;
}

/* What is tied and has no vCPUs does not. */
static bool needs_cpus(const struct claim *claim, size_t node)
{
	for (size_t cell = 0; cell < claim->home->cell_count; cell++)
		if (claim->home->cells[cell].bytes[node] > 0 &&
		    !(is_tied(claim, cell) && hn_set_empty(&claim->state->guest->cells[cell].vcpus)))
			return true;
	return false;
}

/* What of a cell has still to come to a node: no more than lies on none of its home, since what is on another
 * node of it stays there. */
static uint64_t bytes_to_come(const struct claim *claim, size_t cell, size_t node)
{
	const struct hn_cell_home *home = &claim->home->cells[cell];
	const uint64_t *here = &claim->capacity->cell_bytes[cell * claim->capacity->node_count];
	uint64_t lack = home->bytes[node] > here[node] ? home->bytes[node] - here[node] : 0;
	uint64_t wanted = 0, there = 0;

	for (size_t i = 0; i < claim->capacity->node_count && lack > 0; i++) {
		wanted += home->bytes[i];
		if (hn_set_has(&home->nodes, claim->host->nodes[i].id))
			there += here[i];
	}
	if (wanted <= there)
		return 0;
	return lack < wanted - there ? lack : wanted - there;
}

/* Whether what belongs on the node in pages of that size can be there: each size has room of its own. */
static bool pages_fit(const struct claim *claim, size_t node, uint64_t page_bytes)
{
	const struct hn_capacity *capacity = claim->capacity;
	uint64_t wanted = 0, arriving = 0, strays, room, missing;

	for (size_t cell = 0; cell < claim->home->cell_count; cell++) {
		if (claim->state->guest->cells[cell].page_bytes != page_bytes || is_tied(claim, cell))
			continue; /* what is tied is where it is */
		wanted += claim->home->cells[cell].bytes[node];
		arriving += bytes_to_come(claim, cell, node);
	}
	strays = wanted / HN_STRAY_FRACTION;
	if (arriving <= strays)
		return true;
	room = hn_capacity_room(capacity, claim->host, node, page_bytes, &missing);
	return wanted - strays + missing <= room;
}

/* None of the cells before has pages of that size. */
static bool is_first_of_its_size(const struct hn_guest *guest, size_t cell)
{
	for (size_t i = 0; i < cell; i++)
		if (guest->cells[i].page_bytes == guest->cells[cell].page_bytes)
			return false;
	return true;
}

/* Whether what belongs on the node can be there. */
static bool node_holds(const struct claim *claim, size_t node)
{
	const struct hn_guest *guest = claim->state->guest;

	if (needs_cpus(claim, node) && claim->capacity->nodes[node].cpus == 0)
		return false;
	for (size_t cell = 0; cell < guest->cell_count; cell++)
		if (is_first_of_its_size(guest, cell) &&
		    !pages_fit(claim, node, guest->cells[cell].page_bytes))
			return false;
	return true;
}

/* A home is kept while its nodes exist with CPUs and are allowed, the cells are the same, and what it wants
 * fits. */
static bool still_possible(const struct claim *claim)
{
	if (!claim->home || !same_cells(claim->state, claim->home, claim->host, claim->capacity))
		return false;
	for (size_t node = 0; node < claim->capacity->node_count; node++)
		if (!node_holds(claim, node))
			return false;
	return true;
}

/* Apart from what keeps guests apart. 1, 0, -ENOMEM. */
static int has_room(const struct hn_snapshot *snapshot, size_t guest, const struct hn_placement *home,
		    const struct hn_solver_limits *limits, struct hn_error *err)
{
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes);
	const struct claim claim = {&snapshot->guests[guest], home, snapshot->host, capacity};

	return capacity ? still_possible(&claim) : hn_oom(err);
}

int hn_home_node_possible(const struct hn_snapshot *snapshot, size_t guest, const struct hn_placement *home,
			  const struct hn_solver_limits *limits, struct hn_error *err)
{
	int r = has_room(snapshot, guest, home, limits, err);

	return r > 0 ? hn_home_node_is_apart(snapshot, guest, home) : r;
}

/*
 * On the same nodes with as much memory as the cell has now: in the same parts, whole pages, what is left
 * over to the last of them.
 */
static void resize(struct hn_cell_home *home, size_t node_count, const struct hn_cell *cell)
{
	uint64_t unit = cell->page_bytes ? cell->page_bytes : BASE_PAGE, had = 0, left = cell->memory_bytes;
	size_t last = node_count;

	for (size_t node = 0; node < node_count; node++) {
		had += home->bytes[node];
		if (home->bytes[node] > 0)
			last = node;
	}
	if (had == cell->memory_bytes || last == node_count)
		return;
	for (size_t node = 0; node < last; node++) {
		unsigned __int128 part = (unsigned __int128)cell->memory_bytes * home->bytes[node] / had;

		home->bytes[node] = (uint64_t)part / unit * unit;
		left -= home->bytes[node];
	}
	home->bytes[last] = left;
}

/* What cannot move has there what it has. */
void hn_home_node_resize(const struct hn_guest *guest, struct hn_placement *home)
{
	for (size_t cell = 0; cell < home->cell_count && cell < guest->cell_count; cell++)
		if (hn_guest_cell_movable(guest, cell))
			resize(&home->cells[cell], home->node_count, &guest->cells[cell]);
}

/* 1 and a copy of the home, with as much memory as the cells have now, where it can be that; 0, -ENOMEM. */
static int keep(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		bool apart, struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r;

	if (!state->home)
		return 0;
	home = hn_placement_copy(state->home);
	if (!home)
		return hn_oom(err);
	hn_home_node_resize(state->guest, home);
	r = (apart ? hn_home_node_possible : has_room)(snapshot, guest, home, limits, err);
	if (r > 0)
		*ret = hn_steal(home);
	return r;
}

int hn_home_node_keep(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_placement **ret, struct hn_error *err)
{
	return keep(snapshot, guest, limits, true, ret, err);
}

/* Of homes that cost the same, the one where its vCPUs run. */
static int prefer_vcpus(const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits, struct hn_placement **home,
			struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *running = NULL;
	struct hn_error why;
	int r = hn_placement_of_cpus(snapshot, guest, &running);

	if (r <= 0)
		return r < 0 ? hn_oom(err) : 0;
	r = hn_solver_cost(snapshot, guest, limits, running, &running->cost, &why);
	if (r == -ENOMEM)
		return hn_oom(err);
	if (r < 0 || hn_cost_compare(&running->cost, &(*home)->cost) > 0)
		return 0;
	running->proven = (*home)->proven;
	running->bound = (*home)->bound;
	hn_placement_free(*home);
	*home = hn_steal(running);
	return 0;
}

int hn_home_node_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	struct hn_error ignored;
	int r = hn_home_node_keep(snapshot, guest, limits, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = hn_solve(snapshot, guest, limits, &home, err);
	if (r == -ENOSPC && *snapshot->guests[guest].guest->apart) {
		/* better together than not looked after */
		r = keep(snapshot, guest, limits, false, ret, &ignored);
		return r == 0 ? -ENOSPC : r < 0 ? hn_oom(err) : 0;
	}
	if (r == 0)
		r = prefer_vcpus(snapshot, guest, limits, &home, err);
	if (r == 0)
		*ret = hn_steal(home);
	return r;
}
