/* Locality where its value is known beforehand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "policy/locality.h"
#include "scene.h"

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* Two nodes; one cell of two busy vCPUs on node 0 with that many of 1000 pages there, the rest on node 1. */
static struct hn_snapshot *simple(uint64_t local)
{
	struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 100, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, local);
	scene_pages(snapshot, guest, 0, 1, 1000 - local);
	scene_threads(snapshot, guest, 0, 0);
	return snapshot;
}

static bool of_cell(const struct hn_snapshot *snapshot, size_t cell, struct hn_interval *ret)
{
	return hn_locality_of_cell(snapshot->guests[0].guest, snapshot->guests[0].sample, cell, ret);
}

static bool of_guest(const struct hn_snapshot *snapshot, struct hn_interval *ret)
{
	return hn_locality_of_guest(snapshot->guests[0].guest, snapshot->guests[0].sample, ret);
}

static void is_the_share_of_pages_beside_the_vcpus(void **state)
{
	static const uint64_t local[] = {0, 1, 250, 500, 999, 1000};

	for (size_t i = 0; i < HN_COUNT(local); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(local[i]);
		struct hn_interval interval, wilson = hn_interval_wilson(local[i], 1000), whole;

		assert_true(of_cell(snapshot, 0, &interval));
		assert_true(near(interval.value, (double)local[i] / 1000));
		assert_true(near(interval.low, wilson.low) && near(interval.high, wilson.high));
		assert_true(of_guest(snapshot, &whole)); /* which has one cell */
		assert_true(near(whole.value, interval.value) && near(whole.low, interval.low));
	}
}

static void vcpus_spread_over_nodes_meet_half(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(1000);
	struct hn_sample *sample = snapshot->guests[0].sample;
	struct hn_interval interval;

	sample->threads[0].residency[0] = 0.5;
	sample->threads[0].residency[1] = 0.5;
	sample->threads[1].residency[0] = 0.5;
	sample->threads[1].residency[1] = 0.5;
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(near(interval.value, 0.5));
}

/* Pages 0.7 / 0.3; vCPU 0 (busy 0.9) all on node 0, vCPU 1 (busy 0.1) all on node 1: 0.9 x 0.7 + 0.1 x 0.3 =
 * 0.66 */
static void vcpus_count_by_their_cpu_time(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(700);
	struct hn_sample *sample = snapshot->guests[0].sample;
	struct hn_interval interval;

	sample->threads[0].busy = 0.9;
	sample->threads[1].busy = 0.1;
	sample->threads[1].residency[0] = 0;
	sample->threads[1].residency[1] = 1;
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(fabs(interval.value - 0.66) < 1e-5);
	assert_true(fabs(hn_residency_of_cell(snapshot->guests[0].guest, sample, 0, 0) - 0.9) < 1e-5);
	assert_true(fabs(hn_residency_of_cell(snapshot->guests[0].guest, sample, 0, 1) - 0.1) < 1e-5);
}

/* Idle, and no residency measured: both count alike, where they were last. */
static void idle_vcpus_count_where_they_were_last(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(700);
	struct hn_sample *sample = snapshot->guests[0].sample;
	struct hn_interval interval;

	for (int i = 0; i < 2; i++) {
		sample->threads[i].busy = 0;
		sample->threads[i].residency[0] = 0;
		sample->threads[i].last_node = i;
	}
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(near(interval.value, 0.5)); /* (0.7 + 0.3) / 2 */
	sample->threads[1].last_node = -1;      /* unknown: does not count */
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(near(interval.value, 0.7));
}

static void a_busy_vcpu_drowns_an_idle_one(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(1000);
	struct hn_sample *sample = snapshot->guests[0].sample;
	struct hn_interval interval;

	sample->threads[1].busy = 0;
	sample->threads[1].residency[0] = 0;
	sample->threads[1].residency[1] = 1;
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(interval.value > 0.9999);
}

static void only_vcpus_of_the_cell_count(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	size_t guest = scene_guest(snapshot, "g");
	struct hn_interval interval;

	scene_cell(snapshot, guest, 100, 1);
	scene_cell(snapshot, guest, 100, 1);
	scene_emulator(snapshot, guest);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 1000);
	scene_pages(snapshot, guest, 1, 0, 1000);
	scene_threads(snapshot, guest, -1, 1); /* the emulator too */
	scene_threads(snapshot, guest, 0, 0);
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(near(interval.value, 1));
	assert_true(of_cell(snapshot, 1, &interval));
	assert_true(near(interval.value, 0));
}

/* Cell 0 all local with 3 of 4 units of CPU time, cell 1 all remote: 0.75; both idle with one vCPU each: 0.5.
 */
