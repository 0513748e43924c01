/* One look at one guest: every verdict for its own reason, and actions and notes as they should read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "policy/decide.h"
#include "policy/policies.h"
#include "scene.h"

#define SECOND UINT64_C(1000000000)

static struct hn_plan *decide_with(const struct hn_snapshot *snapshot,
				   const struct hn_decide_options *options, struct hn_looks *looks)
{
	struct hn_plan *plan = NULL;
	struct hn_error err = {0};

	if (hn_decide(snapshot, 0, options, &plan, looks, NULL, &err) < 0)
		fail_msg("%s", err.message);
	return plan;
}

static struct hn_plan *decide_now(const struct hn_snapshot *snapshot)
{
	struct hn_decide_options options = hn_decide_defaults;
	struct hn_looks looks;

	options.now = true;
	return decide_with(snapshot, &options, &looks);
}

static void assert_verdict(const struct hn_plan *plan, enum hn_verdict verdict, const char *says)
{
	if (plan->verdict != verdict || !strstr(plan->reason, says))
		fail_msg("%s: \"%s\", not %s: \"%s\"", hn_verdict_name(plan->verdict), plan->reason,
			 hn_verdict_name(verdict), says);
}

static void assert_one_look(const struct hn_snapshot *snapshot, enum hn_verdict verdict, const char *says)
{
	struct hn_looks looks;
	HN_AUTO(hn_plan) struct hn_plan *plan = decide_with(snapshot, &hn_decide_defaults, &looks);

	assert_verdict(plan, verdict, says);
	if (verdict != HN_VERDICT_ACT && verdict != HN_VERDICT_WAIT)
		assert_int_equal(plan->action_count, 0);
}

static const struct hn_action *action_of(const struct hn_plan *plan, enum hn_action_kind kind, int number)
{
	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].kind == kind &&
		    number == (kind == HN_ACTION_BIND ? (int)plan->actions[i].tid : plan->actions[i].cell))
			return &plan->actions[i];
	return NULL;
}

static size_t count_of(const struct hn_plan *plan, enum hn_action_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->action_count; i++)
		count += plan->actions[i].kind == kind;
	return count;
}

static bool has_note(const struct hn_plan *plan, const char *says)
{
	for (size_t i = 0; i < plan->note_count; i++)
		if (strstr(plan->notes[i], says))
			return true;
	return false;
}

/* Two cells of 400 MiB and two vCPUs on a host of 4 x 2 CPUs: memory on node 3, threads on node 0. */
static struct hn_snapshot *misplaced(void)
{
	struct hn_snapshot *snapshot = scene_new(4, 2, 1000);

	scene_guest_on(snapshot, "g", 2, 400, 2, 3);
	scene_threads(snapshot, 0, -1, 0);
	return snapshot;
}

/* One cell of 1000 MiB on node 0 with both its vCPUs; that many of 1000 pages on node 1. */
static struct hn_snapshot *nearly_at_home(uint64_t away)
{
	struct hn_snapshot *snapshot = scene_new(2, 2, 4000);
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 1000, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 1000 - away);
	scene_pages(snapshot, guest, 0, 1, away);
	scene_threads(snapshot, guest, -1, 0);
	scene_home(snapshot, guest, 0, 0);
	return snapshot;
}

static void leaves_alone_what_is_off(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();

	snapshot->guests[0].guest->mode = HN_MODE_OFF;
	assert_one_look(snapshot, HN_VERDICT_LEFT_ALONE, "mode is off");
}

static void plans_in_every_other_mode_alike(void **state)
{
	static const enum hn_mode modes[] = {HN_MODE_OBSERVE, HN_MODE_ADVISE, HN_MODE_ENFORCE};

	for (size_t i = 0; i < HN_COUNT(modes); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();

		snapshot->guests[0].guest->mode = modes[i];
		assert_one_look(snapshot, HN_VERDICT_WAIT, "look 1 of 2");
	}
}

static void leaves_alone_a_realtime_guest_that_runs(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	struct hn_guest *guest = snapshot->guests[0].guest;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	guest->class = HN_CLASS_REALTIME;
	assert_one_look(snapshot, HN_VERDICT_LEFT_ALONE, "realtime");
	plan = decide_now(snapshot); /* not even when asked to */
	assert_int_equal(plan->verdict, HN_VERDICT_LEFT_ALONE);
	guest->state = HN_RUN_UNKNOWN; /* it may be running */
	assert_one_look(snapshot, HN_VERDICT_LEFT_ALONE, "realtime");
	guest->state = HN_RUN_PAUSED;
	assert_one_look(snapshot, HN_VERDICT_WAIT, "look 1 of 2");
}

static void waits_for_what_it_does_not_know(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	struct hn_guest *guest = snapshot->guests[0].guest;
	size_t cells = guest->cell_count;

	guest->state = HN_RUN_INCOMING;
	assert_one_look(snapshot, HN_VERDICT_UNKNOWN, "live migration");
	guest->state = HN_RUN_RUNNING;
	guest->cell_count = 0;
	assert_one_look(snapshot, HN_VERDICT_UNKNOWN, "cells are not known");
	guest->cell_count = cells;
	hn_sample_free(hn_steal(snapshot->guests[0].sample));
	assert_one_look(snapshot, HN_VERDICT_UNKNOWN, "no sample");
}

static void an_old_sample_says_nothing(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();

	snapshot->now_ns += 60 * SECOND;
	assert_one_look(snapshot, HN_VERDICT_WAIT, "look 1 of 2");
	snapshot->now_ns++;
	assert_one_look(snapshot, HN_VERDICT_UNKNOWN, "too old");
}

