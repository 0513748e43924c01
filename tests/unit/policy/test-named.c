/* Where the named policies want a guest to live, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide.h"
#include "policy/policies.h"
#include "policy/spread.h"
#include "scene.h"

static struct hn_placement *home_under(const struct hn_snapshot *snapshot, const char *policy)
{
	struct hn_placement *home = NULL;
	struct hn_error err = {0};
	int r = hn_policy_find(policy, &err)->find_home(snapshot, 0, &hn_decide_defaults.solver, &home, &err);

	if (r < 0 && r != -ENOSPC)
		fail_msg("%s", err.message);
	return home;
}

static void assert_nodes(const struct hn_placement *home, size_t cell, const char *nodes)
{
	char text[64];

	assert_non_null(home);
	assert_string_equal(hn_set_format(&home->cells[cell].nodes, text, sizeof(text)), nodes);
}

static void followers_differ_in_whom_they_follow(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *memory = NULL, *cpus = NULL, *first = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 4, 2);
	scene_threads(snapshot, 0, -1, 1);
	memory = home_under(snapshot, "cpu-follows-memory");
	cpus = home_under(snapshot, "memory-follows-cpu");
	first = home_under(snapshot, "first-touch");
	assert_nodes(memory, 0, "2");
	assert_nodes(cpus, 0, "1");
	assert_nodes(first, 0, "2");
	scene_free_mib(snapshot, 1, 1000); /* 64 MiB of these are kept */
	assert_null(home_under(snapshot, "greedy"));
}

/* Three vCPUs of which so many run on node 1, the others on node 0; where memory that is on a node goes. */
static void assert_led(int there, size_t memory, const char *follows, const char *follows_at_once)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL, *greedy = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 3, memory);
	scene_threads(snapshot, 0, -1, 0);
	for (int i = 0; i < there; i++) {
		double *residency = snapshot->guests[0].sample->threads[i].residency;

		residency[0] = 0;
		residency[1] = 1;
	}
	home = home_under(snapshot, "memory-follows-cpu");
	greedy = home_under(snapshot, "greedy");
	assert_nodes(home, 0, follows);
	assert_nodes(greedy, 0, follows_at_once);
	for (size_t node = 0; node < 3; node++) /* half of it is at home: that counts */
		if (node != memory)
			scene_pages(snapshot, 0, 0, (int)node, 500);
	scene_home(snapshot, 0, 0, memory);
	hn_placement_free(home);
	home = home_under(snapshot, "memory-follows-cpu");
	assert_nodes(home, 0, follows);
}

/* They ran elsewhere for once, and a home there was wished for: it has no memory yet that would have to be
 * led away. */
static void a_home_to_which_no_memory_has_come_holds_none(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 5, 0);
	for (int i = 0; i < 5; i++) {
		snapshot->guests[0].sample->threads[i].residency[0] = 0.6;
		snapshot->guests[0].sample->threads[i].residency[1] = 0.4;
	}
	scene_home(snapshot, 0, 0, 1);
	home = home_under(snapshot, "memory-follows-cpu");
	assert_nodes(home, 0, "0");
}

static void memory_follows_whoever_runs_twice_as_much(void **state)
{
	assert_led(0, 0, "0", "0");
	assert_led(1, 0, "0", "0");
	assert_led(2, 0, "1", "1");
	assert_led(1, 1, "0", "0");
	assert_led(2, 2, "1", "1"); /* nobody runs there */
	{
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
		HN_AUTO(hn_placement) struct hn_placement *home = NULL, *greedy = NULL;

		scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
		for (int i = 0; i < 2; i++) {
			struct hn_thread_sample *thread = &snapshot->guests[0].sample->threads[i];

			thread->residency[0] = 0;
			thread->residency[1] = 1;
		}
		snapshot->guests[0].sample->threads[2].busy = 0.9;
		home = home_under(snapshot, "memory-follows-cpu");
		greedy = home_under(snapshot, "greedy");
		assert_nodes(home, 0, "0");
		assert_nodes(greedy, 0, "1");
		hn_set_add(&snapshot->guests[0].guest->allowed_nodes, 1); /* it may not stay */
		hn_placement_free(home);
		home = home_under(snapshot, "memory-follows-cpu");
		assert_nodes(home, 0, "1");
	}
}

static void equal_homes_are_told_apart_by_the_vcpus(void **state)
{
	for (size_t node = 0; node < 3; node++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 4000);
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;
		char expected[8];

		scene_guest(snapshot, "g");
		scene_cell(snapshot, 0, 1000, 4);
		scene_sample(snapshot, 0); /* nothing touched yet */
		scene_pages(snapshot, 0, 0, -1, 1000);
		scene_threads(snapshot, 0, -1, node);
		home = home_under(snapshot, "home-node");
		snprintf(expected, sizeof(expected), "%zu", node);
		assert_nodes(home, 0, expected);
	}
}

