/* Worlds: memory is conserved, departures free everything, the same trace gives the same score. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../policy/scene.h"
#include "base/units.h"
#include "policy/policies.h"
#include "policy/regret.h"
#include "sim/enliven.h"
#include "sim/generator.h"
#include "sim/simulation.h"

static struct hn_world *world_like(const struct hn_snapshot *snapshot, const char *policy, uint64_t tick_ns)
{
	struct hn_world_options options = hn_world_defaults();
	struct hn_world *world = NULL;
	struct hn_error err = {0};

	options.policy = policy;
	options.tick_ns = tick_ns;
	if (hn_world_new(snapshot->host, &options, &world, &err) < 0)
		fail_msg("%s", err.message);
	return world;
}

static void apply(struct hn_world *world, struct hn_event event)
{
	struct hn_error err = {0};

	if (hn_world_apply(world, &event, &err) < 0)
		fail_msg("%s", err.message);
}

static void tick(struct hn_world *world, int ticks)
{
	struct hn_error err = {0};

	while (ticks-- > 0)
		if (hn_world_tick(world, &err) < 0)
			fail_msg("%s", err.message);
}

static void arrive(struct hn_world *world, uint32_t guest, unsigned vcpus, uint64_t mib, unsigned cells)
{
	apply(world, (struct hn_event){.kind = HN_EVENT_ARRIVE,
				       .guest = guest,
				       .load = 0.5,
				       .request = {vcpus, mib * MIB, cells, HN_CLASS_SHARED, 0}});
}

/* On every node: what guests have there and what is free is what there is; each guest has all its memory. */
static void assert_conserved(const struct hn_world *world)
{
	const struct hn_snapshot *now = hn_world_snapshot(world);

	for (size_t node = 0; node < now->host->node_count; node++) {
		uint64_t bytes = now->host->nodes[node].free_bytes;

		for (size_t i = 0; i < now->guest_count; i++)
			for (size_t cell = 0; cell < now->guests[i].guest->cell_count; cell++)
				bytes += now->guests[i].sample->cells[cell].on_node[node] * 4096;
		assert_int_equal(bytes, now->host->nodes[node].memory_bytes);
	}
	for (size_t i = 0; i < now->guest_count; i++) {
		for (size_t cell = 0; cell < now->guests[i].guest->cell_count; cell++) {
			const struct hn_cell_sample *pages = &now->guests[i].sample->cells[cell];
			uint64_t all = 0;

			for (size_t node = 0; node < now->host->node_count; node++)
				all += pages->on_node[node];
			assert_int_equal(all, pages->sampled);
			assert_int_equal(all * 4096, now->guests[i].guest->cells[cell].memory_bytes);
		}
	}
}

static void a_guest_is_placed_where_it_is_local(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	HN_AUTO(hn_world) struct hn_world *world = world_like(snapshot, "home-node", HN_NS_PER_S);
	double locality = -1;

	assert_false(hn_world_locality(world, &locality));
	arrive(world, 0, 8, 6000, 2);
	assert_int_equal(hn_world_counts(world)->placed, 1);
	assert_true(hn_world_locality(world, &locality));
	assert_true(fabs(locality - 1) < 1e-9);
	assert_conserved(world);
	tick(world, 100);
	assert_int_equal(hn_world_counts(world)->moves, 0);
	assert_int_equal(hn_world_counts(world)->looks, 10);
}

static void what_does_not_fit_is_counted_and_takes_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	HN_AUTO(hn_world) struct hn_world *world = world_like(snapshot, "home-node", HN_NS_PER_S);

	arrive(world, 0, 2, 2000, 1);
	arrive(world, 1, 2, 9000, 1);
	arrive(world, 2, 2, 100, 1);
	apply(world, (struct hn_event){.kind = HN_EVENT_DEPART, .guest = 1});
	assert_int_equal(hn_world_counts(world)->arrived, 3);
	assert_int_equal(hn_world_counts(world)->placed, 2);
	assert_int_equal(hn_world_counts(world)->refused, 1);
	assert_int_equal(hn_world_counts(world)->placed_before_refusal, 1);
	assert_int_equal(hn_world_counts(world)->departed, 0);
	assert_conserved(world);
}

