/*
 * Conditions of a guest: a realtime guest for which all is well, and each thing that can be wrong in turn.
 * The host has nodes of CPUs 0-7 and 8-15, CPUs n and n + 4 of a node being one core; 2, 3, 6 and 7 are
 * isolated.
 */
#include "policy/conditions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "policy/device-places.h"
#include "scene.h"

struct well {
	struct hn_snapshot *snapshot;
	struct hn_guest *guest; /* two vCPUs on cores 2 and 3, and an emulator */
	struct hn_sample *sample;
	struct hn_device_place devices[2];
	size_t device_count;
};

static void allow(struct hn_sample *sample, size_t thread, const char *cpus)
{
	struct hn_set set;

	assert_int_equal(hn_set_parse(cpus, &set, NULL), 0);
	assert_int_equal(hn_sample_allow(sample, thread, &set), 0);
}

static int all_is_well(void **state)
{
	struct well *well = calloc(1, sizeof(*well));
	struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	size_t other;

	for (size_t i = 0; i < snapshot->host->cpu_count; i++)
		snapshot->host->cpus[i].core = (int)(i / 8 * 4 + i % 4);
	for (int cpu = 2; cpu < 8; cpu += cpu == 3 ? 3 : 1)
		scene_isolate(snapshot, cpu);
	scene_guest(snapshot, "rt");
	scene_cell(snapshot, 0, 1000, 2);
	scene_emulator(snapshot, 0);
	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 0, 1000);
	scene_threads(snapshot, 0, -1, 0);
	well->snapshot = snapshot;
	well->guest = snapshot->guests[0].guest;
	well->sample = snapshot->guests[0].sample;
	well->guest->class = HN_CLASS_REALTIME;
	well->guest->hold = (struct hn_hold){.known = true, .locked_bytes = 1000 * MIB};
	well->guest->backends[0].backing = HN_BACKING_HUGETLB;
	for (size_t i = 0; i < well->guest->thread_count; i++) {
		bool is_vcpu = well->guest->threads[i].kind == HN_THREAD_VCPU;

		if (is_vcpu)
			well->sample->threads[i].scheduler = HN_SCHEDULER_FIFO;
		allow(well->sample, i, !is_vcpu ? "0-1,4-5" : well->guest->threads[i].vcpu ? "3,7" : "2,6");
	}
	other = scene_guest_on(snapshot, "noisy", 1, 1000, 2, 1);
	for (size_t i = 0; i < snapshot->guests[other].guest->thread_count; i++)
		allow(snapshot->guests[other].sample, i, "8-15");
	*state = well;
	return 0;
}

static int forget(void **state)
{
	struct well *well = *state;

	hn_snapshot_free(well->snapshot);
	free(well);
	return 0;
}

static size_t vcpu_thread(const struct well *well, int vcpu)
{
	for (size_t i = 0; i < well->guest->thread_count; i++)
		if (well->guest->threads[i].kind == HN_THREAD_VCPU && well->guest->threads[i].vcpu == vcpu)
			return i;
	fail_msg("no vCPU %d", vcpu);
	return 0;
}

static struct hn_checkup examine(const struct well *well)
{
	struct hn_checkup checkup = {0};

	hn_conditions_examine(well->snapshot, 0, well->devices, well->device_count, &checkup);
	return checkup;
}

/* That check says so, and all others are well. */
static void assert_only(const struct well *well, enum hn_check check, enum hn_finding_verdict verdict,
			const char *found, const char *remedy)
{
	struct hn_checkup checkup = examine(well);
	bool seen = false;

	for (size_t i = 0; i < checkup.count; i++) {
		const struct hn_finding *finding = &checkup.findings[i];

		if (finding->check != check) {
			if (finding->verdict != HN_FINDING_OK)
				fail_msg("%s is not well: %s", hn_check_name(finding->check), finding->found);
			continue;
		}
		seen = true;
		if (finding->verdict != verdict || !strstr(finding->found, found) ||
		    !strstr(finding->remedy, remedy))
			fail_msg("%s: %s, '%s', '%s'", hn_check_name(check),
				 hn_finding_verdict_name(finding->verdict), finding->found, finding->remedy);
	}
	assert_true(seen);
}

static void a_realtime_guest_can_have_all(void **state)
{
	struct hn_checkup checkup = examine(*state);

	assert_int_equal(checkup.count, 10);
	for (size_t i = 0; i < checkup.count; i++) {
		assert_true(hn_check_is_of_guest(checkup.findings[i].check));
		if (checkup.findings[i].verdict != HN_FINDING_OK)
			fail_msg("%s: %s", hn_check_name(checkup.findings[i].check),
				 checkup.findings[i].found);
	}
}

