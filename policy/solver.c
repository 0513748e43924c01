#include "policy/solver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "policy/candidates.h"

/*
 * Depth-first branch and bound. Every part of the cost only grows as cells are added, so a partial assignment
 * that is no better than the best whole one can be dropped with all that would follow from it.
 */

struct search {
	const struct hn_snapshot *snapshot;
	const struct hn_guest *guest;
	const struct hn_capacity *capacity;
	unsigned cpu_multiple;
	bool any; /* the first assignment found will do */
	uint64_t steps_left;
	size_t cell_count;
	size_t *order;                      /* cells, largest first */
	struct hn_candidates *candidates;   /* by cell */
	const struct hn_candidate **chosen; /* by cell */
	const struct hn_candidate **best;
	struct hn_cost best_cost;
	bool found;
	uint64_t *bytes_used;     /* by node, of this guest */
	uint64_t *bytes_arriving; /* of these, from elsewhere */
	unsigned *vcpus_used;     /* by node, of this guest */
};

static unsigned over(unsigned have, unsigned most)
{
	return have > most ? have - most : 0;
}

static bool admits(const struct search *search, const struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++) {
		const struct hn_share *share = &candidate->shares[i];
		const struct hn_node_capacity *node = &search->capacity->nodes[share->node];
		uint64_t used = search->bytes_used[share->node] + share->taking;

		if (search->bytes_arriving[share->node] + share->arriving > 0)
			used += node->short_bytes;
		if (used > node->room_bytes)
			return false;
		if (search->vcpus_used[share->node] + share->vcpus > node->cpus * search->cpu_multiple)
			return false;
	}
	return true;
}

/* Mean distance above local between two cells' places, rounded up so that it is never nothing when it is
 * something. */
static uint64_t remoteness(const struct hn_host *host, const struct hn_candidate *a,
			   const struct hn_candidate *b)
{
	uint64_t sum = 0, pairs = a->share_count * b->share_count;

	for (size_t i = 0; i < a->share_count; i++)
		for (size_t j = 0; j < b->share_count; j++)
			sum += hn_host_distance(host, a->shares[i].node, b->shares[j].node) -
			       HN_DISTANCE_LOCAL;
	return (sum + pairs - 1) / pairs;
}

/* What adding the candidate for the cell at this depth costs on top. */
static void add_cost(const struct search *search, size_t depth, const struct hn_candidate *candidate,
		     struct hn_cost *cost)
{
	cost->parts[HN_COST_REMOTE] += candidate->inner_distance;
	for (size_t i = 0; i < depth; i++)
		cost->parts[HN_COST_REMOTE] +=
			remoteness(search->snapshot->host, candidate, search->chosen[search->order[i]]);
	for (size_t i = 0; i < candidate->share_count; i++) {
		const struct hn_share *share = &candidate->shares[i];
		const struct hn_node_capacity *node = &search->capacity->nodes[share->node];
		unsigned before = node->others_vcpus + search->vcpus_used[share->node];

		cost->parts[HN_COST_CPU] +=
			over(before + share->vcpus, node->cpus) - over(before, node->cpus);
	}
	cost->parts[HN_COST_MIGRATE] += candidate->migrate_mib;
}

static void take(struct search *search, const struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++) {
		search->bytes_used[candidate->shares[i].node] += candidate->shares[i].taking;
		search->bytes_arriving[candidate->shares[i].node] += candidate->shares[i].arriving;
		search->vcpus_used[candidate->shares[i].node] += candidate->shares[i].vcpus;
	}
}

static void give_back(struct search *search, const struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++) {
		search->bytes_used[candidate->shares[i].node] -= candidate->shares[i].taking;
		search->bytes_arriving[candidate->shares[i].node] -= candidate->shares[i].arriving;
		search->vcpus_used[candidate->shares[i].node] -= candidate->shares[i].vcpus;
	}
}

static void keep_best(struct search *search, const struct hn_cost *cost)
{
	memcpy(search->best, search->chosen, search->cell_count * sizeof(*search->best));
	search->best_cost = *cost;
	search->found = true;
}

