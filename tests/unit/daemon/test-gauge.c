/* What is kept of readings, how long it is told, and of whom traffic may be read. */
#include "daemon/gauge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/units.h"

static struct hn_evidence *reading(uint64_t seconds, uint64_t swapped)
{
	struct hn_evidence *evidence = hn_evidence_new(1);

	assert_non_null(evidence);
	evidence->taken_ns = seconds * HN_NS_PER_S;
	evidence->counters[0].node = -1;
	hn_counter_set(&evidence->counters[0], HN_KERNEL_SWAP_IN, swapped);
	return evidence;
}

static void the_last_two_readings_are_kept(void **state)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	struct hn_readings readings = {0};

	assert_int_equal(hn_readings_tell(&readings, HN_NS_PER_S, HN_NS_PER_S, &activity), 0);
	assert_null(activity);
	hn_readings_put(&readings, reading(10, 1));
	hn_readings_put(&readings, reading(20, 100));
	hn_readings_put(&readings, reading(30, 400));
	assert_int_equal(hn_readings_tell(&readings, 32 * HN_NS_PER_S, 5 * HN_NS_PER_S, &activity), 0);
	assert_int_equal(activity->age_ns, 2 * HN_NS_PER_S);
	assert_int_equal(activity->over_ns, 10 * HN_NS_PER_S);
	assert_true(activity->rates[0].values[HN_KERNEL_SWAP_IN] == 30);
	hn_readings_done(&readings);
	assert_null(hn_readings_latest(&readings, 0, UINT64_MAX));
}

static void old_readings_are_not_told(void **state)
{
	struct hn_activity *activity = NULL;
	struct hn_readings readings = {0};

	hn_readings_put(&readings, reading(10, 1));
	assert_non_null(hn_readings_latest(&readings, 15 * HN_NS_PER_S, 5 * HN_NS_PER_S));
	assert_null(hn_readings_latest(&readings, 15 * HN_NS_PER_S + 1, 5 * HN_NS_PER_S));
	assert_int_equal(hn_readings_tell(&readings, 15 * HN_NS_PER_S + 1, 5 * HN_NS_PER_S, &activity), 0);
	assert_null(activity);
	hn_readings_done(&readings);
}

struct scene {
	struct hn_service service;
	struct hn_managed managed;
	struct hn_thread_reading threads[3];
	struct hn_hands_view view;
};

/* A guest of vCPUs 11 and 12 and iothread 13, and a look that brought its traffic. */
static void set_up(struct scene *scene)
{
	*scene = (struct scene){.managed = {.service = &scene->service}, .view = {.thread_count = 3}};
	TAILQ_INIT(&scene->service.guests);
	TAILQ_INSERT_TAIL(&scene->service.guests, &scene->managed, entry);
	scene->managed.guest = hn_guest_new("g");
	assert_non_null(scene->managed.guest);
	for (int i = 0; i < 3; i++) {
		scene->threads[i].tid = 11 + i;
		hn_guest_add_thread(scene->managed.guest, 11 + i,
				    i < 2 ? HN_THREAD_VCPU : HN_THREAD_IOTHREAD);
	}
	scene->view.counters[0] = (struct hn_counters){.family = HN_COUNTERS_KVM, .node = -1};
	scene->view.counters[1] = (struct hn_counters){.family = HN_COUNTERS_BANDWIDTH, .node = -1};
	hn_counter_set(&scene->view.counters[0], HN_KVM_EXITS, 7);
	hn_counter_set(&scene->view.counters[1], HN_BANDWIDTH_TOTAL, 8);
}

static void tear_down(struct scene *scene)
{
	hn_readings_done(&scene->managed.readings);
	hn_guest_free(scene->managed.guest);
}

static bool traffic_is_taken(struct scene *scene)
{
	struct hn_error err;
	const struct hn_counters *bandwidth;
	const struct hn_evidence *now;

	assert_int_equal(hn_gauge_take(&scene->managed, &scene->view, scene->threads, &err), 0);
	now = scene->managed.readings.now;
	assert_true(hn_counter_known(hn_evidence_find(now, HN_COUNTERS_KVM, -1), HN_KVM_EXITS));
	bandwidth = hn_evidence_find(now, HN_COUNTERS_BANDWIDTH, -1);
	return bandwidth && hn_counter_known(bandwidth, HN_BANDWIDTH_TOTAL);
}

