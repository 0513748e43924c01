#include "policy/solver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/beam.h"
#include "policy/bound.h"
#include "policy/climb.h"
#include "policy/cpus.h"
#include "policy/search.h"

/*
 * On hosts of more nodes the time goes into good assignments, and only a part of the steps into proving that
 * there is none better.
 */
#define EXACT_NODES 16
#define EXACT_PART 64
#define COST_PART 16
#define BEAM_WIDTH 64
#define SHAKES 40
#define NEIGHBOURS 4 /* nodes, with the one they are the neighbours of */
#define NEIGHBOURHOOD_STEPS 200
#define DIVES_MAX 16

static int fail_undecided(struct hn_error *err)
{
	return hn_fail(err, -ENOSPC, "gave up: no place for all its cells was found in the steps allowed");
}

/* Every node's room, as far as the sentence reaches. */
static void describe_rooms(const struct hn_search *search, char *text, size_t size)
{
	const struct hn_problem *problem = search->problem;
	const struct hn_problem_cell *cell = &problem->cells[search->order[0]];
	size_t used = 0;

	for (size_t node = 0; node < problem->node_count && used < size; node++) {
		char room[HN_UNITS_TEXT_MAX];

		if (!problem->nodes[node].home)
			continue;
		hn_bytes_format(problem->nodes[node].room[cell->page_kind], room, sizeof(room));
		used += (size_t)snprintf(text + used, size - used, "%snode %d: %s, %u %s", used ? "; " : "",
					 problem->host->nodes[node].id, room,
					 problem->nodes[node].seats[cell->class],
					 cell->class == HN_CLASS_SHARED ? "CPUs" : "cores");
	}
}

static int fail_together(const struct hn_search *search, bool cpus, struct hn_error *err)
{
	char text[240] = "";

	describe_rooms(search, text, sizeof(text));
	return hn_fail(err, -ENOSPC, "%s: its cells fit one by one but not together (room on %s)",
		       cpus ? "CPUs" : "memory", text);
}

/*
 * Whether all vCPUs find a place when memory is left out of account. 1, 0, or -ENOSPC when the steps ran out;
 * -ENOMEM.
 */
static int seats_all(const struct hn_problem *problem, unsigned multiple, uint64_t *steps,
		     struct hn_error *err)
{
	struct hn_search_rules rules = {.cpu_multiple = multiple, .any_memory = true};
	struct hn_search search;
	int r = hn_search_init(&search, problem, &rules, *steps, err);

	if (r == 0) {
		hn_climb_dive(&search, 0);
		search.any = true;
		if (!search.found)
			hn_search_run(&search);
		*steps = search.steps_left;
		r = search.found ? 1 : search.steps_left > 0 ? 0 : -ENOSPC;
	} else if (r == -ENOSPC) {
		r = 0;
	}
	hn_search_done(&search);
	return r;
}

static unsigned most_vcpus(const struct hn_problem *problem, enum hn_class class)
{
	unsigned vcpus = 0;

	for (size_t i = 0; i < problem->cell_count; i++)
		if (problem->cells[i].class == class)
			vcpus += problem->cells[i].vcpus;
	return vcpus;
}

/* The node with most seats left of those the cell may go to, or -1. */
static int roomiest(const struct hn_problem *problem, size_t cell, const unsigned *seats_left)
{
	const struct hn_problem_cell *model = &problem->cells[cell];
	int best = -1;

	if (model->tie >= 0)
		return model->tie;
	for (size_t node = 0; node < problem->node_count; node++)
		if (problem->nodes[node].home && !model->barred[node] &&
		    (best < 0 || seats_left[node] > seats_left[best]))
			best = (int)node;
	return best;
}

/* Whether the shared vCPUs of whole cells find seats, the most first, each where most are left: nearly always
 * the answer is that simple. */
