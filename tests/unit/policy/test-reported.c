/*
 * Two reports of a guest, told by hand as a guest with a known behaviour would, and as one that lies.
 * Expected shares are what was put in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "base/units.h"
#include "policy/reported.h"

#define S HN_NS_PER_S

/* Cells of 1 GiB with two vCPUs each, of which the last may have none. */
static struct hn_guest *guest_of(size_t cells, bool last_has_vcpus)
{
	struct hn_guest *guest = hn_guest_new("g");

	assert_non_null(guest);
	for (size_t i = 0; i < cells; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, (int)i);

		cell->memory_bytes = HN_GIB;
		for (int v = 0; v < 2 && (last_has_vcpus || i + 1 < cells); v++) {
			struct hn_thread *thread =
				hn_guest_add_thread(guest, 100 + (int)i * 2 + v, HN_THREAD_VCPU);

			thread->vcpu = (int)i * 2 + v;
			thread->cell = (int)i;
			hn_set_add(&cell->vcpus, thread->vcpu);
		}
	}
	return guest;
}

/* A report of that many nodes, given within 1 s before taken_s, all counters at 1000. */
static struct hn_reported *report_at(uint64_t taken_s, size_t nodes)
{
	struct hn_reported *reported = hn_reported_new();

	assert_non_null(reported);
	reported->started_ns = taken_s * S - S;
	reported->taken_ns = taken_s * S;
	for (size_t i = 0; i < nodes; i++) {
		struct hn_reported_node *node = hn_reported_add_node(reported, (int)i);

		node->hit = node->local = node->other = 1000;
		node->miss = 1000;
		node->foreign = node->interleave = 1000;
		node->total_bytes = HN_GIB;
	}
	reported->hint_faults = reported->hint_faults_local = 1000;
	reported->pages_migrated = 1000;
	return reported;
}

/* Memory of the node allocated by its own CPUs and by others, all of it wanted there. */
static void use(struct hn_reported *reported, int node, uint64_t local, uint64_t other)
{
	reported->nodes[node].local += local;
	reported->nodes[node].other += other;
	reported->nodes[node].hit += local + other;
}

struct scene {
	struct hn_guest *guest;
	struct hn_reported *earlier, *later;
	struct hn_access *access;
	char text[HN_REASON_MAX];
};

static void scene_start(struct scene *scene, size_t cells)
{
	*scene = (struct scene){guest_of(cells, true), report_at(1000, cells), report_at(1060, cells)};
}

static void scene_compare(struct scene *scene, uint64_t now_s)
{
	struct hn_error err;

	hn_access_free(scene->access);
	assert_int_equal(hn_access_new_between(scene->guest, scene->earlier, scene->later, now_s * S,
					       &scene->access, &err),
			 0);
	hn_access_say(scene->access, scene->text, sizeof(scene->text));
	if (scene->access->doubt != HN_DOUBT_NONE) {
		assert_true(scene->access->reason[0]);
		assert_false(scene->access->remote_known || scene->access->faults_known);
		assert_int_equal(scene->access->use_count, 0);
		assert_string_equal(scene->text, "");
	}
}

static void scene_done(struct scene *scene)
{
	hn_guest_free(scene->guest);
	hn_reported_free(scene->earlier);
	hn_reported_free(scene->later);
	hn_access_free(scene->access);
}

static void assert_around(const struct hn_interval *interval, double value)
{
	assert_true(fabs(interval->value - value) < 1e-9);
	assert_true(interval->low < value && value < interval->high);
}

/*
 * Cell 0's threads allocated 500 at home, cell 1's 370 at home and 630 on cell 0: of theirs 63 % are remote;
 * of all 1500, 42 %. Of 1000 hint faults 700 were local.
 */