static void interleave_divides_evenly_in_strides(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;

	scene_memory_only(snapshot, 3);
	scene_guest_on(snapshot, "g", 1, 1001, 4, 0);
	home = home_under(snapshot, "interleave");
	assert_nodes(home, 0, "0-2");
	/* 500 strides and 1 MiB: 166, 167, 167 and the odd one */
	assert_int_equal(home->cells[0].bytes[0], 166 * HN_INTERLEAVE_STRIDE);
	assert_int_equal(home->cells[0].bytes[1], 167 * HN_INTERLEAVE_STRIDE);
	assert_int_equal(home->cells[0].bytes[2], 167 * HN_INTERLEAVE_STRIDE + MIB);
	assert_int_equal(home->cells[0].bytes[3], 0);
}

static void interleave_goes_by_bandwidth_where_known(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *known = NULL, *half_known = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
	assert_int_equal(hn_host_add_performance(snapshot->host), 0);
	snapshot->host->bandwidths[0] = 30000;
	half_known = home_under(snapshot, "interleave");
	assert_int_equal(half_known->cells[0].bytes[0], 500 * MIB);
	snapshot->host->bandwidths[3] = 10000;
	known = home_under(snapshot, "interleave");
	assert_int_equal(known->cells[0].bytes[0], 750 * MIB);
	assert_int_equal(known->cells[0].bytes[1], 250 * MIB);
}

static void interleave_needs_room_for_every_part(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);

	scene_guest(snapshot, "g");
	scene_cell(snapshot, 0, 1000, 4);
	scene_free_mib(snapshot, 1, 64 + 400);
	assert_null(home_under(snapshot, "interleave"));
}

static void prefer_takes_the_first_allowed_then_the_nearest(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;

	scene_guest(snapshot, "g");
	for (int i = 0; i < 3; i++)
		scene_cell(snapshot, 0, 1000, 4);
	scene_sample(snapshot, 0);
	hn_set_parse("1-3", &snapshot->guests[0].guest->allowed_nodes, NULL);
	scene_distance(snapshot, 1, 0, 11); /* nearest, and not allowed */
	scene_distance(snapshot, 1, 3, 15);
	home = home_under(snapshot, "prefer");
	assert_nodes(home, 0, "1");
	assert_nodes(home, 1, "1");
	assert_nodes(home, 2, "3"); /* 8 CPUs of node 1 are taken */
}

static void round_robin_goes_on_from_node_to_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 4000);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL, *without = NULL;
	int first, second;

	scene_guest(snapshot, "g");
	for (int i = 0; i < 4; i++)
		scene_cell(snapshot, 0, 1000, 4);
	scene_sample(snapshot, 0);
	home = home_under(snapshot, "round-robin");
	first = hn_set_next(&home->cells[0].nodes, 0);
	for (int i = 1; i < 4; i++)
		assert_int_equal(hn_set_next(&home->cells[i].nodes, 0), (first + i) % 4);
	second = (first + 1) % 4;
	scene_free_mib(snapshot, (size_t)second, 500);
	without = home_under(snapshot, "round-robin");
	assert_int_equal(hn_set_next(&without->cells[1].nodes, 0), (second + 1) % 4);
}

/* Round-robin begins at a node that the name picks: these begin at each of two, and of four. */
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static void name_it(struct hn_snapshot *snapshot, const char *name)
{
	snprintf(snapshot->guests[0].guest->name, sizeof(snapshot->guests[0].guest->name), "%s", name);
}

static void assert_home(const struct hn_snapshot *snapshot, const char *policy, const char *nodes)
{
	HN_AUTO(hn_placement) struct hn_placement *home = home_under(snapshot, policy);

	if (!home)
		fail_msg("%s: refused", policy);
	assert_nodes(home, 0, nodes);
}

/* All that is on node 3 and pinned has its vCPUs there. */
static void vcpus_stay_with_memory_that_cannot_move(void **state)
{
	static const char *const policies[] = {"prefer", "round-robin", "interleave", "home-node"};
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 8000);

	scene_guest_on(snapshot, "g", 1, 2000, 4, 3);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	for (size_t i = 0; i < HN_COUNT(names); i++) {
		name_it(snapshot, names[i]);
		for (size_t p = 0; p < HN_COUNT(policies); p++)
			assert_home(snapshot, policies[p], "3");
	}
}

