#include "bench/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define MASKS (1 << ORACLE_CELLS)
#define SCALE 1024 /* of the fragmentation's share, see policy/problem.h */

/* One way to go on: a group of cells on a node, with a bound on all that could come of it. */
struct step {
	struct hn_cost cost, bound;
	unsigned group;
	size_t node;
};

struct oracle_search {
	const struct oracle_problem *problem;
	struct hn_cost own[MASKS][ORACLE_NODES]; /* of a group on a node, but for the distances */
	uint64_t fits[MASKS];                    /* nodes that hold the group */
	unsigned twin[ORACLE_CELLS];             /* earlier cells that are just the same */
	struct hn_cost least[MASKS]; /* of all parts, whatever the others do; UINT64_MAX: fits not */
	bool remote_only;
	uint64_t steps_left;
	bool found;
	struct hn_cost best;
	size_t node_of[ORACLE_CELLS], best_node_of[ORACLE_CELLS];
	uint64_t away[ORACLE_CELLS + 1][ORACLE_NODES]; /* by depth: distances of a cell there to all placed */
	struct step ahead[ORACLE_CELLS][MASKS / 2 * ORACLE_NODES]; /* by depth */
};

static bool at_home(const struct hn_guest_state *state, size_t cell, size_t node)
{
	return hn_set_count(&state->home->cells[cell].nodes) == 1 && state->home->cells[cell].bytes[node] > 0;
}

/* Another guest's vCPUs count where it is at home; false when it is not, or no one node is. */
static bool add_load(const struct hn_guest_state *other, struct oracle_problem *problem)
{
	if (!other->home || !other->sample || other->guest->mode != HN_MODE_ENFORCE)
		return false;
	for (size_t cell = 0; cell < other->guest->cell_count; cell++) {
		const struct hn_cell_sample *pages = &other->sample->cells[cell];
		size_t node = 0;

		while (node < problem->nodes && !at_home(other, cell, node))
			node++;
		if (node == problem->nodes || pages->on_node[node] != pages->sampled)
			return false;
		problem->load[node] += (unsigned)hn_set_count(&other->guest->cells[cell].vcpus);
	}
	return true;
}

/* Where the guest's own memory is may be counted as room of it. */
static void add_own(const struct hn_guest_state *own, struct oracle_problem *problem)
{
	for (size_t cell = 0; own->sample && cell < problem->cells; cell++) {
		const struct hn_cell_sample *pages = &own->sample->cells[cell];
		uint64_t here[ORACLE_NODES] = {0}, all = 0;

		for (size_t node = 0; node < problem->nodes && pages->sampled > 0; node++) {
			here[node] = (uint64_t)((unsigned __int128)problem->bytes[cell] *
						pages->on_node[node] / pages->sampled);
			problem->room[node] += here[node];
			all += here[node];
		}
		problem->newcomer = problem->newcomer && all == 0;
		for (size_t node = 0; node < problem->nodes; node++)
			problem->migrate_mib[cell][node] = (all - here[node] + HN_MIB - 1) / HN_MIB;
	}
}

bool oracle_state(const struct hn_snapshot *snapshot, size_t guest, uint64_t keep_free_bytes,
		  struct oracle_problem *ret)
{
	const struct hn_guest_state *own = &snapshot->guests[guest];
	const struct hn_host *host = snapshot->host;

	*ret = (struct oracle_problem){
		.nodes = host->node_count, .cells = own->guest->cell_count, .newcomer = true};
	if (ret->nodes > ORACLE_NODES || ret->cells > ORACLE_CELLS || own->guest->class != HN_CLASS_SHARED)
		return false;
	for (size_t i = 0; i < ret->nodes; i++) {
		if (host->nodes[i].free_bytes < keep_free_bytes)
			return false;
		ret->cpus[i] = (unsigned)hn_set_count(&host->nodes[i].cpus);
		ret->room[i] = host->nodes[i].free_bytes - keep_free_bytes;
		ret->cpus_most = ret->cpus[i] > ret->cpus_most ? ret->cpus[i] : ret->cpus_most;
		if (host->nodes[i].memory_bytes > ret->bytes_most)
			ret->bytes_most = host->nodes[i].memory_bytes;
		for (size_t j = 0; j < ret->nodes; j++)
			ret->distance[i][j] = hn_host_distance(host, i, j) - HN_DISTANCE_LOCAL;
	}
	for (size_t i = 0; i < ret->cells; i++) {
		ret->vcpus[i] = (unsigned)hn_set_count(&own->guest->cells[i].vcpus);
		ret->bytes[i] = own->guest->cells[i].memory_bytes;
	}
	add_own(own, ret);
	for (size_t i = 0; i < snapshot->guest_count; i++)
		if (i != guest && !add_load(&snapshot->guests[i], ret))
			return false;
	return true;
}

