/*
 * bench-quality [--quick] [NOVA-SCRIPT]: how far the solver is from the exact optimum. See README.md.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/figure.h"
#include "bench/instance.h"
#include "bench/nova.h"
#include "bench/oracle.h"
#include "bench/program.h"
#include "policy/solver.h"

#define SEED 20260
#define ORACLE_STEPS 100000
#define PROGRAM_MS 5000

struct scene {
	const char *name;
	struct bench_instance_limits drawn;
	unsigned instances, quick_instances;
	unsigned programs; /* so many of the small ones are given to GLPK as well */
};

static const struct scene scenes[] = {
	{"upto16nodes", {.nodes_least = 2, .nodes_most = 16, .cells_most = 8}, 1000, 200, 60},
	{"64nodes", {.nodes_least = 64, .nodes_most = 64, .cells_most = 8}, 1000, 60, 0},
};

struct gaps {
	unsigned count, zero; /* zero: not even that far */
	double max, sum, max_remote;
	unsigned by_part[HN_COST_PARTS]; /* how many differ first in that part */
};

struct tally {
	struct gaps ours, nova;
	unsigned proven, remote_only, undecided; /* by the oracle: all parts, distances only, neither */
	unsigned refused, refused_wrongly;       /* nothing fits; the solver says so though something fits */
	unsigned broken; /* placements against a rule, or with another cost than they say */
	unsigned programs, program_differs;
};

static void add_gap(struct gaps *gaps, const struct hn_cost *cost, const struct oracle_answer *best)
{
	int parts = best->proven ? HN_COST_PARTS : HN_COST_REMOTE + 1, part = 0;
	double gap = 0, least;

	while (part < parts && cost->parts[part] == best->cost.parts[part])
		part++;
	if (part < parts) {
		least = (double)best->cost.parts[part];
		gap = ((double)cost->parts[part] - least) / (least > 1 ? least : 1);
		gaps->by_part[part]++;
	}
	if (part == HN_COST_REMOTE && gap > gaps->max_remote)
		gaps->max_remote = gap;
	gaps->count++;
	gaps->zero += gap == 0;
	gaps->sum += gap;
	gaps->max = gap > gaps->max ? gap : gaps->max;
}

/* False when a cell is on more than one node. */
static bool read_nodes(const struct hn_snapshot *snapshot, const struct hn_placement *placement,
		       size_t *node_of)
{
	for (size_t i = 0; i < placement->cell_count; i++) {
		const struct hn_set *nodes = &placement->cells[i].nodes;

		if (hn_set_count(nodes) != 1)
			return false;
		node_of[i] = (size_t)hn_host_node_index(snapshot->host, hn_set_next(nodes, 0));
	}
	return true;
}

static void ask_nova(struct bench_nova *nova, const struct hn_snapshot *snapshot,
		     const struct oracle_problem *problem, const struct oracle_answer *best,
		     struct tally *tally)
{
	struct bench_size size = {.cells = problem->cells};
	struct bench_nova_answer answer;
	struct hn_cost cost;

	for (size_t i = 0; i < problem->cells; i++) {
		size.vcpus[i] = problem->vcpus[i];
		size.mib[i] = problem->bytes[i] >> 20;
	}
	if (bench_nova_host(nova, snapshot, false, false, NULL) < 0 ||
	    bench_nova_place(nova, -1, &size, 5, &answer, NULL) < 0 || !answer.fits)
		return;
	if (!oracle_allows(problem, answer.node_of))
		return;
	cost = oracle_cost(problem, answer.node_of);
	add_gap(&tally->nova, &cost, best);
}

static void check_program(const struct oracle_problem *problem, const struct oracle_answer *best,
			  struct tally *tally)
{
	bool feasible;
	uint64_t remote;

	if (problem->nodes > 6 || problem->cells > 5 || !best->remote_proven ||
	    !program_solve(problem, PROGRAM_MS, &feasible, &remote))
		return;
	tally->programs++;
	tally->program_differs +=
		feasible != best->feasible || (feasible && remote != best->cost.parts[HN_COST_REMOTE]);
}

/* What the solver says, against what the oracle says. True when the instance counts. */
static bool compare(const struct hn_snapshot *snapshot, const struct oracle_problem *problem,
		    struct oracle_answer *best, struct tally *tally)
{
	const struct hn_solver_limits limits = {.steps = 200000};
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t node_of[ORACLE_CELLS];
	struct hn_error err = {0};
	struct hn_cost cost;
	int r = hn_solve(snapshot, 0, &limits, &placement, &err);
	bool sound = r == 0 && read_nodes(snapshot, placement, node_of) && oracle_allows(problem, node_of);

