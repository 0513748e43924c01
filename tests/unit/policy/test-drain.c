/* A node is emptied: what leaves finds room, what cannot is said with its reason, and nobody comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/capacity.h"
#include "policy/drain.h"
#include "policy/policies.h"
#include "scene.h"

static struct hn_decide_options options(void)
{
	struct hn_decide_options options = hn_decide_defaults;

	options.solver.keep_free_bytes = 0;
	return options;
}

static struct hn_set close_node(struct hn_snapshot *snapshot, size_t node)
{
	snapshot->host->nodes[node].draining = true;
	return hn_set_of(snapshot->host->nodes[node].id);
}

static struct hn_drain drain_of(const struct hn_snapshot *snapshot, const struct hn_set *nodes)
{
	const struct hn_decide_options how = options();
	struct hn_drain drain;
	struct hn_error err = {0};

	if (hn_drain_plan(snapshot, nodes, &how, &drain, &err) < 0)
		fail_msg("%s", err.message);
	return drain;
}

static void carry_out(struct hn_snapshot *snapshot, const struct hn_drain *drain)
{
	for (size_t i = 0; i < drain->count; i++) {
		if (drain->guests[i].plan->verdict != HN_VERDICT_ACT)
			continue;
		scene_carry_out(snapshot, drain->guests[i].guest, drain->guests[i].plan);
		scene_adopt(snapshot, drain->guests[i].guest, drain->guests[i].plan);
	}
}

static int home_of(const struct hn_leaving *leaving, size_t cell)
{
	return hn_set_next(&leaving->plan->home->cells[cell].nodes, 0);
}

/*
 * 300, 400 and 500 MiB into 700 and 500: only the 500 on the latter, and the others together on the former,
 * find room.
 */
static void guests_are_placed_so_that_all_find_room(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 2000);
	struct hn_lingering lingering;
	struct hn_drain drain;
	struct hn_set nodes;

	scene_guest_on(snapshot, "a", 1, 300, 2, 0);
	scene_guest_on(snapshot, "b", 1, 400, 2, 0);
	scene_guest_on(snapshot, "c", 1, 500, 2, 0);
	scene_free_mib(snapshot, 1, 700);
	scene_free_mib(snapshot, 2, 500);
	nodes = close_node(snapshot, 0);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(drain.guests[i].plan->verdict, HN_VERDICT_ACT);
		assert_int_equal(home_of(&drain.guests[i], 0), i == 2 ? 2 : 1);
		assert_int_equal(drain.guests[i].lingering.bytes, (300 + 100 * i) * MIB);
		assert_int_equal(drain.guests[i].lingering.fixed_bytes, 0);
		assert_int_equal(drain.guests[i].lingering.threads, snapshot->guests[i].guest->thread_count);
	}
	carry_out(snapshot, &drain);
	for (size_t i = 0; i < 3; i++)
		assert_false(hn_drain_lingers(snapshot->host, &snapshot->guests[i], &nodes, &lingering));
	hn_drain_done(&drain);
}

/* More than are solved for at once: 12 of 100 MiB into 600 and 600. */
static void many_guests_fill_the_other_nodes_to_the_brim(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 16, 4000);
	uint64_t on_node[3] = {0};
	struct hn_drain drain;
	struct hn_set nodes;

	for (int i = 0; i < 12; i++) {
		char name[16];

		snprintf(name, sizeof(name), "g%d", i);
		scene_guest_on(snapshot, name, 1, 100, 1, 2);
		if (i % 2)
			snapshot->guests[i].guest->mode = HN_MODE_OBSERVE;
	}
	scene_free_mib(snapshot, 0, 600);
	scene_free_mib(snapshot, 1, 600);
	nodes = close_node(snapshot, 2);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 12);
	for (size_t i = 0; i < drain.count; i++) {
		assert_int_equal(drain.guests[i].plan->verdict, HN_VERDICT_ACT);
		on_node[home_of(&drain.guests[i], 0)] += 100;
	}
	assert_int_equal(on_node[0], 600);
	assert_int_equal(on_node[1], 600);
	hn_drain_done(&drain);
}

