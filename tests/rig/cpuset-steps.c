/*
 * cpuset-steps - the steps of host/cpuset.h from a shell, and a process like a guest to try them on.
 *
 *     cpuset-steps hold BYTES NODE...       three threads; for each node a range bound to it (MPOL_BIND)
 *     cpuset-steps nodes PID                the nodes that all its threads may use
 *     cpuset-steps widen|narrow PID NODES
 *     cpuset-steps move PID START_HEX BYTES NODE
 *
 * hold prints its thread ids, waits for a line, maps, touches the first half of each range, prints "START
 * BYTES" of each, waits for another line, touches the rest, says "done" and waits for its end.
 */
#include <errno.h>
#include <numaif.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/cpuset.h"
#include "host/mover.h"

#define RANGES_MAX 4
#define PAGE_BYTES 4096

static void *idle(void *context)
{
	printf("thread %d\n", (int)gettid());
	fflush(stdout);
	for (;;)
		pause();
	return context;
}

static char *bound_range(size_t bytes, int node)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long mask = 1ul << node;

	if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE) < 0 ||
	    mbind(memory, bytes, MPOL_BIND, &mask, 8 * sizeof(mask), 0) < 0) {
		perror("hold");
		exit(1);
	}
	return memory;
}

static void touch(char *from, const char *to)
{
	for (; from < to; from += PAGE_BYTES)
		*from = 1;
}

static int hold(int argc, char **argv)
{
	size_t bytes = strtoull(argv[2], NULL, 10);
	char *ranges[RANGES_MAX], line[16];
	pthread_t thread;
	int count = argc - 3 < RANGES_MAX ? argc - 3 : RANGES_MAX;

	printf("thread %d\n", (int)getpid());
	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, idle, NULL);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < count; i++) {
		ranges[i] = bound_range(bytes, atoi(argv[3 + i]));
		touch(ranges[i], ranges[i] + bytes / 2);
		printf("range %lx %zu\n", (unsigned long)ranges[i], bytes);
	}
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < count; i++)
		touch(ranges[i] + bytes / 2, ranges[i] + bytes);
	puts("done");
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) ? 0 : 1;
}

static int move(const struct hn_process *process, char **argv, struct hn_error *err)
{
	struct hn_range range = {strtoull(argv[3], NULL, 16), strtoull(argv[4], NULL, 10), 0};
	struct hn_move_order order = {
		.process = *process, .ranges = &range, .range_count = 1, .to_node = atoi(argv[5])};
	struct hn_move_progress progress;
	int r = hn_move(&order, NULL, NULL, &progress, err);

	if (r == 0)
		printf("moved %llu cpuset %llu\n", (unsigned long long)progress.moved_bytes,
		       (unsigned long long)progress.stayed_bytes[HN_STAY_CPUSET]);
	return r;
}

static int step(int argc, char **argv, struct hn_error *err)
{
	struct hn_process process;
	struct hn_set nodes;
	char text[64];
	int r = hn_process_of_thread(NULL, atoi(argv[2]), &process, NULL, err);

	if (r < 0)
		return r;
	if (strcmp(argv[1], "move") == 0 && argc == 6)
		return move(&process, argv, err);
	if (argc == 4 && (r = hn_set_parse(argv[3], &nodes, err)) < 0)
		return r;
	if (strcmp(argv[1], "widen") == 0 && argc == 4)
		return hn_cpuset_widen(NULL, &process, &nodes, err);
	if (strcmp(argv[1], "narrow") == 0 && argc == 4)
		return hn_cpuset_narrow(NULL, &process, &nodes, err);
	if (strcmp(argv[1], "nodes") != 0 || argc != 3)
		return hn_fail(err, -EINVAL, "no such step: %s", argv[1]);
	r = hn_cpuset_nodes(NULL, &process, &nodes, err);
	if (r == 0)
		puts(hn_set_format(&nodes, text, sizeof(text)));
	return r;
}

int main(int argc, char **argv)
{
	struct hn_error err = {0};

	if (argc >= 4 && strcmp(argv[1], "hold") == 0)
		return hold(argc, argv);
	if (argc >= 3 && step(argc, argv, &err) == 0)
		return 0;
	fprintf(stderr, "cpuset-steps: %s\n", argc >= 3 ? err.message : "what, and whose?");
	return 1;
}