static bool seats_greedily(const struct hn_problem *problem, unsigned multiple)
{
	HN_AUTO(memory) unsigned *left = calloc(problem->node_count + 1, sizeof(*left));
	HN_AUTO(memory) bool *seated = calloc(problem->cell_count, sizeof(*seated));

	if (!left || !seated || problem->keeps_apart)
		return false;
	for (size_t node = 0; node < problem->node_count; node++)
		left[node] = problem->nodes[node].seats[HN_CLASS_SHARED] * multiple;
	for (size_t i = 0; i < problem->cell_count; i++) {
		size_t next = SIZE_MAX;
		int node;

		for (size_t cell = 0; cell < problem->cell_count; cell++)
			if (!seated[cell] &&
			    (next == SIZE_MAX || problem->cells[cell].vcpus > problem->cells[next].vcpus))
				next = cell;
		seated[next] = true;
		node = roomiest(problem, next, left);
		if (problem->cells[next].class != HN_CLASS_SHARED)
			return false;
		if (node < 0 || left[node] < problem->cells[next].vcpus)
			return false;
		left[node] -= problem->cells[next].vcpus;
	}
	return true;
}

/* Whether the cell goes nowhere but where the other one may go. */
static bool is_within(const struct hn_problem *problem, size_t cell, size_t other)
{
	for (size_t node = 0; node < problem->node_count; node++)
		if (hn_problem_allows(problem, cell, node) && !hn_problem_allows(problem, other, node))
			return false;
	return true;
}

/*
 * A multiple below which vCPUs are left over: all those that have nowhere else to go need seats where the
 * cell may be (Hall's condition, for the sets of nodes that occur). Of all vCPUs when there are no seats.
 */
static unsigned multiple_around(const struct hn_problem *problem, size_t cell)
{
	unsigned seats = 0, vcpus = 0;

	for (size_t node = 0; node < problem->node_count; node++)
		seats += hn_problem_allows(problem, cell, node) ? problem->nodes[node].seats[HN_CLASS_SHARED]
								: 0;
	if (seats == 0)
		return most_vcpus(problem, HN_CLASS_SHARED);
	for (size_t i = 0; i < problem->cell_count; i++)
		if (problem->cells[i].class == HN_CLASS_SHARED && is_within(problem, i, cell))
			vcpus += problem->cells[i].vcpus;
	return (vcpus + seats - 1) / seats;
}

static bool is_free(const struct hn_problem *problem, const struct hn_problem_cell *cell)
{
	for (size_t node = 0; node < problem->node_count; node++)
		if (cell->barred[node])
			return false;
	return cell->tie < 0;
}

/* No multiple below this one seats so many vCPUs, which are all there are that are shared, on so many CPUs.
 */
static unsigned least_multiple(const struct hn_problem *problem, unsigned vcpus, unsigned cpus)
{
	unsigned least = (vcpus + cpus - 1) / cpus;

	for (size_t i = 0; i < problem->cell_count; i++) {
		const struct hn_problem_cell *cell = &problem->cells[i];
		unsigned around;

		if (cell->class != HN_CLASS_SHARED || cell->vcpus == 0 || is_free(problem, cell))
			continue;
		around = multiple_around(problem, i);
		least = around > least ? around : least;
	}
	return least;
}

/* Multiples of the CPUs that a guest's shared vCPUs need. */
struct multiples {
	unsigned least;  /* under any below they do not all find a place */
	unsigned enough; /* under this they do; above least where the steps did not tell of those between */
};

/* The least from there on under which seats are found greedily; from when under none. */
static unsigned surely_enough(const struct hn_problem *problem, unsigned from, unsigned vcpus)
{
	unsigned multiple = from;

	while (multiple < vcpus && !seats_greedily(problem, multiple))
		multiple++;
	return multiple < vcpus ? multiple : from;
}

/*
 * The multiples under which all shared vCPUs find a place if memory is left out of account: a node without
 * room for its memory is no reason to crowd a guest's vCPUs. *decided: the steps were enough. 0, -ENOSPC when
 * no node seats anything, or -ENOMEM.
 */