static void which_cell_uses_which(void **state)
{
	struct scene scene;

	scene_start(&scene, 2);
	use(scene.later, 0, 500, 630);
	use(scene.later, 1, 370, 0);
	scene.later->hint_faults += 1000;
	scene.later->hint_faults_local += 700;
	scene.later->pages_migrated += 120;
	scene_compare(&scene, 1060);
	assert_int_equal(scene.access->doubt, HN_DOUBT_NONE);
	assert_int_equal(scene.access->span_ns, 60 * S);
	assert_true(scene.access->remote_known && scene.access->faults_known);
	assert_around(&scene.access->remote, 0.42);
	assert_around(&scene.access->remote_faults, 0.3);
	assert_true(fabs(scene.access->migrated_per_second - 2) < 1e-9);
	assert_int_equal(scene.access->use_count, 2);
	assert_int_equal(scene.access->uses[0].cpus_of, 1);
	assert_int_equal(scene.access->uses[0].memory_of, 0);
	assert_around(&scene.access->uses[0].share, 0.63);
	assert_true(fabs(scene.access->uses[0].per_second - 10.5) < 1e-9);
	assert_int_equal(scene.access->uses[1].cpus_of, 0);
	assert_true(scene.access->uses[1].share.value == 0);
	assert_int_equal(strncmp(scene.text,
				 "cell 1's threads use cell 0's memory: 63 % remote inside the guest;", 67),
			 0);
	scene_done(&scene);
}

/* Of three cells the guest does not tell who the others are. */
static void with_three_cells_others_have_no_name(void **state)
{
	struct scene scene;

	scene_start(&scene, 3);
	use(scene.later, 0, 100, 300);
	use(scene.later, 1, 400, 0);
	use(scene.later, 2, 400, 0);
	scene_compare(&scene, 1060);
	assert_int_equal(scene.access->use_count, 3);
	assert_int_equal(scene.access->uses[0].cpus_of, -1);
	assert_around(&scene.access->uses[0].share, 0.75);
	assert_around(&scene.access->remote, 0.25);
	assert_non_null(strstr(scene.text, "other cells' threads use cell 0's memory: 75 %"));
	scene_done(&scene);
}

/* All memory of a cell without vCPUs is used from elsewhere, and that is no one's fault. */
static void a_cell_without_vcpus_is_used_by_the_other(void **state)
{
	struct scene scene;

	scene_start(&scene, 2);
	hn_guest_free(scene.guest);
	scene.guest = guest_of(2, false);
	use(scene.later, 0, 900, 0);
	use(scene.later, 1, 0, 100);
	scene_compare(&scene, 1060);
	assert_int_equal(scene.access->use_count, 2);
	assert_int_equal(scene.access->uses[1].cpus_of, 0);
	assert_int_equal(scene.access->uses[1].memory_of, 1);
	assert_around(&scene.access->uses[1].share, 0.1);
	assert_string_equal(scene.text, "");
	scene_done(&scene);
}

static void faults_alone_are_said_when_nodes_do_not_tell(void **state)
{
	struct scene scene;

	scene_start(&scene, 2);
	use(scene.later, 0, 1000, 0);
	use(scene.later, 1, 1000, 0);
	scene.later->hint_faults += 1000;
	scene.later->hint_faults_local += 400;
	scene_compare(&scene, 1060);
	assert_non_null(strstr(scene.text, "60 % of NUMA hint faults remote"));
	scene.later->hint_faults_local += 500;
	scene_compare(&scene, 1060);
	assert_true(scene.access->faults_known);
	assert_string_equal(scene.text, ""); /* a tenth is what any guest has */
	scene_done(&scene);
}

static void a_guest_of_one_cell_has_no_inside(void **state)
{
	struct scene scene;

	scene_start(&scene, 1);
	use(scene.later, 0, 5000, 5000);
	scene.later->hint_faults += 1000;
	scene_compare(&scene, 1060);
	assert_int_equal(scene.access->doubt, HN_DOUBT_NONE);
	assert_false(scene.access->remote_known || scene.access->faults_known);
	assert_string_equal(scene.text, "");
	scene_done(&scene);
}

static void few_events_tell_nothing_and_old_ones_less(void **state)
{
	struct hn_interval fresh, old;
	struct scene scene;

	scene_start(&scene, 2);
	use(scene.later, 0, 20, HN_EVIDENCE_LEAST - 21);
	scene_compare(&scene, 1060);
	assert_false(scene.access->remote_known);
	use(scene.later, 0, 0, 1);
	scene_compare(&scene, 1060);
	assert_true(scene.access->remote_known);
	use(scene.later, 0, 1u << 20, 1u << 20);
	scene_compare(&scene, 1060);
	fresh = scene.access->remote;
	scene_compare(&scene, 1060 + 240);
	old = scene.access->remote;
	assert_int_equal(scene.access->age_ns, 240 * S);
	/* four half-lives: a sixteenth of the trials, so about four times as wide */
	assert_true(fabs((old.high - old.low) / (fresh.high - fresh.low) - 4) < 0.3);
	assert_true(old.value == fresh.value);
	/* never surer than of HN_EVIDENCE_MOST, which is +- 3.6 points with 98 % */
	assert_true(fresh.high - fresh.low > 0.07);
	scene_done(&scene);
}

