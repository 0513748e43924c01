#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/rank.h"
#include "fleet/recall.h"
#include <time.h>

#include "tests/unit/fleet/slow.h"

/* Hosts with rooms and loads by chance, put in that order or the other way round. */
static struct hn_fleet_index *draw(struct hn_topology *topology, bool backwards)
{
	struct hn_fleet_index *index = hn_fleet_index_new();
	struct hn_fleet_record *records[HOSTS];
	struct hn_random random = {.state = 11};
	char name[16];

	assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	for (unsigned i = 0; i < HOSTS; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		records[i] = park_host(topology, name, 1);
		for (size_t node = 0; node < records[i]->node_count; node++) {
			records[i]->nodes[node].room_bytes = hn_random_below(&random, 64) * GIB;
			records[i]->nodes[node].others_vcpus = (uint16_t)hn_random_below(&random, 10);
		}
	}
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(hn_fleet_index_put(index, records[backwards ? HOSTS - 1 - i : i], NULL), 0);
	return index;
}

static void test_as_the_slow_way(void **state)
{
	struct hn_random random = {.state = 23};
	size_t solved;

	for (unsigned fleet = 0; fleet < 6; fleet++) {
		HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);

		for (unsigned question = 0; question < 40; question++) {
			unsigned cells = 1 + (unsigned)hn_random_below(&random, 4);
			unsigned vcpus = cells * (1 + (unsigned)hn_random_below(&random, 8));
			uint64_t gib = cells * (1 + hn_random_below(&random, 40));
			enum hn_class class = (enum hn_class)hn_random_below(&random, HN_CLASS_COUNT);
			/* cells that are alike, and in every third question by one vCPU not */
			HN_AUTO(hn_guest)
			struct hn_guest *guest = park_guest(vcpus + (question % 3 == 0), gib, cells, class);

			/* and some of one cell that may not be everywhere */
			if (question % 5 == 0)
				guest->cells[0].allowed_nodes = hn_set_of((int)hn_random_below(&random, 4));
			slow_check(index, guest, 1 + hn_random_below(&random, 20), &solved);
		}
	}
}

/* Some hosts change, one leaves and is there again. */
static void change_some(struct hn_fleet_index *index, struct hn_random *random)
{
	for (unsigned i = 0; i < 20; i++) {
		struct hn_fleet_place place;
		char name[16];

		snprintf(name, sizeof(name), "h%u", (unsigned)hn_random_below(random, HOSTS));
		assert_true(hn_fleet_index_find(index, name, &place));
		if (i == 0)
			hn_fleet_index_remove(index, name);
		assert_int_equal(
			hn_fleet_index_put(index, slow_host(random, place.group->topology, name), NULL), 0);
	}
}

/* The same shapes again and again, more of them than are remembered, while hosts change. */
static void test_as_the_slow_way_again(void **state)
{
	struct hn_random random = {.state = 31};
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);
	size_t solved;

	for (unsigned round = 0; round < 12; round++) {
		for (unsigned question = 0; question < 10; question++) {
			unsigned shape = (unsigned)hn_random_below(&random, HN_RECALL_SHAPES + 2);
			unsigned cells = 1 + shape % 4;
			HN_AUTO(hn_guest)
			struct hn_guest *guest = park_guest(cells * (2 + shape), cells * (5 + 3 * shape),
							    cells, (enum hn_class)(shape % HN_CLASS_COUNT));

			slow_check(index, guest, 10, &solved);
		}
		change_some(index, &random);
	}
}

/* Only what may be among the best is solved. */
static void test_few_are_solved(void **state)
{
	struct hn_random random = {.state = 29};
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);
	HN_AUTO(hn_guest) struct hn_guest *guest = park_guest(8, 24, 2, HN_CLASS_SHARED);
	struct hn_fleet_ranking ranking;

	assert_int_equal(hn_fleet_rank(index, guest, 5, &ranking, NULL), 0);
	assert_int_equal(ranking.count, 5);
	assert_true(ranking.possible > 50);
	assert_true(ranking.solved <= 10);
	hn_fleet_ranking_done(&ranking);
}

