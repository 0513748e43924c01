/* Which calls of libvirt wait, and that a guest's start stays within what is promised. */
#include "hooks/operation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_MS 250 /* promised for a start with the daemon hung */
#define NUMAD_MS 50
#define PROGRAM_MS 5 /* to start each of the four programs */

static void three_calls_wait(void **state)
{
	static const char *const others[][2] = {{"prepare", "end"},   {"start", "begin"},
						{"started", "begin"}, {"stopped", "end"},
						{"release", "end"},   {"reconnect", "begin"},
						{"attach", "begin"},  {"migrate", "end"},
						{"restore", "start"}, {"", ""},
						{"of-tomorrow", "-"}};

	assert_true(hook_operation_of("prepare", "begin").waits);
	assert_false(hook_operation_of("prepare", "begin").may_rewrite);
	assert_true(hook_operation_of("migrate", "begin").waits);
	assert_true(hook_operation_of("migrate", "begin").may_rewrite);
	assert_true(hook_operation_of("restore", "begin").waits);
	assert_true(hook_operation_of("restore", "begin").may_rewrite);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(hook_operation_of(others[i][0], others[i][1]).waits);
		assert_false(hook_operation_of(others[i][0], others[i][1]).may_rewrite);
	}
}

static void a_start_is_late_by_no_more_than_promised(void **state)
{
	unsigned sum = hook_operation_of("prepare", "begin").daemon_ms + NUMAD_MS +
		       hook_operation_of("start", "begin").daemon_ms +
		       hook_operation_of("started", "begin").daemon_ms;

	assert_true(sum + 4 * PROGRAM_MS <= START_MS);
	assert_true(HOOK_LIMIT_MS + PROGRAM_MS < 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_calls_wait),
		cmocka_unit_test(a_start_is_late_by_no_more_than_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