static unsigned beyond(unsigned have, unsigned most)
{
	return have > most ? have - most : 0;
}

/* What of the largest guest that the largest node could take, when empty, this one still could; squared. */
static uint64_t openness(const struct oracle_problem *problem, size_t node, unsigned vcpus, uint64_t bytes)
{
	unsigned cpus = beyond(problem->cpus[node], problem->load[node] + vcpus);
	uint64_t by_cpus = (uint64_t)cpus * SCALE / problem->cpus_most;
	uint64_t by_bytes =
		(uint64_t)((unsigned __int128)(problem->room[node] - bytes) * SCALE / problem->bytes_most);
	uint64_t share = by_cpus < by_bytes ? by_cpus : by_bytes;

	return share * share;
}

/* True, and what the group costs on the node but for distances, when the node holds it. */
static bool cost_of_group(const struct oracle_problem *problem, unsigned group, size_t node,
			  struct hn_cost *ret)
{
	unsigned vcpus = 0, load = problem->load[node], cpus = problem->cpus[node];
	uint64_t bytes = 0;

	*ret = (struct hn_cost){{0}};
	for (size_t i = 0; i < problem->cells; i++) {
		if (!(group >> i & 1))
			continue;
		vcpus += problem->vcpus[i];
		bytes += problem->bytes[i];
		ret->parts[HN_COST_MIGRATE] += problem->migrate_mib[i][node];
	}
	if (cpus == 0 || vcpus > cpus || bytes > problem->room[node])
		return false;
	ret->parts[HN_COST_CPU] = beyond(load + vcpus, cpus) - beyond(load, cpus);
	if (problem->newcomer)
		ret->parts[HN_COST_FRAGMENT] =
			openness(problem, node, 0, 0) - openness(problem, node, vcpus, bytes);
	return true;
}

static unsigned group_on(const struct oracle_problem *problem, const size_t *node_of, size_t node)
{
	unsigned group = 0;

	for (size_t i = 0; i < problem->cells; i++)
		group |= (unsigned)(node_of[i] == node) << i;
	return group;
}

bool oracle_allows(const struct oracle_problem *problem, const size_t *node_of)
{
	for (size_t node = 0; node < problem->nodes; node++) {
		unsigned group = group_on(problem, node_of, node);
		struct hn_cost cost;

		if (group && !cost_of_group(problem, group, node, &cost))
			return false;
	}
	return true;
}

static void add(struct hn_cost *cost, const struct hn_cost *more)
{
	for (int part = 0; part < HN_COST_PARTS; part++)
		cost->parts[part] += more->parts[part];
}

struct hn_cost oracle_cost(const struct oracle_problem *problem, const size_t *node_of)
{
	struct hn_cost cost = {{0}}, own;

	for (size_t i = 0; i < problem->cells; i++)
		for (size_t j = 0; j < i; j++)
			cost.parts[HN_COST_REMOTE] += problem->distance[node_of[i]][node_of[j]];
	for (size_t node = 0; node < problem->nodes; node++) {
		unsigned group = group_on(problem, node_of, node);

		if (group && cost_of_group(problem, group, node, &own))
			add(&cost, &own);
	}
	return cost;
}

static bool place_by_cpus(const struct oracle_problem *problem, size_t cell, unsigned *used)
{
	if (cell == problem->cells)
		return true;
	for (size_t node = 0; node < problem->nodes; node++) {
		bool found;

		if (used[node] + problem->vcpus[cell] > problem->cpus[node])
			continue;
		used[node] += problem->vcpus[cell];
		found = place_by_cpus(problem, cell + 1, used);
		used[node] -= problem->vcpus[cell];
		if (found)
			return true;
	}
	return false;
}

bool oracle_has_cpus(const struct oracle_problem *problem)
{
	unsigned used[ORACLE_NODES] = {0};

	return place_by_cpus(problem, 0, used);
}

/* Better in what is looked for. */
static bool betters(const struct oracle_search *search, const struct hn_cost *cost)
{
	if (!search->found)
		return true;
	if (search->remote_only)
		return cost->parts[HN_COST_REMOTE] < search->best.parts[HN_COST_REMOTE];
	return hn_cost_compare(cost, &search->best) < 0;
}

