/* The order of events, and the lives that guests are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "sim/enliven.h"
#include "sim/trace.h"

static const struct hn_request small = {.vcpus = 2, .memory_bytes = HN_GIB, .cells = 1};

static struct hn_trace *three_guests(void)
{
	struct hn_trace *trace = hn_trace_new(100000, HN_NS_PER_S);

	assert_non_null(trace);
	assert_int_equal(hn_trace_add_guest(trace, 50, 90000, &small, 0.5), 0);
	assert_int_equal(hn_trace_add_guest(trace, 7, 50, &small, 0.5), 0);
	assert_int_equal(hn_trace_add_guest(trace, 3, 100000, &small, 0.5), 0);
	return trace;
}

static void who_leaves_makes_room_for_who_comes(void **state)
{
	HN_AUTO(hn_trace) struct hn_trace *trace = three_guests();
	static const struct {
		uint64_t tick;
		enum hn_event_kind kind;
		uint32_t guest;
	} expected[] = {{3, HN_EVENT_ARRIVE, 2},
			{7, HN_EVENT_ARRIVE, 1},
			{50, HN_EVENT_DEPART, 1},
			{50, HN_EVENT_ARRIVE, 0},
			{90000, HN_EVENT_DEPART, 0}};

	hn_trace_sort(trace);
	assert_int_equal(trace->count, HN_COUNT(expected)); /* the third never leaves */
	for (size_t i = 0; i < trace->count; i++) {
		assert_int_equal(trace->events[i].tick, expected[i].tick);
		assert_int_equal(trace->events[i].kind, expected[i].kind);
		assert_int_equal(trace->events[i].guest, expected[i].guest);
	}
}

static void nobody_leaves_before_a_tick_is_over(void **state)
{
	HN_AUTO(hn_trace) struct hn_trace *trace = hn_trace_new(10, HN_NS_PER_S);

	assert_int_equal(hn_trace_add_guest(trace, 4, 4, &small, 0.5), 0);
	hn_trace_sort(trace);
	assert_int_equal(trace->events[0].kind, HN_EVENT_ARRIVE);
	assert_int_equal(trace->events[1].tick, 5);
}

static void lives_are_within_lifetimes_and_sorted(void **state)
{
	HN_AUTO(hn_trace) struct hn_trace *trace = three_guests();
	static const uint64_t from[] = {50, 7, 3}, to[] = {90000, 50, 100000};
	size_t loads = 0, phases = 0;

	assert_int_equal(hn_trace_enliven(trace, 5, HN_STRAY_NS), 0);
	for (size_t i = 0; i < trace->count; i++) {
		const struct hn_event *event = &trace->events[i];

		assert_true(i == 0 || trace->events[i - 1].tick <= event->tick);
		if (event->kind == HN_EVENT_ARRIVE || event->kind == HN_EVENT_DEPART)
			continue;
		assert_true(event->tick > from[event->guest] && event->tick < to[event->guest]);
		loads += event->kind == HN_EVENT_LOAD;
		phases += event->kind != HN_EVENT_LOAD;
		if (event->kind == HN_EVENT_LOAD)
			assert_true(event->load > 0 && event->load <= 1);
	}
	/* 190000 guest-seconds: a load every 600, a phase every 1800; four standard deviations to each side
	 */
	assert_true(loads > 317 - 72 && loads < 317 + 72);
	assert_true(phases > 106 - 42 && phases < 106 + 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_leaves_makes_room_for_who_comes),
		cmocka_unit_test(nobody_leaves_before_a_tick_is_over),
		cmocka_unit_test(lives_are_within_lifetimes_and_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
