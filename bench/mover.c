/*
 * mover - how fast memory is moved from node to node: ours against migrate_pages(2), which migratepages(8) is
 * made of, and against a single move_pages(2) of all of it, the call that ours is made of; the CPU time each
 * takes, for ours may use more than one; whether caps are held; how soon a move ends that is cancelled.
 *
 *     bench-mover [--quick]
 *
 * On a host with two nodes with memory, 0 and 1: on the rig (jobs/mover). The same memory goes there and back
 * with each in turn, for one direction can be faster than the other.
 */
#include <err.h>
#include <numaif.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bench/figure.h"
#include "bench/parcel.h"
#include "host/mover.h"

#define ROUNDS_MAX 7
#define CANCEL_AFTER_NS (150 * HN_NS_PER_MS)

static unsigned rounds = ROUNDS_MAX;
static uint64_t bytes = 512 * HN_MIB;

/* What a move has taken, and how much has arrived. */
struct cost {
	double mib, seconds, cpu_seconds;
};

static double clock_s(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

static struct cost cost_begin(void)
{
	return (struct cost){.seconds = -now_s(), .cpu_seconds = -clock_s(CLOCK_PROCESS_CPUTIME_ID)};
}

static void cost_end(struct cost *cost)
{
	cost->seconds += now_s();
	cost->cpu_seconds += clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static int run(const struct bench_parcel *parcel, int to_node, uint64_t cap, hn_move_watch watch,
	       void *context, struct hn_move_progress *ret)
{
	const struct hn_move_order order = {
		.process = parcel->process,
		.ranges = &parcel->range,
		.range_count = 1,
		.to_node = to_node,
		.pace.bytes_per_second = cap,
	};
	struct hn_error why;
	int r = hn_move(&order, watch, context, ret, &why);

	if (r < 0 && !watch)
		errx(1, "%s", why.message);
	return r;
}

/* The memory must be there afterwards. */
static struct cost ours(const struct bench_parcel *parcel, int from, int to)
{
	struct cost cost = cost_begin();
	struct hn_move_progress progress;

	run(parcel, to, 0, NULL, NULL, &progress);
	cost_end(&cost);
	if (progress.moved_bytes < bytes / 100 * 99)
		warnx("only %llu MiB moved from node %d to %d",
		      (unsigned long long)(progress.moved_bytes / HN_MIB), from, to);
	cost.mib = (double)progress.moved_bytes / HN_MIB;
	return cost;
}

static struct cost peers(const struct bench_parcel *parcel, int from, int to)
{
	unsigned long old = 1ul << from, new = 1ul << to;
	uint64_t before = bench_parcel_on(parcel, to);
	struct cost cost = cost_begin();

	if (migrate_pages(parcel->process.pid, 64, &old, &new) < 0)
		err(1, "migrate_pages");
	cost_end(&cost);
	cost.mib = (double)(bench_parcel_on(parcel, to) - before) / HN_MIB;
	return cost;
}

/* One call, which knows that all the pages are there; of huge pages only their heads are named. */
static struct cost bare(const struct bench_parcel *parcel, int from, int to)
{
	uint64_t page_bytes = parcel->range.page_bytes ? parcel->range.page_bytes : (uint64_t)getpagesize();
	size_t count = bytes / page_bytes;
	HN_AUTO(memory) void **pages = calloc(count, sizeof(*pages));
	HN_AUTO(memory) int *nodes = calloc(count, sizeof(*nodes)), *status = calloc(count, sizeof(*status));
	uint64_t before = bench_parcel_on(parcel, to);
	struct cost cost;

	if (!pages || !nodes || !status)
		err(1, "calloc");
	for (size_t i = 0; i < count; i++) {
		pages[i] = (void *)(uintptr_t)(parcel->range.start + i * page_bytes);
		nodes[i] = to;
	}
	cost = cost_begin();
	if (move_pages(parcel->process.pid, count, pages, nodes, status, MPOL_MF_MOVE) < 0)
		err(1, "move_pages");
	cost_end(&cost);
	cost.mib = (double)(bench_parcel_on(parcel, to) - before) / HN_MIB;
	return cost;
}

static void print_figure(const char *scene, const char *figure, const char *unit, double *us, double *them,
			 const char *whose)
{
	bench_figure_print(&(struct bench_figure){.bench = "mover",
						  .scene = scene,
						  .figure = figure,
						  .unit = unit,
						  .ours = bench_median(us, rounds),
						  .peer = bench_median(them, rounds),
						  .peer_name = whose,
						  .n = rounds});
}

typedef struct cost (*mover)(const struct bench_parcel *parcel, int from, int to);

static struct cost there_and_back(mover move, const struct bench_parcel *parcel)
{
	struct cost there = move(parcel, 0, 1), back = move(parcel, 1, 0);

	return (struct cost){.mib = there.mib + back.mib,
			     .seconds = there.seconds + back.seconds,
			     .cpu_seconds = there.cpu_seconds + back.cpu_seconds};
}

/* Who goes first changes from round to round. A host just booted has touched nothing yet: one round for it.
 */
static void measure_throughput(const char *scene, enum bench_pages pages)
{
	static const mover movers[] = {ours, peers, bare};
	double speeds[HN_COUNT(movers)][ROUNDS_MAX], cpu[HN_COUNT(movers)][ROUNDS_MAX];
	struct bench_parcel parcel;

	bench_parcel_start(bytes, pages, 0, 0, &parcel);
	there_and_back(peers, &parcel);
	for (unsigned i = 0; i < rounds; i++) {
		for (size_t turn = 0; turn < HN_COUNT(movers); turn++) {
			size_t who = (i + turn) % HN_COUNT(movers);
			struct cost cost = there_and_back(movers[who], &parcel);

			speeds[who][i] = cost.mib / cost.seconds;
			cpu[who][i] = cost.cpu_seconds / (cost.mib * HN_MIB / HN_GIB);
		}
	}
	bench_parcel_stop(&parcel);
	print_figure(scene, "throughput_mib_s", "MiB/s", speeds[0], speeds[1], "migratepages");
	print_figure(scene, "throughput_mib_s", "MiB/s", speeds[0], speeds[2], "move_pages");
	print_figure(scene, "cpu_s_per_gib", "s", cpu[0], cpu[1], "migratepages");
}

static void measure_cap(uint64_t mib)
{
	unsigned count = rounds > 3 ? 3 : rounds;
	double errors[3];
	char scene[16];
	struct bench_parcel parcel;

	bench_parcel_start(bytes, BENCH_PAGES_4K, 0, 0, &parcel);
	for (unsigned i = 0; i < count; i++) {
		struct hn_move_progress progress;

		run(&parcel, i % 2 ? 0 : 1, mib * HN_MIB, NULL, NULL, &progress);
		errors[i] = ((double)progress.moved_bytes / HN_MIB / ((double)progress.wall_ns / 1e9) /
				     (double)mib -
			     1) *
			    100;
	}
	bench_parcel_stop(&parcel);
	snprintf(scene, sizeof(scene), "cap-%llu", (unsigned long long)mib);
	bench_figure_print(&(struct bench_figure){.bench = "mover",
						  .scene = scene,
						  .figure = "cap_error_percent",
						  .unit = "%",
						  .ours = bench_median(errors, count),
						  .n = count});
}

/* Someone says stop while it moves. */
struct stop {
	atomic_bool said;
	double said_s;
};

static void *say_stop(void *context)
{
	struct stop *stop = context;
	const struct timespec wait = {.tv_nsec = CANCEL_AFTER_NS};

	nanosleep(&wait, NULL);
	stop->said_s = now_s();
	atomic_store(&stop->said, true);
	return NULL;
}

static bool not_stopped(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	return !atomic_load(&((struct stop *)context)->said);
}

static void measure_cancel(const char *scene, enum bench_pages pages)
{
	double ms[ROUNDS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct stop stop = {0};
		struct hn_move_progress progress;
		struct bench_parcel parcel;
		pthread_t thread;
		double ended;
		int r;

		bench_parcel_start(bytes, pages, 0, 0, &parcel);
		if (pthread_create(&thread, NULL, say_stop, &stop))
			errx(1, "pthread_create");
		r = run(&parcel, 1, 0, not_stopped, &stop, &progress);
		ended = now_s();
		pthread_join(thread, NULL);
		if (r < 0)
			ms[count++] = (ended - stop.said_s) * 1e3;
		bench_parcel_stop(&parcel);
	}
	bench_figure_print(&(struct bench_figure){.bench = "mover",
						  .scene = scene,
						  .figure = "cancel_ms",
						  .unit = "ms",
						  .ours = count ? bench_median(ms, count) : BENCH_NONE,
						  .n = count});
}

int main(int argc, char **argv)
{
	static const struct {
		const char *scene;
		enum bench_pages pages;
	} scenes[] = {
		{"4k", BENCH_PAGES_4K}, {"thp", BENCH_PAGES_THP}, {"hugetlb-2m", BENCH_PAGES_HUGETLB_2M}};
	static const uint64_t caps[] = {10, 50, 200};

	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		rounds = 3;
		bytes = 256 * HN_MIB;
	}
	for (size_t i = 0; i < HN_COUNT(scenes); i++) {
		measure_throughput(scenes[i].scene, scenes[i].pages);
		measure_cancel(scenes[i].scene, scenes[i].pages);
	}
	for (size_t i = 0; i < HN_COUNT(caps); i++)
		measure_cap(caps[i]);
	return 0;
}