/* 100 absent; of the other 900 the kernel tells of 450, then of one less. */
static void mostly_hidden_memory_says_nothing(void **state)
{
	for (uint64_t told = 449; told <= 450; told++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);

		scene_sample(snapshot, 0);
		scene_pages(snapshot, 0, 0, -1, 100);
		scene_pages(snapshot, 0, 0, -2, 900 - told);
		scene_pages(snapshot, 0, 0, 0, told);
		scene_threads(snapshot, 0, -1, 0);
		if (told == 450)
			assert_one_look(snapshot, HN_VERDICT_AT_HOME, "cell 0 on node 0");
		else
			assert_one_look(snapshot, HN_VERDICT_UNKNOWN, "does not say where");
	}
}

/* All of cell 0 is hidden; of cell 1, 600 pages are told of and 400 were never touched: 600 of 1600 are too
 * few. */
static void hidden_memory_counts_over_all_cells(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 100, 1);
	scene_cell(snapshot, guest, 100, 1);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, -2, 1000);
	scene_pages(snapshot, guest, 1, 0, 600);
	scene_pages(snapshot, guest, 1, -1, 400);
	assert_one_look(snapshot, HN_VERDICT_UNKNOWN, "does not say where");
}

static void says_where_every_cell_lives(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 2, 4000);
	size_t guest = scene_guest(snapshot, "g");

	for (size_t cell = 0; cell < 3; cell++)
		scene_cell(snapshot, guest, 100, 2);
	scene_sample(snapshot, guest);
	for (size_t cell = 0; cell < 3; cell++) {
		scene_pages(snapshot, guest, cell, (int)cell, 1000);
		scene_threads(snapshot, guest, (int)cell, cell);
	}
	assert_one_look(snapshot, HN_VERDICT_AT_HOME, "cell 0 on node 0, cell 1 on node 1, cell 2 on node 2");
}

static void memory_never_touched_is_at_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);

	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, -1, 1000);
	scene_threads(snapshot, 0, -1, 0);
	assert_one_look(snapshot, HN_VERDICT_AT_HOME, "cell 0 on node 0");
}

static void is_at_home_from_the_share_that_is_asked_for(void **state)
{
	for (uint64_t away = 0; away < 30; away++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(away);
		struct hn_decide_options options = hn_decide_defaults;
		struct hn_looks looks;
		HN_AUTO(hn_plan)
		struct hn_plan *strict = NULL, *plan = decide_with(snapshot, &options, &looks);

		/* 99 % of 1000 pages by default */
		assert_int_equal(plan->verdict, away <= 10 ? HN_VERDICT_AT_HOME : HN_VERDICT_WAIT);
		assert_int_equal(count_of(plan, HN_ACTION_MIGRATE), away > 10);
		options.home_share = 1;
		strict = decide_with(snapshot, &options, &looks);
		assert_int_equal(strict->verdict, away == 0 ? HN_VERDICT_AT_HOME : HN_VERDICT_WAIT);
	}
}

/* As the daemon does: home and looks are carried from look to look. */
static struct hn_plan *look(struct hn_snapshot *snapshot, const struct hn_decide_options *options)
{
	struct hn_plan *plan = decide_with(snapshot, options, &snapshot->guests[0].looks);

	scene_adopt(snapshot, 0, plan);
	return plan;
}

static void acts_on_the_look_that_agrees(void **state)
{
	for (unsigned needed = 1; needed < 5; needed++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
		struct hn_decide_options options = hn_decide_defaults;

		options.looks = needed;
		for (unsigned i = 1; i <= needed + 1; i++) {
			HN_AUTO(hn_plan) struct hn_plan *plan = look(snapshot, &options);

			assert_int_equal(plan->verdict, i < needed ? HN_VERDICT_WAIT : HN_VERDICT_ACT);
			assert_int_equal(snapshot->guests[0].looks.agreeing, i);
			assert_int_equal(count_of(plan, HN_ACTION_MIGRATE), 1);
		}
	}
}

static void a_first_home_begins_the_count(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();

	snapshot->guests[0].looks.agreeing = 5; /* with a home that was lost since */
	hn_plan_free(look(snapshot, &hn_decide_defaults));
	assert_int_equal(snapshot->guests[0].looks.agreeing, 1);
}

static void another_home_begins_the_count_again(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();

	hn_plan_free(look(snapshot, &hn_decide_defaults));
	assert_int_equal(snapshot->guests[0].looks.agreeing, 1);
	scene_free_mib(snapshot,
		       (size_t)hn_set_next(&snapshot->guests[0].home->cells[0].nodes, 0) == 3 ? 0 : 3, 0);
	for (size_t node = 0; node < 3; node++) /* wherever the cell was to go, there is no room now */
		if (hn_set_has(&snapshot->guests[0].home->cells[0].nodes, (int)node) ||
		    hn_set_has(&snapshot->guests[0].home->cells[1].nodes, (int)node))
			scene_free_mib(snapshot, node, 0);
	hn_plan_free(look(snapshot, &hn_decide_defaults));
	assert_int_equal(snapshot->guests[0].looks.agreeing, 1);
	hn_plan_free(look(snapshot, &hn_decide_defaults));
	assert_int_equal(snapshot->guests[0].looks.agreeing, 2);
}

