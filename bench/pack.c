/*
 * bench-pack [--quick] NOVA-SCRIPT: how many guests of the same trace find a place, and how local. See
 * README.md.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/contestant.h"
#include "bench/figure.h"
#include "bench/machine.h"
#include "bench/trace.h"

#define SEED 300
#define OTHER_SEED 1300 /* of seeds that nobody has looked at while writing what is measured */
#define SEEDS 20
#define QUICK_SEEDS 5
#define ARRIVALS 1000
#define QUICK_ARRIVALS 300

enum {
	HOMENODE,
	WITHOUT_MOVES,
	NOVA,
	NOVA_PACKING,
	NUMAD,
	CONTESTANTS,
};

struct machine {
	const char *suffix;
	enum bench_shape shape;
	size_t nodes;
	unsigned cpus;
	uint64_t mib;
	double per_lifetime; /* arrivals in the mean life of a guest: somewhat more than there is room for */
};

static const struct machine machines[] = {
	{"4nodes", BENCH_FLAT, 4, 32, UINT64_C(160) << 10, 34},
	{"8nodes", BENCH_PACKAGES, 8, 32, UINT64_C(160) << 10, 68},
};

struct scene {
	const char *name;
	bool steady; /* guests leave, and the trace is played to its end */
	uint64_t seed;
	size_t arrivals;
};

/* Of one contestant, by seed. */
struct tally {
	double placed[SEEDS], locality[SEEDS], move_gib[SEEDS];
	double whole[SEEDS];    /* guests up to the first that was refused or split */
	double possible[SEEDS]; /* guests of the trace that the host has CPUs and memory for, in all */
	unsigned splits, broken;
};

struct run {
	unsigned placed, whole;
	bool split_seen;
	double locality;
};

static void count(struct run *run, struct tally *tally, bool placed, const struct bench_place *place)
{
	run->split_seen = run->split_seen || !placed || place->split;
	run->whole += !run->split_seen;
	if (!placed)
		return;
	run->placed++;
	run->locality += place->locality;
	tally->splits += place->split;
}

/* Who of those that are there goes before the next one comes. */
static int leave_until(struct bench_contestant *contestant, const struct bench_arrival *trace, double now,
		       bool *there, size_t arrived, struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < arrived && r == 0; i++) {
		if (!there[i] || trace[i].until > now)
			continue;
		there[i] = false;
		r = contestant->contest->leave(contestant, (long)i, err);
	}
	return r;
}

/* Nobody could place more, however guests were cut up. */
static double count_possible(const struct hn_host *host, const struct bench_arrival *trace, size_t arrivals)
{
	uint64_t cpus = 0, mib = 0;
	size_t count = 0;

	for (size_t i = 0; i < host->node_count; i++) {
		cpus += (uint64_t)hn_set_count(&host->nodes[i].cpus);
		mib += host->nodes[i].memory_bytes >> 20;
	}
	for (; count < arrivals && bench_size_vcpus(&trace[count].size) <= cpus &&
	       bench_size_mib(&trace[count].size) <= mib;
	     count++) {
		cpus -= bench_size_vcpus(&trace[count].size);
		mib -= bench_size_mib(&trace[count].size);
	}
	return (double)count;
}

/* The trace, to the first refusal with nobody leaving, or to its end. */
static int play(struct bench_contestant *contestant, const struct bench_arrival *trace,
		const struct scene *scene, unsigned seed, struct tally *tally, struct hn_error *err)
{
	bool there[ARRIVALS] = {false};
	struct run run = {0};
	int r = 1;

	for (size_t i = 0; i < scene->arrivals && (r == 1 || scene->steady); i++) {
		struct bench_place place = {0};

		r = scene->steady ? leave_until(contestant, trace, trace[i].at, there, i, err) : 0;
		if (r == 0)
			r = contestant->contest->arrive(contestant, (long)i, &trace[i].size, &place, err);
		if (r < 0)
			return r;
		there[i] = r == 1;
		count(&run, tally, there[i], &place);
		tally->broken += !bench_contestant_keeps_rules(contestant);
		if (contestant->impossible > 0)
			fprintf(stderr,
				"bench: pack: seed %u: there is no room for the placement of guest %zu\n",
				seed, i);
		tally->broken += contestant->impossible;
		contestant->impossible = 0;
	}
	tally->placed[seed] = run.placed;
	tally->whole[seed] = run.whole;
	tally->possible[seed] = scene->steady
					? BENCH_NONE
					: count_possible(contestant->snapshot->host, trace, scene->arrivals);
	tally->locality[seed] = run.placed ? run.locality / run.placed : BENCH_NONE;
	tally->move_gib[seed] = (double)contestant->move_bytes / (1 << 30);
	return 0;
}