/* The rest of the cells to those placed, each where it would be nearest; UINT64_MAX when one has no node
 * left. */
static uint64_t least_across(const struct oracle_search *search, unsigned rest, uint64_t free_nodes,
			     const struct step *step, size_t depth)
{
	const unsigned *distance = search->problem->distance[step->node];
	unsigned size = (unsigned)__builtin_popcount(step->group);
	uint64_t sum = 0;

	for (; rest; rest &= rest - 1) {
		uint64_t nodes = search->fits[rest & -rest] & free_nodes, nearest = UINT64_MAX;

		for (; nodes; nodes &= nodes - 1) {
			size_t node = (size_t)__builtin_ctzll(nodes);
			uint64_t away = search->away[depth][node] + (uint64_t)size * distance[node];

			nearest = away < nearest ? away : nearest;
		}
		if (nearest == UINT64_MAX)
			return UINT64_MAX;
		sum += nearest;
	}
	return sum;
}

/* Fills what the step costs and what it leads to at least; false when that is no better than the best. */
static bool weigh(const struct oracle_search *search, unsigned rest, uint64_t free_nodes, size_t depth,
		  const struct hn_cost *cost, struct step *step)
{
	unsigned size = (unsigned)__builtin_popcount(step->group);
	uint64_t across;

	if (search->least[rest].parts[HN_COST_REMOTE] == UINT64_MAX)
		return false;
	step->cost = *cost;
	step->cost.parts[HN_COST_REMOTE] += size * search->away[depth][step->node];
	add(&step->cost, &search->own[step->group][step->node]);
	step->bound = step->cost;
	add(&step->bound, &search->least[rest]);
	if (!betters(search, &step->bound))
		return false;
	across = least_across(search, rest, free_nodes & ~(UINT64_C(1) << step->node), step, depth);
	if (across == UINT64_MAX)
		return false;
	step->bound.parts[HN_COST_REMOTE] += across;
	return betters(search, &step->bound);
}

static int compare_steps(const void *a, const void *b)
{
	return hn_cost_compare(&((const struct step *)a)->bound, &((const struct step *)b)->bound);
}

/* Of cells that are the same, the earlier go first. */
static bool in_order(const struct oracle_search *search, unsigned group, unsigned rest)
{
	for (unsigned cells = group; cells; cells &= cells - 1)
		if (search->twin[__builtin_ctz(cells)] & rest & ~group)
			return false;
	return true;
}

/* All groups that hold the first of the cells, on all nodes, that may lead to something better; best first.
 */
static size_t look_ahead(struct oracle_search *search, unsigned rest, uint64_t free_nodes, size_t depth,
			 const struct hn_cost *cost)
{
	struct step *ahead = search->ahead[depth];
	unsigned first = rest & -rest, others = rest & ~first, more = others;
	size_t count = 0;

	for (;; more = (more - 1) & others) {
		unsigned group = first | more;
		uint64_t nodes = in_order(search, group, rest) ? search->fits[group] & free_nodes : 0;

		for (; nodes; nodes &= nodes - 1) {
			ahead[count].group = group;
			ahead[count].node = (size_t)__builtin_ctzll(nodes);
			count += weigh(search, rest & ~group, free_nodes, depth, cost, &ahead[count]);
		}
		if (more == 0)
			break;
	}
	qsort(ahead, count, sizeof(*ahead), compare_steps);
	return count;
}

static void descend(struct oracle_search *search, unsigned rest, uint64_t free_nodes, size_t depth,
		    const struct hn_cost *cost)
{
	size_t count;

	if (rest == 0) {
		search->best = *cost;
		search->found = true;
		memcpy(search->best_node_of, search->node_of, sizeof(search->node_of));
		return;
	}
	if (search->steps_left == 0)
		return;
	search->steps_left--;
	count = look_ahead(search, rest, free_nodes, depth, cost);
	for (size_t i = 0; i < count; i++) {
		const struct step *step = &search->ahead[depth][i];
		uint64_t size = (uint64_t)__builtin_popcount(step->group);

		if (!betters(search, &step->bound))
			continue;
		for (unsigned group = step->group; group; group &= group - 1)
			search->node_of[__builtin_ctz(group)] = step->node;
		for (size_t node = 0; node < search->problem->nodes; node++)
			search->away[depth + 1][node] = search->away[depth][node] +
							size * search->problem->distance[step->node][node];
		descend(search, rest & ~step->group, free_nodes & ~(UINT64_C(1) << step->node), depth + 1,
			&step->cost);
	}
}

