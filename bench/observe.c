/*
 * observe - what becomes of a guest, told by the kernel and by nobody else: where its pages are, where its
 * vCPUs spend their time, what the kernel has migrated, and what the one who moves it costs.
 *
 *     bench-observe PAGES PID CPU_STAT CELL...      until SIGTERM, or until the guest has ended
 *
 * PAGES is the rig's tool that counts pages by node from pagemap (tests/rig/tools/pages.c). CPU_STAT is the
 * cpu.stat of the mover's cgroup, or - for none. CELL is NAME:START_HEX:BYTES:FIRST_VCPU-LAST_VCPU.
 *
 * Every other second, on stdout, T being seconds since the host's boot as in /proc/uptime:
 *
 *     T pages NAME n0 n1 ... absent   4 KiB pages of a cell
 *     T cpu NAME s0 s1 ...            CPU seconds of its vCPUs on each node since the observer began
 *     T migrated ALL BALANCING        pgmigrate_success and, part of it, numa_pages_migrated
 *     T mover SECONDS                 CPU the mover's cgroup has used
 *
 * The CPU time of a vCPU goes to the node it was last seen on; that is looked at about four times a second,
 * at uneven intervals so as not to march in step with the guest.
 */
#include <dirent.h>
#include <err.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CELLS 16
#define MAX_VCPUS 64
#define MAX_NODES 64
#define MAX_CPUS 1024
#define REPORT_EVERY_S 2.0
#define SHORTEST_NAP_NS 150000000
#define LONGEST_NAP_NS 350000000

struct cell {
	char name[32], start[20], bytes[20];
	int first_vcpu, last_vcpu;
	double cpu_s[MAX_NODES];
};

struct vcpu {
	struct cell *cell;
	int tid;
	uint64_t ticks; /* CPU time seen so far */
};

static struct cell cells[MAX_CELLS];
static struct vcpu vcpus[MAX_VCPUS];
static int node_of_cpu[MAX_CPUS];
static size_t n_cells, n_vcpus;
static int n_nodes;
static volatile sig_atomic_t told_to_stop;

static void on_sigterm(int number)
{
	told_to_stop = 1;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- what is there */

static void find_nodes(void)
{
	char path[96];

	for (int node = 0; node < MAX_NODES; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
		if (access(path, F_OK) < 0)
			continue;
		n_nodes = node + 1;
		for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
			snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpu%d", node, cpu);
			if (access(path, F_OK) == 0)
				node_of_cpu[cpu] = node;
		}
	}
}

static void add_cell(const char *text)
{
	struct cell *cell = &cells[n_cells];

	if (n_cells == MAX_CELLS ||
	    sscanf(text, "%31[^:]:%19[0-9a-f]:%19[0-9]:%d-%d", cell->name, cell->start, cell->bytes,
		   &cell->first_vcpu, &cell->last_vcpu) != 5)
		errx(2, "'%s' is no cell", text);
	n_cells++;
}

static void add_vcpu(int tid, int number)
{
	for (size_t i = 0; i < n_cells && n_vcpus < MAX_VCPUS; i++)
		if (number >= cells[i].first_vcpu && number <= cells[i].last_vcpu)
			vcpus[n_vcpus++] = (struct vcpu){.cell = &cells[i], .tid = tid};
}

/* vCPUs by the names QEMU gives their threads: "CPU 0/TCG". */
static void find_vcpus(const char *pid)
{
	char path[64], name[64];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	directory = opendir(path);
	if (!directory)
		err(1, "%s", path);
	while ((entry = readdir(directory))) {
		FILE *file;
		int number;

		snprintf(path, sizeof(path), "/proc/%s/task/%.16s/comm", pid, entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(name, sizeof(name), file) && sscanf(name, "CPU %d/", &number) == 1)
			add_vcpu(atoi(entry->d_name), number);
		if (file)
			fclose(file);
	}
	closedir(directory);
	if (n_vcpus == 0)
		errx(1, "process %s has no vCPUs", pid);
}

/* ---------------------------------------------------------------- what happens */

/* Field number (proc(5) counts from 1) of what follows the thread's name; the state, number 3, comes first.
 */
static uint64_t stat_field(const char *rest, int number)
{
	for (int i = 3; i < number && rest; i++)
		rest = strchr(rest + 1, ' ');
	return rest ? strtoull(rest, NULL, 10) : 0;
}

