/*
 * Files of /proc and /sys. The input is a few of them, each below a line "== PATH"; they are written into a
 * folder that stands for /, and those who read such files read them.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "host/cgroups.h"
#include "host/cpuset.h"
#include "host/doctor.h"
#include "host/evidence.h"
#include "host/helpers.h"
#include "host/mappings.h"
#include "host/memory.h"
#include "host/page-table.h"
#include "host/page-walk.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"
#include "host/process-maps.h"
#include "host/process-pins.h"
#include "host/qemu-command.h"
#include "host/qemu-processes.h"
#include "host/range-kinds.h"
#include "host/realtime-threads.h"
#include "host/watermarks.h"

#define PID 100
#define USUAL_STAT                                                                                          \
	"100 (CPU 0/KVM) S 1 100 100 0 -1 4194560 1 0 0 0 7 9 0 0 20 0 5 0 1 1000 50 18446744073709551615 " \
	"1 "                                                                                                \
	"1 1 0 0 0 0 0 0 0 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
#define PROC "proc/100/"
#define RANGES 4
#define PAGES 64
#define GROUP "sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dg.scope/"
#define CPUIDLE "sys/devices/system/cpu/cpu1/cpuidle/state1/"

/* Which readers a file is for: the others would read what they have read before. */
enum {
	MEMORY = 1,
	PROCESS = 2,
	QEMUS = 4,
	HOST = 8,
	DOCTOR = 16,
};

/* usual: what it holds when the input has none of it. */
static const struct file {
	const char *path;
	unsigned readers;
	const char *usual;
} files[] = {
	{PROC "stat", MEMORY | PROCESS | QEMUS | HOST | DOCTOR, USUAL_STAT},
	{PROC "status", PROCESS | QEMUS | DOCTOR},
	{PROC "maps", MEMORY},
	{PROC "numa_maps", MEMORY},
	{PROC "cgroup", PROCESS | QEMUS},
	{PROC "cmdline", PROCESS | QEMUS | DOCTOR},
	{PROC "fdinfo/7", PROCESS},
	{PROC "fdinfo/8", PROCESS},
	{PROC "pagemap", MEMORY},
	{PROC "ksm_stat", PROCESS | DOCTOR},
	{PROC "environ", QEMUS},
	{PROC "task/100/stat", PROCESS | HOST | DOCTOR},
	{PROC "task/100/status", PROCESS | HOST | DOCTOR},
	{PROC "task/100/schedstat", PROCESS},
	{PROC "task/100/cgroup", PROCESS},
	{PROC "task/100/cpu_resctrl_groups", PROCESS},
	{"proc/101/stat", PROCESS | QEMUS | HOST | DOCTOR},
	{"proc/101/status", PROCESS | QEMUS | HOST | DOCTOR},
	{"proc/self/mountinfo", PROCESS | QEMUS | DOCTOR},
	{"proc/self/status", PROCESS | DOCTOR},
	{"proc/cmdline", DOCTOR},
	{"proc/meminfo", HOST | DOCTOR},
	{"proc/vmstat", HOST | DOCTOR},
	{"proc/zoneinfo", HOST | DOCTOR},
	{"proc/interrupts", DOCTOR},
	{"proc/pressure/cpu", HOST | DOCTOR},
	{"proc/pressure/memory", HOST | DOCTOR},
	{"proc/sys/kernel/numa_balancing", DOCTOR},
	{"proc/sys/kernel/osrelease", DOCTOR},
	{"proc/sys/kernel/watchdog", DOCTOR},
	{"proc/sys/kernel/watchdog_cpumask", DOCTOR},
	{"proc/irq/9/effective_affinity_list", DOCTOR},
	{"proc/kpageflags", MEMORY},
	{GROUP "cgroup.procs", PROCESS | QEMUS},
	{GROUP "cpuset.mems", PROCESS | QEMUS},
	{GROUP "memory.pressure", PROCESS | QEMUS},
	{"sys/devices/system/node/online", HOST | DOCTOR},
	{"sys/devices/system/node/has_memory", HOST | DOCTOR},
	{"sys/devices/system/node/node0/meminfo", HOST | DOCTOR},
	{"sys/devices/system/node/node1/meminfo", HOST | DOCTOR},
	{"sys/devices/system/node/node0/numastat", HOST | DOCTOR},
	{"sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", HOST | DOCTOR},
	{"sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", HOST | DOCTOR},
	{"sys/devices/system/cpu/isolated", DOCTOR},
	{"sys/devices/system/cpu/nohz_full", DOCTOR},
	{CPUIDLE "latency", DOCTOR},
	{"sys/kernel/mm/transparent_hugepage/enabled", DOCTOR},
	{"sys/kernel/mm/ksm/run", DOCTOR},
	{"sys/kernel/debug/kvm/100-11/remote_tlb_flush", PROCESS},
	{"sys/fs/resctrl/tasks", PROCESS | HOST},
	{"sys/fs/resctrl/mon_data/mon_L3_00/mbm_total_bytes", PROCESS | HOST},
};

