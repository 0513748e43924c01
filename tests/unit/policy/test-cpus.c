/* Which CPUs threads get: counted by hand on a host of two nodes with SMT and two caches each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "policy/cpus.h"
#include "policy/solver.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 0, .steps = 200000};

/*
 * Node 0 has CPUs 0-15, node 1 CPUs 16-31; CPUs n and n + 8 of a node are one core; cores 0-3 and 4-7 of a
 * node share a cache each.
 */
static struct hn_snapshot *smt_host(void)
{
	struct hn_snapshot *snapshot = scene_new(2, 16, 4000);

	for (size_t i = 0; i < snapshot->host->cpu_count; i++) {
		struct hn_cpu *cpu = &snapshot->host->cpus[i];

		cpu->core = (int)(i / 16 * 8 + i % 8);
		cpu->llc = cpu->core / 4;
	}
	return snapshot;
}

static struct hn_set cpus_of(const char *text)
{
	struct hn_set set = {0};

	assert_int_equal(hn_set_parse(text, &set, NULL), 0);
	return set;
}

static void assert_set(const struct hn_set *set, const char *text)
{
	struct hn_set expected = cpus_of(text);
	char is[128];

	if (!hn_set_equal(set, &expected))
		fail_msg("it is %s, not %s", hn_set_format(set, is, sizeof(is)), text);
}

/* Solves for the guest and makes the answer its home. */
static const struct hn_placement *settle(struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	if (hn_solve(snapshot, guest, &limits, &placement, &err) < 0)
		fail_msg("%s", err.message);
	snapshot->guests[guest].home = placement;
	return placement;
}

static size_t add(struct hn_snapshot *snapshot, enum hn_class class, int vcpus)
{
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 100, vcpus);
	snapshot->guests[guest].guest->class = class;
	return guest;
}

static void dedicated_vcpus_get_whole_cores_of_one_cache(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	const struct hn_placement *home = settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 3));

	assert_int_equal(home->vcpu_count, 3);
	assert_set(&home->vcpus[0].cpus, "0,8");
	assert_set(&home->vcpus[1].cpus, "1,9");
	assert_set(&home->vcpus[2].cpus, "2,10");
	assert_set(&home->other_cpus, "3-7,11-15");
}

/* One core is left in the first cache: three go to the second, one fills the first. */
static void caches_are_filled_as_tightly_as_they_can_be(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	const struct hn_placement *home;

	settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 3));
	home = settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 3));
	assert_set(&home->vcpus[0].cpus, "4,12");
	assert_set(&home->vcpus[2].cpus, "6,14");
	home = settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 1));
	assert_int_equal(hn_set_count(&home->vcpus[0].cpus), 2);
	assert_true(hn_set_has(&home->vcpus[0].cpus, 3) || hn_set_has(&home->vcpus[0].cpus, 7));
}

static void no_core_is_given_twice(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	struct hn_set given = {0};

	for (int i = 0; i < 16; i++) {
		const struct hn_placement *home = settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 1));
		struct hn_set both = home->vcpus[0].cpus;

		hn_set_and(&both, &given);
		assert_true(hn_set_empty(&both));
		hn_set_or(&given, &home->vcpus[0].cpus);
	}
	assert_set(&given, "0-31");
	{
		struct hn_placement *none = NULL;
		struct hn_error err = {0};

		assert_int_equal(
			hn_solve(snapshot, add(snapshot, HN_CLASS_DEDICATED, 1), &limits, &none, &err),
			-ENOSPC);
		assert_non_null(strstr(err.message, "whole cores"));
	}
}

static void shared_vcpus_keep_off_others_own_cores(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	struct hn_placement *home = NULL;
	struct hn_error err = {0};
	size_t shared;

	settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 4));
	shared = add(snapshot, HN_CLASS_SHARED, 2);
	assert_int_equal(hn_solve(snapshot, shared, &limits, &home, &err), 0);
	hn_set_clear(&home->cells[0].nodes);
	hn_set_add(&home->cells[0].nodes, 0);
	assert_int_equal(hn_cpus_choose(snapshot, shared, home, &err), 0);
	assert_set(&home->vcpus[0].cpus, "4-7,12-15");
	assert_set(&home->vcpus[1].cpus, "4-7,12-15");
	hn_placement_free(home);
}

/* Sibling 9 is the host's own, so core 1 is not whole; a reserved CPU still does housekeeping. */
static void reserved_cpus_are_no_vcpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	const struct hn_placement *home;

	snapshot->host->cpus[9].reserved = true;
	home = settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 7));
	for (size_t i = 0; i < 7; i++)
		assert_false(hn_set_has(&home->vcpus[i].cpus, 1));
	assert_true(home->vcpu_count == 7);
	if (hn_set_has(&home->cells[0].nodes, 0))
		assert_true(hn_set_has(&home->other_cpus, 9));
}