static int play_all(struct bench_contestant *contestants, const struct machine *machine,
		    const struct scene *scene, unsigned seeds, struct tally *tallies, struct hn_error *err)
{
	for (unsigned seed = 0; seed < seeds; seed++) {
		struct hn_random random = {scene->seed + seed};
		struct bench_arrival *trace =
			bench_trace_new(scene->arrivals, machine->per_lifetime, &random);
		int r = trace ? 0 : hn_oom(err);

		for (int i = 0; i < CONTESTANTS && r == 0; i++) {
			struct hn_host *host = bench_machine_new(machine->shape, machine->nodes,
								 machine->cpus, machine->mib, &random);

			r = host ? contestants[i].contest->begin(&contestants[i], host, err) : hn_oom(err);
			if (r == 0)
				r = play(&contestants[i], trace, scene, seed, &tallies[i], err);
		}
		free(trace);
		if (r < 0)
			return r;
	}
	return 0;
}

static double median(const double *values, unsigned count)
{
	double sorted[SEEDS];

	memcpy(sorted, values, count * sizeof(*values));
	return bench_median(sorted, count);
}

static double mean(const double *values, unsigned count)
{
	double sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += values[i];
	return sum / count;
}

/* "name":[least,most] of the seeds. */
static const char *spread(const char *name, const double *values, unsigned count, char *buffer, size_t size)
{
	double least = values[0], most = values[0];

	for (unsigned i = 1; i < count; i++) {
		least = values[i] < least ? values[i] : least;
		most = values[i] > most ? values[i] : most;
	}
	snprintf(buffer, size, "\"%s\":[%.6g,%.6g]", name, least, most);
	return buffer;
}

/* Ours against the peer's, seed by seed. */
static const char *ratios(const double *ours, const double *peer, unsigned count, char *buffer, size_t size)
{
	double each[SEEDS];

	for (unsigned i = 0; i < count; i++)
		each[i] = ours[i] / peer[i];
	return spread("ratio_spread", each, count, buffer, size);
}

static void print_placed(const char *scene, const struct tally *tallies, int peer, const char *peer_name,
			 unsigned seeds)
{
	const struct tally *ours = &tallies[HOMENODE], *theirs = &tallies[peer];
	char more[1100], a[80], b[80], c[80], packing[100] = "", possible[100] = "";

	if (isfinite(ours->possible[0]))
		snprintf(possible, sizeof(possible), ",\"most_possible\":%.6g,\"most_possible_mean\":%.6g",
			 median(ours->possible, seeds), mean(ours->possible, seeds));
	if (peer == NOVA)
		snprintf(packing, sizeof(packing), ",\"peer_packing\":%.6g,\"peer_packing_mean\":%.6g",
			 median(tallies[NOVA_PACKING].placed, seeds),
			 mean(tallies[NOVA_PACKING].placed, seeds));
	snprintf(more, sizeof(more),
		 "\"mean\":%.6g,\"peer_mean\":%.6g,"
		 "\"without_moves\":%.6g,\"move_gib\":%.6g,%s,%s,%s,\"splits\":%u,\"peer_splits\":%u,"
		 "\"whole\":%.6g,\"peer_whole\":%.6g%s%s,\"rules_broken\":%u%s",
		 mean(ours->placed, seeds), mean(theirs->placed, seeds),
		 median(tallies[WITHOUT_MOVES].placed, seeds), median(ours->move_gib, seeds),
		 spread("spread", ours->placed, seeds, a, sizeof(a)),
		 spread("peer_spread", theirs->placed, seeds, b, sizeof(b)),
		 ratios(ours->placed, theirs->placed, seeds, c, sizeof(c)), ours->splits, theirs->splits,
		 median(ours->whole, seeds), median(theirs->whole, seeds), packing, possible,
		 ours->broken + tallies[WITHOUT_MOVES].broken + theirs->broken,
		 peer == NUMAD ? ",\"limit\":\"model of numad\"" : "");
	bench_figure_print(&(struct bench_figure){.bench = "pack",
						  .scene = scene,
						  .figure = "placed",
						  .unit = "guests",
						  .ours = median(ours->placed, seeds),
						  .peer = median(theirs->placed, seeds),
						  .peer_name = peer_name,
						  .n = seeds,
						  .more = more});
}