static char root[128];
static const struct hn_process process = {.pid = PID, .start_ticks = 1};

static void make_folders(char *path)
{
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		mkdir(path, 0700);
	}
}

static void link_file(const char *path, const char *target)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	make_folders(full);
	fuzz_require(symlink(target, full) == 0);
}

static void make_root(void)
{
	const char *folder = getenv("TMPDIR");

	snprintf(root, sizeof(root), "%s/homenode-fuzz-XXXXXX", folder ? folder : "/dev/shm");
	fuzz_require(mkdtemp(root));
	for (size_t i = 0; i < HN_COUNT(files); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", root, files[i].path);
		make_folders(path);
	}
	link_file(PROC "fd/6", "/dev/vfio/12");
	link_file(PROC "fd/7", "anon_inode:[io_uring]");
	link_file(PROC "fd/8", "/dev/net/tun");
	link_file(PROC "fd/11", "anon_inode:kvm-vm");
	link_file(PROC "exe", "/usr/bin/qemu-system-x86_64");
}

static void write_file(size_t file, const char *text, size_t length)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, files[file].path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fuzz_require(fd >= 0 && write(fd, text, length) == (ssize_t)length);
	close(fd);
}

/* As it is without an input. */
static void restore_file(size_t file)
{
	char path[256];

	if (files[file].usual) {
		write_file(file, files[file].usual, strlen(files[file].usual));
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", root, files[file].path);
	unlink(path);
}

static size_t find_file(const char *name, size_t length)
{
	size_t i = 0;

	while (i < HN_COUNT(files) &&
	       (strlen(files[i].path) != length || memcmp(files[i].path, name, length) != 0))
		i++;
	return i;
}

/* Returns for whom there is something new. */
static unsigned write_files(const char *input)
{
	static bool changed[HN_COUNT(files)];
	bool written[HN_COUNT(files)] = {false};
	unsigned readers = 0;

	for (const char *at = strncmp(input, "== ", 3) == 0 ? input : NULL, *next; at; at = next) {
		const char *name = at + 3, *text = strchr(name, '\n');
		size_t file;

		if (!text)
			break;
		next = strstr(text, "\n== ");
		if (next)
			next++;
		file = find_file(name, (size_t)(text - name));
		if (file == HN_COUNT(files))
			continue;
		write_file(file, text + 1, next ? (size_t)(next - text - 1) : strlen(text + 1));
		written[file] = changed[file] = true;
		readers |= files[file].readers;
	}
	for (size_t i = 0; i < HN_COUNT(files); i++)
		if (changed[i] && !written[i]) {
			restore_file(i);
			changed[i] = false;
		}
	return readers;
}

static void read_memory(void)
{
	static const struct hn_range ranges[RANGES] = {
		{.start = 0x7f0000000000, .bytes = 1 << 20, .cell = 0},
		{.start = 0x7f0000200000, .bytes = 1 << 21, .cell = 1},
		{.start = 0x1000, .bytes = 1 << 16, .cell = 0},
		{.start = 0x7f0000400000, .bytes = 4096, .cell = 1},
	};
	struct hn_page_counts counts[2] = {{.cell = 0}, {.cell = 1}};
	struct hn_range_kind kinds[RANGES];
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	size_t count;
	struct hn_error err = {0};

	for (int with_policies = 0; with_policies < 2; with_policies++) {
		if (hn_mappings_read(root, &process, 4096, with_policies, &mappings, &count, &err) == 0)
			for (size_t i = 0; i < count; i++) {
				fuzz_require(mappings[i].bytes >= 4096);
				fuzz_require(memchr(mappings[i].name, '\0', sizeof(mappings[i].name)));
			}
		free(hn_steal(mappings));
	}
	(void)hn_pages_walk(root, &process, ranges, RANGES, counts, 2, &err);
	(void)hn_range_kinds_read(root, &process, ranges, RANGES, kinds, &err);
	for (size_t i = 0; i < RANGES; i++)
		(void)hn_ranges_check(root, &process, &ranges[i], RANGES - i, &err);
}

static void read_pages(void)
{
	HN_AUTO(hn_page_table) struct hn_page_table *table = NULL;
	HN_AUTO(fd) int directory = hn_proc_open(root, O_DIRECTORY, "proc/%d", PID);
	void *pages[PAGES];
	int status[PAGES];
	uint64_t flags[PAGES];
	bool tails[PAGES];
	struct hn_error err = {0};

	fuzz_require(hn_page_table_new(root, directory, &table, &err) == 0);
	for (size_t i = 0; i < PAGES; i++) {
		pages[i] = (void *)(uintptr_t)(i * 4096);
		status[i] = HN_PAGE_ABSENT;
	}
	(void)hn_page_table_look_up(table, pages, PAGES, status, &err);
	(void)hn_page_table_read(table, pages, PAGES, status, tails);
	(void)hn_page_table_flags(table, pages, PAGES, flags);
}

static void read_process(void)
{
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	struct hn_process_pins pins;
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct hn_counters counters[HN_GUEST_COUNTERS];
	struct hn_set nodes;
	int32_t tids[1] = {PID};
	size_t count = 0;
	struct hn_error err = {0};
	int r = hn_guest_threads_read(root, &process, &threads, &count, &err);

	if (r < 0)
		fuzz_require_refusal(r, &err);
	hn_guest_evidence_read(root, &process, threads, r < 0 ? 0 : count, true, stalls, counters);
	(void)hn_cpuset_nodes(root, &process, &nodes, &err);
	(void)hn_threads_translate(root, &process, tids, 1, &err);
	if (hn_process_pins_read(root, &process, &pins, &err) == 0)
		fuzz_require(pins.range_count <= HN_PINNED_RANGES_MAX);
}

static void read_qemus(void)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *qemus = NULL;
	struct hn_error err = {0};

	if (hn_qemu_processes_read(root, &qemus, &err) < 0)
		return;
	for (size_t i = 0; i < qemus->count; i++)
		fuzz_require(qemus->processes[i].container >= -1 &&
			     qemus->processes[i].container < (int32_t)qemus->container_count);
	for (size_t i = 0; i < qemus->container_count; i++)
		for (size_t k = 0; k < HN_QEMU_SOCKETS_MAX; k++)
			fuzz_require(memchr(qemus->containers[i].monitors[k], '\0', HN_QEMU_SOCKET_MAX));
}