/* Pinned, on two nodes: how much of it is where differs between samples, its home does not. */
static void a_sample_that_differs_agrees_all_the_same(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(300);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	hn_placement_free(hn_steal(snapshot->guests[0].home));
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	scene_threads(snapshot, 0, -1, 1);
	hn_plan_free(look(snapshot, &hn_decide_defaults));
	scene_pages(snapshot, 0, 0, 0, 17);
	plan = look(snapshot, &hn_decide_defaults);
	assert_verdict(plan, HN_VERDICT_ACT, "2 looks agree");
	assert_int_equal(count_of(plan, HN_ACTION_BIND), 2);
}

static void at_home_the_count_ends(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);

	snapshot->guests[0].looks = (struct hn_looks){.agreeing = 5, .fruitless = 3, .settle_until_ns = 77};
	hn_plan_free(look(snapshot, &hn_decide_defaults));
	assert_int_equal(snapshot->guests[0].looks.agreeing, 0);
	assert_int_equal(snapshot->guests[0].looks.fruitless, 0);
}

static void what_is_not_decided_leaves_the_count(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	const struct hn_looks before = {.agreeing = 1, .fruitless = 3, .settle_until_ns = 77};

	snapshot->guests[0].looks = before;
	snapshot->now_ns += 100 * SECOND; /* too old */
	hn_plan_free(look(snapshot, &hn_decide_defaults));
	assert_int_equal(snapshot->guests[0].looks.agreeing, 1);
	assert_int_equal(snapshot->guests[0].looks.fruitless, 3);
	assert_int_equal(snapshot->guests[0].looks.settle_until_ns, 77);
}

/* Else the next look that can tell might choose another, and the guest would be moved for a sample that came
 * late. */
static void what_is_not_decided_leaves_the_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	HN_AUTO(hn_plan)
	struct hn_plan *first = look(snapshot, &hn_decide_defaults), *late = NULL, *incoming = NULL;

	snapshot->now_ns += 100 * SECOND;
	late = look(snapshot, &hn_decide_defaults);
	assert_verdict(late, HN_VERDICT_UNKNOWN, "too old");
	assert_true(hn_placement_equal(late->home, first->home));
	snapshot->guests[0].guest->state = HN_RUN_INCOMING;
	incoming = look(snapshot, &hn_decide_defaults);
	assert_true(hn_placement_equal(incoming->home, first->home));
	assert_int_equal(incoming->action_count, 0);
}

static void settles_until_the_time_has_come(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	HN_AUTO(hn_plan) struct hn_plan *settling = NULL, *ready = NULL, *asked = NULL;

	hn_plan_free(look(snapshot, &hn_decide_defaults));
	snapshot->guests[0].looks.settle_until_ns = snapshot->now_ns + 1;
	asked = decide_now(snapshot);
	assert_verdict(asked, HN_VERDICT_ACT, "to move");
	settling = look(snapshot, &hn_decide_defaults);
	assert_verdict(settling, HN_VERDICT_WAIT, "settles");
	snapshot->now_ns++;
	ready = look(snapshot, &hn_decide_defaults);
	assert_verdict(ready, HN_VERDICT_ACT, "to move");
}

static void never_begins_while_it_is_moving(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	snapshot->guests[0].moving = true;
	snapshot->guests[0].looks.agreeing = 9;
	assert_one_look(snapshot, HN_VERDICT_WAIT, "under way");
	plan = decide_now(snapshot);
	assert_verdict(plan, HN_VERDICT_WAIT, "under way");
}

static void an_operator_need_not_wait(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	HN_AUTO(hn_plan) struct hn_plan *plan = decide_now(snapshot);

	assert_verdict(plan, HN_VERDICT_ACT, "1 looks agree");
}

static void says_what_is_in_the_way(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	snapshot->guests[0].looks.agreeing = 1;
	for (size_t node = 0; node < 4; node++)
		scene_free_mib(snapshot, node, 64); /* which stay free */
	scene_memory_only(snapshot, 3);
	plan = look(snapshot, &hn_decide_defaults);
	assert_verdict(plan, HN_VERDICT_BLOCKED, "does not fit: memory: cell 0 needs 400 MiB");
	assert_null(plan->home);
	assert_int_equal(plan->action_count, 0);
	assert_int_equal(snapshot->guests[0].looks.agreeing, 0);
}

static void an_unknown_policy_is_an_error(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	struct hn_plan *plan = NULL;
	struct hn_looks looks;
	struct hn_error err = {0};

	strcpy(snapshot->guests[0].guest->policy, "nonsense");
	assert_int_equal(hn_decide(snapshot, 0, &hn_decide_defaults, &plan, &looks, NULL, &err), -EINVAL);
	assert_null(plan);
	assert_non_null(strstr(err.message, "nonsense"));
}