static bool same(const struct oracle_problem *problem, size_t a, size_t b)
{
	return problem->bytes[a] == problem->bytes[b] && problem->vcpus[a] == problem->vcpus[b] &&
	       !memcmp(problem->migrate_mib[a], problem->migrate_mib[b], sizeof(problem->migrate_mib[a]));
}

static void prepare(struct oracle_search *search, const struct oracle_problem *problem)
{
	search->problem = problem;
	for (size_t i = 0; i < problem->cells; i++)
		for (size_t j = 0; j < i; j++)
			search->twin[i] |= (unsigned)same(problem, i, j) << j;
	for (unsigned group = 1; group < 1U << problem->cells; group++)
		for (size_t node = 0; node < problem->nodes; node++)
			search->fits[group] |=
				(uint64_t)cost_of_group(problem, group, node, &search->own[group][node])
				<< node;
}

/* The least of each part but the distances, over all ways to divide the cells and all nodes, a node as often
 * as wanted. */
static void bound_parts(struct oracle_search *search, unsigned cells)
{
	unsigned first = cells & -cells, others = cells & ~first, more = others;

	for (int part = HN_COST_REMOTE + 1; part < HN_COST_PARTS; part++)
		search->least[cells].parts[part] = UINT64_MAX;
	for (;; more = (more - 1) & others) {
		unsigned group = first | more;

		for (uint64_t nodes = search->fits[group]; nodes; nodes &= nodes - 1) {
			const struct hn_cost *own = &search->own[group][__builtin_ctzll(nodes)];

			for (int part = HN_COST_REMOTE + 1; part < HN_COST_PARTS; part++) {
				uint64_t rest = search->least[cells & ~group].parts[part];
				uint64_t *least = &search->least[cells].parts[part];

				if (rest != UINT64_MAX && own->parts[part] + rest < *least)
					*least = own->parts[part] + rest;
			}
		}
		if (more == 0)
			break;
	}
}

/* The least distance of these cells alone; false when the steps ran out. */
static bool bound_distance(struct oracle_search *search, unsigned cells, uint64_t all_nodes)
{
	struct hn_cost nothing = {{0}};

	search->remote_only = true;
	search->found = false;
	descend(search, cells, all_nodes, 0, &nothing);
	if (search->steps_left == 0)
		return false;
	search->least[cells].parts[HN_COST_REMOTE] =
		search->found ? search->best.parts[HN_COST_REMOTE] : UINT64_MAX;
	return true;
}

static void report(const struct oracle_search *search, struct oracle_answer *ret)
{
	ret->feasible = search->found;
	ret->cost = search->best;
	memcpy(ret->node_of, search->best_node_of, sizeof(ret->node_of));
}

static void take_known(struct oracle_search *search, const size_t *known)
{
	struct hn_cost cost = oracle_cost(search->problem, known);

	if (search->found && hn_cost_compare(&cost, &search->best) >= 0)
		return;
	search->found = true;
	search->best = cost;
	memcpy(search->best_node_of, known, search->problem->cells * sizeof(*known));
}

void oracle_solve(const struct oracle_problem *problem, const size_t *known, uint64_t steps,
		  struct oracle_answer *ret)
{
	struct oracle_search *search = calloc(1, sizeof(*search));
	uint64_t nodes = problem->nodes == 64 ? UINT64_MAX : (UINT64_C(1) << problem->nodes) - 1;
	unsigned all = (1U << problem->cells) - 1;
	struct hn_cost nothing = {{0}};

	*ret = (struct oracle_answer){.feasible = false};
	if (!search)
		return;
	prepare(search, problem);
	search->steps_left = steps;
	ret->remote_proven = true;
	for (unsigned cells = 1; cells <= all && ret->remote_proven; cells++) {
		bound_parts(search, cells);
		ret->remote_proven = bound_distance(search, cells, nodes);
	}
	if (!ret->remote_proven)
		search->found = false; /* it may hold some of the cells only */
	if (known && oracle_allows(problem, known))
		take_known(search, known);
	report(search, ret);
	if (ret->remote_proven && search->found) {
		search->remote_only = false;
		search->steps_left = steps;
		descend(search, all, nodes, 0, &nothing);
		ret->proven = search->steps_left > 0;
		report(search, ret);
	} else {
		ret->proven = ret->remote_proven;
	}
	free(search);
}
