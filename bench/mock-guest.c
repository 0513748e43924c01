/*
 * mock-guest - a process that looks like a QEMU with a guest in it, as far as homenode looks: memory,
 * mappings, threads, and a monitor that answers what QEMU 7.2 does. For the benchmark `overhead`, which needs
 * a thousand.
 *
 *     bench-mock-guest SOCKET MEMFD CELLS CELL_MIB VCPUS [-name guest=NAME] [-uuid UUID]
 *
 * Each cell is a mapping of the whole of the memory file, which all such processes share, so that a large
 * guest's page tables cost the machine little memory. vCPUs wake once a second and do nothing.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CELLS_MAX 8
#define VCPUS_MAX 64
#define SMALL_MAPPINGS 200 /* of libraries and the like */
#define STACK_BYTES (64 << 10)
#define MIB (UINT64_C(1) << 20)

struct text {
	size_t length;
	char bytes[32768];
};

struct mock {
	const char *name, *uuid;
	unsigned cells, vcpus;
	uint64_t cell_bytes;
	void *memory[CELLS_MAX];
	pid_t tids[VCPUS_MAX];
	pthread_barrier_t threads_are_known;
};

struct vcpu {
	struct mock *mock;
	unsigned index;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->bytes + text->length, sizeof(text->bytes) - text->length, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(text->bytes) - text->length)
		errx(1, "an answer is too long");
	text->length += (size_t)length;
}

static void map_cells(struct mock *mock, int memfd)
{
	for (unsigned i = 0; i < mock->cells; i++) {
		/* QEMU leaves an inaccessible page behind each block */
		char *memory = mmap(NULL, mock->cell_bytes + 4096, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED ||
		    mmap(memory, mock->cell_bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, memfd, 0) == MAP_FAILED)
			err(1, "mapping a cell");
		mock->memory[i] = memory;
	}
}

static void map_small_ones(void)
{
	char *at = mmap(NULL, SMALL_MAPPINGS * 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (at == MAP_FAILED)
		err(1, "mmap");
	for (size_t i = 0; i < SMALL_MAPPINGS; i += 2)
		mprotect(at + i * 4096, 4096, PROT_READ);
}

static void *run_vcpu(void *context)
{
	struct vcpu *vcpu = context;
	char name[16];

	snprintf(name, sizeof(name), "CPU %u/KVM", vcpu->index);
	prctl(PR_SET_NAME, name);
	vcpu->mock->tids[vcpu->index] = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&vcpu->mock->threads_are_known);
	for (;;)
		sleep(1);
	return NULL;
}

static void start_threads(struct mock *mock)
{
	static struct vcpu vcpus[VCPUS_MAX];
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_barrier_init(&mock->threads_are_known, NULL, mock->vcpus + 1);
	for (unsigned i = 0; i < mock->vcpus; i++) {
		vcpus[i] = (struct vcpu){mock, i};
		if ((errno = pthread_create(&thread, &attributes, run_vcpu, &vcpus[i])))
			err(1, "starting a thread");
	}
	pthread_barrier_wait(&mock->threads_are_known);
}

static unsigned cell_of(const struct mock *mock, unsigned vcpu)
{
	return vcpu * mock->cells / mock->vcpus;
}

static void say_cpus(const struct mock *mock, struct text *text)
{
	add(text, "[");
	for (unsigned i = 0; i < mock->vcpus; i++)
		add(text,
		    "%s{\"thread-id\": %d, \"props\": {\"core-id\": %u, \"thread-id\": 0, \"node-id\": %u, "
		    "\"socket-id\": 0}, \"qom-path\": \"/machine/unattached/device[%u]\", \"cpu-index\": %u, "
		    "\"target\": \"x86_64\"}",
		    i ? ", " : "", (int)mock->tids[i], i, cell_of(mock, i), i, i);
	add(text, "]");
}

static void say_memdevs(const struct mock *mock, struct text *text)
{
	add(text, "[");
	for (unsigned i = 0; i < mock->cells; i++)
		add(text,
		    "%s{\"share\": true, \"reserve\": true, \"prealloc\": false, \"host-nodes\": [], "
		    "\"size\": "
		    "%llu, \"merge\": true, \"dump\": true, \"policy\": \"default\", \"id\": \"ram-node%u\"}",
		    i ? ", " : "", (unsigned long long)mock->cell_bytes, i);
	add(text, "]");
}

static void say_numa(const struct mock *mock, struct text *text)
{
	add(text, "\"%u nodes\\r\\n", mock->cells);
	for (unsigned i = 0; i < mock->cells; i++) {
		add(text, "node %u cpus:", i);
		for (unsigned j = 0; j < mock->vcpus; j++)
			if (cell_of(mock, j) == i)
				add(text, " %u", j);
		add(text, "\\r\\nnode %u size: %llu MB\\r\\nnode %u plugged: 0 MB\\r\\n", i,
		    (unsigned long long)(mock->cell_bytes / MIB), i);
	}
	add(text, "\"");
}

static void say_ramblocks(const struct mock *mock, struct text *text)
{
	add(text, "\"              Block Name    PSize              Offset               Used              "
		  "Total\\r\\n");
	for (unsigned i = 0; i < mock->cells; i++)
		add(text, "               ram-node%u    4 KiB  0x%016llx 0x%016llx 0x%016llx\\r\\n", i,
		    (unsigned long long)(i * mock->cell_bytes), (unsigned long long)mock->cell_bytes,
		    (unsigned long long)mock->cell_bytes);
	add(text, "\"");
}