static void each_vcpu_needs_a_core(void **state)
{
	struct well *well = *state;

	/* two cores for one vCPU, one of which is another's */
	allow(well->sample, vcpu_thread(well, 1), "2-3,6-7");
	assert_only(well, HN_CHECK_VCPU_CORES, HN_FINDING_FAIL, "vCPUs 1 have no core", "<vcpupin>");
	/* siblings of one core */
	allow(well->sample, vcpu_thread(well, 0), "3");
	allow(well->sample, vcpu_thread(well, 1), "7");
	assert_only(well, HN_CHECK_VCPU_CORES, HN_FINDING_FAIL, "vCPUs 1 have no core", "");
}

/* Another guest on the sibling of a vCPU's CPU, though not on the CPU itself. */
static void nobody_else_may_use_its_cores(void **state)
{
	struct well *well = *state;

	allow(well->sample, vcpu_thread(well, 0), "2");
	allow(well->sample, vcpu_thread(well, 1), "3");
	allow(well->snapshot->guests[1].sample, 0, "6,8-15");
	assert_only(well, HN_CHECK_VCPU_CORES, HN_FINDING_FAIL,
		    "guest 'noisy' may run on its cores (CPUs 2-3,6-7)", "homenode rebalance noisy");
}

static void its_cpus_must_be_isolated(void **state)
{
	struct well *well = *state;

	for (size_t i = 0; i < well->snapshot->host->cpu_count; i++)
		if (well->snapshot->host->cpus[i].id == 6)
			well->snapshot->host->cpus[i].isolated = false;
	assert_only(well, HN_CHECK_VCPU_ISOLATION, HN_FINDING_FAIL, "CPUs 6, which are not", "homenode xml");
}

static void its_threads_must_be_realtime(void **state)
{
	struct well *well = *state;

	well->sample->threads[vcpu_thread(well, 0)].scheduler = HN_SCHEDULER_RR;
	well->sample->threads[vcpu_thread(well, 1)].scheduler = HN_SCHEDULER_OTHER;
	assert_only(well, HN_CHECK_VCPU_SCHEDULER, HN_FINDING_FAIL, "vCPUs 1 are ordinary",
		    "<vcpusched vcpus='1' scheduler='fifo' priority='1'/>");
}

static void its_emulator_must_be_elsewhere(void **state)
{
	struct well *well = *state;
	bool has_emulator = false;

	for (size_t i = 0; i < well->guest->thread_count; i++)
		if (well->guest->threads[i].kind != HN_THREAD_VCPU) {
			allow(well->sample, i, "0-1,7");
			has_emulator = true;
		}
	assert_true(has_emulator);
	assert_only(well, HN_CHECK_EMULATOR_CPUS, HN_FINDING_FAIL, "CPUs 7, which are for vCPUs",
		    "<emulatorpin>");
}

static void its_memory_must_be_near(void **state)
{
	struct well *well = *state;

	scene_pages(well->snapshot, 0, 0, 1, 100);
	assert_only(well, HN_CHECK_GUEST_NODES, HN_FINDING_FAIL, "91 %", "homenode window rt --for 60s");
}

static void its_memory_must_be_there_and_stay(void **state)
{
	struct well *well = *state;

	scene_pages(well->snapshot, 0, 0, -1, 1000);
	assert_only(well, HN_CHECK_MEMORY_THERE, HN_FINDING_FAIL, "50.0 % of it was never touched",
		    "immediate");
}

static void its_memory_must_be_huge_and_locked(void **state)
{
	struct well *well = *state;
	struct hn_checkup checkup;

	well->guest->backends[0].backing = HN_BACKING_ANONYMOUS;
	assert_only(well, HN_CHECK_MEMORY_PAGES, HN_FINDING_FAIL, "not of a pool", "<hugepages/>");
	well->guest->backends[0].backing = HN_BACKING_HUGETLB;
	well->guest->hold.locked_bytes = 0;
	a_realtime_guest_can_have_all(state); /* a pool's pages are never swapped */
	well->guest->backends[0].backing = HN_BACKING_SHMEM;
	checkup = examine(well);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_MEMORY_LOCKED)->verdict, HN_FINDING_FAIL);
}

static void what_cannot_move_is_a_note(void **state)
{
	struct well *well = *state;

	well->guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	well->guest->hold.pins = 1u << HN_PIN_VFIO;
	assert_only(well, HN_CHECK_MEMORY_MOVES, HN_FINDING_NOTE, "1 of 1 pieces pinned by vfio", "");
}

