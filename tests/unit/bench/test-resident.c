/*
 * Guests that come, move and go leave a modelled host as they found it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/units.h"
#include "bench/machine.h"
#include "bench/resident.h"

static const struct bench_size two_cells = {.cells = 2, .vcpus = {3, 1}, .mib = {700, 200}};

static struct hn_snapshot *empty_host(void)
{
	struct hn_random chance = {1};
	struct hn_snapshot *snapshot =
		hn_snapshot_new(bench_machine_new(BENCH_HYPERCUBE, 4, 8, 1000, &chance));

	assert_non_null(snapshot);
	return snapshot;
}

static uint64_t free_mib(const struct hn_snapshot *snapshot, size_t node)
{
	return snapshot->host->nodes[node].free_bytes / HN_MIB;
}

static void a_guest_takes_what_it_has_and_gives_it_back(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = empty_host();
	const size_t here[] = {1, 3}, there[] = {3, 3};

	assert_int_equal(bench_guest_add(snapshot, "g", HN_CLASS_DEDICATED, &two_cells), 0);
	assert_int_equal(hn_guest_vcpu_count(snapshot->guests[0].guest), 4);
	assert_int_equal(bench_guest_settle_on(snapshot, 0, here), 0);
	assert_int_equal(free_mib(snapshot, 1), 300);
	assert_int_equal(free_mib(snapshot, 3), 800);
	assert_int_equal(snapshot->guests[0].sample->threads[2].last_node, 1);
	assert_int_equal(snapshot->guests[0].sample->threads[3].last_node, 3);
	assert_int_equal(snapshot->guests[0].sample->cells[0].on_node[1] * 4096, 700 * HN_MIB);
	/* what it has already counts as room for it */
	assert_int_equal(bench_guest_settle_on(snapshot, 0, there), 0);
	assert_int_equal(free_mib(snapshot, 1), 1000);
	assert_int_equal(free_mib(snapshot, 3), 100);
	bench_guest_remove(snapshot, 0);
	assert_int_equal(free_mib(snapshot, 3), 1000);
	assert_int_equal(snapshot->guest_count, 0);
}

static void there_is_no_room_for_two(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = empty_host();
	const size_t same[] = {2, 2};

	assert_int_equal(bench_guest_add(snapshot, "a", HN_CLASS_SHARED, &two_cells), 0);
	assert_int_equal(bench_guest_add(snapshot, "b", HN_CLASS_SHARED, &two_cells), 1);
	assert_int_equal(bench_guest_settle_on(snapshot, 0, same), 0);
	assert_int_equal(bench_guest_settle_on(snapshot, 1, same), -ENOSPC);
	assert_null(snapshot->guests[1].home);
	assert_int_equal(free_mib(snapshot, 2), 100);
	bench_guest_unsettle(snapshot, 0);
	assert_int_equal(bench_guest_settle_on(snapshot, 1, same), 0);
}

/* vCPUs of a split cell follow its memory: three parts in four of it are on node 0. */
static void a_split_cell_has_its_vcpus_where_its_memory_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = empty_host();
	const struct bench_size size = {.cells = 1, .vcpus = {4}, .mib = {800}};
	struct hn_placement *home = hn_placement_new(4, 1);
	int on_node_0 = 0;

	assert_non_null(home);
	assert_int_equal(bench_guest_add(snapshot, "g", HN_CLASS_SHARED, &size), 0);
	hn_set_add(&home->cells[0].nodes, 0);
	hn_set_add(&home->cells[0].nodes, 2);
	home->cells[0].bytes[0] = 600 * HN_MIB;
	home->cells[0].bytes[2] = 200 * HN_MIB;
	assert_int_equal(bench_guest_settle(snapshot, 0, home), 0);
	for (size_t i = 0; i < 4; i++)
		on_node_0 += snapshot->guests[0].sample->threads[i].last_node == 0;
	assert_int_equal(on_node_0, 3);
	assert_int_equal(snapshot->guests[0].sample->threads[3].last_node, 2);
}

/* Symmetric, local the least, and as the shape's description says. */
static void machines_have_the_distances_they_promise(void **state)
{
	static const struct {
		enum bench_shape shape;
		unsigned from_0[8];
	} known[] = {
		{BENCH_FLAT, {10, 20, 20, 20, 20, 20, 20, 20}},
		{BENCH_RING, {10, 16, 22, 22, 22, 22, 22, 16}},
		{BENCH_PACKAGES, {10, 11, 21, 21, 31, 31, 31, 31}},
		{BENCH_HYPERCUBE, {10, 16, 16, 22, 16, 22, 22, 28}},
		{BENCH_BLADES, {10, 13, 40, 40, 40, 40, 40, 40}},
	};
	struct hn_random chance = {1};

	for (size_t i = 0; i < HN_COUNT(known); i++) {
		HN_AUTO(hn_host) struct hn_host *host = bench_machine_new(known[i].shape, 8, 4, 100, &chance);

		assert_non_null(host);
		for (size_t a = 0; a < 8; a++) {
			assert_int_equal(hn_host_distance(host, 0, a), known[i].from_0[a]);
			for (size_t b = 0; b < 8; b++)
				assert_int_equal(hn_host_distance(host, a, b), hn_host_distance(host, b, a));
		}
		bench_machine_shrink(host, 3, 2);
		assert_int_equal(host->cpu_count, 30);
		assert_int_equal(hn_set_count(&host->nodes[3].cpus), 2);
		assert_int_equal(hn_host_cpu_node(host, 16), 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_takes_what_it_has_and_gives_it_back),
		cmocka_unit_test(there_is_no_room_for_two),
		cmocka_unit_test(a_split_cell_has_its_vcpus_where_its_memory_is),
		cmocka_unit_test(machines_have_the_distances_they_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