static void who_finds_no_room_is_blocked_and_the_others_go(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 2000);
	struct hn_drain drain;
	struct hn_set nodes;

	scene_guest_on(snapshot, "small", 1, 200, 2, 0);
	scene_guest_on(snapshot, "large", 1, 900, 2, 0);
	scene_free_mib(snapshot, 1, 300);
	nodes = close_node(snapshot, 0);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.guests[0].plan->verdict, HN_VERDICT_ACT);
	assert_int_equal(drain.guests[1].plan->verdict, HN_VERDICT_BLOCKED);
	assert_non_null(strstr(drain.guests[1].plan->reason, "does not fit elsewhere: memory"));
	assert_int_equal(drain.guests[1].plan->action_count, 0);
	hn_drain_done(&drain);
}

/* Cell 0 is pinned: it keeps its vCPUs as well. Cell 1 goes. */
static void memory_that_cannot_move_stays_with_its_vcpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 2000);
	size_t guest = scene_guest_on(snapshot, "vfio", 2, 200, 2, 1);
	struct hn_lingering lingering;
	struct hn_drain drain;
	struct hn_set nodes;

	snapshot->guests[guest].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	nodes = close_node(snapshot, 1);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 1);
	assert_int_equal(drain.guests[0].plan->verdict, HN_VERDICT_ACT);
	assert_int_equal(home_of(&drain.guests[0], 0), 1);
	assert_int_equal(home_of(&drain.guests[0], 1), 0);
	assert_string_equal(drain.guests[0].plan->notes[0],
			    "cell 0: 200 MiB stay on node 1: its memory cannot be moved (pinned)");
	carry_out(snapshot, &drain);
	assert_true(hn_drain_lingers(snapshot->host, &snapshot->guests[0], &nodes, &lingering));
	assert_int_equal(lingering.bytes, 200 * MIB);
	assert_int_equal(lingering.fixed_bytes, 200 * MIB);
	hn_drain_done(&drain);
	/* then there is nothing more to do, and it is said why */
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.guests[0].plan->verdict, HN_VERDICT_BLOCKED);
	assert_non_null(strstr(drain.guests[0].plan->reason, "200 MiB cannot leave node 1: cell 0"));
	hn_drain_done(&drain);
}

static void who_may_not_be_touched_is_left_with_the_reason(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 2000);
	size_t realtime = scene_guest_on(snapshot, "plc", 1, 100, 1, 0);
	size_t off = scene_guest_on(snapshot, "off", 1, 100, 1, 0);
	size_t moving = scene_guest_on(snapshot, "moving", 1, 100, 1, 0);
	size_t young = scene_guest(snapshot, "young");
	struct hn_drain drain;
	struct hn_set nodes;

	snapshot->guests[realtime].guest->class = HN_CLASS_REALTIME;
	snapshot->guests[off].guest->mode = HN_MODE_OFF;
	snapshot->guests[moving].moving = true;
	scene_cell(snapshot, young, 100, 1);
	scene_home(snapshot, young, 0, 0);
	nodes = close_node(snapshot, 0);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 4);
	assert_int_equal(drain.guests[0].plan->verdict, HN_VERDICT_LEFT_ALONE);
	assert_non_null(strstr(drain.guests[0].plan->reason, "realtime"));
	assert_int_equal(drain.guests[1].plan->verdict, HN_VERDICT_LEFT_ALONE);
	assert_non_null(strstr(drain.guests[1].plan->reason, "mode is off"));
	assert_int_equal(drain.guests[2].plan->verdict, HN_VERDICT_WAIT);
	assert_int_equal(drain.guests[3].plan->verdict, HN_VERDICT_UNKNOWN);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(drain.guests[i].plan->action_count, 0);
	hn_drain_done(&drain);
}

static void set_policy(struct hn_snapshot *snapshot, const char *name)
{
	struct hn_guest *guest = snapshot->guests[0].guest;

	snprintf(guest->policy, sizeof(guest->policy), "%s", name);
}

/* A third of it is on node 1, which is full: whatever its policy, it is node 2 that has room for the rest. */
static void what_leaves_goes_where_there_is_room(void **state)
{
	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 16000);
		struct hn_set nodes = close_node(snapshot, 0);
		struct hn_drain drain;

		scene_guest_on(snapshot, "g", 1, 4000, 4, 0);
		scene_pages(snapshot, 0, 0, 1, 500);
		scene_free_mib(snapshot, 1, 200);
		set_policy(snapshot, policy->name);
		drain = drain_of(snapshot, &nodes);
		if (drain.guests[0].plan->verdict != HN_VERDICT_ACT)
			fail_msg("%s: %s", policy->name, drain.guests[0].plan->reason);
		for (size_t i = 0; i < drain.guests[0].plan->action_count; i++) {
			const struct hn_action *action = &drain.guests[0].plan->actions[i];

			if (action->kind == HN_ACTION_MIGRATE && action->to_node != 2)
				fail_msg("%s: %s", policy->name, action->reason);
		}
		hn_drain_done(&drain);
	}
}