static void one_report_is_none(void **state)
{
	struct scene scene;

	scene_start(&scene, 2);
	hn_reported_free(hn_steal(scene.earlier));
	scene_compare(&scene, 1060);
	assert_int_equal(scene.access->doubt, HN_DOUBT_ALONE);
	scene_done(&scene);
}

/* A Windows guest: CPUs, and nothing of nodes. */
static void a_guest_that_tells_nothing_is_no_mistake(void **state)
{
	struct scene scene;

	scene_start(&scene, 2);
	for (int i = 0; i < 2; i++) {
		struct hn_reported **slot = i ? &scene.later : &scene.earlier;

		hn_reported_free(*slot);
		*slot = hn_reported_new();
		(*slot)->started_ns = (*slot)->taken_ns = (uint64_t)(1000 + 60 * i) * S;
		scene_compare(&scene, 1060);
	}
	assert_int_equal(scene.access->doubt, HN_DOUBT_SILENT);
	scene_done(&scene);
}

/* Each lie alone makes the pair worthless. */
static void set_lie(struct scene *scene, int lie)
{
	struct hn_reported *earlier = scene->earlier, *later = scene->later;

	switch (lie) {
	case 0: /* booted in between */
		later->nodes[1].hit = 10;
		break;
	case 1:
		later->hint_faults = 999;
		break;
	case 2:
		later->pages_migrated = 0;
		break;
	case 3: /* 32 bits */
		earlier->nodes[0].foreign = UINT32_MAX - 50;
		later->nodes[0].foreign = 20;
		break;
	case 4: /* 4 vCPUs, 61 s: 8.2e9 pages at the most */
		use(later, 0, 8300000000, 0);
		break;
	case 5:
		later->nodes[0].interleave = HN_REPORTED_UNKNOWN - 1;
		break;
	case 6: /* 2.44e9 at the most */
		later->hint_faults += 2500000000;
		break;
	case 7:
		later->hint_faults += 100;
		later->hint_faults_local += 2000;
		break;
	case 8:
		later->nodes[0].local += 100000;
		break;
	case 9: /* node 1 is gone */
		later->node_count = 1;
		break;
	case 10:
		hn_reported_add_node(later, 7)->hit = 5;
		break;
	case 11:
		later->taken_ns = earlier->taken_ns + S / 4;
		break;
	case 12:
		later->taken_ns += 2 * 3600 * S;
		later->started_ns += 2 * 3600 * S;
		break;
	case 13: /* 16 of 60 s to answer */
		later->started_ns = later->taken_ns - 16 * S;
		break;
	case 14:
		earlier->started_ns = earlier->taken_ns - 16 * S;
		break;
	case 16:
		later->nodes[1].total_bytes = HN_GIB + 1;
		break;
	case 15: /* its vCPUs were idle: 10 ms in all cannot make a million pages */
		earlier->vcpu_ns = 5 * S;
		later->vcpu_ns = 5 * S + 10 * HN_NS_PER_MS;
		earlier->vcpu_taken_ns = earlier->taken_ns;
		later->vcpu_taken_ns = later->taken_ns;
		use(later, 0, 1000000, 0);
		break;
	}
}

