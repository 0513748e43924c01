/*
 * What holds for every guest on every host, look after look: plans are carried out by perfect hands
 * (scene_carry_out), and the next look sees what they left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "model/check.h"
#include "model/codec.h"
#include "policy/capacity.h"
#include "policy/decide.h"
#include "scene.h"

#define INSTANCES 600
#define SECOND UINT64_C(1000000000)

static const struct scene_limits drawn = {.nodes = 6, .cells = 4, .others = 3};

static struct hn_plan *decide_now(const struct hn_snapshot *snapshot)
{
	struct hn_decide_options options = hn_decide_defaults;
	struct hn_plan *plan = NULL;
	struct hn_error err = {0};
	struct hn_looks looks;

	options.now = true;
	if (hn_decide(snapshot, 0, &options, &plan, &looks, NULL, &err) < 0)
		fail_msg("%s", err.message);
	return plan;
}

static const char *text_of(json_object *json)
{
	assert_non_null(json);
	return json_object_to_json_string(json);
}

/* Sampled pages of a cell outside its home. */
static uint64_t pages_away(const struct hn_snapshot *snapshot, const struct hn_plan *plan, size_t cell)
{
	const struct hn_cell_sample *pages = &snapshot->guests[0].sample->cells[cell];
	uint64_t away = 0;

	for (size_t node = 0; node < snapshot->host->node_count; node++)
		if (!hn_set_has(&plan->home->cells[cell].nodes, snapshot->host->nodes[node].id))
			away += pages->on_node[node];
	return away;
}

/* Bytes that so large a share of the cell's present memory is: hidden pages count like the others. */
static double bytes_of_share(const struct hn_snapshot *snapshot, size_t cell, double share)
{
	const struct hn_cell_sample *pages = &snapshot->guests[0].sample->cells[cell];

	return share * (double)(pages->sampled - pages->absent) / (double)pages->sampled *
	       (double)snapshot->guests[0].guest->cells[cell].memory_bytes;
}

static void assert_migration(const struct hn_snapshot *snapshot, const struct hn_plan *plan,
			     const struct hn_action *action)
{
	const struct hn_guest_state *state = &snapshot->guests[0];
	size_t cell = (size_t)hn_guest_cell_index(state->guest, action->cell);
	uint64_t present = hn_cell_sample_present(&state->sample->cells[cell], snapshot->host->node_count);
	struct hn_interval away = hn_interval_wilson(pages_away(snapshot, plan, cell), present);
	bool split = hn_set_count(&plan->home->cells[cell].nodes) > 1;
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->action_count; i++) /* of all its steps */
		if (plan->actions[i].kind == HN_ACTION_MIGRATE && plan->actions[i].cell == action->cell)
			bytes += plan->actions[i].bytes;
	assert_true(hn_set_has(&plan->home->cells[cell].nodes, action->to_node));
	assert_true(state->guest->backends[cell].movability == HN_MOVABLE);
	assert_true(away.value > 0);
	assert_true((double)bytes <= bytes_of_share(snapshot, cell, away.high) + 2);
	if (bytes == action->bytes)
		assert_int_equal(action->limit_bytes > 0, split);
	if (split)
		assert_true(action->bytes <= action->limit_bytes);
	else
		assert_true((double)bytes >= bytes_of_share(snapshot, cell, away.value) - 2);
}

/* CPUs where a thread belongs. */
static struct hn_set cpus_for(const struct hn_snapshot *snapshot, const struct hn_plan *plan, size_t thread)
{
	const struct hn_guest *guest = snapshot->guests[0].guest;
	struct hn_set cpus = {0}, nodes = hn_placement_nodes(plan->home);