static int find_multiples(const struct hn_problem *problem, uint64_t steps, struct multiples *ret,
			  bool *decided, struct hn_error *err)
{
	unsigned vcpus = most_vcpus(problem, HN_CLASS_SHARED), cpus = 0, multiple;
	int r = 0;

	*ret = (struct multiples){1, 1};
	*decided = true;
	for (size_t node = 0; node < problem->node_count; node++)
		cpus += problem->nodes[node].home ? problem->nodes[node].seats[HN_CLASS_SHARED] : 0;
	if (vcpus == 0)
		return 0;
	if (cpus == 0)
		return hn_fail(err, -ENOSPC, "no node has both CPUs and memory");
	/* at as many times the CPUs as it has vCPUs, every CPU could carry the whole guest */
	for (multiple = least_multiple(problem, vcpus, cpus); multiple < vcpus && r == 0; multiple += r == 0)
		r = seats_greedily(problem, multiple) ? 1 : seats_all(problem, multiple, &steps, err);
	*decided = r != -ENOSPC;
	ret->least = multiple;
	ret->enough = *decided ? multiple : surely_enough(problem, multiple, vcpus);
	return r == -ENOMEM ? r : 0;
}

/* Where the guests' homes are now, if that is still allowed, is as good a beginning as any. -ENOMEM or 0. */
static int offer_homes(struct hn_search *search)
{
	const struct hn_problem *problem = search->problem;
	HN_AUTO(memory) const struct hn_candidate **chosen = calloc(problem->cell_count, sizeof(*chosen));

	if (!chosen)
		return -ENOMEM;
	for (size_t i = 0; i < problem->cell_count; i++) {
		const struct hn_problem_cell *cell = &problem->cells[i];
		const struct hn_placement *home =
			problem->snapshot->guests[problem->guests[cell->guest]].home;
		const struct hn_candidates *candidates = &search->candidates[i];

		if (!home || home->node_count != problem->node_count || cell->cell >= home->cell_count)
			return 0;
		for (size_t j = 0; j < candidates->count && !chosen[i]; j++) {
			struct hn_set nodes = {0};

			for (size_t s = 0; s < candidates->items[j].share_count; s++)
				hn_set_add(&nodes,
					   problem->host->nodes[candidates->items[j].shares[s].node].id);
			if (hn_set_equal(&nodes, &home->cells[cell->cell].nodes))
				chosen[i] = &candidates->items[j];
		}
		if (!chosen[i])
			return 0;
	}
	hn_climb_offer(search, chosen);
	return 0;
}

static void dive_everywhere(struct hn_search *search)
{
	size_t count = search->candidates[search->order[0]].count,
	       every = (count + DIVES_MAX - 1) / DIVES_MAX;

	for (size_t i = 0; i < count; i += every)
		hn_climb_dive(search, i);
}

/* One that comes to its end with half of the steps, whatever it meets: every place of a cell is tried, and
 * the best of them are weighed by the cells that follow, half of them in the mean. */
static uint64_t beam_width(const struct hn_search *search)
{
	uint64_t cells = search->problem->cell_count;
	uint64_t a_cell = search->problem->node_count + HN_BEAM_WEIGHED * cells / 2;

	return search->steps_left / (2 * cells * a_cell) + 1;
}

/*
 * The beam goes by distance first; where that leads to crowded nodes, a second one looks as near for others.
 */
static int beam_twice(struct hn_search *search)
{
	uint64_t most = beam_width(search);
	size_t width = most < BEAM_WIDTH ? (size_t)most : BEAM_WIDTH;
	int r = hn_beam(search, width);

	if (r == 0 && search->found && search->best_cost.parts[HN_COST_CPU] > 0) {
		search->no_overload = true;
		r = hn_beam(search, width);
		search->no_overload = false;
	}
	return r;
}

/* Whether node comes before other in order of distance from the centre. */
static bool is_nearer(const struct hn_problem *problem, size_t centre, size_t node, size_t other)
{
	unsigned distance = hn_problem_distance(problem, centre, node),
		 others = hn_problem_distance(problem, centre, other);

	if (node == centre || other == centre)
		return node == centre;
	return distance != others ? distance < others : node < other;
}

