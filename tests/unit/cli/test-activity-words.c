/* How pressure, counters and traffic are said, and that what is unknown is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/activity-words.h"

static struct hn_activity *one(enum hn_counter_family family)
{
	struct hn_activity *activity = hn_activity_new(1);

	assert_non_null(activity);
	activity->rates[0].family = family;
	activity->rates[0].node = -1;
	return activity;
}

static void put(struct hn_activity *activity, size_t counter, double value)
{
	activity->rates[0].known |= UINT64_C(1) << counter;
	activity->rates[0].values[counter] = value;
}

static void what_is_unknown_is_not_said(void **state)
{
	for (int i = 0; i < HN_COUNTER_FAMILY_COUNT; i++) {
		HN_AUTO(hn_activity) struct hn_activity *activity = one((enum hn_counter_family)i);
		char text[100];

		assert_string_equal(hn_say_stalls(activity, text, sizeof(text)), "");
		assert_string_equal(hn_say_kernel(activity, text, sizeof(text)), "");
		assert_string_equal(hn_say_kvm(activity, text, sizeof(text)), "");
		assert_string_equal(hn_say_traffic(activity, text, sizeof(text)), "");
	}
}

static void pressure_is_said_by_resource(void **state)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = one(HN_COUNTERS_KERNEL);
	char text[100];

	activity->stalls[HN_RESOURCE_CPU] = (struct hn_stall){.some_known = true, .some_avg10 = 42.4};
	activity->stalls[HN_RESOURCE_IO] = (struct hn_stall){.some_known = true, .some_avg10 = 0.25};
	assert_string_equal(hn_say_stalls(activity, text, sizeof(text)), "CPU 42 %, I/O 0.2 %");
	activity->stalls[HN_RESOURCE_MEMORY].some_known = true;
	assert_string_equal(hn_say_stalls(activity, text, sizeof(text)), "CPU 42 %, memory 0 %, I/O 0.2 %");
	assert_string_equal(hn_say_stalls(activity, text, 9), "CPU 42 %");
}

static void the_kernel_is_said_by_what_it_does(void **state)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = one(HN_COUNTERS_KERNEL);
	char text[200];

	put(activity, HN_KERNEL_SWAP_IN, 0);
	put(activity, HN_KERNEL_SWAP_OUT, 12.4);
	assert_string_equal(hn_say_kernel(activity, text, sizeof(text)), "swap-in 0/s, swap-out 12/s");
	put(activity, HN_KERNEL_HINT_FAULTS, 300);
	put(activity, HN_KERNEL_HINT_FAULTS_LOCAL, 210);
	put(activity, HN_KERNEL_BALANCED, 2.5);
	assert_string_equal(hn_say_kernel(activity, text, sizeof(text)),
			    "swap-in 0/s, swap-out 12/s; hint faults 300/s, 70 % local; balanced 2.5 "
			    "pages/s");
}

static void kvm_is_said_with_its_huge_pages(void **state)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = one(HN_COUNTERS_KVM);
	char text[200];

	put(activity, HN_KVM_EXITS, 1200);
	put(activity, HN_KVM_FAULTS, 30);
	assert_string_equal(hn_say_kvm(activity, text, sizeof(text)), "1200 exits/s, 30 faults/s");
	put(activity, HN_KVM_PAGES_4K, 512);
	put(activity, HN_KVM_PAGES_2M, 3);
	put(activity, HN_KVM_PAGES_1G, 0);
	assert_string_equal(hn_say_kvm(activity, text, sizeof(text)),
			    "1200 exits/s, 30 faults/s; 75 % in huge pages");
}

static void traffic_is_said_with_what_is_remote(void **state)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = one(HN_COUNTERS_BANDWIDTH);
	char text[100];

	put(activity, HN_BANDWIDTH_TOTAL, 2.0 * 1024 * 1024 * 1024);
	assert_string_equal(hn_say_traffic(activity, text, sizeof(text)), "2 GiB/s");
	put(activity, HN_BANDWIDTH_LOCAL, 1.5 * 1024 * 1024 * 1024);
	assert_string_equal(hn_say_traffic(activity, text, sizeof(text)),
			    "2 GiB/s, 25 % of it with other nodes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_unknown_is_not_said),
		cmocka_unit_test(pressure_is_said_by_resource),
		cmocka_unit_test(the_kernel_is_said_by_what_it_does),
		cmocka_unit_test(kvm_is_said_with_its_huge_pages),
		cmocka_unit_test(traffic_is_said_with_what_is_remote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
