/* Two readings compared: rates by hand, counters that cannot be right, levels, traffic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/activity.h"

static struct hn_evidence *reading(uint64_t seconds)
{
	struct hn_evidence *evidence = hn_evidence_new(4);

	assert_non_null(evidence);
	evidence->taken_ns = seconds * HN_NS_PER_S;
	evidence->counters[0] = (struct hn_counters){.family = HN_COUNTERS_KERNEL, .node = -1};
	evidence->counters[1] = (struct hn_counters){.family = HN_COUNTERS_NODE, .node = 2};
	evidence->counters[2] = (struct hn_counters){.family = HN_COUNTERS_KVM, .node = -1, .source = 5};
	evidence->counters[3] =
		(struct hn_counters){.family = HN_COUNTERS_BANDWIDTH, .node = -1, .source = 6};
	return evidence;
}

static void a_rate_is_the_growth_by_the_time(void **state)
{
	HN_AUTO(hn_evidence) struct hn_evidence *before = reading(100), *now = reading(104);
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	const struct hn_rates *rates;

	now->stalls[HN_RESOURCE_CPU] = (struct hn_stall){.some_known = true, .some_avg10 = 7};
	hn_counter_set(&before->counters[1], HN_NODE_MISS, 1000);
	hn_counter_set(&now->counters[1], HN_NODE_MISS, 1010);
	hn_counter_set(&now->counters[1], HN_NODE_HIT, 5); /* was not known before */
	hn_counter_set(&before->counters[1], HN_NODE_OTHER, 5);
	hn_counter_set(&before->counters[0], HN_KERNEL_SWAP_OUT, UINT64_MAX - 8);
	hn_counter_set(&now->counters[0], HN_KERNEL_SWAP_OUT, UINT64_MAX);
	activity = hn_activity_between(before, now);
	assert_int_equal(activity->over_ns, 4 * HN_NS_PER_S);
	assert_true(activity->stalls[HN_RESOURCE_CPU].some_avg10 == 7);
	rates = hn_activity_find(activity, HN_COUNTERS_NODE, 2);
	assert_int_equal(rates->known, 1 << HN_NODE_MISS);
	assert_true(rates->values[HN_NODE_MISS] == 2.5);
	assert_true(hn_activity_find(activity, HN_COUNTERS_KERNEL, -1)->values[HN_KERNEL_SWAP_OUT] == 2);
	assert_null(hn_activity_find(activity, HN_COUNTERS_NODE, 0));
	assert_null(hn_activity_find(NULL, HN_COUNTERS_NODE, 2));
	assert_string_equal(activity->refused, "");
}

static void one_reading_has_pressure_and_levels_but_no_rates(void **state)
{
	HN_AUTO(hn_evidence) struct hn_evidence *now = reading(100);
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	const struct hn_rates *kvm;

	hn_counter_set(&now->counters[2], HN_KVM_EXITS, 50);
	hn_counter_set(&now->counters[2], HN_KVM_PAGES_2M, 60);
	now->stalls[HN_RESOURCE_IO].full_known = true;
	activity = hn_activity_between(NULL, now);
	kvm = hn_activity_find(activity, HN_COUNTERS_KVM, -1);
	assert_int_equal(activity->over_ns, 0);
	assert_true(activity->stalls[HN_RESOURCE_IO].full_known);
	assert_false(hn_rate_known(kvm, HN_KVM_EXITS));
	assert_true(hn_rate_known(kvm, HN_KVM_PAGES_2M) && kvm->values[HN_KVM_PAGES_2M] == 60);
}

/* Readings that came at once, or in the wrong order, tell no rate; their counters are no less good. */
static void no_time_is_no_rate(void **state)
{
	static const uint64_t times[] = {100, 99, 0};

	for (size_t i = 0; i < HN_COUNT(times); i++) {
		HN_AUTO(hn_evidence) struct hn_evidence *before = reading(100), *now = reading(times[i]);
		HN_AUTO(hn_activity) struct hn_activity *activity = NULL;

		hn_counter_set(&before->counters[1], HN_NODE_MISS, 10);
		hn_counter_set(&now->counters[1], HN_NODE_MISS, 20);
		activity = hn_activity_between(before, now);
		assert_int_equal(activity->over_ns, 0);
		assert_int_equal(hn_activity_find(activity, HN_COUNTERS_NODE, 2)->known, 0);
		assert_string_equal(activity->refused, "");
	}
}