/* Under any policy, though a few pages are elsewhere, and vCPUs might be as well. */
static void vcpus_stay_with_what_cannot_leave(void **state)
{
	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 16000);
		struct hn_set nodes = close_node(snapshot, 0);
		struct hn_drain drain;

		scene_guest_on(snapshot, "g", 1, 4000, 4, 0);
		scene_pages(snapshot, 0, 0, 1, 2);
		snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
		set_policy(snapshot, policy->name);
		drain = drain_of(snapshot, &nodes);
		if (drain.guests[0].plan->action_count > 0)
			fail_msg("%s: %s", policy->name, drain.guests[0].plan->actions[0].reason);
		assert_int_equal(drain.guests[0].plan->verdict, HN_VERDICT_BLOCKED);
		hn_drain_done(&drain);
	}
}

/* It was divided among all nodes and is pinned: that one of them drains does not bring its vCPUs there. */
static void interleaved_memory_that_cannot_leave_draws_no_vcpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 16000);
	struct hn_set nodes = close_node(snapshot, 0);
	struct hn_drain drain;

	scene_guest(snapshot, "g");
	scene_cell(snapshot, 0, 3000, 4);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	scene_sample(snapshot, 0);
	for (int node = 0; node < 3; node++)
		scene_pages(snapshot, 0, 0, node, node ? 240 : 520);
	set_policy(snapshot, "interleave");
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.guests[0].plan->action_count, 0);
	hn_drain_done(&drain);
}

/* Its memory is on node 1, where it stays; its threads may run on node 0 as well, and are kept off it. */
static void threads_alone_are_kept_off_the_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 2000);
	size_t guest = scene_guest(snapshot, "free");
	struct hn_drain drain;
	struct hn_set nodes;

	scene_cell(snapshot, guest, 100, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 1, 1000);
	nodes = close_node(snapshot, 0);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 1);
	assert_int_equal(drain.guests[0].lingering.bytes, 0);
	assert_int_equal(drain.guests[0].lingering.threads, 2);
	assert_int_equal(home_of(&drain.guests[0], 0), 1);
	assert_int_equal(hn_plan_migrate_bytes(drain.guests[0].plan), 0);
	assert_int_equal(drain.guests[0].plan->action_count, 2);
	hn_drain_done(&drain);
}

static void who_is_elsewhere_is_not_concerned(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 2000);
	const struct hn_decide_options how = options();
	struct hn_plan *plan = NULL;
	struct hn_error err = {0};
	struct hn_drain drain;
	struct hn_set nodes;

	scene_guest_on(snapshot, "far", 1, 100, 1, 1);
	nodes = close_node(snapshot, 0);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 0);
	assert_int_equal(hn_drain_plan_guest(snapshot, 0, &nodes, &how, &plan, &err), 0);
	assert_null(plan);
	hn_drain_done(&drain);
}

/* Whatever policy it is under: a newcomer, and a guest that lives there and is enforced. */
static void nobody_gets_a_home_there(void **state)
{
	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 2000);
		const struct hn_decide_options how = options();
		HN_AUTO(hn_placement) struct hn_placement *home = NULL, *again = NULL;
		size_t guest = scene_guest_on(snapshot, "old", 1, 100, 2, 0), newcomer;
		struct hn_error err = {0};

		strcpy(snapshot->guests[guest].guest->policy, policy->name);
		newcomer = scene_guest(snapshot, "new");
		scene_cell(snapshot, newcomer, 100, 2);
		strcpy(snapshot->guests[newcomer].guest->policy, policy->name);
		close_node(snapshot, 0);
		assert_int_equal(policy->find_home(snapshot, newcomer, &how.solver, &home, &err), 0);
		assert_false(hn_set_has(&home->cells[0].nodes, 0));
		assert_int_equal(policy->find_home(snapshot, guest, &how.solver, &again, &err), 0);
		assert_false(hn_set_has(&again->cells[0].nodes, 0));
	}
}

static void when_every_node_drains_nothing_fits(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 2000);
	struct hn_drain drain;
	struct hn_set nodes, other;

	scene_guest_on(snapshot, "here", 1, 100, 2, 0);
	nodes = close_node(snapshot, 0);
	other = close_node(snapshot, 1);
	hn_set_or(&nodes, &other);
	drain = drain_of(snapshot, &nodes);
	assert_int_equal(drain.count, 1);
	assert_int_equal(drain.guests[0].plan->verdict, HN_VERDICT_BLOCKED);
	hn_drain_done(&drain);
}

