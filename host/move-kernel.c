/*
 * move-kernel - the machine's own kernel, as the mover sees it.
 *
 * Asks through page-query, which is not fooled by pages that kernel NUMA balancing has marked. Knows the
 * process by an open file of its /proc/PID: pages are never moved in whatever has got its pid since. The file
 * stays open, because one that is closed just before a moving call makes that a tenth slower: the call begins
 * by waiting for the kernel's readers (synchronize_rcu_expedited in lru_cache_disable) and finds the file's
 * remains to be cleared away. Before pages move, those that cannot because balancing has marked them are
 * touched (page-reveal.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/move-batch.h"
#include "host/move-crew.h"
#include "host/mover.h"
#include "host/page-query.h"
#include "host/page-reveal.h"

struct machine {
	struct hn_page_query *query;
	struct hn_move_crew *crew; /* since a call had several spans */
	int comm;                  /* /proc/PID/comm, which can be read while the process lives */
	void *hidden[HN_BATCH_PAGES];
	int scratch[HN_BATCH_PAGES];
};

static bool process_lives(const struct machine *machine)
{
	char name[64];

	return pread(machine->comm, name, sizeof(name), 0) > 0;
}

static void hidden_reveal(struct machine *machine, pid_t pid, const struct hn_move_span *span)
{
	size_t hidden;

	if (span->count > HN_BATCH_PAGES)
		return;
	hidden = hn_page_query_hidden(machine->query, span->pages, span->count, machine->scratch,
				      machine->hidden);
	if (hidden)
		hn_pages_reveal(pid, machine->hidden, hidden);
}

static long machine_ask(void *context, pid_t pid, void **pages, size_t count, int *ret_status)
{
	const struct machine *machine = context;

	return hn_page_query_run(machine->query, pages, count, ret_status, NULL);
}

static void machine_move(void *context, pid_t pid, struct hn_move_span *spans, size_t count, int flags)
{
	struct machine *machine = context;
	bool lives = process_lives(machine);

	for (size_t i = 0; i < count; i++) {
		spans[i].answer = -ESRCH;
		if (lives)
			hidden_reveal(machine, pid, &spans[i]);
	}
	if (!lives)
		return;
	if (count > 1 && !machine->crew)
		machine->crew = hn_move_crew_new();
	hn_move_crew_run(machine->crew, pid, spans, count, flags);
}

static void machine_look(void *context, void *const *pages, size_t count, int *ret_status, bool *ret_tail)
{
	const struct machine *machine = context;

	(void)hn_page_table_read(hn_page_query_table(machine->query), pages, count, ret_status, ret_tail);
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
	hn_move_crew_free(machine->crew);
	hn_page_query_free(machine->query);
	hn_cleanup_fd(&machine->comm);
	free(machine);
}
HN_CLEANUP_DEFINE(machine, struct machine *, machine_free);

static int machine_new(const struct hn_process *process, struct machine **ret, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(NULL, process, err);
	HN_AUTO(machine) struct machine *machine = NULL;
	int r;

	if (directory < 0)
		return directory;
	machine = calloc(1, sizeof(*machine));
	if (!machine)
		return hn_oom(err);
	machine->comm = openat(directory, "comm", O_RDONLY | O_CLOEXEC);
	if (machine->comm < 0)
		return hn_fail(err, -ESRCH, "process %d is gone", (int)process->pid);
	r = hn_page_query_new(NULL, process, &machine->query, err);
	if (r)
		return r;
	*ret = hn_steal(machine);
	return 0;
}

int hn_move_kernel_open(const struct hn_process *process, struct hn_move_kernel *ret, struct hn_error *err)
{
	struct machine *machine = NULL;
	int r = machine_new(process, &machine, err);

	if (r)
		return r;
	*ret = (struct hn_move_kernel){
		.ask = machine_ask,
		.move = machine_move,
		.look = machine_look,
		.now_ns = machine_now_ns,
		.sleep_ns = machine_sleep_ns,
		.lanes = hn_move_crew_most(),
		.context = machine,
	};
	return 0;
}

void hn_move_kernel_close(struct hn_move_kernel *kernel)
{
	machine_free(kernel->context);
}

int hn_move(const struct hn_move_order *order, hn_move_watch watch, void *context,
	    struct hn_move_progress *ret, struct hn_error *err)
{
	struct hn_move_kernel kernel;
	int r;

	*ret = (struct hn_move_progress){0};
	r = hn_move_kernel_open(&order->process, &kernel, err);
	if (r)
		return r;
	r = hn_move_with(&kernel, order, watch, context, ret, err);
	hn_move_kernel_close(&kernel);
	return r;
}
