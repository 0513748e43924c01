/*
 * bench-pack [--quick] NOVA-SCRIPT: how many guests of the same trace find a place, and how local. See
 * README.md.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/contestant.h"
#include "bench/figure.h"
#include "bench/machine.h"
#include "bench/trace.h"

#define SEED 300
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

/* Of one contestant, by seed. */
struct tally {
	double placed[SEEDS], locality[SEEDS], move_gib[SEEDS];
	double whole[SEEDS]; /* guests up to the first that was refused or split */
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

/* The trace, to the first refusal with nobody leaving, or to its end. */
static int play(struct bench_contestant *contestant, const struct bench_arrival *trace, size_t arrivals,
		bool steady, unsigned seed, struct tally *tally, struct hn_error *err)
{
	bool there[ARRIVALS] = {false};
	struct run run = {0};
	int r = 1;

	for (size_t i = 0; i < arrivals && (r == 1 || steady); i++) {
		struct bench_place place = {0};

		r = steady ? leave_until(contestant, trace, trace[i].at, there, i, err) : 0;
		if (r == 0)
			r = contestant->contest->arrive(contestant, (long)i, &trace[i].size, &place, err);
		if (r < 0)
			return r;
		there[i] = r == 1;
		count(&run, tally, there[i], &place);
		tally->broken += !bench_contestant_keeps_rules(contestant);
	}
	tally->broken += contestant->impossible;
	contestant->impossible = 0;
	tally->placed[seed] = run.placed;
	tally->whole[seed] = run.whole;
	tally->locality[seed] = run.placed ? run.locality / run.placed : BENCH_NONE;
	tally->move_gib[seed] = (double)contestant->move_bytes / (1 << 30);
	return 0;
}

static int play_all(struct bench_contestant *contestants, const struct machine *machine, bool steady,
		    unsigned seeds, size_t arrivals, struct tally *tallies, struct hn_error *err)
{
	for (unsigned seed = 0; seed < seeds; seed++) {
		struct hn_random random = {SEED + seed};
		struct bench_arrival *trace = bench_trace_new(arrivals, machine->per_lifetime, &random);
		int r = trace ? 0 : hn_oom(err);

		for (int i = 0; i < CONTESTANTS && r == 0; i++) {
			struct hn_host *host = bench_machine_new(machine->shape, machine->nodes,
								 machine->cpus, machine->mib, &random);

			r = host ? contestants[i].contest->begin(&contestants[i], host, err) : hn_oom(err);
			if (r == 0)
				r = play(&contestants[i], trace, arrivals, steady, seed, &tallies[i], err);
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
	char more[900], a[80], b[80], c[80], packing[60] = "";

	if (peer == NOVA)
		snprintf(packing, sizeof(packing), ",\"peer_packing\":%.6g",
			 median(tallies[NOVA_PACKING].placed, seeds));
	snprintf(more, sizeof(more),
		 "\"without_moves\":%.6g,\"move_gib\":%.6g,%s,%s,%s,\"splits\":%u,\"peer_splits\":%u,"
		 "\"whole\":%.6g,\"peer_whole\":%.6g%s,\"rules_broken\":%u%s",
		 median(tallies[WITHOUT_MOVES].placed, seeds), median(ours->move_gib, seeds),
		 spread("spread", ours->placed, seeds, a, sizeof(a)),
		 spread("peer_spread", theirs->placed, seeds, b, sizeof(b)),
		 ratios(ours->placed, theirs->placed, seeds, c, sizeof(c)), ours->splits, theirs->splits,
		 median(ours->whole, seeds), median(theirs->whole, seeds), packing,
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
		sum->move_gib[i] += more->move_gib[i];
	}
	sum->splits += more->splits;
	sum->broken += more->broken;
}

static int measure(struct bench_contestant *contestants, bool steady, unsigned seeds, size_t arrivals,
		   struct hn_error *err)
{
	const char *scene = steady ? "steady-state" : "first-refusal";
	struct tally sums[CONTESTANTS] = {0};

	for (size_t i = 0; i < HN_COUNT(machines); i++) {
		struct tally tallies[CONTESTANTS] = {0};
		char name[60];
		int r;

		snprintf(name, sizeof(name), "%s-%s", scene, machines[i].suffix);
		fprintf(stderr, "bench: pack: %s\n", name);
		r = play_all(contestants, &machines[i], steady, seeds, arrivals, tallies, err);
		if (r < 0)
			return r;
		print(name, tallies, seeds);
		for (int j = 0; j < CONTESTANTS; j++)
			add_tally(&sums[j], &tallies[j], seeds);
	}
	print(scene, sums, seeds);
	return 0;
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");
	HN_AUTO(bench_nova) struct bench_nova *nova = NULL;
	struct bench_contestant contestants[CONTESTANTS] = {
		[HOMENODE] = {.contest = &bench_contest_homenode, .movers = 2},
		[WITHOUT_MOVES] = {.contest = &bench_contest_homenode},
		[NOVA] = {.contest = &bench_contest_nova},
		[NOVA_PACKING] = {.contest = &bench_contest_nova, .pack = true},
		[NUMAD] = {.contest = &bench_contest_numad},
	};
	struct hn_error err = {0};
	int r;

	if (argc != 2 + quick) {
		fprintf(stderr, "usage: bench-pack [--quick] NOVA-SCRIPT\n");
		return 2;
	}
	r = bench_nova_new(argv[1 + quick], &nova, &err);
	contestants[NOVA].nova = contestants[NOVA_PACKING].nova = nova;
	for (int steady = 0; steady <= 1 && r == 0; steady++)
		r = measure(contestants, steady, quick ? QUICK_SEEDS : SEEDS,
			    quick ? QUICK_ARRIVALS : ARRIVALS, &err);
	for (int i = 0; i < CONTESTANTS; i++)
		bench_contestant_done(&contestants[i]);
	if (r < 0)
		fprintf(stderr, "bench: %s\n", err.message);
	return r < 0;
}
