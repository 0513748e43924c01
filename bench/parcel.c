#include "bench/parcel.h"

#include <err.h>
#include <numaif.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/pages.h"
#include "base/units.h"

#define HUGE_BYTES (2 * HN_MIB)
#define TOUCHERS_MAX 16

/* What a thread of the parcel walks through, over and over. */
struct walk {
	char *start;
	uint64_t bytes;
	struct bench_touches *touches;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static char *map(uint64_t bytes, enum bench_pages pages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (pages == BENCH_PAGES_HUGETLB_2M ? MAP_HUGETLB : 0);
	char *mapping = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, -1, 0);

	if (mapping == MAP_FAILED)
		err(1, "mmap of %llu MiB", (unsigned long long)(bytes / HN_MIB));
	mapping += -(uint64_t)mapping % HUGE_BYTES;
	if (pages != BENCH_PAGES_HUGETLB_2M &&
	    madvise(mapping, bytes, pages == BENCH_PAGES_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		err(1, "madvise");
	return mapping;
}

static void *walk_on(void *context)
{
	const struct walk *walk = context;
	uint64_t step = hn_base_page_bytes(), last = now_ns();

	for (uint64_t at = 0;; at = (at + step) % walk->bytes) {
		uint64_t now;

		++*(volatile char *)(walk->start + at);
		now = now_ns();
		if (now - last > __atomic_load_n(&walk->touches->longest_gap_ns, __ATOMIC_RELAXED))
			__atomic_store_n(&walk->touches->longest_gap_ns, now - last, __ATOMIC_RELAXED);
		__atomic_add_fetch(&walk->touches->count, 1, __ATOMIC_RELAXED);
		last = now;
	}
	return NULL;
}

static _Noreturn void live(int pipe, uint64_t bytes, enum bench_pages pages, int node, unsigned threads,
			   struct bench_touches *touches)
{
	char *memory = map(bytes, pages);
	unsigned long mask = 1ul << node;
	static struct walk walks[TOUCHERS_MAX];
	pthread_t thread;

	if (set_mempolicy(MPOL_BIND, &mask, 64) < 0)
		err(1, "set_mempolicy");
	for (uint64_t at = 0; at < bytes; at += hn_base_page_bytes())
		memory[at] = 1;
	/* from now on pages may lie anywhere */
	if (set_mempolicy(MPOL_DEFAULT, NULL, 0) < 0)
		err(1, "set_mempolicy");
	for (unsigned i = 0; i < threads; i++) {
		walks[i] = (struct walk){memory + bytes / threads * i, bytes / threads, touches};
		if (pthread_create(&thread, NULL, walk_on, &walks[i]))
			errx(1, "pthread_create");
	}
	if (write(pipe, &memory, sizeof(memory)) != sizeof(memory))
		_exit(1);
	for (;;)
		pause();
}

void bench_parcel_start(uint64_t bytes, enum bench_pages pages, int node, unsigned threads,
			struct bench_parcel *ret)
{
	struct hn_error why;
	int ends[2];
	char *start;
	pid_t pid;

	*ret = (struct bench_parcel){0};
	ret->touches =
		mmap(NULL, sizeof(*ret->touches), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ret->touches == MAP_FAILED || pipe(ends) < 0 || (pid = fork()) < 0)
		err(1, "parcel");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		live(ends[1], bytes, pages, node, threads < TOUCHERS_MAX ? threads : TOUCHERS_MAX,
		     ret->touches);
	}
	close(ends[1]);
	if (read(ends[0], &start, sizeof(start)) != sizeof(start))
		errx(1, "no %llu MiB of memory on node %d", (unsigned long long)(bytes / HN_MIB), node);
	close(ends[0]);
	ret->range = (struct hn_range){.start = (uint64_t)start,
				       .bytes = bytes,
				       .page_bytes = pages == BENCH_PAGES_HUGETLB_2M ? HUGE_BYTES : 0};
	if (hn_process_of_thread(NULL, pid, &ret->process, NULL, &why) < 0)
		errx(1, "%s", why.message);
}

void bench_parcel_stop(struct bench_parcel *parcel)
{
	kill(parcel->process.pid, SIGKILL);
	waitpid(parcel->process.pid, NULL, 0);
	munmap(parcel->touches, sizeof(*parcel->touches));
}

uint64_t bench_parcel_on(const struct bench_parcel *parcel, int node)
{
	struct hn_page_counts counts = {0};
	struct hn_error why;

	if (hn_pages_count(NULL, &parcel->process, &parcel->range, 1, &counts, 1, &why) < 0)
		errx(1, "%s", why.message);
	return counts.on_node[node] * hn_base_page_bytes();
}