static bool can_leave_whole(const struct hn_guest *guest)
{
	for (size_t cell = 0; cell < guest->cell_count; cell++)
		if (!hn_guest_cell_movable(guest, cell))
			return false;
	return true;
}

static uint64_t bytes_on(const struct hn_guest_state *state, size_t node)
{
	uint64_t bytes = 0;

	for (size_t cell = 0; state->sample && cell < state->guest->cell_count; cell++)
		bytes += hn_cell_bytes_on(state->guest, state->sample, cell, node);
	return bytes;
}

static bool is_divided(const struct hn_guest_state *state)
{
	for (size_t cell = 0; state->home && cell < state->home->cell_count; cell++)
		if (hn_set_count(&state->home->cells[cell].nodes) > 1)
			return true;
	return false;
}

/*
 * What has come to a node was free there, or has made room itself; the last 64th of a guest may be strays. Of
 * a divided cell what is on the wrong one of its nodes stays there, and so makes no room. False then.
 */
static bool assert_there_was_room(const struct hn_snapshot *before, const struct hn_snapshot *after)
{
	for (size_t i = 0; i < after->guest_count; i++)
		if (is_divided(&after->guests[i]))
			return false;
	for (size_t node = 0; node < before->host->node_count; node++) {
		uint64_t room = before->host->nodes[node].free_bytes, taken = 0;

		for (size_t i = 0; i < before->guest_count; i++) {
			room += bytes_on(&before->guests[i], node) +
				hn_guest_memory_bytes(before->guests[i].guest) / HN_STRAY_FRACTION;
			taken += bytes_on(&after->guests[i], node);
		}
		assert_true(taken <= room);
	}
	return true;
}

/* How many were brought away. A divided cell gets to one of its nodes at a time. */
static unsigned assert_who_acts_leaves(struct hn_snapshot *snapshot, size_t node)
{
	struct hn_set nodes = close_node(snapshot, node);
	struct hn_drain drain = drain_of(snapshot, &nodes);
	unsigned left = 0;

	carry_out(snapshot, &drain);
	for (size_t i = 0; i < drain.count; i++) {
		const struct hn_guest_state *guest = &snapshot->guests[drain.guests[i].guest];
		struct hn_lingering after;

		assert_true(drain.guests[i].plan->reason[0]);
		if (drain.guests[i].plan->verdict != HN_VERDICT_ACT || !can_leave_whole(guest->guest))
			continue;
		hn_drain_lingers(snapshot->host, guest, &nodes, &after);
		assert_true(after.bytes == 0 || is_divided(guest));
		left += after.bytes == 0;
	}
	hn_drain_done(&drain);
	return left;
}

static void drawn_hosts_are_emptied_of_all_that_can_leave(void **state)
{
	const struct scene_limits limits = {.nodes = 5, .cells = 3, .others = 6};
	unsigned left = 0, whole = 0;

	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct hn_random random = {seed};
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &limits);
		HN_AUTO(hn_snapshot) struct hn_snapshot *before = scene_copy(snapshot);

		left += assert_who_acts_leaves(snapshot,
					       hn_random_next(&random) % snapshot->host->node_count);
		whole += assert_there_was_room(before, snapshot);
	}
	assert_true(left > 500);
	assert_true(whole > 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_are_placed_so_that_all_find_room),
		cmocka_unit_test(many_guests_fill_the_other_nodes_to_the_brim),
		cmocka_unit_test(who_finds_no_room_is_blocked_and_the_others_go),
		cmocka_unit_test(memory_that_cannot_move_stays_with_its_vcpus),
		cmocka_unit_test(what_leaves_goes_where_there_is_room),
		cmocka_unit_test(vcpus_stay_with_what_cannot_leave),
		cmocka_unit_test(interleaved_memory_that_cannot_leave_draws_no_vcpus),
		cmocka_unit_test(who_may_not_be_touched_is_left_with_the_reason),
		cmocka_unit_test(threads_alone_are_kept_off_the_node),
		cmocka_unit_test(who_is_elsewhere_is_not_concerned),
		cmocka_unit_test(nobody_gets_a_home_there),
		cmocka_unit_test(when_every_node_drains_nothing_fits),
		cmocka_unit_test(drawn_hosts_are_emptied_of_all_that_can_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