/* The homes nearest to one, itself among them; returns how many. */
static size_t find_neighbours(const struct hn_problem *problem, size_t centre, size_t *ret)
{
	size_t count = 0;

	for (size_t node = 0; node < problem->node_count; node++) {
		size_t place = count;

		if (!problem->nodes[node].home)
			continue;
		for (; place > 0 && is_nearer(problem, centre, node, ret[place - 1]); place--)
			if (place < NEIGHBOURS)
				ret[place] = ret[place - 1];
		if (place < NEIGHBOURS)
			ret[place] = node;
		count += count < NEIGHBOURS;
	}
	return count;
}

static int by_index(const void *a, const void *b)
{
	const size_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/*
 * The same constellation of cells costs less here or there, by what it takes from newcomers: a search among
 * the neighbours of every node, short as it is, finds what beams that begin in the best places do not.
 */
static int search_neighbourhoods(struct hn_search *search)
{
	size_t nodes = search->problem->node_count, done = 0;
	HN_AUTO(memory) size_t *sets = calloc(nodes * NEIGHBOURS + 1, sizeof(*sets));
	uint64_t steps = search->steps_left / (2 * nodes);

	steps = steps < NEIGHBOURHOOD_STEPS ? steps : NEIGHBOURHOOD_STEPS;
	if (!sets)
		return -ENOMEM;
	hn_memo_clear(search->memo);
	for (size_t centre = 0; centre < nodes; centre++) {
		size_t *set = &sets[done * NEIGHBOURS], count, same = 0;

		if (!search->problem->nodes[centre].home)
			continue;
		count = find_neighbours(search->problem, centre, set);
		qsort(set, count, sizeof(*set), by_index);
		while (same < done && memcmp(&sets[same * NEIGHBOURS], set, count * sizeof(*set)) != 0)
			same++;
		if (same < done)
			continue;
		done++;
		hn_search_run_on(search, set, count, steps);
	}
	return 0;
}

/* Most are easy: a few steps are enough to find the best from there, and to prove that it is. */
static bool prove_soon(struct hn_search *search)
{
	uint64_t all = search->steps_left, part = all / EXACT_PART;
	bool proven;

	if (!search->found || search->wide)
		return false;
	search->steps_left = part;
	hn_search_run(search);
	proven = search->steps_left > 0;
	search->steps_left += all - part;
	return proven;
}

/* The best that can be found in the steps; *proven: there is none better, or none at all. */
static int search_best(struct hn_search *search, bool *proven, struct hn_error *err)
{
	bool large = search->problem->node_count > EXACT_NODES;

	if (offer_homes(search))
		return hn_oom(err);
	dive_everywhere(search);
	if (large && prove_soon(search)) {
		*proven = true;
		return 0;
	}
	if (large && beam_twice(search))
		return hn_oom(err);
	if (!search->found) {
		search->any = true;
		hn_search_run(search);
		search->any = false;
		*proven = search->steps_left > 0 && !search->wide;
		if (!search->found)
			return 0;
	}
	if (large) {
		hn_climb(search, SHAKES);
		if (!search->wide && search_neighbourhoods(search))
			return hn_oom(err);
		search->steps_left = search->steps_left / EXACT_PART + 1;
	}
	hn_search_run(search);
	*proven = search->steps_left > 0 && !search->wide;
	return 0;
}

static int write_placement(const struct hn_search *search, size_t guest, const struct hn_cost *bound,
			   struct hn_set *taken, struct hn_placement **ret, struct hn_error *err)
{
	const struct hn_problem *problem = search->problem;
	const struct hn_guest *model = problem->snapshot->guests[problem->guests[guest]].guest;
	HN_AUTO(hn_placement)
	struct hn_placement *placement = hn_placement_new(problem->node_count, model->cell_count);
	int r = 0;

	if (!placement)
		return hn_oom(err);
	placement->cost = search->best_cost;
	placement->bound = *bound;
	placement->proven = hn_cost_compare(bound, &search->best_cost) == 0;
	for (size_t i = 0; i < problem->cell_count; i++) {
		struct hn_cell_home *home = &placement->cells[problem->cells[i].cell];

		if (problem->cells[i].guest != guest)
			continue;
		home->cell = problem->cells[i].id;
		for (size_t j = 0; j < search->best[i]->share_count; j++) {
			const struct hn_share *share = &search->best[i]->shares[j];

			hn_set_add(&home->nodes, problem->host->nodes[share->node].id);
			home->bytes[share->node] = share->bytes;
			if (search->best[i]->share_count > 1)
				home->vcpus[share->node] = share->vcpus;
		}
	}
	if (model->class != HN_CLASS_SHARED)
		r = hn_cpus_choose_among(problem->snapshot, problem->guests, problem->guest_count, taken,
					 problem->guests[guest], placement, err);
	for (size_t i = 0; i < placement->vcpu_count; i++)
		hn_set_or(taken, &placement->vcpus[i].cpus);
	if (r == 0)
		*ret = hn_steal(placement);
	return r;
}

/* Under a multiple of the CPUs that may not be the least, or with sets of nodes of which not all were tried,
 * nothing is known but that no cost is below nothing. */
static int write_placements(struct hn_search *search, bool proven, bool decided, struct hn_placement **ret,
			    struct hn_error *err)
{
	struct hn_cost bound = {{0}};
	struct hn_set taken = {0};
	size_t written = 0;
	int r = 0;

	if (decided && !search->wide)
		bound = proven ? search->best_cost : hn_bound_of_all(search);
	for (; written < search->problem->guest_count && r == 0; written++)
		r = write_placement(search, written, &bound, &taken, &ret[written], err);
	while (r < 0 && written-- > 0) {
		hn_placement_free(ret[written]);
		ret[written] = NULL;
	}
	return r;
}

/* What was searched for in vain. */
static int fail_in_vain(const struct hn_search *search, struct hn_error *err)
{
	uint64_t steps = search->problem->cell_count * UINT64_C(10000);
	int seated;

	if (search->steps_left == 0)
		return fail_undecided(err);
	seated = seats_all(search->problem, search->rules.cpu_multiple, &steps, err);
	return seated == -ENOMEM ? seated : fail_together(search, seated == 0, err);
}

/* As hn_solve_together(), under these rules. */
static int solve_under(const struct hn_problem *problem, const struct hn_solver_limits *limits,
		       const struct hn_search_rules *rules, bool decided, struct hn_placement **ret,
		       struct hn_error *err)
{
	struct hn_search search;
	bool proven = false;
	int r = hn_search_init(&search, problem, rules, limits->steps, err);

	if (r == 0)
		r = search_best(&search, &proven, err);
	if (r == 0 && search.found)
		r = write_placements(&search, proven, decided, ret, err);
	else if (r == 0)
		r = fail_in_vain(&search, err);
	hn_search_done(&search);
	return r;
}

int hn_solve_together(const struct hn_snapshot *snapshot, const size_t *guests, size_t count,
		      const struct hn_solver_limits *limits, struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_problem) struct hn_problem *problem = NULL;
	struct hn_search_rules rules = {.strays_count = limits->strays_count};
	struct multiples multiples = {0};
	bool decided = false;
	int r = hn_problem_new(snapshot, guests, count, limits->keep_free_bytes, &problem, err);

	memset(ret, 0, count * sizeof(struct hn_placement *));
	if (r == 0)
		r = find_multiples(problem, limits->steps, &multiples, &decided, err);
	if (r < 0)
		return r;
	rules.cpu_multiple = multiples.least;
	r = solve_under(problem, limits, &rules, decided, ret, err);
	if (r == -ENOSPC && multiples.enough > multiples.least) {
		rules.cpu_multiple = multiples.enough;
		r = solve_under(problem, limits, &rules, decided, ret, err);
	}
	return r == -ENOSPC && !decided ? fail_undecided(err) : r;
}

