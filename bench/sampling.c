/*
 * sampling - what one look at where a process's memory lies costs: ours, a sample of fixed size, against a
 * walk through numa_maps; and whether the interval we report holds the truth.
 *
 *     bench-sampling [--quick]
 *
 * The target is another process, as a guest is. Looks of both kinds take turns, and the one that begins
 * changes from round to round, so that neither always finds the caches as the other left them.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bench/figure.h"
#include "bench/numa-maps.h"
#include "bench/target.h"
#include "host/page-sampler.h"
#include "model/interval.h"

#define SAMPLES 2816 /* the daemon's default for a cell */
#define PRESENT 0.7  /* of the target's memory */
#define ROUNDS 15
#define TRIALS 100
#define MORE_TRIALS 2000 /* a hundred scatter by two or three */
#define SPARE_MIB 1024   /* left to the machine beside the target */

struct scene {
	unsigned gib;
	bool huge;
};

/* Of ROUNDS looks each. */
struct costs {
	double wall_ms[ROUNDS], cpu_ms[ROUNDS];
};

static double clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void look_ours(const struct bench_target *target, uint64_t seed, struct hn_page_counts *ret)
{
	struct hn_error why = {0};

	memset(ret, 0, sizeof(*ret));
	if (hn_pages_sample(NULL, &target->process, &target->range, 1, SAMPLES, seed, ret, 1, &why))
		errx(1, "%s", why.message);
}

static uint64_t look_peer(const struct bench_target *target)
{
	uint64_t pages[HN_NODE_IDS];

	return bench_numa_maps_walk(target->process.pid, target->range.start, pages);
}

static void time_look(const struct bench_target *target, bool ours, uint64_t seed, size_t round,
		      struct costs *ret)
{
	double wall = clock_ms(CLOCK_MONOTONIC), cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
	struct hn_page_counts counts;

	if (ours)
		look_ours(target, seed, &counts);
	else
		look_peer(target);
	ret->cpu_ms[round] = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	ret->wall_ms[round] = clock_ms(CLOCK_MONOTONIC) - wall;
}

static void measure_cost(const char *name, const struct bench_target *target)
{
	struct costs ours, peer;
	struct bench_figure figure = {
		.bench = "sampling", .scene = name, .unit = "ms", .peer_name = "numa_maps", .n = ROUNDS};

	for (size_t round = 0; round < ROUNDS; round++) {
		bool first = round % 2;

		time_look(target, first, round, round, first ? &ours : &peer);
		time_look(target, !first, round, round, first ? &peer : &ours);
	}
	figure.figure = "wall_ms";
	figure.ours = bench_median(ours.wall_ms, ROUNDS);
	figure.peer = bench_median(peer.wall_ms, ROUNDS);
	bench_figure_print(&figure);
	figure.figure = "cpu_ms";
	figure.ours = bench_median(ours.cpu_ms, ROUNDS);
	figure.peer = bench_median(peer.cpu_ms, ROUNDS);
	bench_figure_print(&figure);
}

/* How many of the trials had the truth inside the interval. */
static unsigned count_covered(const struct bench_target *target, double truth, size_t trials,
			      double *ret_estimates)
{
	unsigned covered = 0;

	for (size_t trial = 0; trial < trials; trial++) {
		struct hn_page_counts counts;
		struct hn_interval interval;

		look_ours(target, 1000 + trial, &counts);
		interval =
			hn_interval_wilson(counts.sampled - counts.absent - counts.unknown, counts.sampled);
		ret_estimates[trial] = interval.value;
		covered += interval.low <= truth && truth <= interval.high;
	}
	return covered;
}

static void measure_coverage(const char *name, const struct bench_target *target)
{
	static double estimates[MORE_TRIALS];
	double truth = (double)target->present_pages / (double)target->pages;
	unsigned more_covered = count_covered(target, truth, MORE_TRIALS, estimates);
	char more[160];

	snprintf(more, sizeof(more), "\"true_share\":%.5f,\"estimated_share\":%.5f,\"percent_of_%d\":%.2f",
		 truth, bench_median(estimates, MORE_TRIALS), MORE_TRIALS,
		 100.0 * more_covered / MORE_TRIALS);
	bench_figure_print(&(struct bench_figure){.bench = "sampling",
						  .scene = name,
						  .figure = "coverage",
						  .unit = "of 100 trials",
						  .ours = count_covered(target, truth, TRIALS, estimates),
						  .n = 1,
						  .more = more});
}

/* A truth that the kernel's own count does not bear out would be no truth. */
static void check_truth(const char *name, const struct bench_target *target, bool huge)
{
	uint64_t counted = look_peer(target);

	if (counted != target->present_pages)
		errx(1, "%s: numa_maps counts %llu pages where %llu were written", name,
		     (unsigned long long)counted, (unsigned long long)target->present_pages);
	if (huge && target->huge_share < 0.99)
		fprintf(stderr, "sampling: %s: only %.0f %% of the memory is in huge pages\n", name,
			target->huge_share * 100);
}

static uint64_t available_mib(void)
{
	HN_AUTO(file) FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	return kib / 1024;
}

static void run_scene(const struct scene *scene)
{
	uint64_t needed_mib = (uint64_t)((double)scene->gib * 1024 * PRESENT) + SPARE_MIB;
	struct bench_target target;
	char name[32];

	snprintf(name, sizeof(name), "%uGiB-%s", scene->gib, scene->huge ? "thp" : "4k");
	if (available_mib() < needed_mib) {
		fprintf(stderr, "sampling: %s left out: it needs %llu MiB of free memory\n", name,
			(unsigned long long)needed_mib);
		return;
	}
	fprintf(stderr, "sampling: %s\n", name);
	bench_target_start(scene->gib * HN_GIB, scene->huge, PRESENT, scene->gib, &target);
	check_truth(name, &target, scene->huge);
	measure_cost(name, &target);
	measure_coverage(name, &target);
	bench_target_stop(&target);
}

int main(int argc, char **argv)
{
	unsigned largest_gib = 8;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--quick") != 0))
		errx(2, "usage: bench-sampling [--quick]");
	if (argc == 2)
		largest_gib = 2;
	for (int huge = 0; huge < 2; huge++)
		for (unsigned gib = 1; gib <= largest_gib; gib *= 2)
			run_scene(&(struct scene){.gib = gib, .huge = huge});
	return 0;
}
