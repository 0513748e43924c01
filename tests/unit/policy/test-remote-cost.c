/* What remote memory costs, where it can be reckoned by hand: distance 21 is 1.1 times farther than local. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "policy/regret.h"
#include "policy/remote-cost.h"
#include "scene.h"

/* Two nodes 21 apart; a cell of two busy vCPUs on node 0, that many of 1000 pages on node 1, and unknown. */
static struct hn_snapshot *remote_by(uint64_t remote, uint64_t unknown)
{
	struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	size_t guest = scene_guest(snapshot, "g");

	scene_distance(snapshot, 0, 1, 21);
	scene_cell(snapshot, guest, 100, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 1000 - remote - unknown);
	scene_pages(snapshot, guest, 0, 1, remote);
	scene_pages(snapshot, guest, 0, -2, unknown);
	scene_threads(snapshot, guest, 0, 0);
	return snapshot;
}

static bool cost_of(const struct hn_snapshot *snapshot, struct hn_interval *ret)
{
	return hn_remote_cost_of_guest(snapshot->host, snapshot->guests[0].guest, snapshot->guests[0].sample,
				       ret);
}

static void is_the_loss_per_busy_time(void **state)
{
	static const uint64_t remote[] = {0, 250, 600, 1000};

	for (size_t i = 0; i < HN_COUNT(remote); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(remote[i], 0);
		struct hn_interval cost, wilson = hn_interval_wilson(remote[i], 1000);

		assert_true(cost_of(snapshot, &cost));
		assert_true(fabs(cost.value - HN_REMOTE_LOSS * 1.1 * (double)remote[i] / 1000) < 1e-9);
		assert_true(fabs(cost.low - HN_REMOTE_LOSS * 1.1 * wilson.low) < 1e-9);
		assert_true(fabs(cost.high - HN_REMOTE_LOSS * 1.1 * wilson.high) < 1e-9);
	}
}

/* However busy: it is a share. */
static void does_not_depend_on_how_busy_it_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(600, 0);
	struct hn_interval busy, calm;

	assert_true(cost_of(snapshot, &busy));
	snapshot->guests[0].sample->threads[0].busy = 0.01;
	snapshot->guests[0].sample->threads[1].busy = 0.02;
	assert_true(cost_of(snapshot, &calm));
	assert_true(fabs(busy.value - calm.value) < 1e-9);
	snapshot->guests[0].sample->threads[0].busy = snapshot->guests[0].sample->threads[1].busy = 0;
	assert_false(cost_of(snapshot, &calm));
}

/* Unknown pages may be local, or as far as can be. */
static void unknown_pages_widen_it(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(300, 400);
	struct hn_interval cost, wilson = hn_interval_wilson(300, 600);

	assert_true(cost_of(snapshot, &cost));
	assert_true(fabs(cost.value - HN_REMOTE_LOSS * 1.1 * 0.3) < 1e-9);
	assert_true(fabs(cost.low - HN_REMOTE_LOSS * 1.1 * 0.6 * wilson.low) < 1e-9);
	assert_true(fabs(cost.high - HN_REMOTE_LOSS * 1.1 * (0.6 * wilson.high + 0.4)) < 1e-9);
}

static void is_not_known_without_pages(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(0, 1000);
	struct hn_interval cost;

	assert_false(cost_of(snapshot, &cost));
}

/* The guest's traffic a second, of which that much was local. */
static struct hn_activity *traffic(double total, double local)
{
	struct hn_activity *activity = hn_activity_new(1);

	assert_non_null(activity);
	activity->rates[0] = (struct hn_rates){
		.family = HN_COUNTERS_BANDWIDTH,
		.node = -1,
		.known = 1 << HN_BANDWIDTH_TOTAL | 1 << HN_BANDWIDTH_LOCAL,
		.values = {[HN_BANDWIDTH_TOTAL] = total, [HN_BANDWIDTH_LOCAL] = local},
	};
	return activity;
}