/* Cores 4-7 of node 1 are isolated: the realtime guest gets these, its emulator the rest of the node. */
static void realtime_vcpus_get_isolated_cores(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	const struct hn_placement *home;

	for (int cpu = 20; cpu < 24; cpu++) {
		scene_isolate(snapshot, cpu);
		scene_isolate(snapshot, cpu + 8);
	}
	home = settle(snapshot, add(snapshot, HN_CLASS_REALTIME, 2));
	assert_set(&home->cells[0].nodes, "1");
	assert_set(&home->vcpus[0].cpus, "20,28");
	assert_set(&home->vcpus[1].cpus, "21,29");
	assert_set(&home->other_cpus, "16-19,24-27");
}

/* Every CPU of its node is a vCPU's own: the emulator goes next door, where there is room. */
static void the_emulator_goes_to_the_nearest_housekeeping(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	const struct hn_placement *home = settle(snapshot, add(snapshot, HN_CLASS_DEDICATED, 8));

	assert_set(&home->cells[0].nodes, "0");
	assert_set(&home->other_cpus, "16-31");
}

static void a_split_guest_has_its_cores_on_all_its_nodes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	size_t guest = scene_guest(snapshot, "wide");
	const struct hn_placement *home;
	int on_first = 0;

	scene_cell(snapshot, guest, 6000, 10);
	snapshot->guests[guest].guest->class = HN_CLASS_DEDICATED;
	home = settle(snapshot, guest);
	assert_set(&home->cells[0].nodes, "0-1");
	for (size_t i = 0; i < home->vcpu_count; i++) {
		assert_int_equal(hn_set_count(&home->vcpus[i].cpus), 2);
		on_first += hn_set_next(&home->vcpus[i].cpus, 0) < 16;
	}
	assert_int_equal(on_first, 5); /* as its memory lies */
}

/*
 * 3000 MiB are free on node 0 but only two cores, 3500 MiB and eight cores on node 1: of 6 GB and nine vCPUs
 * about half the memory is on each, and two vCPUs and seven.
 */
static void cores_of_a_split_cell_are_where_the_solver_seats_it(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	size_t guest = scene_guest(snapshot, "wide");
	const struct hn_placement *home;
	int on_first = 0;

	for (int cpu = 2; cpu < 8; cpu++)
		snapshot->host->cpus[cpu].reserved = true;
	scene_cell(snapshot, guest, 6000, 9);
	scene_free_mib(snapshot, 0, 3000);
	scene_free_mib(snapshot, 1, 3500);
	snapshot->guests[guest].guest->class = HN_CLASS_DEDICATED;
	home = settle(snapshot, guest);
	assert_int_equal(home->cells[0].bytes[0] / MIB, 3000);
	assert_int_equal(home->cells[0].vcpus[0], 2);
	assert_int_equal(home->cells[0].vcpus[1], 7);
	for (size_t i = 0; i < home->vcpu_count; i++)
		on_first += hn_set_next(&home->vcpus[i].cpus, 0) < 16;
	assert_int_equal(on_first, 2);
}

/* Half its memory is on each node; its home says how many of its vCPUs are. */
static void seats_that_a_home_tells_are_kept_to(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	size_t guest = scene_guest(snapshot, "wide");
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	struct hn_error err = {0};

	scene_cell(snapshot, guest, 6000, 8);
	snapshot->guests[guest].guest->class = HN_CLASS_DEDICATED;
	home = hn_placement_copy(settle(snapshot, guest));
	for (unsigned first = 0; first <= 8; first++) {
		unsigned on_first = 0;

		home->cells[0].vcpus[0] = first;
		home->cells[0].vcpus[1] = 8 - first;
		assert_int_equal(hn_cpus_choose(snapshot, guest, home, &err), 0);
		for (size_t i = 0; i < home->vcpu_count; i++)
			on_first += hn_set_next(&home->vcpus[i].cpus, 0) < 16;
		assert_int_equal(on_first, first);
	}
	memset(home->cells[0].vcpus, 0, 2 * sizeof(uint64_t)); /* as before there were any */
	assert_int_equal(hn_cpus_choose(snapshot, guest, home, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dedicated_vcpus_get_whole_cores_of_one_cache),
		cmocka_unit_test(caches_are_filled_as_tightly_as_they_can_be),
		cmocka_unit_test(no_core_is_given_twice),
		cmocka_unit_test(shared_vcpus_keep_off_others_own_cores),
		cmocka_unit_test(reserved_cpus_are_no_vcpus),
		cmocka_unit_test(realtime_vcpus_get_isolated_cores),
		cmocka_unit_test(the_emulator_goes_to_the_nearest_housekeeping),
		cmocka_unit_test(a_split_guest_has_its_cores_on_all_its_nodes),
		cmocka_unit_test(cores_of_a_split_cell_are_where_the_solver_seats_it),
		cmocka_unit_test(seats_that_a_home_tells_are_kept_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
