#include "policy/assignment.h"

#include <stdlib.h>

static unsigned less(unsigned a, unsigned b)
{
	return a > b ? a - b : 0;
}

/* vCPUs of a node that share CPUs, and that have cores of their own. */
struct seated {
	unsigned shared, dedicated;
};

static struct seated seated_on(const struct hn_node_use *use)
{
	return (struct seated){use->vcpus[HN_CLASS_SHARED], use->vcpus[HN_CLASS_DEDICATED]};
}

static struct seated seated_with(const struct hn_node_use *use, const struct hn_problem_cell *cell,
				 unsigned vcpus)
{
	struct seated seated = seated_on(use);

	seated.shared += cell->class == HN_CLASS_SHARED ? vcpus : 0;
	seated.dedicated += cell->class == HN_CLASS_DEDICATED ? vcpus : 0;
	return seated;
}

/* CPUs that cores given away for good leave to shared vCPUs. */
static unsigned shared_seats(const struct hn_problem_node *node, const struct seated *seated)
{
	return less(node->seats[HN_CLASS_SHARED], seated->dedicated * node->core_cpus);
}

/* vCPUs beyond the CPUs. */
static unsigned overload(const struct hn_problem_node *node, const struct seated *seated)
{
	return less(node->others_vcpus + seated->shared, shared_seats(node, seated));
}

static uint64_t bandwidth_overload(const struct hn_problem_node *node, uint64_t bandwidth_mib)
{
	uint64_t wanted = node->others_bandwidth_mib + bandwidth_mib;

	return node->bandwidth_mib && wanted > node->bandwidth_mib ? wanted - node->bandwidth_mib : 0;
}

/* CPUs that no shared vCPU has to share. */
static unsigned spare_cpus(const struct hn_problem_node *node, const struct seated *seated)
{
	return less(shared_seats(node, seated), node->others_vcpus + seated->shared);
}

static struct hn_room_size size_left(const struct hn_problem *problem, size_t at, const struct seated *seated,
				     uint64_t taken)
{
	const struct hn_problem_node *node = &problem->nodes[at];

	return hn_problem_size(problem, spare_cpus(node, seated),
			       node->free_bytes > taken ? node->free_bytes - taken : 0);
}

static void use_measure(struct hn_assignment *assignment, size_t node)
{
	const struct hn_problem *problem = assignment->problem;
	struct hn_node_use *use = &assignment->nodes[node];
	struct seated seated = seated_on(use);
	unsigned spare = problem->nodes[node].home ? spare_cpus(&problem->nodes[node], &seated) : 0;

	assignment->spare += spare - use->spare;
	use->spare = spare;
	if (problem->counts_fragments)
		use->size = size_left(problem, node, &seated, use->taken);
}

struct hn_assignment *hn_assignment_new(const struct hn_problem *problem, const struct hn_search_rules *rules)
{
	HN_AUTO(hn_assignment) struct hn_assignment *assignment = calloc(1, sizeof(*assignment));

	if (!assignment)
		return NULL;
	assignment->problem = problem;
	assignment->rules = rules;
	assignment->nodes = calloc(problem->node_count + 1, sizeof(*assignment->nodes));
	assignment->chosen = calloc(problem->cell_count, sizeof(*assignment->chosen));
	assignment->reach =
		calloc(problem->clique_count * problem->node_count + 1, sizeof(*assignment->reach));
	if (!assignment->nodes || !assignment->chosen || !assignment->reach)
		return NULL;
	for (size_t node = 0; node < problem->node_count; node++)
		use_measure(assignment, node);
	return hn_steal(assignment);
}

void hn_assignment_free(struct hn_assignment *assignment)
{
	if (!assignment)
		return;
	free(assignment->nodes);
	free(assignment->chosen);
	free(assignment->reach);
	free(assignment);
}

static void use_add(struct hn_node_use *use, const struct hn_problem_cell *cell, const struct hn_share *share)
{
	use->taking[cell->page_kind] += share->taking;
	use->taken += share->taking;
	use->arriving[cell->page_kind] += share->arriving;
	use->vcpus[cell->class] += share->vcpus;
	use->bandwidth_mib += share->bandwidth_mib;
	use->cells++;
}

static void use_remove(struct hn_node_use *use, const struct hn_problem_cell *cell,
		       const struct hn_share *share)
{
	use->taking[cell->page_kind] -= share->taking;
	use->taken -= share->taking;
	use->arriving[cell->page_kind] -= share->arriving;
	use->vcpus[cell->class] -= share->vcpus;
	use->bandwidth_mib -= share->bandwidth_mib;
	use->cells--;
}