/* That of some of its vCPUs says nothing of the guest. */
static void traffic_counts_when_it_is_of_all_vcpus(void **state)
{
	struct scene scene;

	set_up(&scene);
	assert_false(traffic_is_taken(&scene));
	scene.threads[0].monitored = scene.threads[2].monitored = true;
	assert_false(traffic_is_taken(&scene));
	scene.threads[2].monitored = false;
	scene.threads[1].monitored = true;
	assert_true(traffic_is_taken(&scene));
	scene.view.thread_count = 1; /* the second has ended */
	assert_false(traffic_is_taken(&scene));
	tear_down(&scene);
}

static void beside_a_realtime_guest_no_cpu_is_interrupted(void **state)
{
	struct hn_managed unknown = {0};
	struct scene scene;

	set_up(&scene);
	TAILQ_INSERT_TAIL(&scene.service.guests, &unknown, entry);
	assert_true(hn_gauge_reads_bandwidth(&scene.service));
	scene.managed.guest->class = HN_CLASS_REALTIME;
	assert_false(hn_gauge_reads_bandwidth(&scene.service));
	scene.managed.guest->class = HN_CLASS_DEDICATED;
	assert_true(hn_gauge_reads_bandwidth(&scene.service));
	tear_down(&scene);
}

/* A guest of one busy vCPU and a cell on two nodes, whose traffic a look has brought. */
static struct hn_report *report_with_traffic(struct scene *scene, bool monitored)
{
	struct hn_report *report;
	struct hn_config config;
	struct hn_error err;

	hn_config_init(&config);
	scene->service.config = &config;
	scene->service.host = hn_host_new("h", 2, 2);
	for (int i = 0; i < 2; i++)
		scene->service.host->nodes[i].memory_bytes = HN_GIB;
	hn_guest_free(scene->managed.guest);
	scene->managed.guest = hn_guest_new("g");
	hn_guest_add_cell(scene->managed.guest, 0)->memory_bytes = HN_GIB;
	hn_guest_add_thread(scene->managed.guest, 11, HN_THREAD_VCPU)->cell = 0;
	scene->managed.sample = hn_sample_new(2, 1, 1);
	scene->managed.sample->cells[0].sampled = scene->managed.sample->cells[0].on_node[0] = 10;
	scene->managed.sample->threads[0].busy = scene->managed.sample->threads[0].residency[0] = 1;
	scene->managed.sample->threads[0].last_node = 0;
	scene->threads[0].monitored = monitored;
	hn_counter_set(&scene->view.counters[1], HN_BANDWIDTH_LOCAL, 8);
	assert_int_equal(hn_gauge_take(&scene->managed, &scene->view, scene->threads, &err), 0);
	scene->managed.readings.now->taken_ns -= HN_NS_PER_S; /* a second ago */
	hn_counter_set(&scene->view.counters[1], HN_BANDWIDTH_TOTAL, UINT64_C(20000000000));
	assert_int_equal(hn_gauge_take(&scene->managed, &scene->view, scene->threads, &err), 0);
	report = hn_managed_report(&scene->managed);
	assert_non_null(report);
	hn_sample_free(scene->managed.sample);
	hn_host_free(scene->service.host);
	hn_config_done(&config);
	return report;
}

/* Its pages are all local; its traffic went elsewhere. */
static void counted_traffic_is_no_estimate(void **state)
{
	for (int monitored = 0; monitored < 2; monitored++) {
		HN_AUTO(hn_report) struct hn_report *report = NULL;
		struct scene scene;

		set_up(&scene);
		report = report_with_traffic(&scene, monitored);
		assert_true(report->remote_cost_known);
		assert_int_equal(report->remote_cost_estimated, !monitored);
		assert_int_equal(report->remote_cost.value > 0.1, monitored);
		assert_non_null(report->activity);
		tear_down(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_two_readings_are_kept),
		cmocka_unit_test(old_readings_are_not_told),
		cmocka_unit_test(traffic_counts_when_it_is_of_all_vcpus),
		cmocka_unit_test(counted_traffic_is_no_estimate),
		cmocka_unit_test(beside_a_realtime_guest_no_cpu_is_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
