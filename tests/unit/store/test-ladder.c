/* The ladder: spans fit into each other, and nothing leaves a rung before its time or in half a span. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/random.h"
#include "store/ladder.h"

#define HOUR_NS (3600 * HN_NS_PER_S)

static void the_promised_spans_are_kept(void **state)
{
	/* as homenode(1) has it */
	static const struct hn_rung promised[] = {{0, HOUR_NS},
						  {60 * HN_NS_PER_S, 24 * HOUR_NS},
						  {900 * HN_NS_PER_S, 30 * 24 * HOUR_NS},
						  {6 * HOUR_NS, 730 * 24 * HOUR_NS}};

	assert_int_equal(HN_RUNG_COUNT, HN_COUNT(promised));
	for (size_t i = 0; i < HN_COUNT(promised); i++) {
		assert_int_equal(hn_ladder[i].step_ns, promised[i].step_ns);
		assert_int_equal(hn_ladder[i].keep_ns, promised[i].keep_ns);
	}
}

static void spans_fit_into_each_other(void **state)
{
	for (size_t i = 1; i < HN_RUNG_COUNT; i++) {
		assert_true(hn_ladder[i].keep_ns > hn_ladder[i - 1].keep_ns);
		assert_true(hn_ladder[i].step_ns < hn_ladder[i].keep_ns);
		if (hn_ladder[i - 1].step_ns)
			assert_int_equal(hn_ladder[i].step_ns % hn_ladder[i - 1].step_ns, 0);
	}
}

static void only_what_is_old_enough_is_due_and_in_whole_spans(void **state)
{
	struct hn_random random = {5};

	for (int round = 0; round < 10000; round++) {
		size_t rung = hn_random_below(&random, HN_RUNG_COUNT);
		uint64_t now = hn_random_next(&random) >> hn_random_below(&random, 30);
		uint64_t due = hn_ladder_due(rung, now);

		if (now < hn_ladder[rung].keep_ns) {
			assert_int_equal(due, 0);
			continue;
		}
		assert_true(due <= now - hn_ladder[rung].keep_ns);
		if (rung + 1 < HN_RUNG_COUNT) {
			assert_int_equal(due % hn_ladder[rung + 1].step_ns, 0);
			/* and no later than that */
			assert_true(due + hn_ladder[rung + 1].step_ns > now - hn_ladder[rung].keep_ns);
		}
	}
}

static void a_span_ends_behind_what_lies_in_it(void **state)
{
	assert_int_equal(hn_ladder_span_end(1, 0), 60 * HN_NS_PER_S);
	assert_int_equal(hn_ladder_span_end(1, 60 * HN_NS_PER_S - 1), 60 * HN_NS_PER_S);
	assert_int_equal(hn_ladder_span_end(1, 60 * HN_NS_PER_S), 120 * HN_NS_PER_S);
	assert_int_equal(hn_ladder_span_end(2, 901 * HN_NS_PER_S), 1800 * HN_NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_promised_spans_are_kept),
		cmocka_unit_test(spans_fit_into_each_other),
		cmocka_unit_test(only_what_is_old_enough_is_due_and_in_whole_spans),
		cmocka_unit_test(a_span_ends_behind_what_lies_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
