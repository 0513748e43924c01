/* What a search remembers: the least cost at which it arrived, for as many states as it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "policy/memo.h"

static struct hn_cost cost_of(uint64_t remote, uint64_t migrate)
{
	return (struct hn_cost){.parts = {[HN_COST_REMOTE] = remote, [HN_COST_MIGRATE] = migrate}};
}

static void only_a_cheaper_arrival_is_new(void **state)
{
	HN_AUTO(hn_memo) struct hn_memo *memo = hn_memo_new();
	struct hn_state_key key = {0};
	struct hn_cost first = cost_of(5, 7), same = first, dearer = cost_of(5, 8), cheaper = cost_of(4, 100);

	hn_state_key_add(&key, 1, 2, 3);
	assert_false(hn_memo_is_known(memo, &key, &first));
	assert_true(hn_memo_is_known(memo, &key, &same));
	assert_true(hn_memo_is_known(memo, &key, &dearer));
	assert_false(hn_memo_is_known(memo, &key, &cheaper));
	assert_true(hn_memo_is_known(memo, &key, &first));
	hn_memo_clear(memo);
	assert_false(hn_memo_is_known(memo, &key, &dearer));
}

static void the_order_of_elements_does_not_matter(void **state)
{
	struct hn_state_key a = {0}, b = {0}, c = {0};

	hn_state_key_add(&a, 1, 2, 3);
	hn_state_key_add(&a, 1, 3, 2);
	hn_state_key_add(&b, 1, 3, 2);
	hn_state_key_add(&b, 1, 2, 3);
	assert_true(a.a == b.a && a.b == b.b);
	hn_state_key_add(&c, 1, 2, 2);
	hn_state_key_add(&c, 1, 3, 3);
	assert_false(a.a == c.a && a.b == c.b);
}

/* Small numbers, as states are made of, and many of them: none is taken for another, none is forgotten. */
static void a_hundred_thousand_states_are_told_apart(void **state)
{
	HN_AUTO(hn_memo) struct hn_memo *memo = hn_memo_new();
	const uint64_t kinds = 4, places = 32, values = 800;
	struct hn_cost cost = cost_of(1, 0);

	for (int round = 0; round < 2; round++)
		for (uint64_t i = 0; i < kinds * places * values; i++) {
			struct hn_state_key key = {0};

			hn_state_key_add(&key, i % kinds, i / kinds % places, i / kinds / places);
			assert_int_equal(hn_memo_is_known(memo, &key, &cost), round == 1);
		}
}

/* Beyond its limit it notes nothing, and says nothing wrong. */
static void what_does_not_fit_is_not_known(void **state)
{
	HN_AUTO(hn_memo) struct hn_memo *memo = hn_memo_new();
	struct hn_cost cost = cost_of(1, 0);
	uint64_t known = 0;

	for (uint64_t i = 0; i < 300000; i++) {
		struct hn_state_key key = {0};

		hn_state_key_add(&key, 9, i, 0);
		assert_false(hn_memo_is_known(memo, &key, &cost));
	}
	for (uint64_t i = 0; i < 300000; i++) {
		struct hn_state_key key = {0};

		hn_state_key_add(&key, 9, i, 0);
		known += hn_memo_is_known(memo, &key, &cost);
	}
	assert_true(known >= 100000 && known < 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_cheaper_arrival_is_new),
		cmocka_unit_test(the_order_of_elements_does_not_matter),
		cmocka_unit_test(a_hundred_thousand_states_are_told_apart),
		cmocka_unit_test(what_does_not_fit_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
