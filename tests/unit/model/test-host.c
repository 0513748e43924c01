/* Ids with gaps, indices without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "specimen.h"

static void a_new_host_is_plain(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("plain", 3, 4);

	assert_non_null(host);
	assert_string_equal(host->name, "plain");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(host->nodes[i].id, i);
		assert_int_equal(host->nodes[i].memory_bytes, 0);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(hn_host_distance(host, i, j), i == j ? 10 : 20);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(host->cpus[i].id, i);
		assert_int_equal(hn_host_cpu_node(host, i), -1);
	}
	assert_false(host->distances_known);
}

static void nothing_at_all_is_a_host(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("", 0, 0), *copy = hn_host_copy(host);
	struct hn_set homes = hn_host_home_nodes(host);

	assert_true(hn_set_empty(&homes));
	assert_int_equal(hn_host_node_index(host, 0), -1);
	assert_int_equal(hn_host_cpu_node(host, 0), -1);
	assert_true(same_host(host, copy));
	hn_host_free(NULL);
}

static void a_copy_is_equal_and_apart(void **state)
{
	struct hn_random random = {1};

	for (int round = 0; round < 100; round++) {
		HN_AUTO(hn_host) struct hn_host *host = specimen_host(&random), *copy = hn_host_copy(host);

		assert_true(same_host(host, copy));
		hn_host_free(host);
		host = hn_host_copy(copy);
		host->name[0] ^= 1;
		assert_false(same_host(host, copy));
	}
}

static void ids_are_found(void **state)
{
	struct hn_random random = {2};

	for (int round = 0; round < 200; round++) {
		HN_AUTO(hn_host) struct hn_host *host = specimen_host(&random);

		for (int id = -2; id < 250; id++) {
			int expected = -1;

			for (size_t i = 0; i < host->node_count; i++)
				if (host->nodes[i].id == id)
					expected = (int)i;
			assert_int_equal(hn_host_node_index(host, id), expected);
		}
	}
}

static void cpus_are_found_with_gaps_between(void **state)
{
	struct hn_random random = {3};

	for (int round = 0; round < 200; round++) {
		HN_AUTO(hn_host) struct hn_host *host = specimen_host(&random);
		size_t next = 0;

		if (host->node_count == 0)
			continue;
		for (size_t i = 0; i < host->cpu_count; i++)
			host->cpus[i].node =
				hn_random_below(&random, 4)
					? host->nodes[hn_random_below(&random, host->node_count)].id
					: -1;
		for (int id = -2; id < 2100; id++) {
			int expected = -1;

			if (next < host->cpu_count && host->cpus[next].id == id)
				expected = hn_host_node_index(host, host->cpus[next++].node);
			assert_int_equal(hn_host_cpu_node(host, id), expected);
		}
		assert_int_equal(next, host->cpu_count);
	}
}

static void a_home_needs_cpus_and_memory(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("five", 5, 0);
	struct hn_set homes, expected = hn_set_of(9);

	host->nodes[0].id = 3; /* CPUs only */
	host->nodes[0].cpus = hn_set_of(0);
	host->nodes[1].id = 5; /* memory only */
	host->nodes[1].memory_bytes = 1;
	host->nodes[2].id = 7;
	host->nodes[3].id = 9;
	host->nodes[3].cpus = hn_set_of(77);
	host->nodes[3].memory_bytes = 1;
	host->nodes[4].id = 11; /* a GPU's, whatever CPUs it claims */
	host->nodes[4].cpus = hn_set_of(78);
	host->nodes[4].memory_bytes = 1;
	host->nodes[4].memory_kind = HN_MEMORY_GPU;
	homes = hn_host_home_nodes(host);
	assert_true(hn_set_equal(&homes, &expected));
}

static void devices_are_found_by_name(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 1, 1);
	char name[32];

	assert_null(hn_host_device(host, "0000:00:00.0"));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "0000:%02x:00.0", (unsigned)i);
		assert_int_equal(hn_host_add_device(host, name)->node, -1);
		host->devices[i].node = 100 + i;
	}
	assert_int_equal(hn_host_device(host, "0000:0f:00.0")->node, 115);
	assert_null(hn_host_device(host, "0000:14:00.0"));
}

static void performance_is_added_once(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 3, 1);

	assert_null(host->bandwidths);
	assert_int_equal(hn_host_add_performance(host), 0);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(host->bandwidths[i] + host->latencies[i], 0);
	host->bandwidths[8] = 5;
	host->latencies[8] = 6;
	assert_int_equal(hn_host_add_performance(host), 0);
	assert_int_equal(host->bandwidths[8], 5);
	assert_int_equal(host->latencies[8], 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_host_is_plain),
		cmocka_unit_test(nothing_at_all_is_a_host),
		cmocka_unit_test(a_copy_is_equal_and_apart),
		cmocka_unit_test(ids_are_found),
		cmocka_unit_test(cpus_are_found_with_gaps_between),
		cmocka_unit_test(a_home_needs_cpus_and_memory),
		cmocka_unit_test(devices_are_found_by_name),
		cmocka_unit_test(performance_is_added_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