static bool seats_admit(const struct hn_assignment *assignment, const struct hn_problem_cell *cell,
			const struct hn_share *share)
{
	const struct hn_problem_node *node = &assignment->problem->nodes[share->node];
	const struct hn_node_use *use = &assignment->nodes[share->node];
	unsigned shared = use->vcpus[HN_CLASS_SHARED], dedicated = use->vcpus[HN_CLASS_DEDICATED];

	if (share->vcpus == 0)
		return true;
	if (cell->class == HN_CLASS_REALTIME)
		return use->vcpus[HN_CLASS_REALTIME] + share->vcpus <= node->seats[HN_CLASS_REALTIME];
	if (cell->class == HN_CLASS_SHARED)
		shared += share->vcpus;
	else
		dedicated += share->vcpus;
	if (dedicated > node->seats[HN_CLASS_DEDICATED])
		return false;
	return shared <= less(node->seats[HN_CLASS_SHARED], dedicated * node->core_cpus) *
				 assignment->rules->cpu_multiple;
}

static bool memory_admits(const struct hn_assignment *assignment, const struct hn_problem_cell *cell,
			  const struct hn_share *share)
{
	const struct hn_problem_node *node = &assignment->problem->nodes[share->node];
	const struct hn_node_use *use = &assignment->nodes[share->node];
	uint64_t used = use->taking[cell->page_kind] + share->taking;

	if (assignment->rules->any_memory)
		return true;
	if (use->arriving[cell->page_kind] + share->arriving > 0)
		used += node->short_bytes[cell->page_kind];
	return used <= node->room[cell->page_kind];
}

static bool share_a_node(const struct hn_candidate *a, const struct hn_candidate *b)
{
	for (size_t i = 0; i < a->share_count; i++)
		for (size_t j = 0; j < b->share_count; j++)
			if (a->shares[i].node == b->shares[j].node)
				return true;
	return false;
}

static bool keeps_apart(const struct hn_assignment *assignment, size_t cell,
			const struct hn_candidate *candidate)
{
	const struct hn_problem *problem = assignment->problem;

	for (size_t i = 0; i < problem->cell_count; i++)
		if (assignment->chosen[i] &&
		    hn_problem_apart(problem, problem->cells[i].guest, problem->cells[cell].guest) &&
		    share_a_node(assignment->chosen[i], candidate))
			return false;
	return true;
}

bool hn_assignment_admits(const struct hn_assignment *assignment, size_t cell,
			  const struct hn_candidate *candidate)
{
	const struct hn_problem_cell *model = &assignment->problem->cells[cell];

	for (size_t i = 0; i < candidate->share_count; i++)
		if (!memory_admits(assignment, model, &candidate->shares[i]) ||
		    !seats_admit(assignment, model, &candidate->shares[i]))
			return false;
	return !assignment->problem->keeps_apart || keeps_apart(assignment, cell, candidate);
}

/* Mean distance above local between two cells' places, rounded up so that it is never nothing when it is
 * something. */
static uint64_t remoteness(const struct hn_problem *problem, const struct hn_candidate *a,
			   const struct hn_candidate *b)
{
	uint64_t sum = 0, pairs = a->share_count * b->share_count;

	for (size_t i = 0; i < a->share_count; i++)
		for (size_t j = 0; j < b->share_count; j++)
			sum += hn_problem_distance(problem, a->shares[i].node, b->shares[j].node);
	return (sum + pairs - 1) / pairs;
}

/* Mean pull of the nodes of a place, rounded up. */
static uint64_t pull_of(const struct hn_problem_cell *cell, const struct hn_candidate *candidate)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < candidate->share_count; i++)
		sum += cell->pull[candidate->shares[i].node];
	return (sum + candidate->share_count - 1) / candidate->share_count;
}

uint64_t hn_assignment_remote(const struct hn_assignment *assignment, size_t cell,
			      const struct hn_candidate *candidate)
{
	const struct hn_problem_cell *model = &assignment->problem->cells[cell];
	const uint32_t *reach = &assignment->reach[model->clique * assignment->problem->node_count];
	uint64_t least = reach[candidate->shares[0].node];

	for (size_t i = 1; i < candidate->share_count; i++)
		if (reach[candidate->shares[i].node] < least)
			least = reach[candidate->shares[i].node];
	return least + pull_of(model, candidate) + candidate->inner_distance;
}

static uint64_t exact_remote(const struct hn_assignment *assignment, size_t cell,
			     const struct hn_candidate *candidate)
{
	const struct hn_problem *problem = assignment->problem;
	uint64_t remote = candidate->inner_distance + pull_of(&problem->cells[cell], candidate);

	for (size_t i = 0; i < problem->cell_count; i++)
		if (assignment->chosen[i] && problem->cells[i].clique == problem->cells[cell].clique)
			remote += remoteness(problem, candidate, assignment->chosen[i]);
	return remote;
}

