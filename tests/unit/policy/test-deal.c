/* Rates are dealt fairly, and never more than there is, not even while some have yet to hear of it. */
#include "policy/deal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"

static void shares_are_equal_where_they_can_be(void **state)
{
	struct hn_deal_hand hands[] = {{.most = 0}, {.most = 10 * HN_MIB}, {.most = 200 * HN_MIB}};

	hn_deal(100 * HN_MIB, hands, 3);
	assert_int_equal(hands[0].rate, 45 * HN_MIB);
	assert_int_equal(hands[1].rate, 10 * HN_MIB);
	assert_int_equal(hands[2].rate, 45 * HN_MIB);
	hn_deal(0, hands, 3);
	assert_int_equal(hands[0].rate, 0);
	assert_int_equal(hands[1].rate, 10 * HN_MIB);
	hn_deal(100 * HN_MIB, hands, 0);
	hn_deal(1000 * HN_MIB, hands + 1, 2);
	assert_int_equal(hands[1].rate, 10 * HN_MIB);
	assert_int_equal(hands[2].rate, 200 * HN_MIB);
}

/* One has all; another comes, and gets its half only once the first has said that it has let go. */
static void what_is_held_is_not_given_twice(void **state)
{
	struct hn_deal_hand hands[2] = {{.held = 100 * HN_MIB}};

	hn_deal(100 * HN_MIB, hands, 2);
	assert_int_equal(hands[1].rate, 50 * HN_MIB);
	assert_int_equal(hn_deal_grant(100 * HN_MIB, hands, 2, 1), 0);
	hands[0].held = 50 * HN_MIB;
	assert_int_equal(hn_deal_grant(100 * HN_MIB, hands, 2, 1), 50 * HN_MIB);
}

static void the_sum_is_never_exceeded(void **state)
{
	struct hn_random random = {.state = 3};

	for (int round = 0; round < 2000; round++) {
		size_t count = 1 + hn_random_below(&random, 8);
		uint64_t total = HN_MIB + hn_random_below(&random, 1000 * HN_MIB), in_force[8] = {0};
		struct hn_deal_hand hands[8] = {0};

		for (int step = 0; step < 30; step++) {
			size_t who = hn_random_below(&random, count);
			uint64_t told, sum = 0;

			hands[who].most =
				hn_random_below(&random, 3) ? 0 : HN_MIB + hn_random_below(&random, total);
			hn_deal(total, hands, count);
			for (size_t i = 0; i < count; i++) {
				sum += hands[i].rate;
				assert_true(!hands[i].most || hands[i].rate <= hands[i].most);
			}
			assert_true(sum <= total);
			told = hn_deal_grant(total, hands, count, who);
			/* it is told, and may or may not have heard yet */
			if (hn_random_below(&random, 2))
				in_force[who] = told;
			else if (in_force[who] > told)
				hands[who].held = in_force[who];
			sum = 0;
			for (size_t i = 0; i < count; i++)
				sum += in_force[i] > hands[i].held ? in_force[i] : hands[i].held;
			assert_true(sum <= total);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_equal_where_they_can_be),
		cmocka_unit_test(what_is_held_is_not_given_twice),
		cmocka_unit_test(the_sum_is_never_exceeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