	/* which CPUs become a guest's own is policy/cpus.c's matter */
	if (plan->home->vcpu_count > 0 && guest->class != HN_CLASS_SHARED &&
	    guest->threads[thread].kind != HN_THREAD_VCPU)
		return plan->home->other_cpus;
	for (size_t i = 0; i < plan->home->vcpu_count && guest->class != HN_CLASS_SHARED; i++)
		if (guest->threads[thread].vcpu == plan->home->vcpus[i].vcpu)
			return plan->home->vcpus[i].cpus;
	if (guest->threads[thread].cell >= 0)
		nodes = plan->home->cells[hn_guest_cell_index(guest, guest->threads[thread].cell)].nodes;
	for (size_t i = 0; i < snapshot->host->cpu_count; i++)
		if (hn_set_has(&nodes, snapshot->host->cpus[i].node) &&
		    (guest->class == HN_CLASS_REALTIME || !snapshot->host->cpus[i].isolated))
			hn_set_add(&cpus, snapshot->host->cpus[i].id);
	return cpus;
}

static void assert_bindings(const struct hn_snapshot *snapshot, const struct hn_plan *plan)
{
	const struct hn_guest *guest = snapshot->guests[0].guest;

	for (size_t i = 0; i < guest->thread_count; i++) {
		struct hn_set cpus = cpus_for(snapshot, plan, i);
		bool outside = !hn_set_inside(snapshot->guests[0].sample->threads[i].allowed, &cpus);
		size_t bound = 0;

		for (size_t j = 0; j < plan->action_count; j++) {
			if (plan->actions[j].kind != HN_ACTION_BIND ||
			    plan->actions[j].tid != guest->threads[i].tid)
				continue;
			assert_true(hn_set_equal(&plan->actions[j].cpus, &cpus));
			bound++;
		}
		assert_int_equal(bound, outside && !hn_set_empty(&cpus));
	}
}

static void assert_plan(const struct hn_snapshot *snapshot, const struct hn_plan *plan)
{
	size_t migrations = 0;

	for (size_t i = 0; i < plan->action_count; i++) {
		assert_true(*plan->actions[i].reason);
		if (plan->actions[i].kind != HN_ACTION_MIGRATE)
			continue;
		migrations++;
		assert_migration(snapshot, plan, &plan->actions[i]);
		for (size_t j = 0; j < i;
		     j++) /* more than one of a cell only where there was no room at once */
			if (plan->actions[j].kind == HN_ACTION_MIGRATE &&
			    plan->actions[j].cell == plan->actions[i].cell)
				assert_non_null(strstr(plan->actions[j].reason, "for want of room"));
	}
	if (snapshot->guests[0].guest->cell_count == 1) /* what leaves makes room for nobody */
		assert_true(migrations <= 1);
	assert_bindings(snapshot, plan);
}

/* Looks and carries out until there is nothing to do; how often something was done. */
static int bring_home(struct hn_snapshot *snapshot, bool *ret_split)
{
	int operations = 0;

	for (;;) {
		HN_AUTO(hn_plan) struct hn_plan *plan = decide_now(snapshot);

		if (plan->verdict != HN_VERDICT_ACT) {
			if (operations > 0) /* never blocked or unsure half-way */
				assert_int_equal(plan->verdict, HN_VERDICT_AT_HOME);
			return operations;
		}
		assert_plan(snapshot, plan);
		if (operations > 0) /* the home it was being brought to */
			assert_true(hn_placement_equal(plan->home, snapshot->guests[0].home));
		for (size_t i = 0; i < plan->home->cell_count; i++)
			*ret_split = *ret_split || hn_set_count(&plan->home->cells[i].nodes) > 1;
		scene_carry_out(snapshot, 0, plan);
		scene_adopt(snapshot, 0, plan);
		assert_true(++operations < 20);
	}
}

static void carried_out_it_is_at_home(void **state)
{
	struct hn_random random = {101};
	int moved = 0, split_count = 0;

	for (int round = 0; round < INSTANCES; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		bool split = false;
		int operations = bring_home(snapshot, &split);

		/* a split cell is brought to one node after the other */
		assert_true(operations <= (split ? (int)snapshot->host->node_count : 1));
		moved += operations > 0;
		split_count += split;
	}
	print_message("%d of %d were moved, %d of them split\n", moved, INSTANCES, split_count);
	assert_true(moved > INSTANCES / 2 && split_count > INSTANCES / 20);
}

/* The guest has come home; then others come, go and run elsewhere, memory goes, distances change. It stays.
 */
