/* What is lost by where a guest is, worked out by hand on small hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/units.h"
#include "policy/regret.h"
#include "scene.h"

#define TICK (10 * HN_NS_PER_S)

/* A cell of 4 busy vCPUs on node 0, where its pages are by halves or wholly elsewhere, counted to the last.
 */
static struct hn_snapshot *scene(size_t nodes, uint64_t on_0, uint64_t on_1)
{
	struct hn_snapshot *snapshot = scene_new(nodes, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 1000, 4);
	scene_sample(snapshot, guest)->exhaustive = true;
	scene_pages(snapshot, guest, 0, 0, on_0);
	scene_pages(snapshot, guest, 0, 1, on_1);
	scene_threads(snapshot, guest, -1, 0);
	return snapshot;
}

static double rate(const struct hn_snapshot *snapshot, size_t node)
{
	return hn_regret_rate(snapshot->host, snapshot->guests[0].guest, snapshot->guests[0].sample, 0, node);
}

static double loss(const struct hn_snapshot *snapshot)
{
	return hn_loss_of_cell(snapshot->host, snapshot->guests[0].guest, snapshot->guests[0].sample, 0);
}

static void assert_about(double value, double expected)
{
	if (fabs(value - expected) > 1e-9)
		fail_msg("%.12f, not %.12f", value, expected);
}

static void remote_memory_costs_by_distance_and_time(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 250, 750);

	assert_about(loss(snapshot), 4 * 0.75 * HN_REMOTE_LOSS);
	scene_distance(snapshot, 0, 1, 31);
	assert_about(loss(snapshot), 4 * 0.75 * 2.1 * HN_REMOTE_LOSS);
	for (size_t i = 0; i < 4; i++)
		snapshot->guests[0].sample->threads[i].busy = 0.5;
	assert_about(loss(snapshot), 2 * 0.75 * 2.1 * HN_REMOTE_LOSS);
	assert_about(rate(snapshot, 0), 2 * 0.75 * 2.1 * HN_REMOTE_LOSS);
}

/* On node 1 the memory would be together, but bound vCPUs would stay on node 0; or they go to three quarters
 * of it. */
static void the_better_way_to_a_node_counts(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 250, 750);

	assert_about(rate(snapshot, 1), 4 * (0.75 - 0.25) * HN_REMOTE_LOSS);
}

/* vCPUs that drift over both nodes lose half of any memory; either node could have them all. */
static void drifting_vcpus_can_be_gathered(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 500, 500);
	struct hn_sample *sample = snapshot->guests[0].sample;

	for (size_t i = 0; i < 4; i++) {
		sample->threads[i].residency[0] = sample->threads[i].residency[1] = 0.5;
		scene_allow_also(sample, i, &snapshot->host->nodes[1].cpus);
	}
	assert_about(loss(snapshot), 4 * 0.5 * HN_REMOTE_LOSS);
	assert_about(rate(snapshot, 0), 4 * 0.5 * HN_REMOTE_LOSS);
	assert_about(rate(snapshot, 1), 4 * 0.5 * HN_REMOTE_LOSS);
}

static void at_home_every_other_node_is_worse(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(3, 1000, 0);

	assert_about(loss(snapshot), 0);
	assert_about(rate(snapshot, 0), 0);
	assert_true(rate(snapshot, 1) < 0 && rate(snapshot, 2) < 0);
}

/* The less a sample tells, the less it says was lost. */
static void samples_count_at_their_lower_end(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *many = scene(2, 250, 750), *few = scene(2, 25, 75);
	double exact = rate(many, 0), from_many, from_few;

	many->guests[0].sample->exhaustive = few->guests[0].sample->exhaustive = false;
	from_many = rate(many, 0);
	from_few = rate(few, 0);
	assert_true(from_few < from_many && from_many < exact && from_few > 0);
	/* 1 - the upper end of Wilson's interval for 250 of 1000 at home */
	assert_about(from_many, 4 * (1 - hn_interval_wilson(250, 1000).high) * HN_REMOTE_LOSS);
}

static void hidden_and_absent_pages_count_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 250, 750);

	scene_pages(snapshot, 0, 0, -2, 1000);
	assert_about(rate(snapshot, 0), 4 * 0.75 / 2 * HN_REMOTE_LOSS);
	scene_pages(snapshot, 0, 0, -1, 5000);
	assert_about(rate(snapshot, 0), 4 * 0.75 / 2 * HN_REMOTE_LOSS);
	scene_sample(snapshot, 0);
	assert_about(rate(snapshot, 0), 0);
}

