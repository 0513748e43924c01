/*
 * The sampler on this process's own memory: what was touched is known, so what it says can be checked.
 * Touched pages are "present" here and the rest absent; on which node is the machine's affair.
 */
#include "host/page-sampler.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/random.h"
#include "base/units.h"
#include "lacking.h"
#include "model/interval.h"
#include "tests/unit/child.h"

#define SEEDS 1000

struct memory {
	char *start;
	uint64_t pages;
	uint64_t touched;
};

static void memory_init(struct memory *memory, uint64_t pages)
{
	uint64_t bytes = pages * hn_base_page_bytes();

	memory->start =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(memory->start, MAP_FAILED);
	madvise(memory->start, bytes, MADV_NOHUGEPAGE);
	memory->pages = pages;
	memory->touched = 0;
}

static void memory_done(struct memory *memory)
{
	munmap(memory->start, memory->pages * hn_base_page_bytes());
}

/* No page twice. */
static void memory_touch(struct memory *memory, uint64_t page)
{
	*(volatile char *)(memory->start + page * hn_base_page_bytes()) = 1;
	memory->touched++;
}

static struct hn_range range_of(const struct memory *memory, int cell)
{
	return (struct hn_range){
		.start = (uint64_t)memory->start,
		.bytes = memory->pages * hn_base_page_bytes(),
		.cell = cell,
	};
}

static struct hn_process self(void)
{
	struct hn_process process;
	struct hn_error err;
	uid_t uid;

	assert_int_equal(hn_process_of_thread(NULL, getpid(), &process, &uid, &err), 0);
	return process;
}

static uint64_t present(const struct hn_page_counts *counts)
{
	uint64_t sum = 0;

	for (int i = 0; i < HN_NODE_IDS; i++)
		sum += counts->on_node[i];
	assert_int_equal(sum + counts->absent + counts->unknown, counts->sampled);
	assert_int_equal(counts->unknown, 0);
	return sum;
}

static struct hn_page_counts sample(const struct hn_range *ranges, size_t count, uint32_t samples,
				    uint64_t seed)
{
	struct hn_process process = self();
	struct hn_page_counts counts = {.cell = ranges[0].cell};
	struct hn_error err;

	if (hn_pages_sample(NULL, &process, ranges, count, samples, seed, &counts, 1, &err))
		fail_msg("%s", err.message);
	return counts;
}

/*
 * A 98 % interval holds the truth in at least 96 of 100 samples. Among 1000 samples with 98 % each, fewer
 * than 960 are more than 4.5 standard deviations off; the seeds are fixed, so this passes always or never.
 */
static void check_coverage(const struct memory *memory, uint32_t samples, uint64_t *ret_drawn)
{
	struct hn_range range = range_of(memory, 0);
	double truth = (double)memory->touched / (double)memory->pages;
	int inside = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct hn_page_counts counts = sample(&range, 1, samples, seed);
		struct hn_interval share = hn_interval_wilson(present(&counts), counts.sampled);

		*ret_drawn += counts.sampled;
		inside += share.low <= truth && truth <= share.high;
	}
	if (inside < SEEDS * 96 / 100)
		fail_msg("only %d of %d intervals hold the truth", inside, SEEDS);
}

/* Shares that need all the samples. */
static void check_middling(const struct memory *memory, uint32_t samples)
{
	uint64_t drawn = 0;

	check_coverage(memory, samples, &drawn);
	assert_int_equal(drawn, (uint64_t)samples * SEEDS);
}

static void a_block_of_memory_is_measured(void **state)
{
	struct memory memory;

	memory_init(&memory, 16384);
	for (uint64_t i = 0; i < 5000; i++)
		memory_touch(&memory, i);
	check_middling(&memory, 1024);
	memory_done(&memory);
}

