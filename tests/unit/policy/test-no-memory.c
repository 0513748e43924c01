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
#include <stdlib.h>
#include <string.h>

#include "policy/decide.h"
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

	for (int round = 0; round < 60; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		struct hn_decide_options options = hn_decide_defaults;
		HN_AUTO(hn_plan) struct hn_plan *whole = NULL, *plan = NULL;
		struct hn_looks looks;
		struct hn_error err = {0};
		long allowed = 0;
		int r;

		options.now = round % 2;
		assert_int_equal(hn_decide(snapshot, 0, &options, &whole, &looks, NULL, &err), 0);
		for (;; allowed++) {
			allocations_left = allowed;
			r = hn_decide(snapshot, 0, &options, &plan, &looks, NULL, &err);
			allocations_left = -1;
			if (r == 0)
				break;
			assert_int_equal(r, -ENOMEM);
			assert_string_equal(err.message, "out of memory");
			assert_null(plan);
		}
		assert_int_equal(plan->verdict, whole->verdict);
		assert_string_equal(plan->reason, whole->reason);
		assert_int_equal(plan->action_count, whole->action_count);
		assert_int_equal(plan->note_count, whole->note_count);
		most = allowed > most ? allowed : most;
	}
	assert_true(most > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decision_is_whole_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