/* Looks again after so long, at a sample of so long ago. */
static void look(struct hn_snapshot *snapshot, uint64_t later_ns, uint64_t age_ns)
{
	struct hn_regret *regret = NULL;
	struct hn_error err;

	snapshot->now_ns += later_ns;
	snapshot->guests[0].sample->taken_ns = snapshot->now_ns - age_ns;
	assert_int_equal(hn_regret_add(snapshot, 0, TICK, &regret, &err), 0);
	hn_regret_free(snapshot->guests[0].regret);
	snapshot->guests[0].regret = regret;
}

static double owed(const struct hn_snapshot *snapshot, size_t node)
{
	return snapshot->guests[0].regret->seconds[node];
}

static void it_accrues_with_time_and_never_below_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 0, 1000);
	double per_second = 4 * HN_REMOTE_LOSS;

	look(snapshot, TICK, 0);
	assert_about(owed(snapshot, 0), 0); /* the first look says nothing of the time before it */
	look(snapshot, TICK, 0);
	look(snapshot, TICK / 2, 0);
	assert_about(owed(snapshot, 0), 15 * per_second);
	look(snapshot, 0, 0); /* the same sample again */
	assert_about(owed(snapshot, 0), 15 * per_second);
	scene_threads(snapshot, 0, -1, 1); /* the load goes to where the memory is */
	look(snapshot, TICK, 0);
	assert_about(owed(snapshot, 0), 5 * per_second);
	look(snapshot, TICK, 0);
	assert_about(owed(snapshot, 0), 0);
	hn_regret_clear(snapshot->guests[0].regret);
	assert_about(owed(snapshot, 1), 0);
}

static void what_is_too_old_counts_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 0, 1000);
	double per_second = 4 * HN_REMOTE_LOSS;

	look(snapshot, TICK, 0);
	look(snapshot, 2 * TICK, 0);
	assert_about(owed(snapshot, 0), 20 * per_second);
	look(snapshot, 2 * TICK + 1, 0); /* who knows what was in between */
	assert_about(owed(snapshot, 0), 20 * per_second);
	look(snapshot, 3 * TICK + 1, 2 * TICK + 1);
	assert_about(owed(snapshot, 0), 20 * per_second);
}

static void other_cells_start_anew(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 0, 1000);

	look(snapshot, TICK, 0);
	look(snapshot, TICK, 0);
	assert_true(owed(snapshot, 0) > 0);
	scene_cell(snapshot, 0, 100, 1);
	scene_sample(snapshot, 0);
	look(snapshot, TICK, 0);
	assert_int_equal(snapshot->guests[0].regret->cell_count, 2);
	assert_about(owed(snapshot, 0), 0);
}

static void a_split_home_is_owed_by_its_parts(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene(2, 0, 1000);
	HN_AUTO(hn_regret) struct hn_regret *regret = hn_regret_new(1, 2);

	regret->seconds[0] = 4;
	regret->seconds[1] = 8;
	scene_home(snapshot, 0, 0, 0);
	assert_about(hn_regret_of(regret, snapshot->guests[0].home, 0), 4);
	snapshot->guests[0].home->cells[0].bytes[1] = 3 * snapshot->guests[0].home->cells[0].bytes[0];
	assert_about(hn_regret_of(regret, snapshot->guests[0].home, 0), 7);
	assert_about(hn_regret_of(NULL, snapshot->guests[0].home, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remote_memory_costs_by_distance_and_time),
		cmocka_unit_test(the_better_way_to_a_node_counts),
		cmocka_unit_test(drifting_vcpus_can_be_gathered),
		cmocka_unit_test(at_home_every_other_node_is_worse),
		cmocka_unit_test(samples_count_at_their_lower_end),
		cmocka_unit_test(hidden_and_absent_pages_count_nothing),
		cmocka_unit_test(it_accrues_with_time_and_never_below_nothing),
		cmocka_unit_test(what_is_too_old_counts_nothing),
		cmocka_unit_test(other_cells_start_anew),
		cmocka_unit_test(a_split_home_is_owed_by_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
