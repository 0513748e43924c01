/* Whose CPUs are whose, by where threads may run: counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/capacity.h"
#include "policy/cpus.h"
#include "policy/solver.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 0, .steps = 200000};

/* One node of 16 CPUs; n and n + 8 are one core. */
static struct hn_snapshot *smt_host(void)
{
	struct hn_snapshot *snapshot = scene_new(1, 16, 16000);

	for (size_t i = 0; i < snapshot->host->cpu_count; i++)
		snapshot->host->cpus[i].core = (int)(i % 8);
	return snapshot;
}

static struct hn_set cpus_of(const char *text)
{
	struct hn_set set = {0};

	assert_int_equal(hn_set_parse(text, &set, NULL), 0);
	return set;
}

/* A running guest that nobody has decided about, whose vCPUs may all run on these CPUs. */
static size_t add_running(struct hn_snapshot *snapshot, enum hn_class class, int vcpus, const char *cpus)
{
	size_t guest = scene_guest_on(snapshot, "running", 1, 1000, vcpus, 0);

	snapshot->guests[guest].guest->class = class;
	for (int i = 0; i < vcpus; i++)
		scene_allow(snapshot->guests[guest].sample, (size_t)i, cpus_of(cpus));
	return guest;
}

static void pin(struct hn_snapshot *snapshot, size_t guest, size_t thread, const char *cpus)
{
	scene_allow(snapshot->guests[guest].sample, thread, cpus_of(cpus));
	snapshot->guests[guest].guest->threads[thread].kept = true;
}

static void assert_owned(const struct hn_snapshot *snapshot, const char *expected)
{
	struct hn_set owned = hn_owned_cpus(snapshot, NULL, 0);
	char text[128];

	assert_string_equal(hn_set_format(&owned, text, sizeof(text)), expected);
}

static void assert_owned_by(enum hn_class class, int vcpus, bool kept, const char *cpus, const char *expected)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	size_t guest = add_running(snapshot, class, vcpus, cpus);

	for (int i = 0; i < vcpus; i++)
		snapshot->guests[guest].guest->threads[i].kept = kept;
	assert_owned(snapshot, expected);
}

static void a_core_that_a_vcpu_cannot_leave_is_its_own(void **state)
{
	for (int class = HN_CLASS_DEDICATED; class <= HN_CLASS_REALTIME; class ++) {
		assert_owned_by((enum hn_class) class, 1, false, "3", "3,11");
		assert_owned_by((enum hn_class) class, 1, true, "3", "3,11");
		assert_owned_by((enum hn_class) class, 1, false, "3,11", "3,11");
		assert_owned_by((enum hn_class) class, 1, true, "3,4", "");
	}
	assert_owned_by(HN_CLASS_SHARED, 1, true, "3", "");
	assert_owned_by(HN_CLASS_DEDICATED, 1, false, "", ""); /* not known */
}

/* Of as many cores as it has vCPUs: on purpose, where somebody has said so. */
static void cores_that_a_guest_fills_are_its_own_when_meant(void **state)
{
	assert_owned_by(HN_CLASS_DEDICATED, 4, true, "4-7", "4-7,12-15");
	assert_owned_by(HN_CLASS_REALTIME, 4, false, "4-7", "4-7,12-15");
	assert_owned_by(HN_CLASS_DEDICATED, 4, false, "4-7", "");
	assert_owned_by(HN_CLASS_DEDICATED, 3, true, "4-7", "");
	assert_owned_by(HN_CLASS_REALTIME, 3, false, "4-7", "");
}

/* Nobody has put it anywhere, however many vCPUs it has. */
static void who_may_run_anywhere_owns_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();

	assert_owned_by(HN_CLASS_REALTIME, 16, true, "0-15", "");
	for (int cpu = 1; cpu < 8; cpu++) {
		scene_isolate(snapshot, cpu);
		scene_isolate(snapshot, cpu + 8);
	}
	add_running(snapshot, HN_CLASS_REALTIME, 2, "0,8"); /* where the kernel puts all */
	assert_owned(snapshot, "");
	add_running(snapshot, HN_CLASS_REALTIME, 1, "2");
	assert_owned(snapshot, "2,10");
}