/* It was divided when it came and is pinned: every part is at home, and few pages are no part. */
static void interleaved_memory_that_cannot_move_is_at_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 8000);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;

	scene_guest(snapshot, "g");
	scene_cell(snapshot, 0, 2000, 4);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 0, 500);
	scene_pages(snapshot, 0, 0, 1, 25);
	scene_pages(snapshot, 0, 0, 3, 475);
	home = home_under(snapshot, "interleave");
	assert_nodes(home, 0, "0,3");
	assert_int_equal(home->cells[0].bytes[0], 1000 * MIB);
	assert_int_equal(home->cells[0].bytes[3], 950 * MIB);
}

/* Node 3 has about a quarter of what node 0 has, now a bit more by the sample and now a bit less: it has a
 * part if it had one before, and has none once most of that is gone. */
static void an_interleaved_part_does_not_come_and_go_with_the_sample(void **state)
{
	static const struct {
		uint64_t there; /* of 1000 */
		const char *alone, *after_both, *after_one;
	} cases[] = {{210, "0,3", "0,3", "0,3"}, {190, "0", "0,3", "0"}, {60, "0", "0", "0"}};

	for (size_t i = 0; i < HN_COUNT(cases); i++)
		for (int before = 0; before < 3; before++) {
			HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 8000);

			scene_guest(snapshot, "g");
			scene_cell(snapshot, 0, 2000, 4);
			snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
			scene_sample(snapshot, 0);
			scene_pages(snapshot, 0, 0, 0, 1000 - cases[i].there);
			scene_pages(snapshot, 0, 0, 3, cases[i].there);
			if (before > 0)
				scene_home(snapshot, 0, 0, 0);
			if (before == 1)
				hn_set_add(&snapshot->guests[0].home->cells[0].nodes, 3);
			assert_home(snapshot, "interleave",
				    before == 0   ? cases[i].alone
				    : before == 1 ? cases[i].after_both
						  : cases[i].after_one);
		}
}

/* All of it is on node 0 of the nodes that it is divided among, and stays there: it needs no room on others.
 */
static void interleaved_memory_that_stays_needs_no_room(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);

	scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
	scene_free_mib(snapshot, 1, 64 + 400);
	assert_home(snapshot, "interleave", "0-1");
}

/* On two nodes of 64 GiB so many pages of 1 GiB each; the rest of what is free is base memory. */
static struct hn_snapshot *with_large_pages(uint64_t on_0, uint64_t on_1)
{
	const uint64_t pages[] = {on_0, on_1};
	struct hn_snapshot *snapshot = scene_new(2, 8, 64 * 1024);

	for (size_t node = 0; node < 2; node++) {
		struct hn_node *model = &snapshot->host->nodes[node];

		model->pool_count = 1;
		model->pools[0] = (struct hn_page_pool){
			.page_bytes = 1024 * MIB, .total_pages = pages[node], .free_pages = pages[node]};
		scene_free_mib(snapshot, node, (63 - pages[node]) * 1024);
	}
	return snapshot;
}

/* Those who choose nodes. */
static const char *const placing[] = {"home-node", "prefer", "round-robin", "interleave"};

/* Base memory is none for them, plenty as there is; and they need none, little as there is. */
static void large_pages_come_from_their_pool(void **state)
{
	for (size_t i = 0; i < HN_COUNT(names); i++)
		for (size_t p = 0; p < HN_COUNT(placing); p++) {
			HN_AUTO(hn_snapshot) struct hn_snapshot *one = with_large_pages(0, 48);
			HN_AUTO(hn_snapshot) struct hn_snapshot *both = with_large_pages(60, 60);
			HN_AUTO(hn_placement) struct hn_placement *home = NULL;

			for (int k = 0; k < 2; k++) {
				struct hn_snapshot *snapshot = k ? both : one;

				scene_guest(snapshot, names[i]);
				scene_cell(snapshot, 0, 8 * 1024, 4);
				snapshot->guests[0].guest->cells[0].page_bytes = 1024 * MIB;
			}
			assert_home(one, placing[p], "1");
			home = home_under(both, placing[p]);
			assert_non_null(home);
			both->host->nodes[0].pools[0].free_pages = 3;
			both->host->nodes[1].pools[0].free_pages = 3;
			assert_null(home_under(both, placing[p]));
		}
}