/* Of 2 GiB/s that have been seen, half a second a page. */
static void pages_too_large_to_move_are_priced(void **state)
{
	struct well *well = *state;

	well->guest->backends[0].movability = HN_IMMOVABLE_LARGE_PAGES;
	well->guest->backends[0].page_bytes = HN_GIB;
	well->snapshot->calibration =
		(struct hn_calibration){.bytes_per_second = 2.0 * HN_GIB, .migrations = 1};
	assert_only(well, HN_CHECK_MEMORY_MOVES, HN_FINDING_NOTE, "1 of 1 pieces large-pages",
		    "one page of 1 GiB takes some 500 ms; 'longest_gap'");
}

static void devices_must_be_near(void **state)
{
	struct well *well = *state;
	struct hn_host *host = well->snapshot->host;
	struct hn_set lives = hn_guest_lives_on(host, well->sample, NULL);

	hn_host_add_device(host, "0000:01:00.0")->node = 0;
	hn_host_add_device(host, "0000:81:00.0")->node = 1;
	hn_host_add_device(host, "0000:99:00.0")->node = -1;
	well->devices[0] = hn_device_place_of(host, "0000:01:00.0", false, &lives);
	well->devices[1] = hn_device_place_of(host, "0000:99:00.0", false, &lives);
	well->device_count = 2;
	a_realtime_guest_can_have_all(state);
	well->devices[1] = hn_device_place_of(host, "0000:81:00.0", true, &lives);
	assert_only(well, HN_CHECK_DEVICES_NEAR, HN_FINDING_FAIL, "far: 0000:81:00.0 on node 1", "nodes=");
}

/* A shared guest is not asked for cores, and a warning is the worst for it; a dedicated one is. */
static void others_are_asked_for_less(void **state)
{
	struct well *well = *state;
	struct hn_checkup checkup;

	well->guest->class = HN_CLASS_SHARED;
	well->guest->backends[0].backing = HN_BACKING_ANONYMOUS;
	well->guest->backends[0].looked_inside = true;
	well->guest->backends[0].huge_share = 0.1;
	scene_pages(well->snapshot, 0, 0, 1, 1000);
	for (size_t i = 0; i < well->guest->thread_count; i++)
		allow(well->sample, i, "0-7");
	checkup = examine(well);
	assert_int_equal(checkup.count, 4);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_GUEST_NODES)->verdict, HN_FINDING_WARNING);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_MEMORY_PAGES)->verdict, HN_FINDING_NOTE);
	well->guest->class = HN_CLASS_DEDICATED;
	checkup = examine(well);
	assert_int_equal(checkup.count, 6);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_VCPU_CORES)->verdict, HN_FINDING_WARNING);
}

static void what_was_not_looked_at_is_not_judged(void **state)
{
	struct well *well = *state;
	struct hn_checkup checkup;

	hn_sample_free(well->snapshot->guests[0].sample);
	well->snapshot->guests[0].sample = NULL;
	checkup = examine(well);
	assert_int_equal(checkup.count, 10);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_VCPU_CORES)->verdict, HN_FINDING_UNKNOWN);
	assert_int_equal(hn_checkup_find(&checkup, HN_CHECK_GUEST_NODES)->verdict, HN_FINDING_UNKNOWN);
}

static void bound_and_pooled_memory_is_passed_by(void **state)
{
	struct well *well = *state;
	struct hn_backend *backend = &well->guest->backends[0];

	assert_true(hn_is_passed_by_balancing(well->guest));
	backend->backing = HN_BACKING_ANONYMOUS;
	assert_false(hn_is_passed_by_balancing(well->guest));
	strcpy(backend->policy, "preferred");
	assert_false(hn_is_passed_by_balancing(well->guest));
	strcpy(backend->policy, "bind");
	assert_true(hn_is_passed_by_balancing(well->guest));
}

int main(void)
{
#define CONDITION(name) cmocka_unit_test_setup_teardown(name, all_is_well, forget)
	const struct CMUnitTest tests[] = {
		CONDITION(a_realtime_guest_can_have_all),
		CONDITION(each_vcpu_needs_a_core),
		CONDITION(nobody_else_may_use_its_cores),
		CONDITION(its_cpus_must_be_isolated),
		CONDITION(its_threads_must_be_realtime),
		CONDITION(its_emulator_must_be_elsewhere),
		CONDITION(its_memory_must_be_near),
		CONDITION(its_memory_must_be_there_and_stay),
		CONDITION(its_memory_must_be_huge_and_locked),
		CONDITION(what_cannot_move_is_a_note),
		CONDITION(pages_too_large_to_move_are_priced),
		CONDITION(devices_must_be_near),
		CONDITION(others_are_asked_for_less),
		CONDITION(what_was_not_looked_at_is_not_judged),
		CONDITION(bound_and_pooled_memory_is_passed_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