static void binds_vcpus_to_their_cell_and_the_rest_to_the_guest(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 1000);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_set both;

	scene_cell(snapshot, guest, 400, 2);
	scene_cell(snapshot, guest, 400, 2);
	scene_emulator(snapshot, guest);
	hn_guest_add_thread(snapshot->guests[guest].guest, 1950, HN_THREAD_IOTHREAD);
	hn_guest_add_thread(snapshot->guests[guest].guest, 1960, HN_THREAD_VHOST);
	hn_guest_add_thread(snapshot->guests[guest].guest, 1970, HN_THREAD_HELPER);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 1, 1000);
	scene_pages(snapshot, guest, 1, 2, 1000);
	plan = decide_now(snapshot);
	assert_int_equal(count_of(plan, HN_ACTION_BIND), 8);
	assert_int_equal(count_of(plan, HN_ACTION_MIGRATE), 0);
	for (int vcpu = 0; vcpu < 4; vcpu++) {
		const struct hn_action *action = action_of(plan, HN_ACTION_BIND, 1000 + vcpu);
		struct hn_set nodes = hn_set_of(vcpu < 2 ? 1 : 2);

		assert_true(hn_set_equal(&action->cpus, &snapshot->host->nodes[vcpu < 2 ? 1 : 2].cpus));
		assert_true(hn_set_equal(&action->nodes, &nodes));
		assert_non_null(strstr(action->reason, vcpu < 2 ? "of cell 0" : "of cell 1"));
		assert_non_null(strstr(action->reason, "may run on CPUs 0-7"));
	}
	both = snapshot->host->nodes[1].cpus;
	hn_set_or(&both, &snapshot->host->nodes[2].cpus);
	assert_true(hn_set_equal(&action_of(plan, HN_ACTION_BIND, 1900)->cpus, &both));
	assert_true(hn_set_equal(&action_of(plan, HN_ACTION_BIND, 1950)->cpus, &both));
	assert_true(hn_set_equal(&action_of(plan, HN_ACTION_BIND, 1960)->cpus, &both));
	assert_true(hn_set_equal(&action_of(plan, HN_ACTION_BIND, 1970)->cpus, &both));
	assert_non_null(strstr(action_of(plan, HN_ACTION_BIND, 1970)->reason, "helper"));
	assert_non_null(strstr(action_of(plan, HN_ACTION_BIND, 1900)->reason, "emulator 'qemu'"));
	assert_non_null(strstr(action_of(plan, HN_ACTION_BIND, 1950)->reason, "iothread"));
	assert_non_null(strstr(action_of(plan, HN_ACTION_BIND, 1960)->reason, "the guest lives on node 1-2"));
}

static void binds_only_threads_that_may_run_outside(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	struct hn_sample *sample = snapshot->guests[0].sample;
	struct hn_set wide;
	HN_AUTO(hn_plan) struct hn_plan *narrower = NULL, *unknown = NULL, *wider = NULL;

	scene_allow(sample, 1, hn_set_of(1)); /* an operator's pin within the home */
	narrower = decide_now(snapshot);
	assert_int_equal(narrower->action_count, 0);
	scene_allow(sample, 1, (struct hn_set){0}); /* not read */
	unknown = decide_now(snapshot);
	assert_int_equal(unknown->action_count, 0);
	wide = hn_set_of(2);
	hn_set_add(&wide, 1);
	scene_allow(sample, 1, wide);
	wider = decide_now(snapshot);
	assert_int_equal(wider->action_count, 1);
	assert_int_equal(wider->actions[0].tid, 1001);
}

/* They were put together by hand, and are looked after there. */
static void tells_of_a_guest_that_is_not_kept_apart(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	size_t other = scene_guest_on(snapshot, "other", 1, 10, 1, 0);

	scene_home(snapshot, other, 0, 0);
	strcpy(snapshot->guests[0].guest->apart, "ha");
	strcpy(snapshot->guests[other].guest->apart, "ha");
	snapshot->guests[0].guest->allowed_nodes = hn_set_of(0);
	plan = decide_now(snapshot);
	assert_int_equal(plan->verdict, HN_VERDICT_AT_HOME);
	assert_true(has_note(plan, "shares nodes with a guest of group 'ha'"));
}

static void leaves_a_thread_where_its_operator_has_pinned_it(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	HN_AUTO(hn_plan) struct hn_plan *kept = NULL, *inside = NULL;

	scene_allow(snapshot->guests[0].sample, 1, hn_set_of(2));
	snapshot->guests[0].guest->threads[1].kept = true;
	kept = decide_now(snapshot);
	assert_int_equal(kept->verdict, HN_VERDICT_AT_HOME);
	assert_int_equal(kept->action_count, 0);
	assert_true(has_note(kept, "1 thread stays where its operator has pinned it"));
	scene_allow(snapshot->guests[0].sample, 1, hn_set_of(1));
	inside = decide_now(snapshot);
	assert_int_equal(inside->note_count, 0);
}

static void keeps_off_isolated_cpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	struct hn_set only = hn_set_of(0);

	scene_isolate(snapshot, 1);
	plan = decide_now(snapshot);
	assert_int_equal(plan->action_count, 2);
	assert_true(hn_set_equal(&plan->actions[0].cpus, &only));
}

/* g's memory is on node 0, all of whose CPUs a realtime guest has for its own. */
static struct hn_snapshot *beside_realtime(const char *policy)
{
	struct hn_snapshot *snapshot = scene_new(2, 4, 8000);
	struct hn_guest *guest;
	size_t other;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 0);
	scene_threads(snapshot, 0, -1, 1);
	for (size_t i = 0; i < 2; i++)
		scene_allow_also(snapshot->guests[0].sample, i, &snapshot->host->nodes[0].cpus);
	other = scene_guest_on(snapshot, "realtime", 1, 1000, 4, 0);
	snapshot->guests[other].guest->class = HN_CLASS_REALTIME;
	for (int i = 0; i < 4; i++)
		scene_allow(snapshot->guests[other].sample, (size_t)i, hn_set_of(i));
	guest = snapshot->guests[0].guest;
	snprintf(guest->policy, sizeof(guest->policy), "%s", policy);
	return snapshot;
}

