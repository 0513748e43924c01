/* Nodes for a guest: the fewest that hold it, the nearest, the least used. */
#include "hooks/pick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/random.h"

#define GIB_KIB (1024 * 1024)

/* count idle nodes of 64 GiB and 16 CPUs: pairs of neighbours (0-1, 2-3) at 12, the others at 21. */
static void host_init(struct numa_host *host, size_t count)
{
	memset(host, 0, sizeof(*host));
	for (size_t i = 0; i < count; i++) {
		host->nodes[i] = (struct numa_node){
			.id = (unsigned)i, .cpus = 16, .total_kib = 64 * GIB_KIB, .room_kib = 64 * GIB_KIB};
		for (size_t to = 0; to < count; to++)
			host->distance[i][to] = i == to ? 10 : i / 2 == to / 2 ? 12 : 21;
	}
	host->count = count;
}

static void check(const struct numa_host *host, unsigned vcpus, uint64_t gib, const char *expected)
{
	struct node_set nodes = pick_nodes(host, vcpus, gib * 1024);
	char text[NODE_SET_TEXT_MAX];

	assert_string_equal(node_set_format(&nodes, text, sizeof(text)), expected);
}

static void one_node_where_one_is_enough(void **state)
{
	static struct numa_host host;

	host_init(&host, 4);
	check(&host, 16, 64, "0");
	check(&host, 4, 0, "0");
	check(&host, 0, 8, "0");
	host.nodes[0].room_kib = 7 * GIB_KIB;
	host.nodes[1].room_kib = 7 * GIB_KIB;
	host.nodes[2].room_kib = 9 * GIB_KIB;
	host.nodes[3].room_kib = 7 * GIB_KIB;
	check(&host, 4, 8, "2");
}

static void a_host_of_which_nothing_is_known(void **state)
{
	static struct numa_host host;

	check(&host, 4, 0, "0");
	check(&host, 0, 0, "0");
	check(&host, 4, 8, "0");
}

static void neighbours_where_two_are_needed(void **state)
{
	static struct numa_host host;

	host_init(&host, 4);
	check(&host, 17, 8, "0-1");
	check(&host, 4, 65, "0-1");
	host.nodes[0].room_kib = GIB_KIB;
	check(&host, 4, 100, "2-3");
	host.nodes[3].room_kib = GIB_KIB;
	check(&host, 4, 100, "1-2"); /* far from one another, and the only two with room */
	check(&host, 4, 129, "0-2"); /* 1-3 are as near */
}

static void the_least_used_of_those_that_are_alike(void **state)
{
	static struct numa_host host;

	host_init(&host, 4);
	host.nodes[0].room_kib = 60 * GIB_KIB;
	check(&host, 4, 32, "1");
	host.nodes[1].promised_vcpus = 16; /* 20 vCPUs on 16 CPUs: more than 36 of 64 GiB */
	host.nodes[2].promised_vcpus = 8;
	host.nodes[3].promised_vcpus = 9;
	check(&host, 4, 32, "0");
	host.nodes[0].promised_vcpus = 9;
	check(&host, 4, 32, "2");
}

static void what_fits_nowhere_gets_all(void **state)
{
	static struct numa_host host;

	host_init(&host, 4);
	check(&host, 4, 257, "0-3");
	check(&host, 4, UINT64_MAX / 1024, "0-3");
	check(&host, 65, 8, "0-3");
	check(&host, UINT32_MAX, 8, "0-3"); /* as many CPUs as there are */
	host.nodes[2].id = 40;
	check(&host, 4, 257, "0-1,3,40");
	host_init(&host, 0);
	check(&host, 4, 8, "0");
	host_init(&host, 1);
	check(&host, 40, 800, "0");
}

/* The least number of nodes that hold it, and the least sum of distances among such sets, by trying all sets.
 */
static bool try_every_set(const struct numa_host *host, unsigned vcpus, uint64_t kib, unsigned *ret_size,
			  unsigned *ret_remote)
{
	*ret_size = UINT32_MAX;
	*ret_remote = 0;
	for (unsigned set = 1; set < 1u << host->count; set++) {
		unsigned size = (unsigned)__builtin_popcount(set), remote = 0, cpus = 0;
		uint64_t room = 0;

		for (unsigned i = 0; i < host->count; i++) {
			if (!(set >> i & 1))
				continue;
			cpus += host->nodes[i].cpus;
			room += host->nodes[i].room_kib;
			for (unsigned j = 0; j < host->count; j++)
				if (j != i && set >> j & 1)
					remote += host->distance[i][j];
		}
		if (cpus < vcpus || room < kib || size > *ret_size ||
		    (size == *ret_size && remote >= *ret_remote))
			continue;
		*ret_size = size;
		*ret_remote = remote;
	}
	return *ret_size != UINT32_MAX;
}

static void check_against_every_set(const struct numa_host *host, unsigned vcpus, uint64_t mib)
{
	struct node_set nodes = pick_nodes(host, vcpus, mib);
	unsigned size, remote, picked = 0;

	if (!try_every_set(host, vcpus, mib * 1024, &size, &remote)) {
		assert_int_equal(node_set_count(&nodes), host->count);
		return;
	}
	assert_int_equal(node_set_count(&nodes), size);
	for (unsigned i = 0; i < host->count; i++)
		for (unsigned j = 0; j < host->count; j++)
			if (i != j && node_set_has(&nodes, i) && node_set_has(&nodes, j))
				picked += host->distance[i][j];
	assert_int_equal(picked, remote);
}

static void as_few_and_as_near_as_can_be(void **state)
{
	static struct numa_host host;
	struct hn_random random = {7};

	for (int trial = 0; trial < 300; trial++) {
		size_t count = 1 + hn_random_below(&random, 10);
		uint64_t all = 0;

		host_init(&host, count);
		for (size_t i = 0; i < count; i++) {
			host.nodes[i].room_kib = hn_random_below(&random, 64 * GIB_KIB);
			host.nodes[i].cpus = 1 + (unsigned)hn_random_below(&random, 16);
			all += host.nodes[i].room_kib;
			for (size_t to = 0; to < count; to++)
				host.distance[i][to] =
					i == to ? 10 : (uint8_t)(11 + hn_random_below(&random, 30));
		}
		check_against_every_set(&host, (unsigned)hn_random_below(&random, count * 8),
					hn_random_below(&random, all / 1000));
	}
}

/* Too many sets to try them all: it must hold, and be there in time. */
static void large_hosts_are_answered_in_time(void **state)
{
	static struct numa_host host;

	host_init(&host, 256);
	for (uint64_t gib = 1; gib <= 256ul * 64; gib = gib * 3 + 1) {
		clock_t start = clock();
		struct node_set nodes = pick_nodes(&host, 4, gib * 1024);

		assert_int_equal(node_set_count(&nodes), (gib + 63) / 64);
		assert_true(clock() - start < CLOCKS_PER_SEC); /* instrumented, a hundred times the usual */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_node_where_one_is_enough),
		cmocka_unit_test(a_host_of_which_nothing_is_known),
		cmocka_unit_test(neighbours_where_two_are_needed),
		cmocka_unit_test(the_least_used_of_those_that_are_alike),
		cmocka_unit_test(what_fits_nowhere_gets_all),
		cmocka_unit_test(as_few_and_as_near_as_can_be),
		cmocka_unit_test(large_hosts_are_answered_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