static void at_home_it_stays_whatever_others_do(void **state)
{
	struct hn_random random = {102};
	int stayed = 0;

	for (int round = 0; round < INSTANCES; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		struct hn_guest_state *state_of = &snapshot->guests[0];
		bool split = false, absent = !state_of->sample;

		for (size_t i = 0; state_of->sample && i < state_of->guest->cell_count; i++)
			absent = absent || state_of->sample->cells[i].absent > 0;
		if (absent || bring_home(snapshot, &split) == 0 || split)
			continue; /* what is to come yet needs room, so its home may have to be left */
		for (int change = 0; change < 5; change++) {
			HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
			size_t a = hn_random_below(&random, snapshot->host->node_count);
			size_t b = hn_random_below(&random, snapshot->host->node_count);

			scene_free_mib(snapshot, a, hn_random_below(&random, 300));
			if (a != b)
				scene_distance(snapshot, a, b, 11 + (unsigned)hn_random_below(&random, 60));
			scene_guest_on(snapshot, "newcomer", 1, 100, 5, b);
			plan = decide_now(snapshot);
			if (plan->verdict != HN_VERDICT_AT_HOME)
				fail_msg("instance %d: %s: %s", round, hn_verdict_name(plan->verdict),
					 plan->reason);
			assert_true(hn_placement_equal(plan->home, snapshot->guests[0].home));
		}
		stayed++;
	}
	assert_true(stayed > INSTANCES / 10);
}

/* As many hours as it takes under the daemon's rules: nothing begins twice, and no more is moved than was
 * away. */
static void total_moved_is_what_was_away(void **state)
{
	struct hn_random random = {103};
	int acted = 0;

	for (int round = 0; round < INSTANCES; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		double planned = 0, allowed = 0;
		int operations = 0, nodes = (int)snapshot->host->node_count;
		enum hn_verdict last = HN_VERDICT_UNKNOWN;

		for (size_t i = 1; i < snapshot->guest_count; i++)
			snapshot->guests[i].moving = false; /* or its nodes would be waited for, for ever */
		for (int tick = 0; tick < 60 && snapshot->guests[0].sample; tick++) {
			HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
			struct hn_error err = {0};

			snapshot->now_ns += 10 * SECOND;
			snapshot->guests[0].sample->taken_ns = snapshot->now_ns;
			assert_int_equal(hn_decide(snapshot, 0, &hn_decide_defaults, &plan,
						   &snapshot->guests[0].looks, NULL, &err),
					 0);
			for (size_t i = 0; plan->home && operations == 0 && i < plan->home->cell_count; i++) {
				uint64_t present = hn_cell_sample_present(
					&snapshot->guests[0].sample->cells[i], (size_t)nodes);
				double high = hn_interval_wilson(pages_away(snapshot, plan, i), present).high;

				allowed = i == 0 ? 0 : allowed;
				if (present > 0)
					allowed += bytes_of_share(snapshot, i, high) + 2;
			}
			last = plan->verdict;
			scene_adopt(snapshot, 0, plan);
			if (plan->verdict != HN_VERDICT_ACT)
				continue;
			operations++;
			planned += (double)hn_plan_migrate_bytes(plan);
			scene_carry_out(snapshot, 0, plan);
			snapshot->guests[0].looks =
				hn_looks_after(&snapshot->guests[0].looks, snapshot->now_ns, 30 * SECOND,
					       hn_plan_migrate_bytes(plan), hn_plan_migrate_bytes(plan));
		}
		/* each further part of a split cell has an interval of its own */
		assert_true(operations <= nodes);
		assert_true(planned <= allowed * (operations > 1 ? 1.1 : 1));
		if (operations > 0)
			assert_int_equal(last, HN_VERDICT_AT_HOME);
		acted += operations > 0;
	}
	assert_true(acted > INSTANCES / 2);
}

