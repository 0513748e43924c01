/* Drawn traces: the same for the same seed, of the shape that is promised, in the amount that is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "../policy/scene.h"
#include "base/units.h"
#include "sim/enliven.h"
#include "sim/generator.h"

static struct hn_trace *generate(uint64_t seed, uint64_t ticks, double load)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 16, 65536);
	struct hn_generator generator = {
		.seed = seed, .stray_ns = HN_STRAY_NS, .ticks = ticks, .tick_ns = HN_NS_PER_S, .load = load};
	struct hn_trace *trace = NULL;
	struct hn_error err = {0};

	if (hn_generate(&generator, snapshot->host, &trace, &err) < 0)
		fail_msg("%s", err.message);
	return trace;
}

static void the_same_seed_gives_the_same_trace(void **state)
{
	HN_AUTO(hn_trace) struct hn_trace *a = generate(3, 20000, 1), *b = generate(3, 20000, 1);
	HN_AUTO(hn_trace) struct hn_trace *other = generate(4, 20000, 1);

	assert_true(a->count > 100);
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->events[i].tick, b->events[i].tick);
		assert_int_equal(a->events[i].kind, b->events[i].kind);
		assert_int_equal(a->events[i].guest, b->events[i].guest);
		assert_int_equal(a->events[i].request.memory_bytes, b->events[i].request.memory_bytes);
		assert_true(a->events[i].load == b->events[i].load);
	}
	assert_true(other->count != a->count ||
		    memcmp(other->events, a->events, a->count * sizeof(*a->events)) != 0);
}

static void requests_are_guests_and_most_are_small(void **state)
{
	HN_AUTO(hn_trace) struct hn_trace *trace = generate(5, 200000, 1);
	size_t small = 0, all = 0;

	for (size_t i = 0; i < trace->count; i++) {
		const struct hn_event *event = &trace->events[i];
		struct hn_error err = {0};

		if (event->kind != HN_EVENT_ARRIVE)
			continue;
		assert_int_equal(hn_request_check(&event->request, &err), 0);
		all++;
		small += event->request.vcpus <= 2;
	}
	assert_true(all > 200);
	assert_true(small * 2 > all);
}

/* Memory or CPUs asked for at a time, in the mean over the trace, over what generate()'s host has. */
static double load_of(const struct hn_trace *trace)
{
	struct hn_request *asked = calloc(trace->guest_count + 1, sizeof(*asked));
	double bytes = 0, cpus = 0;

	assert_non_null(asked);
	for (size_t i = 0; i < trace->count; i++) {
		const struct hn_event *event = &trace->events[i];
		double rest = (double)(trace->ticks - event->tick);

		/* who comes is there for the rest, unless he leaves */
		if (event->kind == HN_EVENT_ARRIVE)
			asked[event->guest] = event->request;
		else if (event->kind == HN_EVENT_DEPART)
			rest = -rest;
		else
			continue;
		bytes += (double)asked[event->guest].memory_bytes * rest;
		cpus += asked[event->guest].vcpus * rest;
	}
	free(asked);
	bytes /= (double)trace->ticks * 4 * 65536 * (double)HN_MIB;
	cpus /= (double)trace->ticks * 64;
	return bytes > cpus ? bytes : cpus;
}

/* A few large guests make one trace differ from another: their mean counts. */
static void the_load_is_what_was_asked_for(void **state)
{
	double sum = 0;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		HN_AUTO(hn_trace) struct hn_trace *trace = generate(seed, 400000, 0.8);
		double load = load_of(trace);

		assert_true(load > 0.3 && load < 1.6);
		sum += load;
	}
	if (sum / 30 < 0.72 || sum / 30 > 0.88)
		fail_msg("%.2f of the host is asked for, not 0.8", sum / 30);
}

static void senseless_wishes_are_refused_with_their_value(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 1, 1024);
	static const struct {
		struct hn_generator generator;
		const char *says;
	} wrong[] = {{{.ticks = 10, .tick_ns = 1, .load = 0}, "load: 0 "},
		     {{.ticks = 10, .tick_ns = 1, .load = 11}, "load: 11 "},
		     {{.ticks = 0, .tick_ns = 1, .load = 1}, "ticks: 0 "},
		     {{.ticks = 10, .tick_ns = 0, .load = 1}, "no time"}};
	struct hn_trace *trace = NULL;
	struct hn_error err = {0};

	for (size_t i = 0; i < HN_COUNT(wrong); i++) {
		assert_int_equal(hn_generate(&wrong[i].generator, snapshot->host, &trace, &err), -EINVAL);
		if (!strstr(err.message, wrong[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.message, wrong[i].says);
	}
	scene_memory_only(snapshot, 0);
	assert_int_equal(hn_generate(&(struct hn_generator){.ticks = 1, .tick_ns = 1, .load = 1},
				     snapshot->host, &trace, &err),
			 -EINVAL);
	assert_null(trace);
}

static void cells_are_as_many_as_nodes_are_needed(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 16384);
	const struct hn_host *host = snapshot->host;

	assert_int_equal(hn_cells_for(host, 8, HN_GIB), 1);
	assert_int_equal(hn_cells_for(host, 9, HN_GIB), 2);
	assert_int_equal(hn_cells_for(host, 4, 20 * HN_GIB), 2);
	assert_int_equal(hn_cells_for(host, 1, 20 * HN_GIB), 1); /* a cell has a vCPU at least */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_trace),
		cmocka_unit_test(requests_are_guests_and_most_are_small),
		cmocka_unit_test(the_load_is_what_was_asked_for),
		cmocka_unit_test(senseless_wishes_are_refused_with_their_value),
		cmocka_unit_test(cells_are_as_many_as_nodes_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
