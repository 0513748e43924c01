/*
 * scanner - the peer of `overhead`: reads and adds up /proc/PID/numa_maps of processes whole, as numastat
 * does.
 *
 *     bench-scanner ROUNDS PID...     prints the CPU seconds of each round
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/numa-maps.h"

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	uint64_t pages[HN_NODE_IDS];
	int rounds = argc > 1 ? atoi(argv[1]) : 0;

	if (argc < 3 || rounds < 1)
		errx(2, "usage: bench-scanner ROUNDS PID...");
	for (int round = 0; round < rounds; round++) {
		double before = cpu_seconds();

		for (int i = 2; i < argc; i++)
			bench_numa_maps_walk((pid_t)atoi(argv[i]), 0, pages);
		printf("%.6f\n", cpu_seconds() - before);
		fflush(stdout);
	}
	return 0;
}
