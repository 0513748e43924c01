#include "kind-holder.h"

#include <err.h>
#include <linux/io_uring.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pages.h"

#define KSM "/sys/kernel/mm/ksm/"

long kind_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (!file || fscanf(file, "%ld", &number) != 1)
		err(1, "%s", path);
	fclose(file);
	return number;
}

static void write_number(const char *path, long number)
{
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%ld", number) < 0 || fclose(file))
		err(1, "%s", path);
}

static void fill_by_number(char *memory, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += hn_base_page_bytes())
		*(size_t *)(memory + at) = at + 1;
}

/* Both halves hold the same pages, until each is one with its like. */
static void merge(char *memory)
{
	long pages = (long)(KIND_BYTES / 2 / hn_base_page_bytes());

	fill_by_number(memory, KIND_BYTES / 2);
	fill_by_number(memory + KIND_BYTES / 2, KIND_BYTES / 2);
	if (madvise(memory, KIND_BYTES, MADV_MERGEABLE))
		err(1, "madvise");
	write_number(KSM "pages_to_scan", 4 * pages);
	write_number(KSM "sleep_millisecs", 10);
	write_number(KSM "run", 2); /* forget what others had merged */
	write_number(KSM "run", 1);
	for (int i = 0; i < 600 && kind_number(KSM "pages_sharing") < pages; i++)
		usleep(100000);
	write_number(KSM "run", 0);
	if (kind_number(KSM "pages_sharing") < pages)
		errx(1, "ksm has merged %ld pages of %ld", kind_number(KSM "pages_sharing"), pages);
}

static void make_buffers(char *memory, size_t bytes)
{
	struct io_uring_params parameters = {0};
	struct iovec buffer = {memory, bytes};
	long ring = syscall(SYS_io_uring_setup, 4, &parameters);

	if (ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1) < 0)
		err(1, "io_uring");
}

static char *map(const char *kind)
{
	int flags = MAP_ANONYMOUS | MAP_PRIVATE, fd = -1;
	char *memory;

	if (strcmp(kind, "hugetlb") == 0)
		flags |= MAP_HUGETLB;
	if (strcmp(kind, "memfd") == 0) {
		flags = MAP_SHARED;
		fd = memfd_create("kinds", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, KIND_BYTES + KIND_HUGE_BYTES) < 0)
			err(1, "memfd");
	}
	memory = mmap(NULL, KIND_BYTES + KIND_HUGE_BYTES, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	memory += -(uint64_t)memory % KIND_HUGE_BYTES;
	if (!(flags & MAP_HUGETLB) &&
	    madvise(memory, KIND_BYTES, strcmp(kind, "thp") == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		err(1, "madvise");
	return memory;
}

/* A second process that has the same pages mapped. */
static void share(char *memory)
{
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (size_t at = 0; at < KIND_BYTES; at += hn_base_page_bytes())
			(void)*(volatile char *)(memory + at);
		kill(getppid(), SIGCONT);
		for (;;)
			pause();
	}
}

static char *prepare(const char *kind)
{
	unsigned long mask = 1;
	char *memory = map(kind);

	if (set_mempolicy(MPOL_BIND, &mask, 64) < 0)
		err(1, "set_mempolicy");
	fill_by_number(memory, KIND_BYTES);
	if (strcmp(kind, "ksm") == 0)
		merge(memory);
	if (set_mempolicy(MPOL_DEFAULT, NULL, 0) < 0)
		err(1, "set_mempolicy");
	if (strcmp(kind, "memfd") == 0) {
		sigset_t woken;

		sigemptyset(&woken);
		sigaddset(&woken, SIGCONT);
		sigprocmask(SIG_BLOCK, &woken, NULL);
		share(memory);
		sigwaitinfo(&woken, NULL);
	}
	if (strcmp(kind, "locked") == 0 && mlock(memory, KIND_BYTES))
		err(1, "mlock");
	if (strcmp(kind, "fixed") == 0)
		make_buffers(memory + KIND_BYTES / 2, KIND_BYTES / 2);
	return memory;
}

static _Noreturn void hold(const char *kind, int in, int out)
{
	char *memory = prepare(kind), order;

	if (write(out, &memory, sizeof(memory)) != sizeof(memory))
		_exit(1);
	while (read(in, &order, 1) == 1) {
		if (order == 'p')
			make_buffers(memory + KIND_BYTES / 2, KIND_BYTES / 2);
		if (order == 'd' && madvise(memory + KIND_BYTES / 2, KIND_BYTES / 2, MADV_DONTNEED))
			err(1, "madvise");
		if (write(out, &order, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

void kind_holder_start(const char *kind, struct kind_holder *ret)
{
	struct hn_error why;
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) < 0 || pipe(out) < 0 || (pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hold(kind, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	ret->tell = in[1];
	ret->told = out[0];
	if (read(out[0], &ret->memory, sizeof(ret->memory)) != sizeof(ret->memory))
		errx(1, "%s: it could not be made", kind);
	if (hn_process_of_thread(NULL, pid, &ret->process, NULL, &why) < 0)
		errx(1, "%s", why.message);
}

void kind_holder_stop(struct kind_holder *holder)
{
	kill(holder->process.pid, SIGKILL);
	waitpid(holder->process.pid, NULL, 0);
	close(holder->tell);
	close(holder->told);
}

void kind_holder_tell(struct kind_holder *holder, char order)
{
	if (write(holder->tell, &order, 1) != 1 || read(holder->told, &order, 1) != 1)
		errx(1, "it did not do '%c'", order);
}
