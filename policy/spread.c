#include "policy/spread.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "policy/assignment.h"
#include "policy/home-node.h"
#include "policy/whereabouts.h"

/* Cells are put on nodes one by one, by the rules and with the tables of the solver (policy/problem.h). */
struct filling {
	const struct hn_snapshot *snapshot;
	size_t guest;
	struct hn_search_rules rules;
	struct hn_problem *problem;
	struct hn_assignment *assignment;
	struct hn_candidates *places; /* by cell: the one where it has been put */
	struct hn_placement *home;
};

static void filling_done(struct filling *filling)
{
	for (size_t cell = 0; filling->places && cell < filling->problem->cell_count; cell++)
		hn_candidates_done(&filling->places[cell]);
	free(filling->places);
	hn_placement_free(filling->home);
	hn_assignment_free(filling->assignment);
	hn_problem_free(filling->problem);
}

static int filling_init(struct filling *filling, const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits, struct hn_error *err)
{
	size_t cells = snapshot->guests[guest].guest->cell_count;
	struct hn_problem *problem;
	int r;

	*filling = (struct filling){.snapshot = snapshot,
				    .guest = guest,
				    .rules = {.cpu_multiple = 1, .strays_count = limits->strays_count}};
	r = hn_problem_new(snapshot, &filling->guest, 1, limits->keep_free_bytes, &problem, err);
	if (r < 0)
		return r;
	filling->problem = problem;
	filling->assignment = hn_assignment_new(filling->problem, &filling->rules);
	filling->home = hn_placement_new(snapshot->host->node_count, cells);
	filling->places = calloc(cells, sizeof(*filling->places));
	if (!filling->assignment || !filling->home || !filling->places)
		return hn_oom(err);
	for (size_t cell = 0; cell < cells; cell++)
		filling->home->cells[cell].cell = filling->problem->cells[cell].id;
	return 0;
}

/* Puts the cell on the node if it may be there on top of what has been put. 1, 0, -ENOMEM. */
static int put(struct filling *filling, size_t cell, size_t node)
{
	const struct hn_problem_cell *model = &filling->problem->cells[cell];
	struct hn_cell_home *home = &filling->home->cells[cell];
	const struct hn_candidate *place;
	struct hn_cost cost;

	if (!hn_problem_allows(filling->problem, cell, node))
		return 0;
	home->nodes = hn_set_of(filling->snapshot->host->nodes[node].id);
	home->bytes[node] = model->tie >= 0 ? model->here[node] : model->bytes;
	place = hn_candidates_add_home(filling->problem, cell, &filling->rules, filling->home,
				       &filling->places[cell]);
	if (!place)
		return -ENOMEM;
	if (hn_assignment_admits(filling->assignment, cell, place)) {
		cost = hn_assignment_cost_with(filling->assignment, cell, place);
		hn_assignment_put(filling->assignment, cell, place, &cost);
		return 1;
	}
	hn_candidates_done(&filling->places[cell]);
	home->bytes[node] = 0;
	return 0;
}

/* In which order nodes are tried for a cell: the n-th of them. */
typedef size_t (*order_function)(const struct filling *filling, size_t cell, size_t n);

/* On the first node in that order that takes the cell. 0, -ENOSPC, -ENOMEM. */
static int put_somewhere(struct filling *filling, size_t cell, order_function order, struct hn_error *err)
{
	const struct hn_cell *model = &filling->snapshot->guests[filling->guest].guest->cells[cell];
	char bytes[HN_UNITS_TEXT_MAX];
	int r = 0;

	for (size_t n = 0; n < filling->snapshot->host->node_count && r == 0; n++)
		r = put(filling, cell, order(filling, cell, n));
	if (r < 0)
		return hn_oom(err);
	return r > 0 ? 0
		     : hn_fail(err, -ENOSPC, "memory or CPUs: no node has %s and %d CPUs left for cell %d",
			       hn_bytes_format(model->memory_bytes, bytes, sizeof(bytes)),
			       hn_set_count(&model->vcpus), model->id);
}

static int fill(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		order_function order, struct hn_placement **ret, struct hn_error *err)
{
	struct filling filling;
	int r = filling_init(&filling, snapshot, guest, limits, err);

	for (size_t cell = 0; r == 0 && cell < filling.problem->cell_count; cell++)
		r = put_somewhere(&filling, cell, order, err);
	if (r == 0)
		*ret = hn_steal(filling.home);
	filling_done(&filling);
	return r;
}

/* Spreads guests' beginnings over the nodes without anything to remember (FNV-1a). */
static uint64_t number_of(const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return hash;
}

static size_t round_robin_order(const struct filling *filling, size_t cell, size_t n)
{
	const char *name = filling->snapshot->guests[filling->guest].guest->name;
	size_t nodes = filling->snapshot->host->node_count;

	return (size_t)((number_of(name) % nodes + cell + n) % nodes);
}