static void assert_refused(uint64_t then, uint64_t later, const char *reason)
{
	HN_AUTO(hn_evidence) struct hn_evidence *before = reading(100), *now = reading(110);
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	const struct hn_rates *rates;

	hn_counter_set(&before->counters[1], HN_NODE_MISS, then);
	hn_counter_set(&now->counters[1], HN_NODE_MISS, later);
	hn_counter_set(&before->counters[1], HN_NODE_HIT, 10);
	hn_counter_set(&now->counters[1], HN_NODE_HIT, 30);
	activity = hn_activity_between(before, now);
	rates = hn_activity_find(activity, HN_COUNTERS_NODE, 2);
	assert_int_equal(rates->known, 1 << HN_NODE_HIT); /* the others are believed */
	assert_true(rates->values[HN_NODE_HIT] == 2);
	assert_string_equal(activity->refused, reason);
}

static void what_cannot_be_is_refused_with_its_reason(void **state)
{
	assert_refused(7, 6, "numa_miss of node 2 went backwards, from 7 to 6");
	assert_refused(4294967290, 3, "numa_miss of node 2 went backwards, from 4294967290 to 3");
	assert_refused(1, UINT64_C(4000000000000001),
		       "numa_miss of node 2 grew by 4000000000000000 in 10 s, which no machine can");
}

static void another_source_is_not_compared(void **state)
{
	HN_AUTO(hn_evidence) struct hn_evidence *before = reading(100), *now = reading(110);
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;

	before->counters[2].source = 55;
	hn_counter_set(&before->counters[2], HN_KVM_EXITS, 10);
	hn_counter_set(&now->counters[2], HN_KVM_EXITS, 20);
	activity = hn_activity_between(before, now);
	assert_int_equal(hn_activity_find(activity, HN_COUNTERS_KVM, -1)->known, 0);
	assert_string_equal(activity->refused, "exits is counted by another than before");
}

/* So many bytes in all and local ones in ten seconds: the share that is remote, or -1. */
static double remote_share(uint64_t total, uint64_t local, char refused[HN_REASON_MAX])
{
	HN_AUTO(hn_evidence) struct hn_evidence *before = reading(100), *now = reading(110);
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	double share;

	hn_counter_set(&before->counters[3], HN_BANDWIDTH_TOTAL, 500);
	hn_counter_set(&now->counters[3], HN_BANDWIDTH_TOTAL, 500 + total);
	hn_counter_set(&before->counters[3], HN_BANDWIDTH_LOCAL, 300);
	hn_counter_set(&now->counters[3], HN_BANDWIDTH_LOCAL, 300 + local);
	activity = hn_activity_between(before, now);
	memcpy(refused, activity->refused, HN_REASON_MAX);
	return hn_activity_remote_traffic(activity, &share) ? share : -1;
}

static void traffic_is_remote_where_it_is_not_local(void **state)
{
	char refused[HN_REASON_MAX];

	assert_true(remote_share(10000000000, 7500000000, refused) == 0.25);
	assert_true(remote_share(10000000000, 0, refused) == 1);
	assert_true(remote_share(10000000000, 10000000001, refused) == 0); /* read a moment later */
	assert_string_equal(refused, "");
	assert_true(remote_share(10000000000, 12000000000, refused) == -1);
	assert_string_equal(refused, "mbm_local_bytes grew by more than mbm_total_bytes");
	assert_true(remote_share(9000000, 0, refused) == -1); /* next to nothing has no share */
}

static void names_are_found_again(void **state)
{
	for (int i = 0; i < HN_COUNTER_FAMILY_COUNT; i++) {
		enum hn_counter_family family = (enum hn_counter_family)i, back;

		assert_int_equal(hn_counter_family_parse(hn_counter_family_name(family), &back, NULL), 0);
		assert_int_equal(back, family);
		for (size_t j = 0; j < hn_counter_count(family); j++)
			assert_int_equal(hn_counter_find(family, hn_counter_name(family, j)), j);
		assert_int_equal(hn_counter_find(family, "nr_free_pages"), -1);
		assert_string_equal(hn_counter_name(family, hn_counter_count(family)), "?");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_the_growth_by_the_time),
		cmocka_unit_test(one_reading_has_pressure_and_levels_but_no_rates),
		cmocka_unit_test(no_time_is_no_rate),
		cmocka_unit_test(what_cannot_be_is_refused_with_its_reason),
		cmocka_unit_test(another_source_is_not_compared),
		cmocka_unit_test(traffic_is_remote_where_it_is_not_local),
		cmocka_unit_test(names_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
