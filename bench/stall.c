/*
 * stall - what a process loses while its memory moves: its touching threads' rate and longest gap during
 * ours, against migrate_pages(2) and a write of cpuset.mems, which move at full speed. Ours is watched for
 * two minutes, however much is left then: at a tenth of the time an emulated host may take an hour.
 *
 * The longer one looks, the longer the longest gap, with or without a move. So that of ours is held against
 * that of as long a time in which nothing moves, too, and ours at full speed against the peers.
 *
 *     bench-stall [--quick] [CGROUP]
 *
 * On a host with two nodes with memory, 0 and 1: on the rig (jobs/stall). CGROUP: a folder of cgroup v2 with
 * cpuset.mems.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <math.h>
#include <numa.h>
#include <numaif.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bench/figure.h"
#include "bench/parcel.h"
#include "host/mover.h"

/*
 * With the mover two: an emulated host on two cores has none for a third, whose TLB then takes 4 ms to be
 * flushed for each page.
 */
#define THREADS 1
#define CALM_S 4
#define WATCHED_S 120
#define ROUNDS_MAX 3

static uint64_t bytes = 800 * HN_MIB;
static unsigned rounds = ROUNDS_MAX;
static const char *cgroup;

#define FULL_SPEED 1000 /* permille of the time */

struct loss {
	double progress_share, longest_gap_ms, calm_gap_ms, lost_ms, duty, moved_mib;
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

static void wait_s(double seconds)
{
	const struct timespec time = {.tv_sec = (time_t)seconds,
				      .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};

	nanosleep(&time, NULL);
}

/* The undisturbed rate of its threads, of so many seconds. */
static double calm_rate(const struct bench_parcel *parcel)
{
	uint64_t count = parcel->touches->count;
	double began = now_s();

	wait_s(CALM_S);
	return (double)(parcel->touches->count - count) / (now_s() - began);
}

/* The longest gap of so many seconds in which nothing moves. */
static double calm_gap_ms(const struct bench_parcel *parcel, double seconds)
{
	parcel->touches->longest_gap_ns = 0;
	wait_s(seconds);
	return (double)parcel->touches->longest_gap_ns / 1e6;
}

static void move(const char *how, const struct bench_parcel *parcel, uint32_t duty_permille,
		 struct loss *loss)
{
	if (strcmp(how, "ours") == 0)
		move_ours(parcel, duty_permille, loss);
	else if (strcmp(how, "cpuset.mems") == 0)
		write_file("cpuset.mems", 1);
	else
		move_by_migrate_pages(parcel);
}

static void bind_to_node(pid_t tid, int node)
{
	struct bitmask *cpus = numa_allocate_cpumask();

	if (numa_node_to_cpus(node, cpus) < 0 || numa_sched_setaffinity(tid, cpus) < 0)
		err(1, "cannot run on node %d", node);
	numa_free_cpumask(cpus);
}

/* Those that touch on a CPU of their node, whoever moves on one of the other: who shares a CPU waits for the
 * scheduler, and for whom the more is a matter of chance. */
static void part(const struct bench_parcel *parcel)
{
	char path[40];
	const struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)parcel->process.pid);
	if (!(tasks = opendir(path)))
		err(1, "%s", path);
	while ((entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			bind_to_node((pid_t)strtol(entry->d_name, NULL, 10), 0);
	closedir(tasks);
	bind_to_node(0, 1);
}

/* The rate while it moves is held against the mean of those before and after, since an emulated host warms
 * up. */
static struct loss lose(const char *how, uint32_t duty_permille)
{
	struct loss loss = {.duty = BENCH_NONE};
	struct bench_parcel parcel;
	double before, rate, began, took;
	uint64_t count;

	if (strcmp(how, "cpuset.mems") == 0)
		write_file("cpuset.mems", 0);
	bench_parcel_start(bytes, BENCH_PAGES_4K, 0, THREADS, &parcel);
	if (strcmp(how, "cpuset.mems") == 0)
		write_file("cgroup.procs", parcel.process.pid);
	part(&parcel); /* a cgroup that is joined allows all CPUs again */
	(void)calm_rate(&parcel);
	before = calm_rate(&parcel);
	parcel.touches->longest_gap_ns = 0;
	count = parcel.touches->count;
	began = now_s();
	move(how, &parcel, duty_permille, &loss);
	took = now_s() - began;
	rate = (double)(parcel.touches->count - count) / took;
	loss.longest_gap_ms = (double)parcel.touches->longest_gap_ns / 1e6;
	loss.progress_share = rate / ((before + calm_rate(&parcel)) / 2);
	loss.lost_ms = fmax(0, took * (1 - loss.progress_share)) * 1e3;
	loss.calm_gap_ms = calm_gap_ms(&parcel, took);
	bench_parcel_stop(&parcel);
	return loss;
}

/* The median of one member of so many losses. */
static double median_of(const struct loss *losses, size_t member)
{
	double values[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		memcpy(&values[i], (const char *)&losses[i] + member, sizeof(values[i]));
	return bench_median(values, rounds);
}

static void print(const char *figure, const char *unit, size_t member, const struct loss *ours,
		  const struct loss *peers, size_t peer_member, const char *peer_name)
{
	char more[64], scene[16];

	snprintf(more, sizeof(more), "\"duty\":%.3f,\"moved_mib\":%.0f",
		 median_of(ours, offsetof(struct loss, duty)),
		 median_of(ours, offsetof(struct loss, moved_mib)));
	snprintf(scene, sizeof(scene), "%lluMiB", (unsigned long long)(bytes / HN_MIB));
	bench_figure_print(&(struct bench_figure){.bench = "stall",
						  .scene = scene,
						  .figure = figure,
						  .unit = unit,
						  .ours = median_of(ours, member),
						  .peer = peers ? median_of(peers, peer_member) : BENCH_NONE,
						  .peer_name = peer_name,
						  .n = rounds,
						  .more = more});
}

static void compare(const struct loss *ours, const struct loss *hurried, const struct loss *peers,
		    const char *peer_name)
{
	const size_t progress = offsetof(struct loss, progress_share),
		     gap = offsetof(struct loss, longest_gap_ms), lost = offsetof(struct loss, lost_ms);

	print("progress_share", "share", progress, ours, peers, progress, peer_name);
	print("longest_gap_ms", "ms", gap, ours, peers, gap, peer_name);
	print("longest_gap_at_full_speed_ms", "ms", gap, hurried, peers, gap, peer_name);
	print("lost_ms", "ms", lost, ours, peers, lost, peer_name);
}

int main(int argc, char **argv)
{
	struct loss ours[ROUNDS_MAX], hasty[ROUNDS_MAX], hurried[ROUNDS_MAX], migrated[ROUNDS_MAX],
		rebound[ROUNDS_MAX];

	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		bytes = 200 * HN_MIB;
		rounds = 1;
		argv++;
		argc--;
	}
	cgroup = argc > 1 ? argv[1] : NULL;
	(void)lose("migratepages", 0); /* a host that has just booted is busy with itself */
	for (unsigned i = 0; i < rounds; i++) {
		ours[i] = lose("ours", 100); /* the default of stall_budget */
		migrated[i] = lose("migratepages", 0);
		hurried[i] = lose("ours", FULL_SPEED);
		if (cgroup)
			rebound[i] = lose("cpuset.mems", 0);
		hasty[i] = lose("ours", 300);
	}
	compare(ours, hurried, migrated, "migratepages");
	if (cgroup)
		compare(ours, hurried, rebound, "cpuset.mems");
	print("longest_gap_ms", "ms", offsetof(struct loss, longest_gap_ms), ours, ours,
	      offsetof(struct loss, calm_gap_ms), "as long a calm");
	print("progress_share_at_30_percent", "share", offsetof(struct loss, progress_share), hasty, NULL, 0,
	      NULL);
	return 0;
}