/* What the share adds to the cost by what it does to its node. */
static void add_node_cost(const struct hn_assignment *assignment, const struct hn_problem_cell *cell,
			  const struct hn_share *share, struct hn_cost *cost)
{
	const struct hn_problem *problem = assignment->problem;
	const struct hn_problem_node *node = &problem->nodes[share->node];
	const struct hn_node_use *use = &assignment->nodes[share->node];
	struct seated before = seated_on(use), after = seated_with(use, cell, share->vcpus);

	cost->parts[HN_COST_CPU] += overload(node, &after) - overload(node, &before);
	if (share->bandwidth_mib > 0)
		cost->parts[HN_COST_BANDWIDTH] +=
			bandwidth_overload(node, use->bandwidth_mib + share->bandwidth_mib) -
			bandwidth_overload(node, use->bandwidth_mib);
	if (problem->counts_fragments) {
		struct hn_room_size left =
			size_left(problem, share->node, &after, use->taken + share->taking);

		cost->parts[HN_COST_FRAGMENT] += hn_room_worth(&use->size) - hn_room_worth(&left);
	}
}

struct hn_cost hn_assignment_cost_with(const struct hn_assignment *assignment, size_t cell,
				       const struct hn_candidate *candidate)
{
	const struct hn_problem *problem = assignment->problem;
	const struct hn_problem_cell *model = &problem->cells[cell];
	struct hn_cost cost = assignment->cost;

	cost.parts[HN_COST_REMOTE] += assignment->wide_count > 0 || candidate->share_count > 1
					      ? exact_remote(assignment, cell, candidate)
					      : hn_assignment_remote(assignment, cell, candidate);
	cost.parts[HN_COST_MIGRATE] += candidate->migrate_mib;
	for (size_t i = 0; i < candidate->share_count; i++)
		add_node_cost(assignment, model, &candidate->shares[i], &cost);
	return cost;
}

/* Distances from every node to a place of one node, there or no more. Apart from each other, so that the
 * compiler makes vectors of them: this is where much of the time goes. */
static void reach_more(uint32_t *restrict reach, const uint16_t *restrict row, size_t nodes)
{
	for (size_t node = 0; node < nodes; node++)
		reach[node] += row[node];
}

static void reach_less(uint32_t *restrict reach, const uint16_t *restrict row, size_t nodes)
{
	for (size_t node = 0; node < nodes; node++)
		reach[node] -= row[node];
}

/* The same to any place, rounded down; by +1 or -1. */
static void reach_add(struct hn_assignment *assignment, size_t cell, const struct hn_candidate *candidate,
		      uint32_t times)
{
	const struct hn_problem *problem = assignment->problem;
	uint32_t *reach = &assignment->reach[problem->cells[cell].clique * problem->node_count];
	const uint16_t *row = &problem->distances[candidate->shares[0].node * problem->node_count];

	if (candidate->share_count == 1 && times == 1)
		reach_more(reach, row, problem->node_count);
	else if (candidate->share_count == 1)
		reach_less(reach, row, problem->node_count);
	for (size_t node = 0; node < problem->node_count && candidate->share_count > 1; node++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < candidate->share_count; i++)
			sum += hn_problem_distance(problem, node, candidate->shares[i].node);
		reach[node] += times * (uint32_t)(sum / candidate->share_count);
	}
}

void hn_assignment_put(struct hn_assignment *assignment, size_t cell, const struct hn_candidate *candidate,
		       const struct hn_cost *cost_with)
{
	assignment->chosen[cell] = candidate;
	assignment->cost = *cost_with;
	for (size_t i = 0; i < candidate->share_count; i++) {
		use_add(&assignment->nodes[candidate->shares[i].node], &assignment->problem->cells[cell],
			&candidate->shares[i]);
		use_measure(assignment, candidate->shares[i].node);
	}
	reach_add(assignment, cell, candidate, 1);
	assignment->wide_count += candidate->share_count > 1;
}

void hn_assignment_take_back(struct hn_assignment *assignment, size_t cell,
			     const struct hn_cost *cost_without)
{
	const struct hn_candidate *candidate = assignment->chosen[cell];

	assignment->chosen[cell] = NULL;
	assignment->cost = *cost_without;
	for (size_t i = 0; i < candidate->share_count; i++) {
		use_remove(&assignment->nodes[candidate->shares[i].node], &assignment->problem->cells[cell],
			   &candidate->shares[i]);
		use_measure(assignment, candidate->shares[i].node);
	}
	reach_add(assignment, cell, candidate, UINT32_MAX);
	assignment->wide_count -= candidate->share_count > 1;
}