static void test_the_order_of_arrival_is_nothing(void **state)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(4);
	HN_AUTO(hn_fleet_index)
	struct hn_fleet_index *one = draw(topology, false), *other = draw(topology, true);
	HN_AUTO(hn_guest) struct hn_guest *guest = park_guest(2, 8, 1, HN_CLASS_SHARED);
	struct hn_fleet_ranking a, b;

	assert_int_equal(hn_fleet_rank(one, guest, 50, &a, NULL), 0);
	assert_int_equal(hn_fleet_rank(other, guest, 50, &b, NULL), 0);
	assert_int_equal(a.count, 50);
	assert_int_equal(b.count, 50);
	for (size_t i = 0; i < a.count; i++)
		assert_string_equal(a.hosts[i].place.group->records[a.hosts[i].place.host]->host,
				    b.hosts[i].place.group->records[b.hosts[i].place.host]->host);
	hn_fleet_ranking_done(&a);
	hn_fleet_ranking_done(&b);
}

static void test_limits(void **state)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_guest) struct hn_guest *guest = park_guest(2, 8, 1, HN_CLASS_SHARED);
	HN_AUTO(hn_guest) struct hn_guest *many = park_guest(65, 65, HN_DEMAND_CELLS_MAX, HN_CLASS_SHARED);
	struct hn_fleet_ranking ranking;
	struct hn_error err;

	assert_int_equal(hn_fleet_rank(index, guest, 0, &ranking, &err), -EINVAL);
	assert_int_equal(hn_fleet_rank(index, guest, 101, &ranking, &err), -EINVAL);
	assert_non_null(hn_guest_add_cell(many, HN_DEMAND_CELLS_MAX));
	assert_int_equal(hn_fleet_rank(index, many, 1, &ranking, &err), -EOPNOTSUPP);
	assert_int_equal(hn_fleet_rank(index, guest, 1, &ranking, &err), 0);
	assert_int_equal(ranking.count, 0);
}

/* A fleet of hosts of eight nodes, on the first of which so many CPUs are nobody's. */
static struct hn_fleet_index *narrow_fleet(unsigned seats)
{
	struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(8);
	char name[16];

	assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	for (unsigned i = 0; i < HOSTS; i++) {
		struct hn_fleet_record *record;

		snprintf(name, sizeof(name), "h%u", i);
		record = park_host(topology, name, 60);
		for (int cpu = (int)seats; cpu < 8; cpu++)
			hn_set_add(&record->taken, cpu);
		for (int class = 0; class < HN_CLASS_COUNT; class ++)
			record->nodes[0].seats[class] = (uint16_t)seats;
		assert_int_equal(hn_fleet_index_put(index, record, NULL), 0);
	}
	return index;
}

/* 1023 vCPUs in cells that are not alike, too large for any host; one in so many may be on the first node
 * only. CPU time that a host takes of them. */
static double think(unsigned seats, size_t every)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = narrow_fleet(seats);
	HN_AUTO(hn_guest) struct hn_guest *guest = park_guest(1023, 64 * 600, 64, HN_CLASS_SHARED);
	struct hn_fleet_ranking ranking;
	struct timespec begin, end;

	for (size_t cell = 0; cell < guest->cell_count; cell += every)
		hn_set_add(&guest->cells[cell].allowed_nodes, 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	assert_int_equal(hn_fleet_rank(index, guest, 1, &ranking, NULL), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_int_equal(ranking.refused[HN_FLEET_REFUSED], HOSTS);
	return ((double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9) / HOSTS;
}

/* How often CPUs must be shared is not tried out to the end: all hosts of a fleet would be long about it. */
static void test_no_host_takes_long(void **state)
{
	assert_true(think(0, 64) < 40e-6);
	assert_true(think(1, 2) < 300e-6);
}

/* One of the cells may be on the first node only, where seats are few or none. */
static void test_where_seats_are_few(void **state)
{
	size_t solved;

	for (unsigned seats = 0; seats < 4; seats++) {
		HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = narrow_fleet(seats);

		for (unsigned cells = 1; cells < 4; cells++) {
			HN_AUTO(hn_guest)
			struct hn_guest *guest =
				park_guest(12 * cells + 1, 3 * cells, cells, HN_CLASS_SHARED);

			hn_set_add(&guest->cells[0].allowed_nodes, 0);
			slow_check(index, guest, 5, &solved);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_slow_way),
		cmocka_unit_test(test_as_the_slow_way_again),
		cmocka_unit_test(test_few_are_solved),
		cmocka_unit_test(test_the_order_of_arrival_is_nothing),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_host_takes_long),
		cmocka_unit_test(test_where_seats_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
