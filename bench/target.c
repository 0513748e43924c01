/*
 * target - the child maps memory, writes into a random part of it, tells where it is and how much that was,
 * and waits to be killed. It dies with its parent.
 */
#include "bench/target.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "base/units.h"

#define HUGE_BYTES (2 * HN_MIB)

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What the child tells. */
struct birth {
	uint64_t start, present_pages;
};

/* Memory that begins and ends with a huge page, whichever pages it is to be made of. */
static char *map_memory(uint64_t bytes, bool huge)
{
	char *mapping = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t skip;

	if (mapping == MAP_FAILED)
		err(1, "mmap of %llu MiB", (unsigned long long)(bytes / HN_MIB));
	skip = -(uint64_t)mapping % HUGE_BYTES;
	if (skip)
		munmap(mapping, skip);
	munmap(mapping + skip + bytes, HUGE_BYTES - skip);
	if (madvise(mapping + skip, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		err(1, "madvise");
	return mapping + skip;
}

/* Every base page of a block is written, so that the count is right where no huge page was to be had. */
static uint64_t fill(char *memory, uint64_t bytes, uint64_t block_bytes, double probability, uint64_t seed)
{
	struct hn_random random = {.state = seed};
	uint64_t step = page_bytes(), present = 0;

	for (uint64_t block = 0; block < bytes; block += block_bytes) {
		if ((double)hn_random_next(&random) >= probability * 0x1p64)
			continue;
		for (uint64_t offset = 0; offset < block_bytes; offset += step)
			*(volatile char *)(memory + block + offset) = 1;
		present += block_bytes / step;
	}
	return present;
}

static _Noreturn void live(int pipe, uint64_t bytes, bool huge, double probability, uint64_t seed)
{
	char *memory = map_memory(bytes, huge);
	struct birth birth = {.start = (uint64_t)memory};

	birth.present_pages = fill(memory, bytes, huge ? HUGE_BYTES : page_bytes(), probability, seed);
	if (write(pipe, &birth, sizeof(birth)) != sizeof(birth))
		_exit(1);
	for (;;)
		pause();
}

static uint64_t huge_kib(pid_t pid)
{
	char path[64], line[256];
	HN_AUTO(file) FILE *file = NULL;
	unsigned long long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "AnonHugePages: %llu", &kib) == 1)
			break;
	return kib;
}

void bench_target_start(uint64_t bytes, bool huge, double probability, uint64_t seed,
			struct bench_target *ret)
{
	struct hn_error why = {0};
	struct birth birth;
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0)
		err(1, "starting a process");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		live(ends[1], bytes, huge, probability, seed);
	}
	close(ends[1]);
	if (read(ends[0], &birth, sizeof(birth)) != sizeof(birth))
		errx(1, "the process to sample ended before it had its memory");
	close(ends[0]);
	*ret = (struct bench_target){
		.range = {.start = birth.start, .bytes = bytes},
		.pages = bytes / page_bytes(),
		.present_pages = birth.present_pages,
	};
	if (hn_process_of_thread(NULL, pid, &ret->process, NULL, &why))
		errx(1, "%s", why.message);
	ret->huge_share = (double)huge_kib(pid) * 1024 / ((double)birth.present_pages * (double)page_bytes());
}

void bench_target_stop(const struct bench_target *target)
{
	kill(target->process.pid, SIGKILL);
	waitpid(target->process.pid, NULL, 0);
}
