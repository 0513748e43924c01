/*
 * bench-fit [--quick] [NOVA-SCRIPT]: how long it takes to say where a guest of eight cells fits. See
 * README.md.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "bench/figure.h"
#include "bench/nova.h"
#include "bench/request.h"
#include "policy/solver.h"

#define SEED 8
#define RESIDENTS 500
#define REQUESTS 1200
#define QUICK_REQUESTS 1000
#define NUMAD_CALLS 5 /* 2 s each */
#define QUICK_NUMAD_CALLS 2

/* Nova's calls are given up after call_s; after case_s in all no further request is made. */
static const struct patience {
	double call_s, case_s;
} patience = {10, 30}, quick_patience = {3, 1};

struct times {
	unsigned count, wrong; /* wrong: answers other than what is known */
	double us[REQUESTS];   /* endless for a call that was given up */
};

struct scene {
	char name[32];
	bool feasible;
	unsigned requests;
	const struct patience *patience;
	struct hn_snapshot *snapshot;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The request joins the snapshot, is asked for and goes; only asking is timed. */
static int time_solver(const struct scene *scene, const struct bench_size *size, struct times *times)
{
	const struct hn_solver_limits limits = {.steps = 200000};
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	int guest = bench_guest_add(scene->snapshot, "asked", HN_CLASS_SHARED, size), r;
	struct hn_error err = {0};
	double begin;

	if (guest < 0)
		return guest;
	begin = now_us();
	r = hn_solve(scene->snapshot, (size_t)guest, &limits, &placement, &err);
	times->us[times->count++] = now_us() - begin;
	times->wrong += (r == 0) != scene->feasible;
	if (r == 0 && scene->feasible &&
	    bench_guest_settle(scene->snapshot, (size_t)guest, hn_steal(placement)) < 0)
		times->wrong++; /* it does not fit there */
	bench_guest_remove(scene->snapshot, (size_t)guest);
	return 0;
}

static int time_solver_all(const struct scene *scene, struct times *times)
{
	struct hn_random random = {SEED};
	int r = 0;

	for (unsigned i = 0; i < scene->requests && r == 0; i++) {
		struct bench_size size;

		bench_request_draw(scene->snapshot->host, scene->feasible, &random, &size);
		r = time_solver(scene, &size, times);
	}
	return r;
}

/* The same requests, until the case's time is over. */
static int time_nova(const struct scene *scene, struct bench_nova *nova, struct times *times,
		     struct hn_error *err)
{
	struct hn_random random = {SEED};
	double spent_us = 0;
	int r = bench_nova_host(nova, scene->snapshot, false, false, err);

	for (unsigned i = 0; i < scene->requests && r == 0 && spent_us < scene->patience->case_s * 1e6; i++) {
		struct bench_nova_answer answer;
		struct bench_size size;

		bench_request_draw(scene->snapshot->host, scene->feasible, &random, &size);
		r = bench_nova_place(nova, -1, &size, scene->patience->call_s, &answer, err);
		if (r < 0)
			break;
		spent_us += answer.us;
		times->us[times->count++] = answer.limited ? INFINITY : answer.us;
		times->wrong += !answer.limited && answer.fits != scene->feasible;
	}
	return r;
}

/* numad answers for this machine, whatever the case: its time is all that can be taken from it. */
static void time_numad(int calls, struct times *times)
{
	for (int i = 0; i < calls; i++) {
		double begin = now_us();

		if (system("timeout 10 numad -w 8:1024 > /dev/null 2>&1") != 0)
			return;
		times->us[times->count++] = now_us() - begin;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(struct times *times, double share)
{
	if (times->count == 0)
		return BENCH_NONE;
	qsort(times->us, times->count, sizeof(*times->us), compare);
	return times->us[(size_t)(share * (times->count - 1) + 0.5)];
}

/* limit: why the peer's figure is not what it could be, or NULL. */
static void print(const struct scene *scene, struct times *ours, struct times *peer, const char *peer_name,
		  const char *limit)
{
	static const struct {
		const char *name;
		double share;
	} figures[] = {{"p50_us", 0.5}, {"p99_us", 0.99}};

	for (size_t i = 0; i < HN_COUNT(figures); i++) {
		double theirs = quantile(peer, figures[i].share);
		char more[300], given_up[40];
		struct bench_figure figure = {.bench = "fit",
					      .scene = scene->name,
					      .figure = figures[i].name,
					      .unit = "us",
					      .ours = quantile(ours, figures[i].share),
					      .peer = isinf(theirs) ? BENCH_NONE : theirs,
					      .peer_name = peer_name,
					      .n = ours->count,
					      .more = more};
		const char *why = isinf(theirs) ? given_up : limit;

		snprintf(given_up, sizeof(given_up), "%g s a call", scene->patience->call_s);
		snprintf(more, sizeof(more), "\"wrong\":%u,\"peer_n\":%u,\"peer_wrong\":%u%s%s%s",
			 ours->wrong, peer->count, peer->wrong, why ? ",\"limit\":\"" : "", why ? why : "",
			 why ? "\"" : "");
		bench_figure_print(&figure);
	}
}

static int measure(struct scene *scene, size_t nodes, struct bench_nova *nova, struct times *numad,
		   struct hn_error *err)
{
	struct times ours = {0}, theirs = {0};
	struct hn_random random = {SEED + nodes};
	int r;

	snprintf(scene->name, sizeof(scene->name), "8cells-%zunodes%s", nodes,
		 scene->feasible ? "" : "-infeasible");
	fprintf(stderr, "bench: fit: %s\n", scene->name);
	scene->snapshot = bench_crowd_new(nodes, RESIDENTS, &random);
	if (!scene->snapshot)
		return hn_oom(err);
	r = time_solver_all(scene, &ours);
	if (r == 0 && nova && nodes >= 8)
		r = time_nova(scene, nova, &theirs, err);
	hn_snapshot_free(hn_steal(scene->snapshot));
	if (r < 0)
		return r;
	print(scene, &ours, &theirs, "nova",
	      nodes < 8 ? "no two cells on one node"
	      : nova    ? NULL
			: "cannot run");
	print(scene, &ours, numad, "numad",
	      numad->count ? "knows this machine only, and never refuses" : "cannot run");
	return 0;
}

int main(int argc, char **argv)
{
	static const size_t nodes[] = {4, 8, 16, 24, 64};
	bool quick = argc > 1 && !strcmp(argv[1], "--quick");
	const char *script = argc > 1 + quick ? argv[1 + quick] : NULL;
	HN_AUTO(bench_nova) struct bench_nova *nova = NULL;
	struct times numad = {0};
	struct hn_error err = {0};

	if (script && bench_nova_new(script, &nova, &err) < 0)
		fprintf(stderr, "bench: %s\n", err.message);
	time_numad(quick ? QUICK_NUMAD_CALLS : NUMAD_CALLS, &numad);
	for (size_t i = 0; i < HN_COUNT(nodes); i++) {
		for (int feasible = 1; feasible >= 0; feasible--) {
			struct scene scene = {.feasible = feasible,
					      .requests = quick ? QUICK_REQUESTS : REQUESTS,
					      .patience = quick ? &quick_patience : &patience};

			if (measure(&scene, nodes[i], nova, &numad, &err) < 0) {
				fprintf(stderr, "bench: %s\n", err.message);
				return 1;
			}
		}
	}
	return 0;
}