static void print_locality(const char *scene, const struct tally *tallies, int peer, const char *peer_name,
			   unsigned seeds)
{
	const struct tally *ours = &tallies[HOMENODE], *theirs = &tallies[peer];
	char more[300], a[80], b[80];

	snprintf(more, sizeof(more), "\"without_moves\":%.6g,%s,%s%s",
		 median(tallies[WITHOUT_MOVES].locality, seeds),
		 spread("spread", ours->locality, seeds, a, sizeof(a)),
		 spread("peer_spread", theirs->locality, seeds, b, sizeof(b)),
		 peer == NUMAD ? ",\"limit\":\"model of numad\"" : "");
	bench_figure_print(&(struct bench_figure){.bench = "pack",
						  .scene = scene,
						  .figure = "locality",
						  .unit = "share",
						  .ours = median(ours->locality, seeds),
						  .peer = median(theirs->locality, seeds),
						  .peer_name = peer_name,
						  .n = seeds,
						  .more = more});
}

static void print(const char *scene, const struct tally *tallies, unsigned seeds)
{
	print_placed(scene, tallies, NOVA, "nova", seeds);
	print_placed(scene, tallies, NUMAD, "numad", seeds);
	print_locality(scene, tallies, NOVA, "nova", seeds);
	print_locality(scene, tallies, NUMAD, "numad", seeds);
}

/* Both hosts together: guests add up, locality is the mean by guests. */
static void add_tally(struct tally *sum, const struct tally *more, unsigned seeds)
{
	for (unsigned i = 0; i < seeds; i++) {
		double placed = sum->placed[i] + more->placed[i];

		sum->locality[i] =
			(sum->locality[i] * sum->placed[i] + more->locality[i] * more->placed[i]) / placed;
		sum->placed[i] = placed;
		sum->whole[i] += more->whole[i];
		sum->possible[i] += more->possible[i];
		sum->move_gib[i] += more->move_gib[i];
	}
	sum->splits += more->splits;
	sum->broken += more->broken;
}

/* *broken: how often anyone but the peers broke a rule, added up. */
static int measure(struct bench_contestant *contestants, const struct scene *scene, unsigned seeds,
		   unsigned *broken, struct hn_error *err)
{
	struct tally sums[CONTESTANTS] = {0};

	for (size_t i = 0; i < HN_COUNT(machines); i++) {
		struct tally tallies[CONTESTANTS] = {0};
		char name[60];
		int r;

		snprintf(name, sizeof(name), "%s-%s", scene->name, machines[i].suffix);
		fprintf(stderr, "bench: pack: %s\n", name);
		r = play_all(contestants, &machines[i], scene, seeds, tallies, err);
		if (r < 0)
			return r;
		print(name, tallies, seeds);
		for (int j = 0; j < CONTESTANTS; j++)
			add_tally(&sums[j], &tallies[j], seeds);
	}
	print(scene->name, sums, seeds);
	*broken += sums[HOMENODE].broken + sums[WITHOUT_MOVES].broken;
	return 0;
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");
	HN_AUTO(bench_nova) struct bench_nova *nova = NULL;
	struct bench_contestant contestants[CONTESTANTS] = {
		[HOMENODE] = {.contest = &bench_contest_homenode, .movers = 4},
		[WITHOUT_MOVES] = {.contest = &bench_contest_homenode},
		[NOVA] = {.contest = &bench_contest_nova},
		[NOVA_PACKING] = {.contest = &bench_contest_nova, .pack = true},
		[NUMAD] = {.contest = &bench_contest_numad},
	};
	const struct scene scenes[] = {
		{"first-refusal", false, SEED, quick ? QUICK_ARRIVALS : ARRIVALS},
		{"first-refusal-other-seeds", false, OTHER_SEED, quick ? QUICK_ARRIVALS : ARRIVALS},
		{"steady-state", true, SEED, quick ? QUICK_ARRIVALS : ARRIVALS},
	};
	struct hn_error err = {0};
	unsigned broken = 0;
	int r;

	if (argc != 2 + quick) {
		fprintf(stderr, "usage: bench-pack [--quick] NOVA-SCRIPT\n");
		return 2;
	}
	r = bench_nova_new(argv[1 + quick], &nova, &err);
	contestants[NOVA].nova = contestants[NOVA_PACKING].nova = nova;
	for (size_t i = 0; i < HN_COUNT(scenes) && r == 0; i++)
		r = measure(contestants, &scenes[i], quick ? QUICK_SEEDS : SEEDS, &broken, &err);
	for (int i = 0; i < CONTESTANTS; i++)
		bench_contestant_done(&contestants[i]);
	if (r < 0)
		fprintf(stderr, "bench: %s\n", err.message);
	if (broken > 0)
		fprintf(stderr, "bench: pack: homenode broke the rules %u times: its figures are void\n",
			broken);
	return r < 0 || broken > 0;
}