int hn_round_robin_find(const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits, struct hn_placement **ret,
			struct hn_error *err)
{
	int r = hn_home_node_keep(snapshot, guest, limits, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return fill(snapshot, guest, limits, round_robin_order, ret, err);
}

static size_t first_allowed(const struct filling *filling, size_t cell)
{
	for (size_t node = 0; node < filling->snapshot->host->node_count; node++)
		if (hn_node_allowed(filling->snapshot, filling->guest, cell, node))
			return node;
	return 0;
}

/* By distance from the preferred node: the n-th is the one that n others come before. */
static size_t prefer_order(const struct filling *filling, size_t cell, size_t n)
{
	const struct hn_host *host = filling->snapshot->host;
	size_t first = first_allowed(filling, cell);

	for (size_t node = 0; node < host->node_count; node++) {
		unsigned distance = hn_host_distance(host, first, node);
		size_t before = 0;

		for (size_t other = 0; other < host->node_count; other++) {
			unsigned others = hn_host_distance(host, first, other);

			if (node != first && other != node)
				before += other == first || others < distance ||
					  (others == distance && other < node);
		}
		if (before == n)
			return node;
	}
	return first;
}

int hn_prefer_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   struct hn_placement **ret, struct hn_error *err)
{
	int r = hn_home_node_keep(snapshot, guest, limits, ret, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return fill(snapshot, guest, limits, prefer_order, ret, err);
}

/* Pages of the cell's size can be there, as far as the node was made for them. */
static bool has_pages(const struct hn_problem *problem, size_t cell, size_t node)
{
	const struct hn_node *model = &problem->host->nodes[node];
	uint64_t page_bytes = problem->page_bytes[problem->cells[cell].page_kind];

	for (size_t i = 0; i < model->pool_count; i++)
		if (model->pools[i].page_bytes == page_bytes)
			return model->pools[i].total_pages > 0;
	return page_bytes == 0;
}

/* Whether the home that the guest has had so far has the cell on the node. */
static bool had_part(const struct hn_problem *problem, size_t cell, size_t node)
{
	const struct hn_placement *home = problem->snapshot->guests[problem->guests[0]].home;

	return home && home->cell_count == problem->cell_count &&
	       hn_set_has(&home->cells[cell].nodes, problem->host->nodes[node].id);
}

/*
 * Whether the cell has a part on the node. What cannot move has them where its parts are already, however
 * they came there, but for nodes with less than a quarter of what the most has: its vCPUs have no business
 * there. A node that has had a part keeps it down to an eighth: samples differ, and a home must not change
 * with them.
 */
static bool takes_part(const struct hn_problem *problem, size_t cell, size_t node)
{
	const struct hn_problem_cell *model = &problem->cells[cell];

	if (model->tie < 0)
		return hn_problem_allows(problem, cell, node) && has_pages(problem, cell, node);
	return model->here[node] > model->here[model->tie] / (had_part(problem, cell, node) ? 8 : 4) &&
	       problem->nodes[node].home;
}

/* What a node counts in the division: MiB/s of its memory to its own CPUs where known of all, else 1. */
static uint64_t weight_of(const struct hn_problem *problem, size_t cell, size_t node)
{
	const struct hn_host *host = problem->host;
	bool known = host->bandwidths != NULL;

	if (!takes_part(problem, cell, node))
		return 0;
	for (size_t i = 0; i < host->node_count && known; i++)
		known = !takes_part(problem, cell, i) || host->bandwidths[i * host->node_count + i] > 0;
	return known ? host->bandwidths[node * host->node_count + node] : 1;
}

/* Stride after stride goes to the node that has the least for its weight, worked out at once: whole strides
 * by weight, rounded at running totals so that they add up; the odd bytes to the last. */
static void divide(const struct hn_problem *problem, size_t index, struct hn_cell_home *home)
{
	const struct hn_problem_cell *cell = &problem->cells[index];
	uint64_t page_bytes = problem->page_bytes[cell->page_kind];
	uint64_t stride = page_bytes > HN_INTERLEAVE_STRIDE ? page_bytes : HN_INTERLEAVE_STRIDE;
	uint64_t strides = cell->bytes / stride, weights = 0, before = 0, given = 0;
	size_t last = 0;

	for (size_t node = 0; node < problem->node_count; node++)
		weights += weight_of(problem, index, node);
	for (size_t node = 0; node < problem->node_count; node++) {
		uint64_t weight = weight_of(problem, index, node), until;

		if (weight == 0)
			continue;
		before += weight;
		until = (uint64_t)((unsigned __int128)strides * before / weights);
		home->bytes[node] = (until - given) * stride;
		given = until;
		hn_set_add(&home->nodes, problem->host->nodes[node].id);
		last = node;
	}
	home->bytes[last] += cell->bytes - strides * stride;
}

static void leave(const struct hn_problem *problem, size_t cell, struct hn_cell_home *home)
{
	for (size_t node = 0; node < problem->node_count; node++)
		if (takes_part(problem, cell, node)) {
			home->bytes[node] = problem->cells[cell].here[node];
			hn_set_add(&home->nodes, problem->host->nodes[node].id);
		}
}

static int divide_cells(const struct hn_problem *problem, struct hn_placement *home, struct hn_error *err)
{
	for (size_t cell = 0; cell < problem->cell_count; cell++) {
		bool any = false;

		for (size_t node = 0; node < problem->node_count; node++)
			any = any || takes_part(problem, cell, node);
		if (!any)
			return hn_fail(
				err, -ENOSPC,
				"no node that cell %d is allowed has both CPUs and memory in its pages",
				problem->cells[cell].id);
		home->cells[cell].cell = problem->cells[cell].id;
		if (problem->cells[cell].tie >= 0)
			leave(problem, cell, &home->cells[cell]);
		else
			divide(problem, cell, &home->cells[cell]);
	}
	return 0;
}

int hn_interleave_find(const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_solver_limits *limits, struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_problem) struct hn_problem *problem = NULL;
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r = hn_problem_new(snapshot, &guest, 1, limits->keep_free_bytes, &problem, err);

	if (r < 0)
		return r;
	home = hn_placement_new(problem->node_count, problem->cell_count);
	if (!home)
		return hn_oom(err);
	if ((r = divide_cells(problem, home, err)) < 0 ||
	    (r = hn_home_node_possible(snapshot, guest, home, limits, err)) < 0)
		return r;
	if (r == 0)
		return hn_fail(err, -ENOSPC, "memory: a node has no room for its part of the guest");
	*ret = hn_steal(home);
	return 0;
}