/* CPU time in ticks and the node of the CPU last run on; false when the thread is gone. */
static bool read_thread(const char *pid, int tid, uint64_t *ret_ticks, int *ret_node)
{
	char path[64], text[1024], *rest = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/task/%d/stat", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		rest = strrchr(text, ')');
	fclose(file);
	if (!rest)
		return false;
	rest++; /* at the blank before the state */
	*ret_ticks = stat_field(rest, 14) + stat_field(rest, 15);
	*ret_node = node_of_cpu[stat_field(rest, 39) % MAX_CPUS];
	return true;
}

static void credit_vcpus(const char *pid, bool first)
{
	double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);

	for (size_t i = 0; i < n_vcpus; i++) {
		uint64_t ticks;
		int node;

		if (!read_thread(pid, vcpus[i].tid, &ticks, &node))
			continue;
		if (!first)
			vcpus[i].cell->cpu_s[node] += (double)(ticks - vcpus[i].ticks) * tick_s;
		vcpus[i].ticks = ticks;
	}
}

static void report_vcpus(void)
{
	double now = now_s();

	for (size_t i = 0; i < n_cells; i++) {
		printf("%.2f cpu %s", now, cells[i].name);
		for (int node = 0; node < n_nodes; node++)
			printf(" %.2f", cells[i].cpu_s[node]);
		printf("\n");
	}
}

/* Starts "PAGES PID START BYTES ..."; its answer comes through the file. */
static FILE *ask_pages(char *tool, char *pid, pid_t *ret_child)
{
	char *arguments[MAX_CELLS * 2 + 3] = {tool, pid};
	posix_spawn_file_actions_t actions;
	int ends[2];

	for (size_t i = 0; i < n_cells; i++) {
		arguments[2 + 2 * i] = cells[i].start;
		arguments[3 + 2 * i] = cells[i].bytes;
	}
	if (pipe(ends) < 0)
		err(1, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	if (posix_spawn(ret_child, tool, &actions, NULL, arguments, environ))
		errx(1, "cannot start %s", tool);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	return fdopen(ends[0], "r");
}

/* False when the guest is gone. The time is that of the middle of the count. */
static bool report_pages(char *tool, char *pid)
{
	double before = now_s(), middle;
	char lines[MAX_CELLS][512];
	pid_t child;
	FILE *answer = ask_pages(tool, pid, &child);
	size_t got = 0;

	while (answer && got < n_cells && fgets(lines[got], sizeof(lines[got]), answer))
		got++;
	if (answer)
		fclose(answer);
	waitpid(child, NULL, 0);
	middle = (before + now_s()) / 2;
	for (size_t i = 0; i < got; i++) {
		char *counts = strchr(lines[i], ' ');

		counts = counts ? strchr(counts + 1, ' ') : NULL;
		printf("%.2f pages %s%s", middle, cells[i].name, counts ? counts : "\n");
	}
	return got == n_cells;
}

static uint64_t read_counter(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	uint64_t value, found = 0;
	char line[256], key[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNu64, key, &value) == 2 && strcmp(key, name) == 0)
			found = value;
	if (file)
		fclose(file);
	return found;
}

static void report_movers(const char *cpu_stat)
{
	printf("%.2f migrated %" PRIu64 " %" PRIu64 "\n", now_s(),
	       read_counter("/proc/vmstat", "pgmigrate_success"),
	       read_counter("/proc/vmstat", "numa_pages_migrated"));
	if (strcmp(cpu_stat, "-") != 0)
		printf("%.2f mover %.3f\n", now_s(), (double)read_counter(cpu_stat, "usage_usec") / 1e6);
}

static void nap(void)
{
	long range = LONGEST_NAP_NS - SHORTEST_NAP_NS;
	struct timespec time = {0, SHORTEST_NAP_NS + random() % range};

	nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_sigterm};
	double due = now_s();
	bool there = true;

	if (argc < 5)
		errx(2, "usage: bench-observe PAGES PID CPU_STAT CELL...");
	for (int i = 4; i < argc; i++)
		add_cell(argv[i]);
	sigaction(SIGTERM, &action, NULL);
	find_nodes();
	find_vcpus(argv[2]);
	credit_vcpus(argv[2], true);
	for (bool last = false; there && !last;) {
		last = told_to_stop;
		credit_vcpus(argv[2], false);
		if (last || now_s() >= due) {
			there = report_pages(argv[1], argv[2]);
			report_vcpus();
			report_movers(argv[3]);
			fflush(stdout);
			due = now_s() + REPORT_EVERY_S; /* a slow host is left more time */
		}
		if (!last)
			nap();
	}
	return 0;
}