int hn_solve(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	     struct hn_placement **ret, struct hn_error *err)
{
	return hn_solve_together(snapshot, &guest, 1, limits, ret, err);
}

/* Puts the cells where the home has them. -ENOSPC with the rule that is broken. */
static int put_home(const struct hn_problem *problem, struct hn_assignment *assignment,
		    const struct hn_placement *home, struct hn_candidates *places, struct hn_error *err)
{
	for (size_t i = 0; i < problem->cell_count; i++) {
		const struct hn_problem_cell *cell = &problem->cells[i];
		const struct hn_candidate *place;
		char nodes[64];
		struct hn_cost cost;

		place = hn_candidates_add_home(problem, i, assignment->rules, home, &places[i]);
		if (!place)
			return hn_oom(err);
		hn_set_format(&home->cells[i].nodes, nodes, sizeof(nodes));
		if (place->share_count == 0)
			return hn_fail(err, -EINVAL, "cell %d is on none of the host's nodes", cell->id);
		for (size_t s = 0; s < place->share_count; s++) {
			size_t node = place->shares[s].node;

			if (!hn_problem_allows(problem, i, node))
				return hn_fail(err, -ENOSPC, "cell %d may not be on node %d", cell->id,
					       problem->host->nodes[node].id);
		}
		if (!hn_assignment_admits(assignment, i, place))
			return hn_fail(err, -ENOSPC, "cell %d has no room on node %s", cell->id, nodes);
		cost = hn_assignment_cost_with(assignment, i, place);
		hn_assignment_put(assignment, i, place, &cost);
	}
	return 0;
}

