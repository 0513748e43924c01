/*
 * What the requests are said to be, against the oracle, and the traces against their description.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "bench/oracle.h"
#include "bench/request.h"
#include "bench/trace.h"

static void check_request(struct hn_snapshot *snapshot, bool feasible, struct hn_random *random)
{
	struct oracle_problem problem;
	struct oracle_answer answer;
	struct bench_size size;
	int guest;

	bench_request_draw(snapshot->host, feasible, random, &size);
	assert_int_equal(size.cells, 8);
	guest = bench_guest_add(snapshot, "asked", HN_CLASS_SHARED, &size);
	assert_true(guest >= 0 && oracle_state(snapshot, (size_t)guest, 0, &problem));
	for (size_t i = 0; i < size.cells; i++) {
		size_t node = 0;

		while (node < problem.nodes &&
		       (problem.room[node] < problem.bytes[i] || problem.cpus[node] < problem.vcpus[i]))
			node++;
		assert_true(node < problem.nodes); /* each alone would fit */
	}
	oracle_solve(&problem, NULL, 2000, &answer);
	if (answer.remote_proven)
		assert_int_equal(answer.feasible, feasible);
	else
		assert_true(feasible || !answer.feasible);
	bench_guest_remove(snapshot, (size_t)guest);
}

static void requests_fit_or_not_as_they_say(void **state)
{
	static const size_t nodes[] = {4, 8};

	for (size_t i = 0; i < HN_COUNT(nodes); i++) {
		struct hn_random random = {nodes[i]};
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = bench_crowd_new(nodes[i], 60, &random);

		assert_non_null(snapshot);
		assert_int_equal(snapshot->guest_count, 60);
		for (int round = 0; round < 40; round++)
			check_request(snapshot, round % 2, &random);
	}
}

static void a_crowd_leaves_some_memory_on_every_host(void **state)
{
	static const size_t nodes[] = {4, 8, 16, 24, 64};

	for (size_t i = 0; i < HN_COUNT(nodes); i++) {
		struct hn_random random = {8 + nodes[i]};
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = bench_crowd_new(nodes[i], 500, &random);
		double all = 0, left = 0;

		assert_non_null(snapshot);
		for (size_t node = 0; node < nodes[i]; node++) {
			all += (double)snapshot->host->nodes[node].memory_bytes;
			left += (double)snapshot->host->nodes[node].free_bytes;
		}
		assert_true(left > 0.15 * all && left < 0.35 * all);
	}
}

#define ARRIVALS 20000

static void traces_are_as_described(void **state)
{
	struct hn_random random = {5};
	struct bench_arrival *trace = bench_trace_new(ARRIVALS, 40, &random);
	double lived = 0;

	assert_non_null(trace);
	for (size_t i = 0; i < ARRIVALS; i++) {
		unsigned vcpus = bench_size_vcpus(&trace[i].size);
		uint64_t gib = bench_size_mib(&trace[i].size) / 1024;

		assert_true(i == 0 || trace[i].at >= trace[i - 1].at);
		assert_true(trace[i].until >= trace[i].at);
		assert_in_range(vcpus, 1, 32);
		assert_in_range(gib, 2 * vcpus, 8 * vcpus);
		assert_int_equal(trace[i].size.cells, vcpus >= 16 ? 2 : 1);
		lived += trace[i].until - trace[i].at;
	}
	/* means of exponential times: the first within 1 % by one sigma, the second within 2.3 % */
	assert_true(trace[ARRIVALS - 1].at > 0.95 * ARRIVALS / 40 &&
		    trace[ARRIVALS - 1].at < 1.05 * ARRIVALS / 40);
	assert_true(lived > 0.9 * ARRIVALS && lived < 1.1 * ARRIVALS);
	free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_fit_or_not_as_they_say),
		cmocka_unit_test(a_crowd_leaves_some_memory_on_every_host),
		cmocka_unit_test(traces_are_as_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