static void descend(struct search *search, size_t depth, const struct hn_cost *cost)
{
	const struct hn_candidates *candidates;
	size_t cell;

	if (depth == search->cell_count) {
		keep_best(search, cost);
		return;
	}
	cell = search->order[depth];
	candidates = &search->candidates[cell];
	for (size_t i = 0; i < candidates->count; i++) {
		const struct hn_candidate *candidate = &candidates->items[i];
		struct hn_cost with = *cost;

		if (search->steps_left == 0 || (search->any && search->found))
			return;
		search->steps_left--;
		if (!admits(search, candidate))
			continue;
		search->chosen[cell] = candidate;
		add_cost(search, depth, candidate, &with);
		if (search->found && hn_cost_compare(&with, &search->best_cost) >= 0)
			continue;
		take(search, candidate);
		descend(search, depth + 1, &with);
		give_back(search, candidate);
	}
}

static void search_done(struct search *search)
{
	for (size_t i = 0; search->candidates && i < search->cell_count; i++)
		hn_candidates_done(&search->candidates[i]);
	free(search->candidates);
	free(search->order);
	free(search->chosen);
	free(search->best);
	free(search->bytes_used);
	free(search->bytes_arriving);
	free(search->vcpus_used);
}

static void order_cells(struct search *search)
{
	const struct hn_cell *cells = search->guest->cells;

	for (size_t i = 0; i < search->cell_count; i++) {
		size_t place = i;

		for (; place > 0 && cells[search->order[place - 1]].memory_bytes < cells[i].memory_bytes;
		     place--)
			search->order[place] = search->order[place - 1];
		search->order[place] = i;
	}
}

static int search_init(struct search *search, const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_capacity *capacity, unsigned cpu_multiple, uint64_t steps,
		       struct hn_error *err)
{
	size_t cells = snapshot->guests[guest].guest->cell_count, nodes = capacity->node_count;