static void read_host(void)
{
	static const int32_t nodes[] = {0};
	static uint64_t low[HN_SET_MAX];
	HN_AUTO(hn_host) struct hn_host *host = fuzz_host();
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct hn_counters counters[2];
	struct hn_realtime_threads realtime;
	struct hn_error err = {0};

	hn_host_evidence_read(root, nodes, 1, stalls, counters);
	(void)hn_watermarks_read(root, low, &err);
	(void)hn_realtime_threads_find(root, &realtime, &err);
	(void)hn_host_memory_refresh(root, host, &err);
}

static void examine(void)
{
	const struct hn_doctor_guest guest = {.process = process, .cpus = hn_set_of(1), .realtime = 1};
	const struct hn_doctor_case known = {.reserved_cpus = hn_set_of(0)};
	struct hn_checkup checkup = {0};

	hn_doctor_examine_kernel(root, &checkup);
	hn_doctor_examine_guest(root, &guest, &checkup);
	hn_doctor_examine_services(root, &known, &checkup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *input = fuzz_text(data, size);
	unsigned readers;

	if (!root[0]) {
		make_root();
		for (size_t i = 0; i < HN_COUNT(files); i++)
			restore_file(i);
	}
	readers = write_files(input);
	if (readers & MEMORY) {
		read_memory();
		read_pages();
	}
	if (readers & PROCESS)
		read_process();
	if (readers & QEMUS)
		read_qemus();
	if (readers & HOST)
		read_host();
	if (readers & DOCTOR)
		examine();
	return 0;
}
