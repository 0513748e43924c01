/*
 * memory-kinds - memory of one kind, on node 0, is moved to node 1, and what has become of it is told.
 *
 *     memory-kinds KIND [alone] [MIDWAY]
 *
 * KIND: base, thp, hugetlb, memfd, ksm, locked, fixed (half of it buffers of a ring of io_uring). alone:
 * pages that others map as well are not to be moved. MIDWAY, once a quarter has moved: pin (its last half
 * becomes buffers of a ring), discard (its last half is given back, as a balloon does), fill (all but 4 MiB
 * of huge pages of node 1 are taken), kill. In MiB: "moved 32 busy 0 no-memory 0 shared 0 absent 0 there 32
 * huge 0".
 */
#include <err.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/units.h"
#include "host/mover.h"
#include "host/process-pins.h"
#include "kind-holder.h"

#define SLOW (16 * HN_MIB) /* bytes a second, so that there is a middle */
#define POOL "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages"

static struct hn_range range_of(const struct kind_holder *holder)
{
	return (struct hn_range){.start = (uint64_t)holder->memory, .bytes = KIND_BYTES};
}

/* Takes all but 4 MiB of node 1's free huge pages. */
static void fill_pool(void)
{
	size_t bytes = (size_t)(kind_number(POOL) - 2) * KIND_HUGE_BYTES;
	unsigned long mask = 2;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || mbind(memory, bytes, MPOL_BIND, &mask, 64, 0) < 0)
		err(1, "huge pages of node 1");
	for (size_t at = 0; at < bytes; at += KIND_HUGE_BYTES)
		memory[at] = 1;
}

struct middle {
	struct kind_holder *holder;
	const char *what; /* NULL once it is done */
};

static void do_midway(struct kind_holder *holder, const char *what)
{
	if (what[0] == 'k')
		kill(holder->process.pid, SIGKILL);
	else if (what[0] == 'f')
		fill_pool();
	else
		kind_holder_tell(holder, what[0]);
}

static bool watch(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	struct middle *middle = context;

	if (middle->what && progress->moved_bytes >= KIND_BYTES / 4) {
		do_midway(middle->holder, middle->what);
		middle->what = NULL;
	}
	return true;
}

/* kB of transparent huge pages in all that the process has. */
static long huge_kib(pid_t pid)
{
	char path[64], line[256];
	long sum = 0, kib;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (!(file = fopen(path, "re")))
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "AnonHugePages: %ld", &kib) == 1)
			sum += kib;
	fclose(file);
	return sum;
}

static void report(const struct kind_holder *holder, const struct hn_move_progress *progress)
{
	const struct hn_range range = range_of(holder);
	struct hn_page_counts counts = {0};
	struct hn_error why;

	if (hn_pages_count(NULL, &holder->process, &range, 1, &counts, 1, &why) < 0)
		errx(1, "%s", why.message);
#define MIB(bytes) ((unsigned long long)((bytes) / HN_MIB))
	printf("moved %llu busy %llu no-memory %llu shared %llu absent %llu there %llu huge %ld\n",
	       MIB(progress->moved_bytes), MIB(progress->stayed_bytes[HN_STAY_BUSY]),
	       MIB(progress->stayed_bytes[HN_STAY_NO_MEMORY]), MIB(progress->stayed_bytes[HN_STAY_SHARED]),
	       MIB(progress->absent_bytes), MIB(counts.on_node[1] * hn_base_page_bytes()),
	       huge_kib(holder->process.pid) / 1024);
#undef MIB
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "base";
	bool alone = argc > 2 && strcmp(argv[2], "alone") == 0;
	struct kind_holder holder;
	struct middle middle = {&holder, argc > 2 && !alone ? argv[2] : NULL};
	struct hn_move_progress progress;
	struct hn_process_pins pins;
	struct hn_error why;
	int r;

	kind_holder_start(kind, &holder);
	if (hn_process_pins_read(NULL, &holder.process, &pins, &why) < 0)
		errx(1, "%s", why.message);
	if (hn_pins_movability(&pins, (uint64_t)holder.memory, KIND_BYTES) != HN_MOVABLE)
		puts("found to be pinned");
	struct hn_range range = range_of(&holder);
	const struct hn_move_order order = {
		.process = holder.process,
		.ranges = &range,
		.range_count = 1,
		.to_node = 1,
		.pace.bytes_per_second = middle.what ? SLOW : 0,
		.shared = !alone,
	};

	range.page_bytes = strcmp(kind, "hugetlb") == 0 ? KIND_HUGE_BYTES : 0;
	r = hn_move(&order, watch, &middle, &progress, &why);
	if (r < 0)
		puts(why.message);
	else
		report(&holder, &progress);
	kind_holder_stop(&holder);
	return r < 0;
}