static bool counted(const struct hn_snapshot *snapshot, const struct hn_activity *activity,
		    struct hn_interval *ret)
{
	return hn_remote_cost_counted(snapshot->host, snapshot->guests[0].guest, snapshot->guests[0].sample,
				      activity, ret);
}

/* Whatever pages say: of two nodes there is one distance, and the interval is a point. */
static void traffic_that_is_counted_replaces_pages(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(0, 0);
	HN_AUTO(hn_activity) struct hn_activity *activity = traffic(20e9, 5e9);
	struct hn_interval cost;

	assert_true(counted(snapshot, activity, &cost));
	assert_true(fabs(cost.value - HN_REMOTE_LOSS * 1.1 * 0.75) < 1e-9);
	assert_true(fabs(cost.low - cost.value) < 1e-9 && fabs(cost.high - cost.value) < 1e-9);
}

/* Node 1 at 21, node 2 at 31: pages say how much of it is how far, the ends that they are all there. */
static void pages_say_how_far_it_went(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 4096);
	HN_AUTO(hn_activity) struct hn_activity *activity = traffic(20e9, 10e9);
	size_t guest = scene_guest(snapshot, "g");
	struct hn_interval cost;

	scene_distance(snapshot, 0, 1, 21);
	scene_distance(snapshot, 0, 2, 31);
	scene_cell(snapshot, guest, 100, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 500);
	scene_pages(snapshot, guest, 0, 1, 375);
	scene_pages(snapshot, guest, 0, 2, 125);
	scene_threads(snapshot, guest, 0, 0);
	assert_true(counted(snapshot, activity, &cost));
	assert_true(fabs(cost.value - HN_REMOTE_LOSS * 0.5 * (0.75 * 1.1 + 0.25 * 2.1)) < 1e-9);
	assert_true(fabs(cost.low - HN_REMOTE_LOSS * 0.5 * 1.1) < 1e-9);
	assert_true(fabs(cost.high - HN_REMOTE_LOSS * 0.5 * 2.1) < 1e-9);
}

/* 64 MB/s are a million lines: at 110 ns more each, over two busy vCPUs, 5.5 % is the most. */
static void little_traffic_costs_little(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(1000, 0);
	HN_AUTO(hn_activity) struct hn_activity *activity = traffic(64e6, 0);
	struct hn_interval cost;

	assert_true(counted(snapshot, activity, &cost));
	assert_true(fabs(cost.value - 1e6 * 110e-9 / 2) < 1e-9);
	assert_true(fabs(cost.high - 1e6 * 110e-9 / 2) < 1e-9);
	assert_int_equal(hn_host_add_performance(snapshot->host), 0);
	snapshot->host->latencies[0] = 80; /* node 0 to itself */
	assert_true(counted(snapshot, activity, &cost));
	assert_true(fabs(cost.value - 1e6 * 88e-9 / 2) < 1e-9);
}

static void without_traffic_or_time_nothing_is_counted(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = remote_by(600, 0);
	HN_AUTO(hn_activity) struct hn_activity *activity = traffic(20e9, 5e9), *none = hn_activity_new(0);
	struct hn_interval cost;

	assert_false(counted(snapshot, NULL, &cost));
	assert_false(counted(snapshot, none, &cost));
	activity->rates[0].known = 1 << HN_BANDWIDTH_TOTAL;
	assert_false(counted(snapshot, activity, &cost));
	activity->rates[0].known = 3;
	assert_true(counted(snapshot, activity, &cost));
	snapshot->guests[0].sample->threads[0].busy = snapshot->guests[0].sample->threads[1].busy = 0;
	assert_false(counted(snapshot, activity, &cost));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_loss_per_busy_time),
		cmocka_unit_test(does_not_depend_on_how_busy_it_is),
		cmocka_unit_test(unknown_pages_widen_it),
		cmocka_unit_test(is_not_known_without_pages),
		cmocka_unit_test(traffic_that_is_counted_replaces_pages),
		cmocka_unit_test(pages_say_how_far_it_went),
		cmocka_unit_test(little_traffic_costs_little),
		cmocka_unit_test(without_traffic_or_time_nothing_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
