/*
 * toucher - keeps a guest's memory busy, and says how well it gets on.
 *
 *     toucher MIB DUTY
 *
 * Runs inside the guest. One thread a CPU, pinned to it, each with MIB mebibytes of its own that it maps
 * after pinning, so that they come from the CPU's own NUMA node. A thread writes one word in each of its
 * pages, over and over. After every slice of pages it sleeps, so long that it works DUTY percent of the time:
 * its pace stays proportional to the speed of its memory accesses, but it leaves the machine underneath,
 * which may be an emulator in an emulator, able to do other things.
 *
 * /run/touch tells how far it has come. It is replaced as a whole four times a second, so one read is one
 * consistent picture; one line a thread, fields in this order and of fixed width:
 *
 *     cpu 000 node 00 pages 0000000000123456 passes 00000012 gap_us 0000004711 resets 0003 at_ms 0000012345
 *
 *     pages   pages touched since the start, never reset         passes  times the whole range was touched
 *     gap_us  longest time from one touch to the next since the last reset, without the thread's own sleeps
 *     resets  how many resets have been obeyed                   at_ms   CLOCK_MONOTONIC of this picture,
 * which stands still while the guest is stopped
 *
 * Whoever writes a line to /run/touch.reset (the guest agent can) has the gaps reset; a number in it becomes
 * the new DUTY. The request is taken when the file is gone, and obeyed by a thread at its next slice: see its
 * resets.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define SLICE_PAGES 2048 /* few and long sleeps: waking up is what costs most under emulation */
#define LONGEST_SLICE_NS 50000000
#define SHORTEST_SLEEP_NS 1000000
#define PICTURE_EVERY_NS 250000000
#define MAX_CPUS 256

/* The counters have one writer, their thread. They are read and written without order: a locked access is
 * dear here. */
struct toucher {
	int cpu;
	unsigned int node;
	size_t pages;
	_Atomic uint64_t touched, passes, gap_ns, resets;
};

static struct toucher touchers[MAX_CPUS];
static atomic_uint duty_percent, resets_asked;

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	nanosleep(&t, NULL);
}

static void pin_to(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0) {
		perror("toucher: sched_setaffinity");
		exit(1);
	}
}

static void obey_reset(struct toucher *t)
{
	uint64_t asked = resets_asked;

	if (get(&t->resets) == asked)
		return;
	set(&t->gap_ns, 0);
	set(&t->resets, asked);
}

/* Touches pages from *page on until a slice is over, noting the longest gap; returns the time it took. */
static uint64_t touch_slice(struct toucher *t, volatile uint64_t *words, size_t *page)
{
	size_t end = *page + SLICE_PAGES < t->pages ? *page + SLICE_PAGES : t->pages;
	uint64_t start = now_ns(), last = start, pass = get(&t->passes);

	for (; *page < end && last - start < LONGEST_SLICE_NS; (*page)++) {
		uint64_t now;

		words[*page * (PAGE_BYTES / sizeof(*words))] = pass;
		now = now_ns();
		if (now - last > get(&t->gap_ns))
			set(&t->gap_ns, now - last);
		last = now;
		set(&t->touched, get(&t->touched) + 1);
	}
	return last - start;
}

static void rest_after(uint64_t worked_ns)
{
	uint64_t duty = duty_percent, rest;

	if (duty >= 100)
		return;
	rest = worked_ns * (100 - duty) / duty;
	sleep_ns(rest > SHORTEST_SLEEP_NS ? rest : SHORTEST_SLEEP_NS);
}

static void *touch_for_ever(void *arg)
{
	struct toucher *t = arg;
	volatile uint64_t *words;

	pin_to(t->cpu);
	getcpu(NULL, &t->node);
	words = mmap(NULL, t->pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED) {
		perror("toucher: mmap");
		exit(1);
	}
	for (;;) {
		for (size_t page = 0; page < t->pages;) {
			obey_reset(t);
			rest_after(touch_slice(t, words, &page));
		}
		set(&t->passes, get(&t->passes) + 1);
	}
	return NULL;
}

/* The agent first creates the file and then writes it: only a whole line is a request. */
static void take_reset_request(void)
{
	FILE *f = fopen("/run/touch.reset", "r");
	char line[16] = "";
	int duty;

	if (!f)
		return;
	if (fgets(line, sizeof(line), f) && strchr(line, '\n')) {
		duty = atoi(line);
		if (duty >= 1 && duty <= 100)
			duty_percent = (unsigned int)duty;
		unlink("/run/touch.reset");
		resets_asked++;
	}
	fclose(f);
}

static void publish_picture(int cpus)
{
	FILE *f = fopen("/run/touch.new", "w");

	if (!f)
		return;
	for (int i = 0; i < cpus; i++) {
		struct toucher *t = &touchers[i];

		fprintf(f,
			"cpu %03d node %02u pages %016" PRIu64 " passes %08" PRIu64 " gap_us %010" PRIu64
			" resets %04" PRIu64 " at_ms %010" PRIu64 "\n",
			t->cpu, t->node, get(&t->touched), get(&t->passes), get(&t->gap_ns) / 1000,
			get(&t->resets), now_ns() / 1000000);
	}
	fclose(f);
	rename("/run/touch.new", "/run/touch");
}

int main(int argc, char **argv)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (argc != 3 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1 || cpus > MAX_CPUS) {
		fprintf(stderr, "usage: toucher MIB DUTY\n");
		return 2;
	}
	duty_percent = (unsigned int)atoi(argv[2]);
	for (int i = 0; i < cpus; i++) {
		pthread_t thread;

		touchers[i].cpu = i;
		touchers[i].pages = ((size_t)atoi(argv[1]) << 20) / PAGE_BYTES;
		if (pthread_create(&thread, NULL, touch_for_ever, &touchers[i]) != 0) {
			fprintf(stderr, "toucher: no thread for CPU %d\n", i);
			return 1;
		}
	}
	for (;;) {
		take_reset_request();
		publish_picture(cpus);
		sleep_ns(PICTURE_EVERY_NS);
	}
}