static void scattered_memory_is_measured(void **state)
{
	struct hn_random random = {.state = 11};
	struct memory memory;

	memory_init(&memory, 16384);
	for (uint64_t i = 0; i < memory.pages; i++)
		if (hn_random_below(&random, 100) < 37)
			memory_touch(&memory, i);
	check_middling(&memory, 1024);
	memory_done(&memory);
}

/* As interleaving leaves it, with a period that goes evenly into the distance of two samples (16384 / 1024 =
 * 16). */
static void interleaved_memory_is_measured(void **state)
{
	struct memory memory;

	memory_init(&memory, 16384);
	for (uint64_t i = 0; i < memory.pages; i += 4)
		memory_touch(&memory, i);
	check_middling(&memory, 1024);
	memory_done(&memory);
}

/* Shares at which some samples stop after a part and others do not: 0.5 to 20 %, scattered. */
static void a_sample_that_stops_early_still_holds_the_truth(void **state)
{
	static const unsigned per_mille[] = {5, 20, 40, 60, 70, 80, 120, 140, 160, 200};
	struct hn_random random = {.state = 13};
	struct memory memory;
	uint64_t drawn[HN_COUNT(per_mille)] = {0};

	for (size_t i = 0; i < HN_COUNT(per_mille); i++) {
		memory_init(&memory, 16384);
		for (uint64_t page = 0; page < memory.pages; page++)
			if (hn_random_below(&random, 1000) < per_mille[i])
				memory_touch(&memory, page);
		check_coverage(&memory, 1024, &drawn[i]);
		memory_done(&memory);
	}
	/* and saves what it is there to save: hardly one in a hundred draws that many of so few */
	assert_true(drawn[0] < SEEDS * 128 * 102 / 100);
	assert_int_equal(drawn[HN_COUNT(per_mille) - 1], SEEDS * 1024);
}

/* Its interval is no wider than that of a half from all the samples, 2.2 points at the daemon's default. */
static void what_lies_on_one_node_is_known_from_an_eighth(void **state)
{
	struct memory memory;
	struct hn_range range;
	struct hn_page_counts counts;
	struct hn_interval share;

	memory_init(&memory, 8192);
	for (uint64_t i = 0; i < memory.pages; i++)
		memory_touch(&memory, i);
	range = range_of(&memory, 0);
	counts = sample(&range, 1, 2816, 1);
	share = hn_interval_wilson(present(&counts), counts.sampled);
	assert_int_equal(counts.sampled, 2816 / 8);
	assert_true(share.high - share.low <= 2 * 0.022);
	memory_done(&memory);
}

/*
 * No bias where draws are dense: 3 pages for 2 samples, every third page touched. Were a page in three
 * certain to be drawn, the mean would be 1/2 or 1/4. Mean of 400 runs of 1000 draws, each with a deviation
 * below 0.015.
 */
static void dense_draws_have_no_bias(void **state)
{
	struct memory memory;
	struct hn_range range;
	double sum = 0;

	memory_init(&memory, 1500);
	for (uint64_t i = 0; i < memory.pages; i += 3)
		memory_touch(&memory, i);
	range = range_of(&memory, 0);
	for (uint64_t seed = 0; seed < 400; seed++) {
		struct hn_page_counts counts = sample(&range, 1, 1000, seed);

		sum += (double)present(&counts) / (double)counts.sampled;
	}
	assert_true(fabs(sum / 400 - 1.0 / 3) < 4 * 0.015 / sqrt(400));
	memory_done(&memory);
}

/* One range touched and two not, sizes 3 : 1 : 6: the touched one has its share to within one address in each
 * of the four parts that are drawn. */
