#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "fleet/topology.h"
#include "tests/unit/policy/scene.h"

static struct hn_topology *topology_of(const struct hn_host *host)
{
	struct hn_topology *topology = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_topology_of(host, &topology, &err), 0);
	return topology;
}

/* What changes while a host runs, its name, and a few MiB that firmware keeps make no other topology. */
static void test_hosts_of_one_make_share(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *a = scene_new(4, 8, 65536), *b = scene_new(4, 8, 65536);
	HN_AUTO(hn_topology) struct hn_topology *one = NULL, *other = NULL;

	free(b->host->name);
	b->host->name = strdup("another");
	scene_free_mib(b, 1, 12);
	b->host->nodes[2].memory_bytes += 3 * HN_MIB;
	b->host->nodes[2].reserved_bytes = HN_GIB;
	b->host->kernel_balancing = !b->host->kernel_balancing;
	one = topology_of(a->host);
	other = topology_of(b->host);
	assert_string_equal(one->digest, other->digest);
	assert_int_equal(strlen(one->digest), 32);
}

static void test_what_matters_makes_another(void **state)
{
	HN_AUTO(hn_snapshot)
	struct hn_snapshot *a = scene_new(4, 8, 65536), *b = scene_new(4, 8, 65536),
			   *c = scene_new(4, 8, 65536);
	HN_AUTO(hn_topology) struct hn_topology *one = topology_of(a->host), *far = NULL, *isolated = NULL;

	scene_distance(b, 0, 3, 31);
	scene_isolate(c, 5);
	far = topology_of(b->host);
	isolated = topology_of(c->host);
	assert_string_not_equal(one->digest, far->digest);
	assert_string_not_equal(one->digest, isolated->digest);
	assert_string_not_equal(far->digest, isolated->digest);
}

static void test_there_and_back(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *a = scene_new(3, 4, 4096);
	HN_AUTO(hn_topology) struct hn_topology *one = topology_of(a->host), *back = NULL;
	HN_AUTO(json) json_object *json = hn_topology_encode(one);
	struct hn_error err = {0};

	assert_int_equal(hn_topology_decode(json, one->digest, &back, &err), 0);
	assert_int_equal(back->host->node_count, 3);
	assert_int_equal(back->host->cpu_count, 12);
	assert_int_equal(back->host->nodes[0].memory_bytes, 4096 * MIB);
}

/* A key that promises another topology than its value has is not believed. */
static void test_a_wrong_name_is_refused(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *a = scene_new(3, 4, 4096), *b = scene_new(2, 4, 4096);
	HN_AUTO(hn_topology) struct hn_topology *one = topology_of(a->host), *two = topology_of(b->host);
	HN_AUTO(json) json_object *json = hn_topology_encode(one), *odd = json_object_new_object();
	struct hn_topology *back = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_topology_decode(json, two->digest, &back, &err), -EPROTO);
	assert_non_null(strstr(err.message, "not the one"));
	assert_int_equal(hn_topology_decode(odd, one->digest, &back, &err), -EPROTO);
	assert_null(back);
}

static void test_too_many_nodes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *a = scene_new(65, 1, 64);
	struct hn_topology *topology = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_topology_of(a->host, &topology, &err), -EOPNOTSUPP);
	assert_null(topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_of_one_make_share),
		cmocka_unit_test(test_what_matters_makes_another),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_a_wrong_name_is_refused),
		cmocka_unit_test(test_too_many_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
