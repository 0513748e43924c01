#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/count.h"
#include "tests/unit/fleet/park.h"

/* Guests are put on the host by the solver, one after the other, until it refuses or splits one. */
static unsigned place_all(struct hn_topology *topology, const struct hn_fleet_record *from,
			  struct hn_guest *guest)
{
	HN_AUTO(hn_fleet_scene) struct hn_fleet_scene *scene = hn_fleet_scene_new(topology);
	HN_AUTO(hn_fleet_record)
	struct hn_fleet_record *record = hn_fleet_record_new(from->host, from->node_count);
	unsigned count = 0;

	memcpy(record->nodes, from->nodes, from->node_count * sizeof(from->nodes[0]));
	for (;;) {
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;

		if (hn_fleet_scene_solve(scene, record, guest, 100000, &home, NULL) < 0)
			return count;
		if (hn_set_count(&home->cells[0].nodes) > 1)
			return count;
		count++;
		for (size_t cell = 0; cell < home->cell_count; cell++)
			for (size_t node = 0; node < record->node_count; node++)
				record->nodes[node].room_bytes -= home->cells[cell].bytes[node];
	}
}

static void test_as_many_as_the_solver_places(void **state)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(4);
	struct hn_random random = {.state = 5};

	for (unsigned trial = 0; trial < 60; trial++) {
		HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
		HN_AUTO(hn_guest)
		struct hn_guest *guest = park_guest(1 + (unsigned)hn_random_below(&random, 8),
						    4 + hn_random_below(&random, 12), 1, HN_CLASS_SHARED);
		struct hn_fleet_record *record = park_host(topology, "a", 1);
		struct hn_fleet_total total;

		assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
		for (size_t i = 0; i < 4; i++)
			record->nodes[i].room_bytes = hn_random_below(&random, 60) * GIB;
		assert_int_equal(hn_fleet_index_put(index, record, NULL), 0);
		assert_int_equal(hn_fleet_count(index, guest, 0, 5, &total, NULL), 0);
		assert_int_equal(total.count, place_all(topology, record, guest));
		assert_true(total.at_most >= total.count);
	}
}

static uint64_t count_of(const struct hn_fleet_index *index, unsigned vcpus, uint64_t gib, unsigned cells,
			 enum hn_class class, double vcpus_per_cpu)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = park_guest(vcpus, gib, cells, class);
	struct hn_fleet_total total;

	assert_int_equal(hn_fleet_count(index, guest, vcpus_per_cpu, 5, &total, NULL), 0);
	assert_true(total.count <= total.at_most);
	return total.count;
}

/* Two hosts of four nodes of 8 CPUs: 10 GiB free on each node of one, 20 on the other's. */
static void test_by_hand(void **state)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(4);
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();

	assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	assert_int_equal(hn_fleet_index_put(index, park_host(topology, "a", 10), NULL), 0);
	assert_int_equal(hn_fleet_index_put(index, park_host(topology, "b", 20), NULL), 0);
	/* 3 GiB: three a node on a, six on b */
	assert_int_equal(count_of(index, 1, 3, 1, HN_CLASS_SHARED, 0), 4 * 3 + 4 * 6);
	/* 8 seats a node for three of each: two */
	assert_int_equal(count_of(index, 3, 3, 1, HN_CLASS_DEDICATED, 0), 4 * 2 + 4 * 2);
	/* the same for shared ones, with no more vCPUs than CPUs; twice as many with twice as many */
	assert_int_equal(count_of(index, 3, 3, 1, HN_CLASS_SHARED, 1), 16);
	assert_int_equal(count_of(index, 3, 3, 1, HN_CLASS_SHARED, 2), 4 * 3 + 4 * 5);
	/* two cells of 6 GiB and 8 vCPUs: a node takes one of each guest; four slots on a, twelve on b */
	assert_int_equal(count_of(index, 16, 12, 2, HN_CLASS_SHARED, 0), 2 + 6);
	/* five cells of 8 vCPUs on four nodes: the rules have none */
	assert_int_equal(count_of(index, 40, 5, 5, HN_CLASS_SHARED, 0), 0);
}

static void test_only_where_the_guest_may_be(void **state)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(4);
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_guest) struct hn_guest *guest = park_guest(2, 4, 2, HN_CLASS_SHARED);
	struct hn_error err = {0};
	struct hn_fleet_total total;

	assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	assert_int_equal(hn_fleet_index_put(index, park_host(topology, "a", 10), NULL), 0);
	/* two cells of 2 GiB: five cells on each of the nodes it may be on */
	hn_set_add(&guest->allowed_nodes, 9);
	assert_int_equal(hn_fleet_count(index, guest, 0, 5, &total, NULL), 0);
	assert_int_equal(total.scanned, 1);
	assert_int_equal(total.count, 0);
	assert_int_equal(total.at_most, 0);
	hn_set_add(&guest->allowed_nodes, 1);
	hn_set_add(&guest->allowed_nodes, 2);
	assert_int_equal(hn_fleet_count(index, guest, 0, 5, &total, NULL), 0);
	assert_int_equal(total.count, 5);
	assert_int_equal(total.at_most, 5);
	/* a cell's nodes are of the guest's: 1 is what is left of 1 and 3 */
	for (size_t i = 0; i < 2; i++) {
		hn_set_add(&guest->cells[i].allowed_nodes, 1);
		hn_set_add(&guest->cells[i].allowed_nodes, 3);
	}
	assert_int_equal(hn_fleet_count(index, guest, 0, 5, &total, NULL), 0);
	assert_int_equal(total.count, 2);
	hn_set_clear(&guest->cells[1].allowed_nodes);
	assert_int_equal(hn_fleet_count(index, guest, 0, 5, &total, &err), -EINVAL);
	assert_non_null(strstr(err.message, "the same nodes"));
	hn_guest_allow_all(guest);
	guest->cells[1].page_bytes = UINT64_C(2) << 20;
	assert_int_equal(hn_fleet_count(index, guest, 0, 5, &total, &err), -EINVAL);
	assert_non_null(strstr(err.message, "pages of one size"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_as_the_solver_places),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_only_where_the_guest_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