static void ranges_get_their_share(void **state)
{
	struct memory memory[3];
	struct hn_range ranges[3];
	const uint64_t pages[3] = {3000, 1000, 6000};
	double expected = 775.0 * 3000 / 10000, sum = 0; /* 232.5 */

	for (int i = 0; i < 3; i++) {
		memory_init(&memory[i], pages[i]);
		ranges[i] = range_of(&memory[i], 4);
	}
	for (uint64_t i = 0; i < pages[0]; i++)
		memory_touch(&memory[0], i);
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct hn_page_counts counts = sample(ranges, 3, 775, seed);
		double share = (double)present(&counts);

		assert_int_equal(counts.sampled, 775);
		assert_true(fabs(share - expected) < 4);
		sum += share;
	}
	assert_true(fabs(sum / 300 - expected) < 4 * 0.5 * sqrt(4) / sqrt(300));
	for (int i = 0; i < 3; i++)
		memory_done(&memory[i]);
}

static void a_small_cell_is_counted_whole(void **state)
{
	struct memory memory;
	struct hn_range ranges[2];

	memory_init(&memory, 1000);
	for (uint64_t i = 0; i < 1000; i += 7)
		memory_touch(&memory, i);
	ranges[0] = range_of(&memory, 0);
	ranges[0].bytes = 400 * hn_base_page_bytes();
	ranges[1] = range_of(&memory, 0);
	ranges[1].start += 400 * hn_base_page_bytes();
	ranges[1].bytes = 600 * hn_base_page_bytes();
	for (uint32_t samples = 1000; samples < 5000; samples += 1999) {
		struct hn_page_counts counts = sample(ranges, 2, samples, samples);

		assert_int_equal(counts.sampled, 1000);
		assert_int_equal(present(&counts), memory.touched);
	}
	memory_done(&memory);
}

static void cells_are_counted_apart(void **state)
{
	struct hn_page_counts counts[2] = {{.cell = 7}, {.cell = 2}};
	struct hn_process process = self();
	struct hn_range ranges[3];
	struct memory memory[3];
	struct hn_error err;

	for (int i = 0; i < 3; i++) {
		memory_init(&memory[i], 100);
		ranges[i] = range_of(&memory[i], i == 0 ? 2 : i == 1 ? 7 : 5); /* nobody asks for cell 5 */
	}
	for (uint64_t i = 0; i < 30; i++)
		memory_touch(&memory[0], i);
	for (uint64_t i = 0; i < 80; i++)
		memory_touch(&memory[1], i);
	assert_int_equal(hn_pages_count(NULL, &process, ranges, 3, counts, 2, &err), 0);
	assert_int_equal(present(&counts[0]), 80);
	assert_int_equal(present(&counts[1]), 30);
	assert_int_equal(counts[0].sampled, 100);
	assert_int_equal(counts[1].sampled, 100);
	for (int i = 0; i < 3; i++)
		memory_done(&memory[i]);
}

static void the_same_seed_draws_the_same(void **state)
{
	struct hn_random random = {.state = 5};
	struct memory memory;
	struct hn_range range;
	int differing = 0;

	memory_init(&memory, 16384);
	for (uint64_t i = 0; i < memory.pages; i++)
		if (hn_random_below(&random, 2))
			memory_touch(&memory, i);
	range = range_of(&memory, 0);
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct hn_page_counts a = sample(&range, 1, 500, seed), b = sample(&range, 1, 500, seed);
		struct hn_page_counts c = sample(&range, 1, 500, seed + 1);

		assert_memory_equal(&a, &b, sizeof(a));
		differing += memcmp(&a, &c, sizeof(a)) != 0;
	}
	assert_true(differing > 10);
	memory_done(&memory);
}

/* Huge pages count by their size, as the addresses are uniform. */
static void huge_pages_count_by_size(void **state)
{
	const uint64_t huge_pages = 2 * HN_MIB / hn_base_page_bytes();
	struct memory memory;
	char *aligned;

	memory_init(&memory, 9 * huge_pages);
	aligned = (char *)(((uint64_t)memory.start + 2 * HN_MIB - 1) / (2 * HN_MIB) * (2 * HN_MIB));
	madvise(aligned, 8 * HN_MIB, MADV_HUGEPAGE);
	memset(aligned, 1, 8 * HN_MIB);
	memory.touched = 4 * huge_pages;
	check_middling(&memory, 1024);
	memory_done(&memory);
}

