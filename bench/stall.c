/*
 * stall - what a process loses while its memory moves: its touching threads' rate and longest gap during
 * ours, against migrate_pages(2) and a write of cpuset.mems, which move at full speed. Ours is watched for
 * two minutes, however much is left then: at a tenth of the time an emulated host may take an hour.
 *
 *     bench-stall [--quick] [CGROUP]
 *
 * On a host with two nodes with memory, 0 and 1: on the rig (jobs/stall). CGROUP: a folder of cgroup v2 with
 * cpuset.mems.
 */
#include <err.h>
#include <errno.h>
#include <math.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bench/figure.h"
#include "bench/parcel.h"
#include "host/mover.h"

#define THREADS 2
#define CALM_S 4
#define WATCHED_S 120

static uint64_t bytes = 800 * HN_MIB;
static const char *cgroup;

struct loss {
	double progress_share, longest_gap_ms, lost_ms, duty, moved_mib;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_watched(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	return progress->wall_ns < WATCHED_S * HN_NS_PER_S;
}

static void move_ours(const struct bench_parcel *parcel, uint32_t duty_permille, struct loss *loss)
{
	const struct hn_move_order order = {.process = parcel->process,
					    .ranges = &parcel->range,
					    .range_count = 1,
					    .to_node = 1,
					    .pace.duty_permille = duty_permille};
	struct hn_move_progress progress;
	struct hn_error why;
	int r = hn_move(&order, is_watched, NULL, &progress, &why);

	if (r < 0 && r != -ECANCELED)
		errx(1, "%s", why.message);
	loss->duty = (double)progress.copying_ns / (double)progress.wall_ns;
	loss->moved_mib = (double)progress.moved_bytes / HN_MIB;
}

static void write_file(const char *name, int value)
{
	char path[600];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d\n", value) < 0 || fclose(file) != 0)
		err(1, "%s", path);
}

static void move_by_migrate_pages(const struct bench_parcel *parcel)
{
	unsigned long old = 1, new = 2;

	if (migrate_pages(parcel->process.pid, 64, &old, &new) < 0)
		err(1, "migrate_pages");
}

static struct loss lose(const char *how, uint32_t duty_permille)
{
	const struct timespec calm = {.tv_sec = CALM_S};
	struct loss loss = {.duty = BENCH_NONE};
	struct bench_parcel parcel;
	double before, began, took;
	uint64_t count;

	if (strcmp(how, "cpuset.mems") == 0)
		write_file("cpuset.mems", 0);
	bench_parcel_start(bytes, BENCH_PAGES_4K, 0, THREADS, &parcel);
	if (strcmp(how, "cpuset.mems") == 0)
		write_file("cgroup.procs", parcel.process.pid);
	count = parcel.touches->count;
	began = now_s();
	nanosleep(&calm, NULL);
	before = (double)(parcel.touches->count - count) / (now_s() - began);
	parcel.touches->longest_gap_ns = 0;
	count = parcel.touches->count;
	began = now_s();
	if (strcmp(how, "ours") == 0)
		move_ours(&parcel, duty_permille, &loss);
	else if (strcmp(how, "cpuset.mems") == 0)
		write_file("cpuset.mems", 1);
	else
		move_by_migrate_pages(&parcel);
	took = now_s() - began;
	loss.progress_share = (double)(parcel.touches->count - count) / took / before;
	loss.longest_gap_ms = (double)parcel.touches->longest_gap_ns / 1e6;
	loss.lost_ms = fmax(0, took * (1 - loss.progress_share)) * 1e3;
	bench_parcel_stop(&parcel);
	return loss;
}

static void print(const char *figure, const char *unit, double ours, double peer, const char *peer_name,
		  const struct loss *loss)
{
	char more[64];

	snprintf(more, sizeof(more), "\"duty\":%.3f,\"moved_mib\":%.0f", loss->duty, loss->moved_mib);
	bench_figure_print(&(struct bench_figure){.bench = "stall",
						  .scene = "800MiB",
						  .figure = figure,
						  .unit = unit,
						  .ours = ours,
						  .peer = peer,
						  .peer_name = peer_name,
						  .n = 1,
						  .more = more});
}

static void compare(const struct loss *ours, const char *peer_name)
{
	struct loss peer = lose(peer_name, 0);

	print("progress_share", "share", ours->progress_share, peer.progress_share, peer_name, ours);
	print("longest_gap_ms", "ms", ours->longest_gap_ms, peer.longest_gap_ms, peer_name, ours);
	print("lost_ms", "ms", ours->lost_ms, peer.lost_ms, peer_name, ours);
}

int main(int argc, char **argv)
{
	struct loss loss;

	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		bytes = 200 * HN_MIB;
		argv++;
		argc--;
	}
	cgroup = argc > 1 ? argv[1] : NULL;
	loss = lose("ours", 100); /* the default of stall_budget */
	compare(&loss, "migratepages");
	if (cgroup)
		compare(&loss, "cpuset.mems");
	loss = lose("ours", 300);
	print("progress_share_at_30_percent", "share", loss.progress_share, BENCH_NONE, NULL, &loss);
	return 0;
}