/* As many views and regions as a guest with a handful of devices has. */
static void say_mtree(const struct mock *mock, struct text *text)
{
	add(text, "\"");
	for (unsigned view = 0; view < 6; view++) {
		add(text, "FlatView #%u\\r\\n", view);
		add(text, view == 1
				  ? " AS \\\"memory\\\", root: system\\r\\n Root memory region: system\\r\\n"
				  : " AS \\\"device\\\", root: bus master container\\r\\n Root memory "
				    "region: bus\\r\\n");
		for (unsigned i = 0; i < mock->cells; i++)
			add(text, "  %016llx-%016llx (prio 0, ram): ram-node%u\\r\\n",
			    (unsigned long long)(i * mock->cell_bytes),
			    (unsigned long long)((i + 1) * mock->cell_bytes - 1), i);
		for (unsigned i = 0; i < 40; i++)
			add(text, "  %016llx-%016llx (prio 1, i/o): virtio-pci-common-%u\\r\\n",
			    0xfe000000000ULL + i * 0x1000, 0xfe000000fffULL + i * 0x1000, i);
		add(text, "\\r\\n");
	}
	add(text, "\"");
}

static void say_address(const struct mock *mock, const char *line, struct text *text)
{
	uint64_t address = strtoull(strstr(line, "gpa2hva ") + 8, NULL, 16);
	uint64_t cell = address / mock->cell_bytes;

	if (cell >= mock->cells) {
		add(text, "\"No memory is mapped at address 0x%llx\\r\\n\"", (unsigned long long)address);
		return;
	}
	add(text, "\"Host virtual address for 0x%llx (ram-node%u) is %p\\r\\n\"", (unsigned long long)address,
	    (unsigned)cell, (void *)((char *)mock->memory[cell] + address % mock->cell_bytes));
}

/* What is behind "return". False: this QEMU does not know the command. */
static bool say(const struct mock *mock, const char *line, struct text *text)
{
	static const struct {
		const char *in_line;
		void (*say)(const struct mock *mock, struct text *text);
	} answers[] = {{"query-cpus-fast", say_cpus},
		       {"query-memdev", say_memdevs},
		       {"info numa", say_numa},
		       {"info ramblock", say_ramblocks},
		       {"info mtree", say_mtree}};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strstr(line, answers[i].in_line)) {
			answers[i].say(mock, text);
			return true;
		}
	}
	if (strstr(line, "gpa2hva "))
		say_address(mock, line, text);
	else if (strstr(line, "qmp_capabilities"))
		add(text, "{}");
	else if (strstr(line, "query-status"))
		add(text, "{\"status\": \"running\", \"singlestep\": false, \"running\": true}");
	else if (strstr(line, "query-name"))
		add(text, "{\"name\": \"%s\"}", mock->name);
	else if (strstr(line, "query-uuid"))
		add(text, "{\"UUID\": \"%s\"}", mock->uuid);
	else if (strstr(line, "query-iothreads") || strstr(line, "query-memory-devices"))
		add(text, "[]");
	else
		return false;
	return true;
}

static void answer(const struct mock *mock, int fd, const char *line)
{
	static struct text text;
	const char *id = strstr(line, "\"id\":");

	text.length = 0;
	add(&text, "{\"return\": ");
	if (!say(mock, line, &text)) {
		text.length = 0;
		add(&text, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command has not "
			   "been found\"}");
	}
	if (id)
		add(&text, ", \"id\": %llu", strtoull(id + 5, NULL, 10));
	add(&text, "}\r\n");
	if (send(fd, text.bytes, text.length, MSG_NOSIGNAL) < 0)
		warn("answering");
}

static void converse(const struct mock *mock, int fd)
{
	static const char greeting[] =
		"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "
		"\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";
	FILE *in = fdopen(fd, "r");
	size_t room = 0;
	char *line = NULL;

	if (!in)
		err(1, "fdopen");
	(void)!write(fd, greeting, sizeof(greeting) - 1);
	while (getline(&line, &room, in) > 0)
		if (line[0] != '\n')
			answer(mock, fd, line);
	free(line);
	fclose(in);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errx(1, "%s: the path is too long", path);
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	struct mock mock = {.name = "mock", .uuid = "00000000-0000-0000-0000-000000000000"};
	int listener;

	if (argc < 6)
		errx(2, "usage: bench-mock-guest SOCKET MEMFD CELLS CELL_MIB VCPUS [-name guest=NAME] [-uuid "
			"UUID]");
	for (int i = 6; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "-uuid") == 0)
			mock.uuid = argv[i + 1];
		else if (strncmp(argv[i + 1], "guest=", 6) == 0)
			mock.name = argv[i + 1] + 6;
	}
	mock.cells = (unsigned)atoi(argv[3]);
	mock.cell_bytes = strtoull(argv[4], NULL, 10) * MIB;
	mock.vcpus = (unsigned)atoi(argv[5]);
	if (mock.cells < 1 || mock.cells > CELLS_MAX || mock.vcpus < mock.cells || mock.vcpus > VCPUS_MAX ||
	    mock.cell_bytes == 0)
		errx(2, "1 to %d cells of 1 MiB at least, and 1 to %d vCPUs, one for each cell", CELLS_MAX,
		     VCPUS_MAX);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_cells(&mock, atoi(argv[2]));
	map_small_ones();
	start_threads(&mock);
	listener = listen_at(argv[1]);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			converse(&mock, fd);
	}
}