/* The multiple that is enough for any home: found in fewer steps than the solver's, since many homes are
 * asked about, and then it may be more than the solver needs. */
static int find_enough(const struct hn_problem *problem, const struct hn_solver_limits *limits, unsigned *ret,
		       struct hn_error *err)
{
	struct multiples multiples = {.enough = limits->cpu_multiple};
	bool decided;
	int r = multiples.enough
			? 0
			: find_multiples(problem, limits->steps / COST_PART + 1, &multiples, &decided, err);

	*ret = multiples.enough;
	return r;
}

int hn_solver_multiple(const struct hn_snapshot *snapshot, size_t guest,
		       const struct hn_solver_limits *limits, unsigned *ret, struct hn_error *err)
{
	HN_AUTO(hn_problem) struct hn_problem *problem = NULL;
	int r = hn_problem_new(snapshot, &guest, 1, limits->keep_free_bytes, &problem, err);

	return r < 0 ? r : find_enough(problem, limits, ret, err);
}

/* What it costs under these rules, whose multiple of the CPUs is found. */
static int cost_under(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		      struct hn_search_rules rules, const struct hn_placement *home, struct hn_cost *ret,
		      struct hn_error *err)
{
	HN_AUTO(hn_problem) struct hn_problem *problem = NULL;
	HN_AUTO(hn_assignment) struct hn_assignment *assignment = NULL;
	HN_AUTO(memory) struct hn_candidates *places = NULL;
	int r = hn_problem_new(snapshot, &guest, 1, limits->keep_free_bytes, &problem, err);

	if (r < 0)
		return r;
	if (home->cell_count != problem->cell_count || home->node_count != problem->node_count)
		return hn_fail(err, -EINVAL, "a home of %zu cells on %zu nodes is none of this guest's",
			       home->cell_count, home->node_count);
	r = find_enough(problem, limits, &rules.cpu_multiple, err);
	if (r < 0)
		return r;
	assignment = hn_assignment_new(problem, &rules);
	places = calloc(problem->cell_count, sizeof(*places));
	if (!assignment || !places)
		return hn_oom(err);
	r = put_home(problem, assignment, home, places, err);
	*ret = assignment->cost;
	for (size_t i = 0; i < problem->cell_count; i++)
		hn_candidates_done(&places[i]);
	return r;
}

int hn_solver_cost(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		   const struct hn_placement *home, struct hn_cost *ret, struct hn_error *err)
{
	const struct hn_search_rules rules = {.strays_count = limits->strays_count};

	return cost_under(snapshot, guest, limits, rules, home, ret, err);
}

int hn_solver_allows(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     const struct hn_placement *home)
{
	const struct hn_search_rules rules = {.any_memory = true};
	struct hn_error why;
	struct hn_cost cost;
	int r = cost_under(snapshot, guest, limits, rules, home, &cost, &why);

	return r == -ENOMEM ? r : r == 0;
}