static void nobody_is_bound_to_anothers_own_cpus(void **state)
{
	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = beside_realtime(policy->name);
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

		if (policy->pace == HN_PACE_BEFORE_IT_RUNS)
			snapshot->guests[0].guest->state = HN_RUN_PAUSED;
		plan = decide_now(snapshot);
		for (size_t i = 0; i < plan->action_count; i++) {
			struct hn_set common = plan->actions[i].cpus;

			hn_set_and(&common, &snapshot->host->nodes[0].cpus);
			assert_true(hn_set_empty(&common));
		}
		if (strcmp(policy->name, "cpu-follows-memory") == 0)
			assert_verdict(plan, HN_VERDICT_BLOCKED, "does not fit: CPUs: all of node 0");
	}
}

static void set_home_of_own(struct hn_snapshot *snapshot, size_t guest, int vcpus)
{
	struct hn_placement *home;

	scene_home(snapshot, guest, 0, 0);
	home = snapshot->guests[guest].home;
	assert_int_equal(hn_placement_set_vcpus(home, (size_t)vcpus), 0);
	for (int i = 0; i < vcpus; i++)
		home->vcpus[i] = (struct hn_vcpu_home){.vcpu = i, .cpus = hn_set_of(i)};
}

/* What vCPU 0 may run on once g has been looked at five times, and all been done that was found. */
static struct hn_set allowed_after_looks(struct hn_snapshot *snapshot)
{
	for (int i = 0; i < 5; i++) {
		HN_AUTO(hn_plan) struct hn_plan *plan = look(snapshot, &hn_decide_defaults);

		if (plan->verdict == HN_VERDICT_ACT)
			scene_carry_out(snapshot, 0, plan);
	}
	return *snapshot->guests[0].sample->threads[0].allowed;
}

/* g, all on node 0 of 8 CPUs, six of which a dedicated guest has for its own. */
static struct hn_snapshot *beside_dedicated(const char *policy)
{
	struct hn_snapshot *snapshot = scene_new(2, 8, 8000);
	struct hn_guest *guest;
	size_t other;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 0);
	guest = snapshot->guests[0].guest;
	snprintf(guest->policy, sizeof(guest->policy), "%s", policy);
	hn_set_add(&guest->allowed_nodes, 0);
	other = scene_guest(snapshot, "dedicated");
	scene_cell(snapshot, other, 1000, 6);
	snapshot->guests[other].guest->class = HN_CLASS_DEDICATED;
	set_home_of_own(snapshot, other, 6);
	return snapshot;
}

static void cpus_come_back_when_their_owner_has_ended(void **state)
{
	static const char *const policies[] = {"home-node", "cpu-follows-memory", "adaptive"};

	for (size_t i = 0; i < HN_COUNT(policies); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = beside_dedicated(policies[i]);
		struct hn_set left = {0}, now;

		hn_set_add(&left, 6);
		hn_set_add(&left, 7);
		if (strcmp(policies[i], "adaptive") ==
		    0) /* it has no need to keep off, but was bound before */
			for (size_t t = 0; t < 2; t++) {
				scene_allow(snapshot->guests[0].sample, t, left);
				snapshot->guests[0].guest->threads[t].ours = true;
			}
		now = allowed_after_looks(snapshot);
		assert_true(hn_set_equal(&now, &left));
		snapshot->guests[1].guest->mode = HN_MODE_OFF; /* it has ended */
		now = allowed_after_looks(snapshot);
		assert_true(hn_set_equal(&now, &snapshot->host->nodes[0].cpus));
		assert_one_look(snapshot, HN_VERDICT_AT_HOME, "node 0");
	}
}

/* Somebody else has bound it to a part of its home; or its operator has pinned it; or it has a core of its
 * own.
 */
static void a_part_of_its_home_is_enough_where_others_say_so(void **state)
{
	for (int i = 0; i < 3; i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 8, 8000);
		struct hn_guest *guest;

		scene_guest_on(snapshot, "g", 1, 1000, 1, 0);
		scene_allow(snapshot->guests[0].sample, 0, hn_set_of(3));
		guest = snapshot->guests[0].guest;
		guest->threads[0].ours = i > 0;
		guest->threads[0].kept = i == 1;
		if (i == 2) {
			guest->class = HN_CLASS_DEDICATED;
			set_home_of_own(snapshot, 0, 1);
			hn_set_add(&snapshot->guests[0].home->vcpus[0].cpus, 3);
		}
		assert_one_look(snapshot, HN_VERDICT_AT_HOME, "node 0");
	}
}

/* A dedicated guest for whose two vCPUs there is no core of their own: it shares what is nobody's. */
static void who_finds_no_cores_shares_none(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 4, 8000);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	size_t other;

	for (size_t i = 0; i < 4; i++)
		snapshot->host->cpus[i].core = (int)i / 2;
	scene_guest_on(snapshot, "g", 1, 1000, 2, 0);
	snapshot->guests[0].guest->class = HN_CLASS_DEDICATED;
	strcpy(snapshot->guests[0].guest->policy, "cpu-follows-memory");
	other = scene_guest_on(snapshot, "other", 1, 1000, 1, 0);
	snapshot->guests[other].guest->class = HN_CLASS_DEDICATED;
	scene_allow(snapshot->guests[other].sample, 0, hn_set_of(1));
	plan = decide_now(snapshot);
	assert_int_equal(plan->action_count, 2);
	for (size_t i = 0; i < 2; i++) {
		struct hn_set left = {0};

		hn_set_add(&left, 2);
		hn_set_add(&left, 3);
		assert_true(hn_set_equal(&plan->actions[i].cpus, &left));
	}
}

static void threads_come_before_pages(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced();
	HN_AUTO(hn_plan) struct hn_plan *plan = decide_now(snapshot);
	bool pages = false;

	for (size_t i = 0; i < plan->action_count; i++) {
		assert_false(pages && plan->actions[i].kind == HN_ACTION_BIND);
		pages = pages || plan->actions[i].kind == HN_ACTION_MIGRATE;
	}
	assert_true(pages);
}