/* As kernel NUMA balancing leaves pages: inaccessible, and there. */
static void inaccessible_pages_are_there(void **state)
{
	struct memory memory;
	struct hn_range range;
	struct hn_page_counts counts;

	if (geteuid() != 0)
		skip();
	memory_init(&memory, 4000);
	for (uint64_t i = 0; i < 3000; i++)
		memory_touch(&memory, i);
	assert_int_equal(mprotect(memory.start, 2000 * hn_base_page_bytes(), PROT_NONE), 0);
	range = range_of(&memory, 0);
	counts = sample(&range, 1, 100000, 1);
	assert_int_equal(present(&counts), 3000);
	memory_done(&memory);
}

static void another_process_is_measured_while_it_lives(void **state)
{
	struct hn_page_counts counts = {.cell = 0};
	struct hn_process child;
	struct memory memory;
	struct hn_range range;
	struct hn_error err = {0};
	uid_t uid;
	pid_t pid;
	int gate[2];
	char byte;

	memory_init(&memory, 1000);
	assert_int_equal(pipe(gate), 0);
	pid = child_fork();
	if (pid == 0) {
		for (uint64_t i = 0; i < 250; i++)
			memory_touch(&memory, i);
		if (write(gate[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(gate[0], &byte, 1), 1);
	range = range_of(&memory, 0);
	assert_int_equal(hn_process_of_thread(NULL, pid, &child, &uid, &err), 0);
	assert_int_equal(hn_pages_count(NULL, &child, &range, 1, &counts, 1, &err), 0);
	assert_int_equal(present(&counts), 250);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(hn_pages_sample(NULL, &child, &range, 1, 100, 1, &counts, 1, &err), -ESRCH);
	assert_non_null(strstr(err.message, "gone"));
	memory_done(&memory);
}

static void without_the_right_it_is_refused(void **state)
{
	struct hn_process process = self();
	struct memory memory;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	memory_init(&memory, 1000);
	pid = child_fork();
	if (pid == 0) {
		struct hn_page_counts counts = {.cell = 0};
		struct hn_range range = range_of(&memory, 0);
		struct hn_error err;

		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(hn_pages_sample(NULL, &process, &range, 1, 100, 1, &counts, 1, &err) == -EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	memory_done(&memory);
}

static void a_sample_of_nothing_is_refused(void **state)
{
	struct hn_page_counts counts = {.cell = 0};
	struct hn_process process = self();
	struct memory memory;
	struct hn_range range;
	struct hn_error err;

	memory_init(&memory, 10);
	range = range_of(&memory, 0);
	assert_int_equal(hn_pages_sample(NULL, &process, &range, 1, 0, 1, &counts, 1, &err), -EINVAL);
	memory_done(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_of_memory_is_measured),
		cmocka_unit_test(scattered_memory_is_measured),
		cmocka_unit_test(interleaved_memory_is_measured),
		cmocka_unit_test(a_sample_that_stops_early_still_holds_the_truth),
		cmocka_unit_test(what_lies_on_one_node_is_known_from_an_eighth),
		cmocka_unit_test(dense_draws_have_no_bias),
		cmocka_unit_test(ranges_get_their_share),
		cmocka_unit_test(a_small_cell_is_counted_whole),
		cmocka_unit_test(cells_are_counted_apart),
		cmocka_unit_test(the_same_seed_draws_the_same),
		cmocka_unit_test(huge_pages_count_by_size),
		cmocka_unit_test(inaccessible_pages_are_there),
		cmocka_unit_test(another_process_is_measured_while_it_lives),
		cmocka_unit_test(without_the_right_it_is_refused),
		cmocka_unit_test(a_sample_of_nothing_is_refused),
	};

	if (lacks(SYS_move_pages, "move_pages"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
