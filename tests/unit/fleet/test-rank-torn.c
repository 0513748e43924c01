#include "tests/unit/fleet/slow.h"

/* What is asked for, by chance: cells of up to so much, one in three guests with cells that are not alike. */
static struct hn_guest *draw_guest(struct hn_random *random, unsigned cells, unsigned most_vcpus,
				   uint64_t most_gib)
{
	unsigned vcpus = cells * (1 + (unsigned)hn_random_below(random, most_vcpus));
	uint64_t gib = cells * (most_gib / 3 + hn_random_below(random, most_gib * 2 / 3));
	enum hn_class class = (enum hn_class)hn_random_below(random, HN_CLASS_COUNT);
	bool odd = hn_random_below(random, 3) == 0;
	struct hn_guest *guest = park_guest(vcpus + odd, gib + odd, cells, class);

	assert_non_null(guest);
	return guest;
}

/* Questions of so many cells to so many fleets; of every two answers one tells of hosts where cells are torn.
 */
static void check_fleets(uint64_t seed, unsigned cells, unsigned most_vcpus, uint64_t most_gib)
{
	struct hn_random random = {.state = seed};
	unsigned torn = 0, asked = 0;
	size_t solved;

	for (unsigned fleet = 0; fleet < 4; fleet++) {
		HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);

		for (unsigned question = 0; question < 25; question++, asked++) {
			HN_AUTO(hn_guest)
			struct hn_guest *guest = draw_guest(&random, cells, most_vcpus, most_gib);

			torn += slow_check(index, guest, 1 + hn_random_below(&random, 20), &solved) > 0;
		}
	}
	assert_true(torn >= asked / 20);
}

/* Wider than nodes by memory. */
static void test_memory_is_split(void **state)
{
	check_fleets(41, 1, 8, 200);
	check_fleets(43, 2, 6, 110);
	check_fleets(47, 3, 4, 90);
	check_fleets(53, 4, 3, 80);
}

/* Wider by vCPUs: shared ones are given CPUs more than once only where they would find none split, either. */
static void test_vcpus_are_split(void **state)
{
	check_fleets(59, 1, 40, 30);
	check_fleets(61, 2, 24, 30);
	check_fleets(67, 3, 16, 20);
}

/* One of the cells may not be everywhere. */
static void test_where_it_is_allowed(void **state)
{
	struct hn_random random = {.state = 71};
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);
	unsigned torn = 0;
	size_t solved;

	for (unsigned question = 0; question < 40; question++) {
		unsigned cells = 1 + question % 3;
		HN_AUTO(hn_guest) struct hn_guest *guest = draw_guest(&random, cells, 10, 100);
		struct hn_set *allowed = &guest->cells[question % cells].allowed_nodes;

		for (int node = 0; node < 8; node++)
			if (hn_random_below(&random, 3))
				hn_set_add(allowed, node);
		torn += slow_check(index, guest, 10, &solved) > 0;
	}
	assert_true(torn >= 10);
}

/* One after the other, with what is remembered of those before, while hosts change. */
static void test_again(void **state)
{
	struct hn_random random = {.state = 73};
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);
	size_t solved;

	for (unsigned round = 0; round < 30; round++) {
		unsigned shape = (unsigned)hn_random_below(&random, 5), cells = 1 + shape % 3;
		HN_AUTO(hn_guest)
		struct hn_guest *guest =
			park_guest(cells * (3 + shape), cells * (50 + 10 * shape), cells, HN_CLASS_SHARED);
		struct hn_fleet_place place;
		char name[16];

		slow_check(index, guest, 10, &solved);
		snprintf(name, sizeof(name), "h%u", (unsigned)hn_random_below(&random, HOSTS));
		assert_true(hn_fleet_index_find(index, name, &place));
		assert_int_equal(
			hn_fleet_index_put(index, slow_host(&random, place.group->topology, name), NULL), 0);
	}
}

/* Of hosts where cells are torn only those are solved that may be among the best. */
static void test_few_are_solved(void **state)
{
	struct hn_random random = {.state = 79};
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = slow_fleet(&random, HOSTS);
	static const struct {
		unsigned vcpus, cells;
		uint64_t gib;
		enum hn_class class;
	} shapes[] = {{4, 1, 80, HN_CLASS_SHARED},
		      {8, 2, 140, HN_CLASS_SHARED},
		      {20, 1, 20, HN_CLASS_SHARED},
		      {20, 2, 20, HN_CLASS_DEDICATED}};

	for (size_t i = 0; i < HN_COUNT(shapes); i++) {
		HN_AUTO(hn_guest)
		struct hn_guest *guest =
			park_guest(shapes[i].vcpus, shapes[i].gib, shapes[i].cells, shapes[i].class);
		size_t solved;

		assert_true(slow_check(index, guest, 50, &solved) > 0);
		assert_true(solved <= 55);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_split),     cmocka_unit_test(test_vcpus_are_split),
		cmocka_unit_test(test_where_it_is_allowed), cmocka_unit_test(test_again),
		cmocka_unit_test(test_few_are_solved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