/* Of 1000 MiB, 100 absent and 300 of 900 pages away: the upper end of 300 in 900, of 900 MiB. */
static void predicts_the_upper_end_of_the_interval(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	double high = hn_interval_wilson(300, 900).high, expected = high * 900 * (double)MIB;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *counted = NULL;

	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 0, 600);
	scene_pages(snapshot, 0, 0, 1, 300);
	scene_pages(snapshot, 0, 0, -1, 100);
	scene_threads(snapshot, 0, -1, 0);
	plan = decide_now(snapshot);
	assert_int_equal(plan->action_count, 1);
	assert_int_equal(plan->actions[0].cell, 0);
	assert_int_equal(plan->actions[0].to_node, 0);
	assert_int_equal(plan->actions[0].limit_bytes, 0);
	assert_true((double)plan->actions[0].bytes <= expected &&
		    (double)plan->actions[0].bytes > expected - 1024);
	assert_non_null(strstr(plan->actions[0].reason, "cell 0 has 66.7 % of its pages at home"));
	snapshot->guests[0].sample->exhaustive = true;
	counted = decide_now(snapshot);
	assert_true(counted->actions[0].bytes >= 300 * MIB - 1 && counted->actions[0].bytes <= 300 * MIB);
}

/* The kernel hides 200 of 1000 pages; of the 800, a quarter is away: so is a quarter of all. */
static void predicts_hidden_pages_like_the_others(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	double expected = hn_interval_wilson(200, 800).high * 1000 * (double)MIB;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 0, 600);
	scene_pages(snapshot, 0, 0, 1, 200);
	scene_pages(snapshot, 0, 0, -2, 200);
	scene_threads(snapshot, 0, -1, 0);
	plan = decide_now(snapshot);
	assert_true((double)plan->actions[0].bytes <= expected &&
		    (double)plan->actions[0].bytes > expected - 1024);
}

/* Cell 1's few strays are let lie, unless something is to be done anyway. */
static void strays_come_along_only(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 4000);
	HN_AUTO(hn_plan) struct hn_plan *quiet = NULL, *moving = NULL;
	size_t guest = scene_guest(snapshot, "g");

	for (size_t cell = 0; cell < 2; cell++)
		scene_cell(snapshot, guest, 1000, 2);
	scene_sample(snapshot, guest);
	for (size_t cell = 0; cell < 2; cell++) {
		scene_pages(snapshot, guest, cell, (int)cell, 997);
		scene_pages(snapshot, guest, cell, 1 - (int)cell, 3);
		scene_threads(snapshot, guest, (int)cell, cell);
		scene_home(snapshot, guest, cell, cell);
	}
	quiet = decide_now(snapshot);
	assert_verdict(quiet, HN_VERDICT_AT_HOME, "cell 0 on node 0, cell 1 on node 1");
	scene_pages(snapshot, guest, 0, 1, 100);
	moving = decide_now(snapshot);
	assert_int_equal(count_of(moving, HN_ACTION_MIGRATE), 2);
	assert_int_equal(action_of(moving, HN_ACTION_MIGRATE, 1)->to_node, 1);
}

/* Two nodes for 1600 MiB, 800 each; all on a third. The first action takes one node's part and is honest
 * about it. */
static void a_split_cell_is_brought_node_by_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 1000);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_placement *home;

	scene_cell(snapshot, guest, 1600, 8);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 100);
	scene_pages(snapshot, guest, 0, 2, 900);
	scene_home(snapshot, guest, 0, 0);
	home = snapshot->guests[guest].home;
	hn_set_add(&home->cells[0].nodes, 1);
	home->cells[0].bytes[0] = home->cells[0].bytes[1] = 800 * MIB;
	plan = decide_now(snapshot);
	assert_int_equal(count_of(plan, HN_ACTION_MIGRATE), 1);
	assert_int_equal(action_of(plan, HN_ACTION_MIGRATE, 0)->to_node, 1); /* lacks 800, node 0 only 640 */
	assert_int_equal(action_of(plan, HN_ACTION_MIGRATE, 0)->limit_bytes, 800 * MIB);
	assert_int_equal(action_of(plan, HN_ACTION_MIGRATE, 0)->bytes, 800 * MIB);
}

static void notes_policies_that_send_pages_elsewhere(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(0);
	struct hn_backend *backend = &snapshot->guests[0].guest->backends[0];
	HN_AUTO(hn_plan) struct hn_plan *elsewhere = NULL, *here = NULL, *nowhere = NULL;

	strcpy(backend->policy, "bind");
	backend->host_nodes = hn_set_of(1);
	elsewhere = decide_now(snapshot);
	assert_true(has_note(elsewhere, "'ram-node0' has policy bind on node 1"));
	backend->host_nodes = hn_set_of(0);
	here = decide_now(snapshot);
	assert_int_equal(here->note_count, 0);
	backend->host_nodes = hn_set_of(1);
	backend->cell = 5; /* of no cell that is known */
	nowhere = decide_now(snapshot);
	assert_int_equal(nowhere->note_count, 0);
}

static void notes_kernel_balancing_when_something_moves(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = misplaced(), *quiet = nearly_at_home(0);
	HN_AUTO(hn_plan) struct hn_plan *moving = NULL, *still = NULL;

	snapshot->host->kernel_balancing = quiet->host->kernel_balancing = true;
	moving = decide_now(snapshot);
	assert_true(has_note(moving, "kernel NUMA balancing"));
	still = decide_now(quiet);
	assert_int_equal(still->note_count, 0);
}

