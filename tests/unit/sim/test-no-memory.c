/*
 * Memory that runs out at any allocation: an explanation or a simulation is -ENOMEM or the same as ever. See
 * meson.build for what is wrapped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../policy/scene.h"
#include "base/units.h"
#include "policy/explain.h"
#include "sim/enliven.h"
#include "sim/generator.h"
#include "sim/simulation.h"

static long left = -1; /* allocations that succeed still; -1: all */

static bool fails(void)
{
	return left >= 0 && (left == 0 || left-- == 0);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__real_reallocarray(void *array, size_t count, size_t size);
void *__wrap_reallocarray(void *array, size_t count, size_t size);
void *__wrap_reallocarray(void *array, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(array, count, size);
}

static void an_explanation_is_whole_or_none(void **state)
{
	static const struct hn_solver_limits limits = {.steps = 100000};
	static const struct scene_limits drawn = {.nodes = 3, .cells = 3, .others = 2};
	struct hn_random random = {17};
	long most = 0;

	for (int round = 0; round < 20; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &drawn);
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;
		HN_AUTO(hn_explanation) struct hn_explanation *whole = NULL, *again = NULL;
		struct hn_error err = {0};
		int r = hn_solve(snapshot, 0, &limits, &home, &err);
		const char *why = r < 0 ? "why" : NULL;

		assert_int_equal(hn_explain(snapshot, 0, &limits, home, why, &whole, &err), 0);
		for (long allowed = 0;; allowed++) {
			left = allowed;
			r = hn_explain(snapshot, 0, &limits, home, why, &again, &err);
			left = -1;
			most = allowed > most ? allowed : most;
			if (r == 0)
				break;
			assert_int_equal(r, -ENOMEM);
			assert_null(again);
		}
		assert_string_equal(again->sentence, whole->sentence);
		for (size_t cell = 0; cell < whole->cell_count; cell++)
			assert_memory_equal(again->cells[cell].choices, whole->cells[cell].choices,
					    whole->node_count * sizeof(*whole->cells[cell].choices));
	}
	assert_true(most > 30);
}

/* Every allocation in turn would take its time: strides that grow. */
static void a_simulation_is_whole_or_none(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 32768);
	struct hn_generator generator = {
		.seed = 2, .stray_ns = HN_STRAY_NS, .ticks = 60, .tick_ns = 10 * HN_NS_PER_S, .load = 1};
	struct hn_world_options options = hn_world_defaults();
	struct hn_score whole, again;
	long allowed = 0, refusals = 0;
	int r;

	for (;; allowed += 1 + allowed / 50) {
		struct hn_trace *trace = NULL;
		struct hn_error err = {0};

		left = allowed;
		r = hn_generate(&generator, snapshot->host, &trace, &err);
		if (r == 0)
			r = hn_simulate(trace, snapshot->host, &options, NULL, NULL, &again, &err);
		left = -1;
		hn_trace_free(trace);
		if (r == 0)
			break;
		refusals++;
		assert_int_equal(r, -ENOMEM);
		assert_non_null(strstr(err.message, "memory"));
	}
	assert_true(refusals > 50);
	{
		HN_AUTO(hn_trace) struct hn_trace *trace = NULL;
		struct hn_error err = {0};

		assert_int_equal(hn_generate(&generator, snapshot->host, &trace, &err), 0);
		assert_int_equal(hn_simulate(trace, snapshot->host, &options, NULL, NULL, &whole, &err), 0);
	}
	assert_memory_equal(&whole, &again, sizeof(whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_explanation_is_whole_or_none),
		cmocka_unit_test(a_simulation_is_whole_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