	*search = (struct search){.snapshot = snapshot,
				  .guest = snapshot->guests[guest].guest,
				  .capacity = capacity,
				  .cpu_multiple = cpu_multiple,
				  .steps_left = steps,
				  .cell_count = cells};
	search->order = calloc(cells, sizeof(*search->order));
	search->candidates = calloc(cells, sizeof(*search->candidates));
	search->chosen = calloc(cells, sizeof(*search->chosen));
	search->best = calloc(cells, sizeof(*search->best));
	search->bytes_used = calloc(nodes + 1, sizeof(*search->bytes_used));
	search->bytes_arriving = calloc(nodes + 1, sizeof(*search->bytes_arriving));
	search->vcpus_used = calloc(nodes + 1, sizeof(*search->vcpus_used));
	if (!search->order || !search->candidates || !search->chosen || !search->best ||
	    !search->bytes_used || !search->bytes_arriving || !search->vcpus_used)
		return hn_oom(err);
	order_cells(search);
	for (size_t i = 0; i < cells; i++) {
		int r = hn_candidates_find(snapshot, guest, i, capacity, cpu_multiple, &search->candidates[i],
					   err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int write_placement(const struct search *search, bool proven, struct hn_placement **ret,
			   struct hn_error *err)
{
	struct hn_placement *placement = hn_placement_new(search->capacity->node_count, search->cell_count);

	if (!placement)
		return hn_oom(err);
	placement->cost = search->best_cost;
	placement->proven = proven;
	for (size_t i = 0; i < search->cell_count; i++) {
		struct hn_cell_home *home = &placement->cells[i];

		home->cell = search->guest->cells[i].id;
		for (size_t j = 0; j < search->best[i]->share_count; j++) {
			const struct hn_share *share = &search->best[i]->shares[j];

			hn_set_add(&home->nodes, search->snapshot->host->nodes[share->node].id);
			home->bytes[share->node] = share->bytes;
		}
	}
	*ret = placement;
	return 0;
}

static int fail_together(const struct search *search, struct hn_error *err)
{
	char text[240] = "";
	size_t used = 0;

	for (size_t i = 0; i < search->capacity->node_count && used < sizeof(text); i++) {
		char room[HN_UNITS_TEXT_MAX];

		hn_bytes_format(search->capacity->nodes[i].room_bytes, room, sizeof(room));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%snode %d: %s, %u CPUs",
					 used ? "; " : "", search->snapshot->host->nodes[i].id, room,
					 search->capacity->nodes[i].cpus);
	}
	return hn_fail(err, -ENOSPC, "memory: its cells fit one by one but not together (room on %s)", text);
}

static int fail_undecided(struct hn_error *err)
{
	return hn_fail(err, -ENOSPC, "gave up: no place for all its cells was found in the steps allowed");
}

/*
 * One search at one CPU multiple, of at most *steps, which is left with what remains; any: the first that is
 * found will do. *complete: what it found, or found not to exist, is proven. -ENOSPC, -ENOMEM.
 */
static int search_at(const struct hn_snapshot *snapshot, size_t guest, const struct hn_capacity *capacity,
		     unsigned cpu_multiple, bool any, uint64_t *steps, bool *complete,
		     struct hn_placement **ret, struct hn_error *err)
{
	struct search search;
	struct hn_cost nothing = {{0}};
	int r = search_init(&search, snapshot, guest, capacity, cpu_multiple, *steps, err);

	*complete = true;
	if (r == 0) {
		search.any = any;
		descend(&search, 0, &nothing);
		*steps = search.steps_left;
		*complete = search.steps_left > 0;
		for (size_t i = 0; i < search.cell_count; i++)
			*complete = *complete && !search.candidates[i].wide;
		if (search.found)
			r = write_placement(&search, *complete, ret, err);
		else if (search.steps_left == 0)
			r = fail_undecided(err);
		else
			r = fail_together(&search, err);
	}
	search_done(&search);
	return r;
}

/*
 * The least multiple of the CPUs, from *multiple on, under which all vCPUs find a place if memory is left out
 * of account: a node without room for its memory is no reason to crowd a guest's vCPUs. 1, or 0 when the
 * steps ran out with *multiple undecided; -ENOMEM.
 */
static int find_multiple(const struct hn_snapshot *snapshot, size_t guest, uint64_t steps, unsigned most,
			 unsigned *multiple, struct hn_error *err)
{
	HN_AUTO(hn_capacity) struct hn_capacity *boundless = hn_capacity_new(snapshot, guest, 0);
	int r;

	if (!boundless)
		return hn_oom(err);
	for (size_t i = 0; i < boundless->node_count; i++) {
		boundless->nodes[i].room_bytes = UINT64_MAX / 2;
		boundless->nodes[i].short_bytes = 0;
	}
	for (; *multiple < most; ++*multiple) {
		HN_AUTO(hn_placement) struct hn_placement *found = NULL;
		bool complete;

		r = search_at(snapshot, guest, boundless, *multiple, true, &steps, &complete, &found, err);
		if (r != -ENOSPC)
			return r < 0 ? r : 1;
		if (steps == 0)
			return 0;
	}
	return 1;
}

int hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	     struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;
	unsigned cpus = 0, vcpus = (unsigned)hn_guest_vcpu_count(model), multiple;
	uint64_t steps = limits->steps;
	bool complete;
	int r, decided;

	if (model->cell_count == 0)
		return hn_fail(err, -EINVAL, "guest '%s' has no cells", model->name);
	capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes);
	if (!capacity)
		return hn_oom(err);
	for (size_t i = 0; i < capacity->node_count; i++)
		cpus += snapshot->host->nodes[i].memory_bytes ? capacity->nodes[i].cpus : 0;
	if (cpus == 0)
		return hn_fail(err, -ENOSPC, "no node has both CPUs and memory");
	multiple = vcpus > cpus ? (vcpus + cpus - 1) / cpus : 1;
	/* at as many times the CPUs as it has vCPUs, every CPU could carry the whole guest */
	decided = find_multiple(snapshot, guest, limits->steps, vcpus, &multiple, err);
	if (decided < 0)
		return decided;
	r = search_at(snapshot, guest, capacity, multiple, false, &steps, &complete, ret, err);
	return r == -ENOSPC && !decided ? fail_undecided(err) : r;
}