static void notes_memory_that_cannot_move(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(400);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	plan = decide_now(snapshot);
	assert_int_equal(plan->action_count, 0);
	assert_true(has_note(plan, "cell 0: its memory cannot be moved (60.0 % is at home)"));
}

/* The mover paces itself between pages; within one of 1 GiB nobody can. */
static void notes_how_long_a_large_page_is_waited_for(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(400);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *other = NULL;

	snapshot->guests[0].guest->backends[0].page_bytes = HN_GIB;
	plan = decide_now(snapshot);
	assert_true(hn_plan_migrate_bytes(plan) > 0);
	assert_true(has_note(plan, "a page of 1 GiB is copied as a whole: who touches it waits some 2 s"));
	snapshot->guests[0].guest->backends[0].page_bytes = 2 * HN_MIB;
	other = decide_now(snapshot);
	assert_int_equal(other->note_count, 0);
}

static void notes_nothing_of_pinned_memory_at_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(5), *away = nearly_at_home(400);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL, *moving = NULL;

	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	plan = decide_now(snapshot);
	assert_int_equal(plan->note_count, 0);
	moving = decide_now(away);
	assert_int_equal(moving->note_count, 0);
}

/* Cell 0 is pinned half away, for ever; cell 1 has strays. That must not set anything in motion, look after
 * look. */
static void what_cannot_move_sets_nothing_else_in_motion(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	size_t guest = scene_guest(snapshot, "g");

	for (size_t cell = 0; cell < 2; cell++)
		scene_cell(snapshot, guest, 1000, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 600);
	scene_pages(snapshot, guest, 0, 1, 400);
	scene_pages(snapshot, guest, 1, 0, 998);
	scene_pages(snapshot, guest, 1, 1, 2);
	scene_threads(snapshot, guest, -1, 0);
	scene_home(snapshot, guest, 0, 0);
	scene_home(snapshot, guest, 1, 0);
	snapshot->guests[guest].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	plan = decide_now(snapshot);
	assert_verdict(plan, HN_VERDICT_AT_HOME, "cell 0 on node 0");
	assert_int_equal(plan->action_count, 0);
	assert_true(has_note(plan, "cell 0: its memory cannot be moved"));
}

static void backs_off_after_fruitless_operations(void **state)
{
	struct hn_looks looks = {.agreeing = 7};

	for (unsigned i = 1; i < 12; i++) { /* 2, 4, ... 64 times the settle period, and not beyond */
		unsigned factor = i < 6 ? 1U << i : 64;

		looks = hn_looks_after(&looks, 1000, 10, 100, 49);
		assert_int_equal(looks.fruitless, i);
		assert_int_equal(looks.agreeing, 0);
		assert_int_equal(looks.settle_until_ns, 1000 + 10 * factor);
	}
	looks = hn_looks_after(&looks, 1000, 10, 100, 50);
	assert_int_equal(looks.fruitless, 0);
	assert_int_equal(looks.settle_until_ns, 1010);
}

/* 100 pages of 1000 on a memory-only node, where they are again some looks after they were fetched: how often
 * that is done in 4000 s. */
static unsigned count_fetches(unsigned looks_until_demoted, bool memory_only)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 8000);
	struct hn_guest_state *state;
	unsigned fetched = 0, left = 0;

	if (memory_only)
		scene_memory_only(snapshot, 1);
	scene_guest_on(snapshot, "g", 1, 4000, 4, 0);
	scene_home(snapshot, 0, 0, 0);
	state = &snapshot->guests[0];
	for (int i = 0; i < 400; i++) {
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
		uint64_t away = left > 0 ? 0 : 100, bytes;
		struct hn_error err;

		left -= left > 0;
		state->sample->cells[0].on_node[0] = 1000 - away;
		state->sample->cells[0].on_node[1] = away;
		snapshot->now_ns += 10 * HN_NS_PER_S;
		state->sample->taken_ns = snapshot->now_ns;
		assert_int_equal(
			hn_decide(snapshot, 0, &hn_decide_defaults, &plan, &state->looks, NULL, &err), 0);
		if (plan->verdict != HN_VERDICT_ACT)
			continue;
		bytes = hn_plan_migrate_bytes(plan);
		state->looks =
			hn_looks_after(&state->looks, snapshot->now_ns, 60 * HN_NS_PER_S, bytes, bytes);
		left = looks_until_demoted;
		fetched++;
	}
	return fetched;
}

/* After 1, 2, 4, ... settle periods; what is still at home after them begins with one again. */
static void what_is_demoted_again_is_fetched_ever_less_often(void **state)
{
	assert_in_range(count_fetches(0, true), 5, 8);
	assert_in_range(count_fetches(3, true), 5, 8); /* at home in between, not yet settled */
	assert_in_range(count_fetches(7, true), 40, 50);
	assert_in_range(count_fetches(0, false), 55, 67); /* from a node with CPUs it is fetched as ever */
}

static void says_why_it_settles_for_longer(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = nearly_at_home(400);

	snapshot->guests[0].looks.settle_until_ns = snapshot->now_ns + 1;
	snapshot->guests[0].looks.fetches = 1;
	assert_one_look(snapshot, HN_VERDICT_WAIT, "it settles after the last operation");
	snapshot->guests[0].looks.fetches = 2;
	assert_one_look(snapshot, HN_VERDICT_WAIT, "comes there again");
}