static void lies_are_rejected_with_a_reason(void **state)
{
	static const struct {
		enum hn_doubt doubt;
		const char *reason;
	} lies[] = {
		{HN_DOUBT_BACKWARDS, "numa_hit of node 1"},
		{HN_DOUBT_BACKWARDS, "numa_hint_faults was 1000 and is 999"},
		{HN_DOUBT_BACKWARDS, "numa_pages_migrated"},
		{HN_DOUBT_WRAPPED, "numa_foreign of node 0"},
		{HN_DOUBT_ABSURD, "node 0"},
		{HN_DOUBT_ABSURD, "interleave_hit of node 0"},
		{HN_DOUBT_ABSURD, "numa_hint_faults"},
		{HN_DOUBT_TORN, "hint faults"},
		{HN_DOUBT_TORN, "node 0"},
		{HN_DOUBT_NODES, "tells nothing of node 1"},
		{HN_DOUBT_NODES, "node 7"},
		{HN_DOUBT_LATE, "within half a second"},
		{HN_DOUBT_LATE, "2.0 h"},
		{HN_DOUBT_LATE, "16.0 s"},
		{HN_DOUBT_LATE, "16.0 s"},
		{HN_DOUBT_ABSURD, "0.01 s of vCPU time"},
		{HN_DOUBT_NODES, "on node 1, which has 1024 MiB"},
	};

	for (size_t i = 0; i < HN_COUNT(lies); i++) {
		struct scene scene;

		scene_start(&scene, 2);
		use(scene.later, 0, 500, 500);
		use(scene.later, 1, 500, 500);
		scene_compare(&scene, 1060);
		assert_int_equal(scene.access->doubt, HN_DOUBT_NONE);
		set_lie(&scene, (int)i);
		scene_compare(&scene, 1060);
		if (scene.access->doubt != lies[i].doubt || !strstr(scene.access->reason, lies[i].reason))
			fail_msg("lie %zu: %s: %s", i, hn_doubt_name(scene.access->doubt),
				 scene.access->reason);
		scene_done(&scene);
	}
}

/* What is just possible is believed. */
static void limits_are_no_tighter_than_they_say(void **state)
{
	struct scene scene;

	scene_start(&scene, 2);
	use(scene.later, 0, 8100000000, 0); /* 4 vCPUs x 61 s x 33554432 = 8.19e9 */
	scene.later->hint_faults += 2400000000;
	scene_compare(&scene, 1060);
	assert_int_equal(scene.access->doubt, HN_DOUBT_NONE);
	scene_done(&scene);
}

/* Whatever is told: no crash, shares within 0..1, and their intervals around them. */
static void any_report_is_survived(void **state)
{
	struct hn_random random = {77};

	for (int round = 0; round < 20000; round++) {
		struct scene scene;

		scene_start(&scene, 1 + hn_random_below(&random, 4));
		for (int i = 0; i < 2; i++) {
			struct hn_reported *reported = i ? scene.later : scene.earlier;

			for (int k = (int)hn_random_below(&random, 6); k > 0; k--) {
				struct hn_reported_node *node =
					&reported->nodes[hn_random_below(&random, reported->node_count)];
				uint64_t *slots[] = {&node->hit,
						     &node->miss,
						     &node->local,
						     &node->other,
						     &reported->taken_ns,
						     &reported->started_ns,
						     &reported->vcpu_ns,
						     &reported->vcpu_taken_ns,
						     &reported->hint_faults,
						     &reported->pages_migrated};

				*slots[hn_random_below(&random, HN_COUNT(slots))] =
					hn_random_next(&random) >> hn_random_below(&random, 64);
			}
		}
		scene_compare(&scene, 1060);
		for (size_t i = 0; i < scene.access->use_count; i++) {
			const struct hn_interval *share = &scene.access->uses[i].share;

			assert_true(share->low >= 0 && share->low <= share->value &&
				    share->value <= share->high && share->high <= 1);
		}
		scene_done(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_cell_uses_which),
		cmocka_unit_test(with_three_cells_others_have_no_name),
		cmocka_unit_test(a_cell_without_vcpus_is_used_by_the_other),
		cmocka_unit_test(faults_alone_are_said_when_nodes_do_not_tell),
		cmocka_unit_test(a_guest_of_one_cell_has_no_inside),
		cmocka_unit_test(few_events_tell_nothing_and_old_ones_less),
		cmocka_unit_test(one_report_is_none),
		cmocka_unit_test(a_guest_that_tells_nothing_is_no_mistake),
		cmocka_unit_test(lies_are_rejected_with_a_reason),
		cmocka_unit_test(limits_are_no_tighter_than_they_say),
		cmocka_unit_test(any_report_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