	oracle_solve(problem, sound ? node_of : NULL, ORACLE_STEPS, best);
	if (r < 0) {
		tally->refused++;
		tally->refused_wrongly += best->feasible;
		return false;
	}
	cost = sound ? oracle_cost(problem, node_of) : placement->cost;
	tally->broken += !sound || hn_cost_compare(&cost, &placement->cost) != 0;
	if (!sound || !best->remote_proven) {
		tally->undecided += sound;
		return false;
	}
	tally->proven += best->proven;
	tally->remote_only += !best->proven;
	add_gap(&tally->ours, &cost, best);
	return true;
}

static int measure(const struct scene *scene, unsigned instances, struct bench_nova *nova,
		   struct tally *tally)
{
	struct hn_random random = {SEED};

	while (tally->ours.count < instances && tally->undecided < instances) {
		HN_AUTO(hn_snapshot)
		struct hn_snapshot *snapshot = bench_instance_draw(&random, &scene->drawn);
		struct oracle_problem problem;
		struct oracle_answer best;
		bool counts;

		if (!snapshot)
			return -ENOMEM;
		if (!oracle_state(snapshot, 0, 0, &problem) || !oracle_has_cpus(&problem))
			continue;
		counts = compare(snapshot, &problem, &best, tally);
		if (tally->programs < scene->programs)
			check_program(&problem, &best, tally);
		if (counts && nova && !snapshot->guests[0].home) /* Nova has no place for where a guest was */
			ask_nova(nova, snapshot, &problem, &best, tally);
		if (counts && tally->ours.count % 100 == 0)
			fprintf(stderr, "bench: quality: %s: %u of %u\n", scene->name, tally->ours.count,
				instances);
	}
	return 0;
}

static void print(const struct scene *scene, const struct tally *tally)
{
	const struct gaps *ours = &tally->ours, *nova = &tally->nova;
	struct bench_figure figure = {.bench = "quality", .scene = scene->name, .n = ours->count};
	char more[600];

	snprintf(more, sizeof(more),
		 "\"optimal\":%u,\"remote_gap_max_percent\":%.6g,\"first_in_remote\":%u,\"first_in_cpu\":%u,"
		 "\"first_in_fragment\":%u,\"first_in_migrate\":%u,\"proven_whole\":%u,\"proven_remote_"
		 "only\":%u,\"undecided\":%u,\"refused\":%"
		 "u,"
		 "\"refused_wrongly\":%u,\"rules_broken\":%u,\"glpk_checked\":%u,\"glpk_differs\":%u,"
		 "\"peer_placed\":%u,\"peer_optimal\":%u",
		 ours->zero, ours->max_remote * 100, ours->by_part[HN_COST_REMOTE],
		 ours->by_part[HN_COST_CPU], ours->by_part[HN_COST_FRAGMENT], ours->by_part[HN_COST_MIGRATE],
		 tally->proven, tally->remote_only, tally->undecided, tally->refused, tally->refused_wrongly,
		 tally->broken, tally->programs, tally->program_differs, nova->count, nova->zero);
	figure.more = more;
	figure.peer_name = nova->count ? "nova" : NULL;
	figure.unit = "percent";
	figure.figure = "gap_max_percent";
	figure.ours = ours->count ? ours->max * 100 : BENCH_NONE;
	figure.peer = nova->max * 100;
	bench_figure_print(&figure);
	figure.figure = "gap_mean_percent";
	figure.ours = ours->count ? ours->sum / ours->count * 100 : BENCH_NONE;
	figure.peer = nova->count ? nova->sum / nova->count * 100 : BENCH_NONE;
	bench_figure_print(&figure);
	figure.figure = "instances";
	figure.unit = "instances";
	figure.ours = ours->count;
	figure.peer_name = NULL;
	bench_figure_print(&figure);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");
	const char *script = argc > 1 + quick ? argv[1 + quick] : NULL;
	HN_AUTO(bench_nova) struct bench_nova *nova = NULL;
	struct hn_error err = {0};

	if (script && bench_nova_new(script, &nova, &err) < 0)
		fprintf(stderr, "bench: %s\n", err.message);
	for (size_t i = 0; i < HN_COUNT(scenes); i++) {
		struct tally tally = {0};

		if (measure(&scenes[i], quick ? scenes[i].quick_instances : scenes[i].instances, nova,
			    &tally) < 0)
			return 1;
		print(&scenes[i], &tally);
	}
	return 0;
}