/* 1000 MiB of which 60 % are allocated elsewhere come back at 2 GiB/s, once two looks agree. */
static void memory_that_strays_is_brought_home_at_the_given_speed(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	struct hn_world_options options = hn_world_defaults();
	HN_AUTO(hn_world) struct hn_world *world = NULL;
	struct hn_error err = {0};
	const struct hn_snapshot *now;
	double locality;
	int home, ticks = 0;

	options.policy = "home-node";
	options.tick_ns = HN_NS_PER_S;
	options.bytes_per_second = 100 * MIB;
	assert_int_equal(hn_world_new(snapshot->host, &options, &world, &err), 0);
	now = hn_world_snapshot(world);
	arrive(world, 0, 2, 1000, 1);
	home = hn_set_next(&now->guests[0].home->cells[0].nodes, 0);
	apply(world, (struct hn_event){.kind = HN_EVENT_MEMORY, .node = (uint32_t)!home, .share = 0.6});
	assert_true(hn_world_locality(world, &locality));
	assert_true(fabs(locality - 0.4) < 1e-5);
	while (!now->guests[0].moving && ticks++ < 1000)
		tick(world, 1);
	assert_true(now->guests[0].moving);
	for (ticks = 0; now->guests[0].moving && ticks < 1000; ticks++) {
		tick(world, 1);
		assert_conserved(world);
	}
	assert_in_range(ticks, 6, 7);
	assert_true(hn_world_locality(world, &locality));
	assert_true(fabs(locality - 1) < 1e-9);
	assert_int_equal(hn_world_counts(world)->moves, 1);
	assert_in_range(hn_world_counts(world)->moved_bytes, 599 * MIB, 600 * MIB);
	assert_int_equal(hn_world_counts(world)->undone, 0);
}

static void vcpus_that_stray_are_bound_again(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	HN_AUTO(hn_world) struct hn_world *world = world_like(snapshot, "home-node", HN_NS_PER_S);
	double locality;
	int home;

	arrive(world, 0, 2, 1000, 1);
	home = hn_set_next(&hn_world_snapshot(world)->guests[0].home->cells[0].nodes, 0);
	apply(world, (struct hn_event){.kind = HN_EVENT_VCPUS, .node = (uint32_t)!home});
	assert_true(hn_world_locality(world, &locality));
	assert_true(locality < 1e-9);
	tick(world, 100);
	assert_true(hn_world_locality(world, &locality));
	assert_true(fabs(locality - 1) < 1e-9);
	assert_int_equal(hn_world_counts(world)->moved_bytes, 0);
	assert_int_equal(hn_world_counts(world)->binds, 2);
}

/* Every policy, a trace with everything in it: nothing is lost at any tick, and nothing remains at the end.
 */
static void memory_is_conserved_and_departures_free_everything(void **state)
{
	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 32768);
		HN_AUTO(hn_world)
		struct hn_world *world = world_like(snapshot, policy->name, 10 * HN_NS_PER_S);
		HN_AUTO(hn_trace) struct hn_trace *trace = NULL;
		struct hn_generator generator = {.seed = 11,
						 .stray_ns = HN_STRAY_NS,
						 .ticks = 3000,
						 .tick_ns = 10 * HN_NS_PER_S,
						 .load = 1.5};
		struct hn_error err = {0};
		size_t next = 0;

		assert_int_equal(hn_generate(&generator, snapshot->host, &trace, &err), 0);
		for (uint64_t at = 0; at < trace->ticks; at++) {
			for (; next < trace->count && trace->events[next].tick <= at; next++)
				apply(world, trace->events[next]);
			tick(world, 1);
			if (at % 10 == 0)
				assert_conserved(world);
		}
		assert_true(hn_world_counts(world)->placed > 10);
		assert_true(hn_world_counts(world)->refused > 0);
		assert_int_equal(hn_world_counts(world)->placed + hn_world_counts(world)->refused,
				 hn_world_counts(world)->arrived);
		for (uint32_t i = 0; i < trace->guest_count; i++)
			apply(world, (struct hn_event){.kind = HN_EVENT_DEPART, .guest = i});
		assert_int_equal(hn_world_snapshot(world)->guest_count, 0);
		assert_int_equal(hn_world_counts(world)->departed, hn_world_counts(world)->placed);
		for (size_t node = 0; node < 4; node++)
			assert_int_equal(hn_world_snapshot(world)->host->nodes[node].free_bytes, 32768 * MIB);
	}
}