/* A plan does not depend on anything but the snapshot, and does not touch it. */
static void the_same_snapshot_gives_the_same_plan(void **state)
{
	struct hn_random random = {104};

	for (int round = 0; round < INSTANCES / 3; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		HN_AUTO(hn_snapshot) struct hn_snapshot *copy = scene_copy(snapshot);
		HN_AUTO(hn_plan) struct hn_plan *first = decide_now(snapshot), *again = decide_now(snapshot);
		HN_AUTO(hn_plan) struct hn_plan *of_copy = decide_now(copy);
		HN_AUTO(json)
		json_object *first_json = hn_plan_encode(first), *again_json = hn_plan_encode(again);
		HN_AUTO(json) json_object *of_copy_json = hn_plan_encode(of_copy);
		HN_AUTO(json) json_object *snapshot_json = hn_snapshot_encode(snapshot);
		HN_AUTO(json) json_object *untouched_json = hn_snapshot_encode(copy);

		assert_string_equal(text_of(first_json), text_of(again_json));
		assert_string_equal(text_of(first_json), text_of(of_copy_json));
		assert_string_equal(text_of(snapshot_json), text_of(untouched_json));
	}
}

/* A snapshot that was written to a file replays the decision; drawn ones that cannot be are not read back. */
static void a_snapshot_that_was_written_gives_the_same_plan(void **state)
{
	struct hn_random random = {105};
	int possible = 0;

	for (int round = 0; round < INSTANCES / 5; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn), *read = NULL;
		HN_AUTO(json) json_object *json = hn_snapshot_encode(snapshot), *parsed = NULL;
		HN_AUTO(hn_plan) struct hn_plan *plan = decide_now(snapshot), *replayed = NULL;
		HN_AUTO(json) json_object *plan_json = hn_plan_encode(plan), *replayed_json = NULL;
		struct hn_error err = {0};

		if (hn_snapshot_check(snapshot, &err) < 0)
			continue;
		possible++;
		assert_int_equal(
			hn_json_parse(text_of(json), strlen(text_of(json)), "snapshot", &parsed, &err), 0);
		assert_int_equal(hn_snapshot_decode(parsed, &read, &err), 0);
		replayed = decide_now(read);
		replayed_json = hn_plan_encode(replayed);
		assert_string_equal(text_of(plan_json), text_of(replayed_json));
	}
	print_message("%d of %d can be\n", possible, INSTANCES / 5);
	assert_true(possible >= INSTANCES / 20);
}

/* Guests decided one after the other, each home adopted, are promised no node's memory twice. */
static void guests_decided_in_turn_share_the_memory(void **state)
{
	struct hn_random random = {106};
	int full = 0;

	for (int round = 0; round < INSTANCES / 3; round++) {
		HN_AUTO(hn_snapshot)
		struct hn_snapshot *snapshot = scene_new(1 + hn_random_below(&random, 5), 4, 1000);
		uint64_t promised[8] = {0};

		for (int i = 0; i < 8; i++) {
			size_t guest = scene_guest(snapshot, "g");
			struct hn_plan *plan = NULL;
			struct hn_looks looks;
			struct hn_error err = {0};

			for (uint64_t cell = 0; cell <= hn_random_below(&random, 3); cell++)
				scene_cell(snapshot, guest, 1 + hn_random_below(&random, 700), 1);
			scene_sample(snapshot, guest); /* nothing touched yet */
			assert_int_equal(
				hn_decide(snapshot, guest, &hn_decide_defaults, &plan, &looks, NULL, &err),
				0);
			scene_adopt(snapshot, guest, plan);
			full += plan->verdict == HN_VERDICT_BLOCKED;
			for (size_t cell = 0; plan->home && cell < plan->home->cell_count; cell++)
				for (size_t node = 0; node < plan->home->node_count; node++)
					promised[node] += plan->home->cells[cell].bytes[node];
			hn_plan_free(plan);
		}
		for (size_t node = 0; node < snapshot->host->node_count; node++)
			assert_true(promised[node] <= (1000 - 64) * MIB);
	}
	assert_true(full > INSTANCES / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carried_out_it_is_at_home),
		cmocka_unit_test(at_home_it_stays_whatever_others_do),
		cmocka_unit_test(total_moved_is_what_was_away),
		cmocka_unit_test(the_same_snapshot_gives_the_same_plan),
		cmocka_unit_test(a_snapshot_that_was_written_gives_the_same_plan),
		cmocka_unit_test(guests_decided_in_turn_share_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
