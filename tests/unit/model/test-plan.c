/* Plans: actions in order, notes, and the sum of what is to move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "specimen.h"

static void actions_keep_their_order(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();

	for (int i = 0; i < 200; i++) {
		struct hn_action *action =
			hn_plan_add_action(plan, i % 3 ? HN_ACTION_BIND : HN_ACTION_MIGRATE);
		struct hn_action empty = {.kind = i % 3 ? HN_ACTION_BIND : HN_ACTION_MIGRATE};

		assert_int_equal(action->kind, empty.kind);
		assert_int_equal(action->bytes + action->limit_bytes, 0);
		assert_true(hn_set_empty(&action->cpus) && hn_set_empty(&action->nodes));
		assert_string_equal(action->reason, "");
		memset(action->reason, 'x', sizeof(action->reason) - 1);
		action->tid = i;
	}
	assert_int_equal(plan->action_count, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal(plan->actions[i].tid, i);
}

static void only_migrations_move_bytes(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();

	assert_int_equal(hn_plan_migrate_bytes(plan), 0);
	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = UINT64_C(5) << 40;
	hn_plan_add_action(plan, HN_ACTION_BIND)->bytes = 7;
	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = 11;
	assert_true(hn_plan_migrate_bytes(plan) == (UINT64_C(5) << 40) + 11);
}

static void notes_are_cut_and_kept(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	char text[3 * HN_REASON_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(hn_plan_add_note(plan, "%d %s", 1, "one"), 0);
	assert_int_equal(hn_plan_add_note(plan, "%s", text), 0);
	assert_int_equal(hn_plan_add_note(plan, "last"), 0);
	assert_int_equal(plan->note_count, 3);
	assert_string_equal(plan->notes[0], "1 one");
	assert_int_equal(strlen(plan->notes[1]), HN_REASON_MAX - 1);
	assert_string_equal(plan->notes[2], "last");
}

static void a_copy_is_equal_and_apart(void **state)
{
	struct hn_random random = {7};

	for (int round = 0; round < 200; round++) {
		HN_AUTO(hn_plan) struct hn_plan *plan = specimen_plan(&random), *copy = hn_plan_copy(plan);

		assert_true(same_plan(plan, copy));
		if (copy->action_count > 0) {
			copy->actions[copy->action_count - 1].reason[0] ^= 1;
			assert_false(same_plan(plan, copy));
		}
	}
	hn_plan_free(NULL);
}

static void a_copy_has_the_same_partner(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new(), *copy = NULL;

	snprintf(plan->partner, sizeof(plan->partner), "other");
	copy = hn_plan_copy(plan);
	assert_string_equal(copy->partner, "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_keep_their_order),    cmocka_unit_test(only_migrations_move_bytes),
		cmocka_unit_test(notes_are_cut_and_kept),      cmocka_unit_test(a_copy_is_equal_and_apart),
		cmocka_unit_test(a_copy_has_the_same_partner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
