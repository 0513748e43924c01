/*
 * move-kernel - the machine's own kernel, as the mover sees it.
 *
 * Asks through page-query, which is not fooled by pages that kernel NUMA balancing has marked. Names the
 * process by an open /proc/PID: pages are never moved in whatever has got its pid since.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/move-batch.h"
#include "host/mover.h"
#include "host/page-query.h"
#include "host/page-reveal.h"
#include "host/pagemap.h"
#include "host/proc-file.h"

#define RUN_PAGES 512

struct machine {
	struct hn_page_query *query;
	int directory;           /* /proc/PID */
	int pagemap, kpageflags; /* -1: not to be had */
	void *hidden[HN_BATCH_PAGES];
	int scratch[HN_BATCH_PAGES];
};

static bool process_lives(const struct machine *machine)
{
	char name[64];

	return hn_proc_read_at(machine->directory, "comm", name, sizeof(name)) >= 0;
}

static void hidden_reveal(struct machine *machine, pid_t pid, void **pages, size_t count)
{
	size_t hidden;

	if (count > HN_BATCH_PAGES)
		return;
	hidden = hn_page_query_hidden(machine->query, pages, count, machine->scratch, machine->hidden);
	if (hidden)
		hn_pages_reveal(pid, machine->hidden, hidden);
}

static long machine_move_pages(void *context, pid_t pid, unsigned long count, void **pages, const int *nodes,
			       int *status, int flags)
{
	struct machine *machine = context;
	long r;

	if (!nodes)
		return hn_page_query_run(machine->query, pages, count, status, NULL);
	if (!process_lives(machine))
		return -ESRCH;
	hidden_reveal(machine, pid, pages, count);
	r = syscall(SYS_move_pages, pid, count, pages, nodes, status, flags);
	if (r >= 0)
		return r;
	return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: it has given up its memory, about to end */
}

/* Marks tails among pages that follow each other both in the address space and in memory. */
static int frames_run_tails(const struct machine *machine, const uint64_t *entries, size_t count,
			    bool *ret_tail)
{
	uint64_t flags[RUN_PAGES];
	int r = hn_frame_flags_read(machine->kpageflags, hn_pagemap_frame(entries[0]), count, flags);

	for (size_t i = 1; i < count && !r; i++)
		ret_tail[i] = flags[i] & HN_FRAME_COMPOUND_TAIL;
	return r;
}

static int pages_run_tails(const struct machine *machine, void *const *pages, size_t count, bool *ret_tail)
{
	uint64_t entries[RUN_PAGES];
	int r = hn_pagemap_read(machine->pagemap, (uint64_t)pages[0], count, entries);

	for (size_t i = 0, next; i < count && !r; i = next) {
		uint64_t frame = hn_pagemap_frame(entries[i]);

		next = i + 1;
		if (!hn_pagemap_present(entries[i]) || frame == 0)
			continue;
		while (next < count && hn_pagemap_present(entries[next]) &&
		       hn_pagemap_frame(entries[next]) == frame + (next - i))
			next++;
		if (next - i > 1)
			r = frames_run_tails(machine, &entries[i], next - i, &ret_tail[i]);
	}
	return r;
}

static int machine_find_tails(void *context, const struct hn_process *process, void *const *pages,
			      size_t count, bool *ret_tail)
{
	const struct machine *machine = context;
	int r = 0;

	if (machine->pagemap < 0 || machine->kpageflags < 0)
		return -EPERM;
	for (size_t i = 0; i < count && !r;) {
		/* Runs end where a huge page of 2 MiB would, so that none of its tails starts a run. */
		size_t to_boundary = RUN_PAGES - (uint64_t)pages[i] / hn_base_page_bytes() % RUN_PAGES;
		size_t run = hn_pages_run(&pages[i], count - i, to_boundary);

		r = pages_run_tails(machine, &pages[i], run, &ret_tail[i]);
		i += run;
	}
	return r;
}

static uint64_t machine_now_ns(void *context)
{
	struct timespec time = {0};

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * HN_NS_PER_S + (uint64_t)time.tv_nsec;
}

static void machine_sleep_ns(void *context, uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / HN_NS_PER_S), .tv_nsec = (long)(ns % HN_NS_PER_S)};

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

static void machine_free(struct machine *machine)
{
	hn_page_query_free(machine->query);
	if (machine->directory >= 0)
		close(machine->directory);
	if (machine->pagemap >= 0)
		close(machine->pagemap);
	if (machine->kpageflags >= 0)
		close(machine->kpageflags);
	free(machine);
}
HN_CLEANUP_DEFINE(machine, struct machine *, machine_free);

static int machine_new(const struct hn_process *process, struct machine **ret, struct hn_error *err)
{
	HN_AUTO(machine) struct machine *machine = calloc(1, sizeof(*machine));
	int r;

	if (!machine)
		return hn_oom(err);
	machine->pagemap = -1;
	machine->kpageflags = -1;
	machine->directory = hn_process_open(NULL, process, err);
	if (machine->directory < 0)
		return machine->directory;
	r = hn_page_query_new(NULL, process, &machine->query, err);
	if (r)
		return r;
	machine->pagemap = openat(machine->directory, "pagemap", O_RDONLY | O_CLOEXEC);
	machine->kpageflags = hn_proc_open(NULL, 0, "proc/kpageflags");
	*ret = hn_steal(machine);
	return 0;
}

int hn_move(const struct hn_move_order *order, hn_move_watch watch, void *context,
	    struct hn_move_progress *ret, struct hn_error *err)
{
	HN_AUTO(machine) struct machine *machine = NULL;
	struct hn_move_kernel kernel = {
		.move_pages = machine_move_pages,
		.find_tails = machine_find_tails,
		.now_ns = machine_now_ns,
		.sleep_ns = machine_sleep_ns,
	};
	int r;

	*ret = (struct hn_move_progress){0};
	r = machine_new(&order->process, &machine, err);
	if (r)
		return r;
	kernel.context = machine;
	return hn_move_with(&kernel, order, watch, context, ret, err);
}