static void cells_count_by_their_cpu_time(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	size_t guest = scene_guest(snapshot, "g");
	struct hn_interval interval;

	scene_cell(snapshot, guest, 100, 1);
	scene_cell(snapshot, guest, 900, 1);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 1000);
	scene_pages(snapshot, guest, 1, 1, 1000);
	scene_threads(snapshot, guest, -1, 0);
	snapshot->guests[0].sample->threads[0].busy = 0.75;
	snapshot->guests[0].sample->threads[1].busy = 0.25;
	assert_true(of_guest(snapshot, &interval));
	assert_true(fabs(interval.value - 0.75) < 1e-5);
	assert_true(interval.low <= interval.value && interval.value <= interval.high);
	snapshot->guests[0].sample->threads[0].busy = snapshot->guests[0].sample->threads[1].busy = 0;
	assert_true(of_guest(snapshot, &interval));
	assert_true(near(interval.value, 0.5));
}

static void unknown_and_absent_pages_count_for_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(250);
	struct hn_interval before, after;

	assert_true(of_cell(snapshot, 0, &before));
	scene_pages(snapshot, 0, 0, -1, 5000);
	scene_pages(snapshot, 0, 0, -2, 400);
	assert_true(of_cell(snapshot, 0, &after));
	assert_true(near(before.value, after.value));
	assert_true(near(before.low, after.low) && near(before.high, after.high));
}

static void a_full_count_has_no_doubt(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = simple(333);
	struct hn_interval interval;

	snapshot->guests[0].sample->exhaustive = true;
	assert_true(of_cell(snapshot, 0, &interval));
	assert_true(near(interval.low, 0.333) && near(interval.value, 0.333) && near(interval.high, 0.333));
}

static void says_when_it_does_not_know(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	size_t guest = scene_guest(snapshot, "g");
	struct hn_interval interval = {.value = 7};

	assert_false(
		hn_locality_of_guest(snapshot->guests[0].guest, scene_sample(snapshot, guest), &interval));
	scene_cell(snapshot, guest, 100, 1);
	scene_cell(snapshot, guest, 100, 0);
	scene_sample(snapshot, guest);
	assert_false(of_cell(snapshot, 0, &interval)); /* no page */
	scene_pages(snapshot, guest, 0, -2, 1000);
	assert_false(of_cell(snapshot, 0, &interval)); /* none that the kernel tells of */
	scene_pages(snapshot, guest, 0, 0, 10);
	assert_false(of_cell(snapshot, 0, &interval)); /* its vCPU was never seen */
	scene_pages(snapshot, guest, 1, 0, 10);
	assert_false(of_cell(snapshot, 1, &interval)); /* no vCPU */
	assert_false(of_guest(snapshot, &interval));
	assert_true(interval.value == 7);
	scene_threads(snapshot, guest, -1, 0);
	assert_true(of_guest(snapshot, &interval)); /* the cell that is known stands for the guest */
	assert_true(near(interval.value, 1));
}

static void is_a_share_whatever_is_drawn(void **state)
{
	static const struct scene_limits limits = {.nodes = 5, .cells = 4, .others = 0};
	struct hn_random random = {51};
	int known = 0;

	for (int round = 0; round < 2000; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &limits);
		const struct hn_guest_state *guest = &snapshot->guests[0];
		struct hn_interval interval, cell;
		double low = 1, high = 0;

		if (!guest->sample || !of_guest(snapshot, &interval))
			continue;
		known++;
		assert_true(interval.low >= 0 && interval.low <= interval.value);
		assert_true(interval.high <= 1 + 1e-9 && interval.high >= interval.value);
		for (size_t i = 0; i < guest->guest->cell_count; i++) {
			double sum = 0;

			for (size_t node = 0; node < snapshot->host->node_count; node++)
				sum += hn_residency_of_cell(guest->guest, guest->sample, i, node);
			assert_true(near(sum, hn_set_empty(&guest->guest->cells[i].vcpus) ? 0 : 1));
			if (!of_cell(snapshot, i, &cell))
				continue;
			assert_true(cell.low <= cell.value && cell.value <= cell.high);
			low = fmin(low, cell.value);
			high = fmax(high, cell.value);
		}
		assert_true(interval.value >= low - 1e-9 &&
			    interval.value <= high + 1e-9); /* a mean lies between */
	}
	assert_true(known > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_share_of_pages_beside_the_vcpus),
		cmocka_unit_test(vcpus_spread_over_nodes_meet_half),
		cmocka_unit_test(vcpus_count_by_their_cpu_time),
		cmocka_unit_test(idle_vcpus_count_where_they_were_last),
		cmocka_unit_test(a_busy_vcpu_drowns_an_idle_one),
		cmocka_unit_test(only_vcpus_of_the_cell_count),
		cmocka_unit_test(cells_count_by_their_cpu_time),
		cmocka_unit_test(unknown_and_absent_pages_count_for_nothing),
		cmocka_unit_test(a_full_count_has_no_doubt),
		cmocka_unit_test(says_when_it_does_not_know),
		cmocka_unit_test(is_a_share_whatever_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