static void the_same_trace_gives_the_same_score(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 32768);
	HN_AUTO(hn_trace) struct hn_trace *trace = NULL;
	struct hn_generator generator = {
		.seed = 12, .stray_ns = HN_STRAY_NS, .ticks = 1000, .tick_ns = 10 * HN_NS_PER_S, .load = 1};
	struct hn_world_options options = hn_world_defaults();
	struct hn_score scores[2];
	struct hn_error err = {0};

	assert_int_equal(hn_generate(&generator, snapshot->host, &trace, &err), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(hn_simulate(trace, snapshot->host, &options, NULL, NULL, &scores[i], &err),
				 0);
	assert_memory_equal(&scores[0], &scores[1], sizeof(scores[0]));
	assert_true(scores[0].locality > 0 && scores[0].locality <= 1);
	assert_true(scores[0].filled > 0.05 && scores[0].filled <= 1);
	assert_true(scores[0].counts.looks > 1000);
	for (size_t i = 0; i < HN_COURSE; i++)
		assert_true((scores[0].course[i] >= 0 && scores[0].course[i] <= 1) ||
			    scores[0].course[i] == -1); /* nobody was there */
}

static void senseless_options_are_refused(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 1, 1024);
	struct hn_world_options options[4];
	static const char *const says[] = {"no-such", "tick of 0 ns", "speed of 0", "0 at once"};
	struct hn_world *world = NULL;

	for (size_t i = 0; i < HN_COUNT(options); i++)
		options[i] = hn_world_defaults();
	options[0].policy = "no-such";
	options[1].tick_ns = 0;
	options[2].bytes_per_second = 0;
	options[3].at_once = 0;
	for (size_t i = 0; i < HN_COUNT(options); i++) {
		struct hn_error err = {0};

		assert_int_equal(hn_world_new(snapshot->host, &options[i], &world, &err), -EINVAL);
		if (!strstr(err.message, says[i]))
			fail_msg("\"%s\" does not say \"%s\"", err.message, says[i]);
	}
	assert_null(world);
}

/* Guests 0 and 1 fill a node each but for 200 MiB; 2 and 3 keep the CPUs busy, so that no vCPU can come to
 * its memory. Then the vCPUs of the first two run beside each other's memory. */
static struct hn_world *crossed_under(const struct hn_snapshot *snapshot, struct hn_world_options options)
{
	struct hn_world *world = NULL;
	const struct hn_snapshot *now;
	struct hn_error err = {0};
	uint32_t homes[2];

	options.policy = "adaptive";
	if (hn_world_new(snapshot->host, &options, &world, &err) < 0)
		fail_msg("%s", err.message);
	now = hn_world_snapshot(world);
	for (uint32_t i = 0; i < 4; i++) {
		arrive(world, i, 4, i < 2 ? 2000 : 10, 1);
		apply(world, (struct hn_event){.kind = HN_EVENT_LOAD, .guest = i, .load = 1});
	}
	for (size_t i = 0; i < 2; i++)
		homes[i] = (uint32_t)hn_set_next(&now->guests[i].home->cells[0].nodes, 0);
	assert_true(homes[0] != homes[1]);
	for (uint32_t i = 0; i < 2; i++)
		apply(world, (struct hn_event){.kind = HN_EVENT_VCPUS, .guest = i, .node = homes[1 - i]});
	return world;
}

static struct hn_world *crossed(const struct hn_snapshot *snapshot, uint64_t bytes_per_second)
{
	struct hn_world_options options = hn_world_defaults();

	options.bytes_per_second = bytes_per_second;
	return crossed_under(snapshot, options);
}

/* The partner was looked at 100 s ago, which is half a round. */
static void seldom_looked_at_they_change_places_all_the_same(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 2210);
	HN_AUTO(hn_world) struct hn_world *world = NULL;
	struct hn_world_options options = hn_world_defaults();

	options.tick_ns = 100 * HN_NS_PER_S;
	options.look_ns = 200 * HN_NS_PER_S;
	world = crossed_under(snapshot, options);
	tick(world, 200);
	assert_int_equal(hn_world_counts(world)->swaps, 1);
}