/* A guest that runs is not drawn to a node where its pages cannot be. */
static void large_pages_stay_where_their_pool_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = with_large_pages(0, 48);

	scene_guest_on(snapshot, "g", 1, 8 * 1024, 4, 1);
	snapshot->guests[0].guest->cells[0].page_bytes = 1024 * MIB;
	for (size_t i = 0; i < HN_COUNT(names); i++)
		for (size_t p = 0; p < HN_COUNT(placing); p++) {
			name_it(snapshot, names[i]);
			assert_home(snapshot, placing[p], "1");
		}
}

/* Another of its group lives on node 0; when one does on node 1 as well, there is no place left. */
static void apart_is_kept_by_all_who_place(void **state)
{
	for (size_t p = 0; p < HN_COUNT(placing); p++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 8000);

		scene_guest(snapshot, "g");
		scene_cell(snapshot, 0, 1000, 2);
		for (size_t node = 0; node < 2; node++) {
			scene_guest_on(snapshot, "other", 1, 1000, 2, node);
			scene_home(snapshot, node + 1, 0, node);
		}
		for (size_t g = 0; g < 2; g++)
			strcpy(snapshot->guests[g].guest->apart, "ha");
		for (size_t i = 0; i < HN_COUNT(names); i++) {
			name_it(snapshot, names[i]);
			assert_home(snapshot, placing[p], "1");
		}
		strcpy(snapshot->guests[2].guest->apart, "ha");
		assert_null(home_under(snapshot, placing[p]));
	}
}

static void those_that_place_keep_what_they_placed(void **state)
{
	static const char *const policies[] = {"prefer", "round-robin", "home-node"};

	for (size_t i = 0; i < 3; i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 4000);
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;

		scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
		scene_home(snapshot, 0, 0, 3);
		home = home_under(snapshot, policies[i]);
		assert_nodes(home, 0, "3");
	}
}

static void those_that_place_keep_what_has_grown(void **state)
{
	static const char *const policies[] = {"prefer", "round-robin", "home-node", "adaptive"};

	for (size_t i = 0; i < HN_COUNT(policies); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 4000);
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;

		scene_guest_on(snapshot, "g", 1, 1000, 4, 3);
		scene_home(snapshot, 0, 0, 3);
		snapshot->guests[0].guest->cells[0].memory_bytes = 1100 * MIB;
		home = home_under(snapshot, policies[i]);
		assert_nodes(home, 0, "3");
		assert_int_equal(home->cells[0].bytes[3], 1100 * MIB);
	}
}

static void greedy_acts_at_the_first_remote_page(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	struct hn_guest *guest;
	static const struct {
		const char *policy;
		enum hn_verdict verdict;
	} cases[] = {{"greedy", HN_VERDICT_ACT}, {"memory-follows-cpu", HN_VERDICT_AT_HOME}};

	scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
	scene_pages(snapshot, 0, 0, 1, 1);
	guest = snapshot->guests[0].guest;
	for (size_t i = 0; i < 2; i++) {
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
		struct hn_looks looks;
		struct hn_error err;

		snprintf(guest->policy, sizeof(guest->policy), "%s", cases[i].policy);
		snapshot->guests[0].looks.settle_until_ns = UINT64_MAX;
		assert_int_equal(hn_decide(snapshot, 0, &hn_decide_defaults, &plan, &looks, NULL, &err), 0);
		assert_int_equal(plan->verdict, cases[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followers_differ_in_whom_they_follow),
		cmocka_unit_test(a_home_to_which_no_memory_has_come_holds_none),
		cmocka_unit_test(memory_follows_whoever_runs_twice_as_much),
		cmocka_unit_test(equal_homes_are_told_apart_by_the_vcpus),
		cmocka_unit_test(interleave_divides_evenly_in_strides),
		cmocka_unit_test(interleave_goes_by_bandwidth_where_known),
		cmocka_unit_test(interleave_needs_room_for_every_part),
		cmocka_unit_test(prefer_takes_the_first_allowed_then_the_nearest),
		cmocka_unit_test(round_robin_goes_on_from_node_to_node),
		cmocka_unit_test(vcpus_stay_with_memory_that_cannot_move),
		cmocka_unit_test(interleaved_memory_that_cannot_move_is_at_home),
		cmocka_unit_test(an_interleaved_part_does_not_come_and_go_with_the_sample),
		cmocka_unit_test(interleaved_memory_that_stays_needs_no_room),
		cmocka_unit_test(large_pages_come_from_their_pool),
		cmocka_unit_test(large_pages_stay_where_their_pool_is),
		cmocka_unit_test(apart_is_kept_by_all_who_place),
		cmocka_unit_test(those_that_place_keep_what_they_placed),
		cmocka_unit_test(those_that_place_keep_what_has_grown),
		cmocka_unit_test(greedy_acts_at_the_first_remote_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