static void less_than_half_is_fruitless(void **state)
{
	const struct hn_looks looks = {.fruitless = 1};

	for (uint64_t predicted = 0; predicted < 9; predicted++) {
		for (uint64_t moved = 0; moved < 12; moved++) {
			struct hn_looks after = hn_looks_after(&looks, 0, 10, predicted, moved);

			assert_int_equal(after.fruitless, 2 * moved < predicted ? 2 : 0);
		}
	}
	assert_int_equal(hn_looks_after(&looks, 0, 10, UINT64_MAX, UINT64_MAX / 2).fruitless, 2);
	assert_int_equal(hn_looks_after(&looks, 0, 10, UINT64_MAX, UINT64_MAX / 2 + 1).fruitless, 0);
}

/* Its home has no room any more, and no other node has: it is blocked, and what it had is still promised to
 * it. */
/* What was unplugged is promised to nobody any more, under policies as well that decide nothing. */
static void a_home_that_is_kept_has_the_memory_there_is(void **state)
{
	static const char *const policies[] = {"static", "first-touch", "home-node"};

	for (size_t i = 0; i < HN_COUNT(policies); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 8, 4000);
		HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

		scene_guest_on(snapshot, "g", 1, 3000, 2, 0);
		snprintf(snapshot->guests[0].guest->policy, sizeof(snapshot->guests[0].guest->policy), "%s",
			 policies[i]);
		scene_home(snapshot, 0, 0, 0);
		snapshot->guests[0].guest->cells[0].memory_bytes = 500 * MIB;
		snapshot->guests[0].guest->backends[0].bytes = 500 * MIB;
		plan = look(snapshot, &hn_decide_defaults);
		assert_non_null(plan->home);
		assert_int_equal(plan->home->cells[0].bytes[0], 500 * MIB);
	}
}

static void a_blocked_guest_keeps_its_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 0);
	scene_home(snapshot, 0, 0, 1);
	scene_memory_only(snapshot, 0);
	scene_free_mib(snapshot, 1, 100);
	plan = decide_now(snapshot);
	assert_verdict(plan, HN_VERDICT_BLOCKED, "does not fit");
	assert_non_null(plan->home);
	assert_true(hn_placement_equal(plan->home, snapshot->guests[0].home));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_alone_what_is_off),
		cmocka_unit_test(a_home_that_is_kept_has_the_memory_there_is),
		cmocka_unit_test(a_blocked_guest_keeps_its_home),
		cmocka_unit_test(plans_in_every_other_mode_alike),
		cmocka_unit_test(leaves_alone_a_realtime_guest_that_runs),
		cmocka_unit_test(waits_for_what_it_does_not_know),
		cmocka_unit_test(an_old_sample_says_nothing),
		cmocka_unit_test(mostly_hidden_memory_says_nothing),
		cmocka_unit_test(hidden_memory_counts_over_all_cells),
		cmocka_unit_test(says_where_every_cell_lives),
		cmocka_unit_test(memory_never_touched_is_at_home),
		cmocka_unit_test(is_at_home_from_the_share_that_is_asked_for),
		cmocka_unit_test(acts_on_the_look_that_agrees),
		cmocka_unit_test(a_first_home_begins_the_count),
		cmocka_unit_test(another_home_begins_the_count_again),
		cmocka_unit_test(a_sample_that_differs_agrees_all_the_same),
		cmocka_unit_test(at_home_the_count_ends),
		cmocka_unit_test(what_is_not_decided_leaves_the_count),
		cmocka_unit_test(what_is_not_decided_leaves_the_home),
		cmocka_unit_test(settles_until_the_time_has_come),
		cmocka_unit_test(never_begins_while_it_is_moving),
		cmocka_unit_test(an_operator_need_not_wait),
		cmocka_unit_test(says_what_is_in_the_way),
		cmocka_unit_test(an_unknown_policy_is_an_error),
		cmocka_unit_test(binds_vcpus_to_their_cell_and_the_rest_to_the_guest),
		cmocka_unit_test(binds_only_threads_that_may_run_outside),
		cmocka_unit_test(tells_of_a_guest_that_is_not_kept_apart),
		cmocka_unit_test(leaves_a_thread_where_its_operator_has_pinned_it),
		cmocka_unit_test(keeps_off_isolated_cpus),
		cmocka_unit_test(nobody_is_bound_to_anothers_own_cpus),
		cmocka_unit_test(cpus_come_back_when_their_owner_has_ended),
		cmocka_unit_test(a_part_of_its_home_is_enough_where_others_say_so),
		cmocka_unit_test(who_finds_no_cores_shares_none),
		cmocka_unit_test(threads_come_before_pages),
		cmocka_unit_test(predicts_the_upper_end_of_the_interval),
		cmocka_unit_test(predicts_hidden_pages_like_the_others),
		cmocka_unit_test(strays_come_along_only),
		cmocka_unit_test(a_split_cell_is_brought_node_by_node),
		cmocka_unit_test(notes_policies_that_send_pages_elsewhere),
		cmocka_unit_test(notes_kernel_balancing_when_something_moves),
		cmocka_unit_test(notes_memory_that_cannot_move),
		cmocka_unit_test(notes_how_long_a_large_page_is_waited_for),
		cmocka_unit_test(notes_nothing_of_pinned_memory_at_home),
		cmocka_unit_test(what_cannot_move_sets_nothing_else_in_motion),
		cmocka_unit_test(backs_off_after_fruitless_operations),
		cmocka_unit_test(less_than_half_is_fruitless),
		cmocka_unit_test(what_is_demoted_again_is_fetched_ever_less_often),
		cmocka_unit_test(says_why_it_settles_for_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
