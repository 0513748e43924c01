/*
 * Memory that runs out at any allocation: a decision is -ENOMEM or the same as ever, and nothing leaks (the
 * sanitizer build sees to that). See meson.build for what is wrapped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide.h"
#include "policy/drain.h"
#include "policy/policies.h"
#include "policy/swap.h"
#include "scene.h"

static long allocations_left = -1; /* -1: as many as asked for */

static bool fails(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0)
		return true;
	allocations_left--;
	return false;
}

#define WRAP(function, parameters, arguments)                        \
	void *__real_##function parameters;                          \
	void *__wrap_##function parameters;                          \
	void *__wrap_##function parameters                           \
	{                                                            \
		return fails() ? NULL : __real_##function arguments; \
	}

WRAP(malloc, (size_t size), (size))
WRAP(calloc, (size_t count, size_t size), (count, size))
WRAP(reallocarray, (void *array, size_t count, size_t size), (array, count, size))

static void a_decision_is_whole_or_none(void **state)
{
	static const struct scene_limits drawn = {.nodes = 5, .cells = 3, .others = 2};
	struct hn_random random = {111};
	long most = 0;

	for (int round = 0; round < 110; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		struct hn_decide_options options = hn_decide_defaults;
		HN_AUTO(hn_plan) struct hn_plan *whole = NULL, *plan = NULL;
		struct hn_looks looks;
		struct hn_error err = {0};
		long allowed = 0;
		int r;

		const struct hn_policy *policy = hn_policies();
		HN_AUTO(hn_regret) struct hn_regret *regret = NULL, *kept = NULL;

		for (int i = 0; i < round / 2; i++) /* each of them now and then */
			policy = policy[1].name ? policy + 1 : hn_policies();
		snprintf(snapshot->guests[0].guest->policy, sizeof(snapshot->guests[0].guest->policy), "%s",
			 policy->name);
		options.now = round % 2;
		assert_int_equal(hn_decide(snapshot, 0, &options, &whole, &looks, &kept, &err), 0);
		for (;; allowed++) {
			allocations_left = allowed;
			r = hn_decide(snapshot, 0, &options, &plan, &looks, &regret, &err);
			allocations_left = -1;
			if (r == 0)
				break;
			assert_int_equal(r, -ENOMEM);
			assert_string_equal(err.message, "out of memory");
			assert_null(plan);
			assert_null(regret);
		}
		assert_int_equal(plan->verdict, whole->verdict);
		assert_string_equal(plan->reason, whole->reason);
		assert_int_equal(plan->action_count, whole->action_count);
		assert_int_equal(plan->note_count, whole->note_count);
		most = allowed > most ? allowed : most;
	}
	assert_true(most > 30);
}

/* Two guests on each other's full nodes, with all the regret they need. */
static struct hn_snapshot *crossed(void)
{
	struct hn_snapshot *snapshot = scene_new(2, 4, 4000);

	for (size_t i = 0; i < 2; i++) {
		size_t guest = scene_guest_on(snapshot, "g", 1, 2000, 4, i);

		scene_threads(snapshot, guest, -1, 1 - i);
		scene_free_mib(snapshot, i, 200);
		snprintf(snapshot->guests[guest].guest->policy, sizeof(snapshot->guests[guest].guest->policy),
			 "adaptive");
		snapshot->guests[guest].regret = hn_regret_new(1, 2);
		for (size_t node = 0; node < 2; node++)
			snapshot->guests[guest].regret->seconds[node] = 1000;
	}
	return snapshot;
}

static void a_swap_is_whole_or_none(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crossed();
	HN_AUTO(hn_swap) struct hn_swap *swap = NULL;
	struct hn_error err = {0};
	long allowed = 0;

	for (;; allowed++) {
		int r;

		allocations_left = allowed;
		r = hn_decide_swap(snapshot, 0, &hn_decide_defaults, &swap, &err);
		allocations_left = -1;
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_null(swap);
	}
	assert_non_null(swap);
	assert_true(allowed > 20);
}

/* Three guests that leave a node: one has a home elsewhere, two are solved for together. */
static void a_drain_is_whole_or_none(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 4000);
	struct hn_set nodes = hn_set_of(0);
	struct hn_error err = {0};
	struct hn_drain drain;
	long allowed = 0;

	for (size_t i = 0; i < 3; i++)
		scene_guest_on(snapshot, "g", 2, 300, 2, 0);
	scene_home(snapshot, 0, 0, 1);
	scene_home(snapshot, 0, 1, 1);
	snapshot->host->nodes[0].draining = true;
	for (;; allowed++) {
		int r;

		allocations_left = allowed;
		r = hn_drain_plan(snapshot, &nodes, &hn_decide_defaults, &drain, &err);
		allocations_left = -1;
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(drain.count, 0);
	}
	assert_int_equal(drain.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(drain.guests[i].plan->verdict, HN_VERDICT_ACT);
	assert_true(allowed > 30);
	hn_drain_done(&drain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decision_is_whole_or_none),
		cmocka_unit_test(a_swap_is_whole_or_none),
		cmocka_unit_test(a_drain_is_whole_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