/* Not decided about yet, in a mode in which it is not brought home, or after homenode has started anew. */
static void cores_of_a_running_guest_are_not_given_away(void **state)
{
	for (int isolated = 0; isolated < 2; isolated++)
		for (int mode = HN_MODE_OBSERVE; mode <= HN_MODE_ENFORCE; mode++) {
			HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
			HN_AUTO(hn_placement) struct hn_placement *home = NULL;
			size_t guest = scene_guest(snapshot, "new"), running;
			struct hn_error err = {0};

			for (int cpu = 4; isolated && cpu < 8; cpu++) {
				scene_isolate(snapshot, cpu);
				scene_isolate(snapshot, cpu + 8);
			}
			scene_cell(snapshot, guest, 1000, 2);
			snapshot->guests[guest].guest->class =
				isolated ? HN_CLASS_REALTIME : HN_CLASS_DEDICATED;
			running = add_running(snapshot, snapshot->guests[guest].guest->class, 2,
					      isolated ? "4" : "0");
			scene_allow(snapshot->guests[running].sample, 1, hn_set_of(isolated ? 5 : 1));
			snapshot->guests[running].guest->mode = (enum hn_mode)mode;
			assert_int_equal(hn_solve(snapshot, guest, &limits, &home, &err), 0);
			for (size_t i = 0; i < home->vcpu_count; i++)
				assert_int_equal(hn_set_next(&home->vcpus[i].cpus, 0),
						 (isolated ? 6 : 2) + (int)i);
		}
}

/* Its home, found before it ran, says 0 and 1; its operator says 6 for the first, and nothing of the second,
 * which homenode has yet to bind. */
static void pins_count_and_not_what_the_home_says(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	size_t guest = add_running(snapshot, HN_CLASS_REALTIME, 2, "0-15");
	struct hn_placement *home;

	scene_home(snapshot, guest, 0, 0);
	home = snapshot->guests[guest].home;
	assert_int_equal(hn_placement_set_vcpus(home, 2), 0);
	for (int i = 0; i < 2; i++)
		home->vcpus[i] = (struct hn_vcpu_home){.vcpu = i, .cpus = hn_set_of(i)};
	assert_owned(snapshot, "0-1");
	pin(snapshot, guest, 0, "6");
	assert_owned(snapshot, "1,6,14");
	snapshot->guests[guest].guest->mode = HN_MODE_OBSERVE;
	assert_owned(snapshot, "6,14");
}

/* Nobody moves it: what its home names besides is not its own. */
static void a_realtime_guest_owns_what_it_sits_on_and_no_more(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 16, 16000);
	size_t guest = scene_guest_on(snapshot, "rt", 1, 1000, 2, 0);

	snapshot->guests[guest].guest->class = HN_CLASS_REALTIME;
	scene_home(snapshot, guest, 0, 0);
	assert_int_equal(hn_placement_set_vcpus(snapshot->guests[guest].home, 2), 0);
	for (int i = 0; i < 2; i++) {
		snapshot->guests[guest].home->vcpus[i] =
			(struct hn_vcpu_home){.vcpu = i, .cpus = hn_set_of(i)};
		scene_allow(snapshot->guests[guest].sample, (size_t)i, hn_set_of(6 + i));
	}
	assert_owned(snapshot, "6-7");
}

/* Two of 8 cores are left out; who sits there is no load on the others. */
static void seats_are_what_is_left(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = smt_host();
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;
	size_t guest = scene_guest(snapshot, "new"), running;

	scene_cell(snapshot, guest, 1000, 2);
	running = add_running(snapshot, HN_CLASS_DEDICATED, 2, "0");
	scene_allow(snapshot->guests[running].sample, 1, hn_set_of(9));
	capacity = hn_capacity_new(snapshot, guest, 0);
	assert_int_equal(capacity->nodes[0].seats[HN_CLASS_SHARED], 12);
	assert_int_equal(capacity->nodes[0].seats[HN_CLASS_DEDICATED], 6);
	assert_int_equal(capacity->nodes[0].others_vcpus, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_core_that_a_vcpu_cannot_leave_is_its_own),
		cmocka_unit_test(cores_that_a_guest_fills_are_its_own_when_meant),
		cmocka_unit_test(who_may_run_anywhere_owns_nothing),
		cmocka_unit_test(cores_of_a_running_guest_are_not_given_away),
		cmocka_unit_test(pins_count_and_not_what_the_home_says),
		cmocka_unit_test(a_realtime_guest_owns_what_it_sits_on_and_no_more),
		cmocka_unit_test(seats_are_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