static void two_on_full_nodes_change_places(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 2210);
	HN_AUTO(hn_world) struct hn_world *world = crossed(snapshot, 2 * HN_GIB);
	const struct hn_world_counts *counts = hn_world_counts(world);
	double locality = -1, moving_s = 4000.0 / 2048;

	assert_true(hn_world_locality(world, &locality));
	assert_true(fabs(locality - 0.5) < 1e-9);
	for (int i = 0; i < 1000 && locality < 1 - 1e-9; i++) {
		tick(world, 1);
		assert_conserved(world);
		assert_true(hn_world_locality(world, &locality));
	}
	assert_true(fabs(locality - 1) < 1e-9);
	assert_int_equal(counts->swaps, 1);
	assert_int_equal(counts->moved_bytes, 4000 * MIB);
	/* each has four busy vCPUs, that lose a tenth while its memory is on its way */
	assert_true(fabs(counts->stalled_s - 0.1 * 4 * moving_s) < 1e-6);
	assert_true(counts->crowded_s > 0 && counts->crowded_s < counts->stalled_s);
	tick(world, 500);
	assert_int_equal(counts->moved_bytes, 4000 * MIB);
}

static void who_is_left_in_an_exchange_goes_on_alone(void **state)
{
	for (uint32_t goes = 0; goes < 2; goes++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 2210);
		HN_AUTO(hn_world) struct hn_world *world = crossed(snapshot, 20 * MIB);
		const struct hn_world_counts *counts = hn_world_counts(world);
		const struct hn_snapshot *now = hn_world_snapshot(world);

		for (int i = 0; i < 5000 && counts->swaps == 0; i++)
			tick(world, 1);
		assert_int_equal(counts->swaps, 1);
		tick(world, 5); /* 1000 of 4000 MiB */
		apply(world, (struct hn_event){.kind = HN_EVENT_DEPART, .guest = goes});
		assert_conserved(world);
		for (size_t i = 0; i < now->guest_count; i++)
			assert_false(now->guests[i].moving);
		tick(world, 1000);
		assert_conserved(world);
		assert_int_equal(now->guest_count, 3);
	}
}

static void what_is_remote_and_what_is_moved_costs(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4096);
	HN_AUTO(hn_world) struct hn_world *world = world_like(snapshot, "static", 10 * HN_NS_PER_S);
	const struct hn_world_counts *counts = hn_world_counts(world);
	int home;

	arrive(world, 0, 2, 1000, 1);
	home = hn_set_next(&hn_world_snapshot(world)->guests[0].home->cells[0].nodes, 0);
	tick(world, 10);
	assert_true(fabs(counts->busy_s - 100 * 2 * 0.5) < 1e-6);
	assert_true(counts->remote_s == 0 && counts->stalled_s == 0);
	/* half of it twice as far as it was: scene_new() has distances of 10 and 20 */
	apply(world, (struct hn_event){.kind = HN_EVENT_MEMORY, .node = (uint32_t)!home, .share = 0.5});
	tick(world, 10);
	assert_true(fabs(counts->remote_s - 100 * 2 * 0.5 * 0.5 * HN_REMOTE_LOSS) < 1e-6);
	assert_true(counts->stalled_s == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_is_placed_where_it_is_local),
		cmocka_unit_test(what_does_not_fit_is_counted_and_takes_nothing),
		cmocka_unit_test(memory_that_strays_is_brought_home_at_the_given_speed),
		cmocka_unit_test(vcpus_that_stray_are_bound_again),
		cmocka_unit_test(memory_is_conserved_and_departures_free_everything),
		cmocka_unit_test(two_on_full_nodes_change_places),
		cmocka_unit_test(seldom_looked_at_they_change_places_all_the_same),
		cmocka_unit_test(who_is_left_in_an_exchange_goes_on_alone),
		cmocka_unit_test(what_is_remote_and_what_is_moved_costs),
		cmocka_unit_test(the_same_trace_gives_the_same_score),
		cmocka_unit_test(senseless_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
