/* The cap holds over the whole and over any five seconds, whatever the pieces and the pauses. */
#include "host/token-bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

static void without_a_cap_nothing_waits(void **state)
{
	struct hn_token_bucket bucket;

	hn_token_bucket_init(&bucket, 0, 1000);
	assert_true(hn_token_bucket_piece(&bucket) == UINT64_MAX);
	assert_true(hn_token_bucket_take(&bucket, HN_GIB, 2000) == 2000);
}

static void bytes_take_their_time(void **state)
{
	struct hn_token_bucket bucket;

	hn_token_bucket_init(&bucket, 100 * HN_MIB, HN_NS_PER_S);
	assert_true(hn_token_bucket_piece(&bucket) == 3 * HN_MIB);
	assert_true(hn_token_bucket_take(&bucket, 50 * HN_MIB, HN_NS_PER_S) == HN_NS_PER_S * 3 / 2);
}

static void lateness_is_made_up_for_within_the_slack_only(void **state)
{
	struct hn_token_bucket bucket;
	const uint64_t ms = HN_NS_PER_MS;

	hn_token_bucket_init(&bucket, 1000 * HN_KIB, 1000 * ms); /* a KiB a millisecond */
	assert_true(hn_token_bucket_take(&bucket, 10 * HN_KIB, 1000 * ms) == 1010 * ms);
	assert_true(hn_token_bucket_take(&bucket, 10 * HN_KIB, 1215 * ms) == 1020 * ms);
	/* An hour later there is no hour's worth to spend. */
	assert_true(hn_token_bucket_take(&bucket, 10 * HN_KIB, 3601000 * ms) ==
		    3601010 * ms - HN_TOKEN_BUCKET_SLACK_NS);
}

/* 50 MiB too early are 50 MiB too early at any speed, and time nobody used is nobody's after a change. */
static void another_cap_keeps_the_debt_and_not_the_credit(void **state)
{
	const uint64_t start = 10 * HN_NS_PER_S;
	struct hn_token_bucket bucket;

	hn_token_bucket_init(&bucket, 100 * HN_MIB, start);
	hn_token_bucket_take(&bucket, 50 * HN_MIB, start);
	hn_token_bucket_change(&bucket, 25 * HN_MIB, start);
	assert_true(bucket.due_ns == start + 2 * HN_NS_PER_S);
	hn_token_bucket_change(&bucket, 50 * HN_MIB, start + HN_NS_PER_S);
	assert_true(bucket.due_ns == start + HN_NS_PER_S + HN_NS_PER_S / 2);
	hn_token_bucket_change(&bucket, 10 * HN_MIB, start + 5 * HN_NS_PER_S);
	assert_true(bucket.due_ns == start + 5 * HN_NS_PER_S);
	hn_token_bucket_change(&bucket, 0, start + 5 * HN_NS_PER_S);
	hn_token_bucket_change(&bucket, HN_MIB, start + 6 * HN_NS_PER_S);
	assert_true(bucket.due_ns == start + 6 * HN_NS_PER_S);
}

#define EVENTS 4000

/* Oversleeping by up to 10 ms and now and then by far more, pieces of any size up to the one advised. */
static void any_five_seconds_keep_the_cap(void **state)
{
	static uint64_t begun[EVENTS], bytes[EVENTS];
	struct hn_random random = {.state = 7};

	for (int round = 0; round < 20; round++) {
		uint64_t cap = HN_MIB + hn_random_below(&random, 1000 * HN_MIB), now = HN_NS_PER_S, total = 0;
		uint64_t long_pauses = 0, window = 0;
		struct hn_token_bucket bucket;

		hn_token_bucket_init(&bucket, cap, now);
		for (int i = 0; i < EVENTS; i++) {
			uint64_t ready;

			begun[i] = now;
			bytes[i] = 1 + hn_random_below(&random, hn_token_bucket_piece(&bucket));
			total += bytes[i];
			ready = hn_token_bucket_take(&bucket, bytes[i], now);
			if (ready > now)
				now = ready + hn_random_below(&random, 10 * HN_NS_PER_MS);
			if (hn_random_below(&random, 500) == 0) {
				long_pauses += HN_NS_PER_S;
				now += HN_NS_PER_S;
			}
		}
		for (int i = 0, first = 0; i < EVENTS; i++) {
			window += bytes[i];
			while (begun[i] - begun[first] > 5 * HN_NS_PER_S)
				window -= bytes[first++];
			assert_true((double)window <= 1.05 * 5 * (double)cap);
		}
		/* And it is no slower than told, but for the long pauses. */
		assert_true((double)total >=
			    0.95 * (double)cap * (double)(now - HN_NS_PER_S - long_pauses) / 1e9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_cap_nothing_waits),
		cmocka_unit_test(bytes_take_their_time),
		cmocka_unit_test(lateness_is_made_up_for_within_the_slack_only),
		cmocka_unit_test(another_cap_keeps_the_debt_and_not_the_credit),
		cmocka_unit_test(any_five_seconds_keep_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
