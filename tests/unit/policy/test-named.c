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

	scene_guest_on(snapshot, "g", 1, 1000, 4, 0);
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
		cmocka_unit_test(equal_homes_are_told_apart_by_the_vcpus),
		cmocka_unit_test(interleave_divides_evenly_in_strides),
		cmocka_unit_test(interleave_goes_by_bandwidth_where_known),
		cmocka_unit_test(interleave_needs_room_for_every_part),
		cmocka_unit_test(prefer_takes_the_first_allowed_then_the_nearest),
		cmocka_unit_test(round_robin_goes_on_from_node_to_node),
		cmocka_unit_test(those_that_place_keep_what_they_placed),
		cmocka_unit_test(greedy_acts_at_the_first_remote_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
