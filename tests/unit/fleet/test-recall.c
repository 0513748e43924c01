#include "fleet/recall.h"
#include "tests/unit/fleet/slow.h"

#define PLENTY 100000

/* A closer bound of the host, from memory or not. */
static struct hn_fleet_bound refine(struct hn_fleet_memory *memory, const struct hn_fleet_asked *asked,
				    size_t host, uint64_t *steps)
{
	struct hn_fleet_bound bound;

	if (hn_fleet_memory_bound(memory, 0, asked, host, &bound) != HN_FLEET_POSSIBLE)
		bound.close = true;
	while (!bound.close)
		hn_fleet_memory_refine(memory, 0, asked, host, steps, &bound);
	return bound;
}

static void check_same(const struct hn_fleet_bound *a, const struct hn_fleet_bound *b)
{
	assert_int_equal(a->least, b->least);
	assert_int_equal(a->torn, b->torn);
	assert_int_equal(a->impossible, b->impossible);
}

/* With every number of steps up to those that are enough, what is remembered of a search with plenty comes to
 * what is found without. Returns how many searches were cut short. */
static unsigned check_steps(struct hn_fleet_memory *memory, const struct hn_fleet_asked *asked, size_t host)
{
	uint64_t left = PLENTY, most;
	struct hn_fleet_bound best = refine(memory, asked, host, &left);
	unsigned cut = 0;

	most = PLENTY - left;
	for (uint64_t steps = 0; steps <= most + 1; steps++) {
		uint64_t known = steps, anew = steps;
		struct hn_fleet_bound from_memory = refine(memory, asked, host, &known);
		struct hn_fleet_bound from_nothing = refine(NULL, asked, host, &anew);

		check_same(&from_memory, &from_nothing);
		assert_int_equal(known, anew);
		cut += from_nothing.least != best.least;
	}
	return cut;
}

static void check_guest(struct hn_fleet_index *index, struct hn_guest *guest)
{
	struct hn_fleet_group *group = hn_fleet_index_group(index, 0);
	struct hn_fleet_memory *memory;
	struct hn_fleet_demand demand;
	struct hn_fleet_asked asked;
	unsigned cut = 0;

	assert_int_equal(hn_fleet_demand_init(&demand, guest, NULL), 0);
	memory = hn_fleet_recall_find(hn_fleet_index_recall(index), &demand, index);
	assert_non_null(memory);
	hn_fleet_asked_init(&asked, group, &demand);
	for (size_t host = 0; host < group->count; host++)
		cut += check_steps(memory, &asked, host);
	assert_true(cut > 50);
}

static void test_steps_run_out(void **state)
{
	struct hn_random random = {.state = 83};
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *topology = slow_topology(&random, 8);
	HN_AUTO(hn_guest) struct hn_guest *whole = park_guest(15, 40, 3, HN_CLASS_SHARED);
	HN_AUTO(hn_guest) struct hn_guest *torn = park_guest(4, 150, 2, HN_CLASS_SHARED);
	char name[16];

	assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(hn_fleet_index_put(index, slow_host(&random, topology, name), NULL), 0);
	}
	check_guest(index, whole);
	check_guest(index, torn);
}

static const struct hn_fleet_memory *memory_of(struct hn_fleet_index *index, const struct hn_guest *guest)
{
	struct hn_fleet_demand demand;

	assert_int_equal(hn_fleet_demand_init(&demand, guest, NULL), 0);
	return hn_fleet_recall_find(hn_fleet_index_recall(index), &demand, index);
}

/* What draws a guest counts in its bounds, so bounds of one that nothing draws are none of its own. */
static void test_devices_make_another_demand(void **state)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_guest) struct hn_guest *plain = park_guest(15, 40, 3, HN_CLASS_SHARED);
	HN_AUTO(hn_guest) struct hn_guest *drawn = park_guest(15, 40, 3, HN_CLASS_SHARED);
	const struct hn_fleet_memory *memory = memory_of(index, plain);

	assert_int_equal(hn_guest_add_device(drawn, "0000:3b:00.0"), 0);
	assert_ptr_not_equal(memory_of(index, drawn), memory);
	assert_ptr_equal(memory_of(index, plain), memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps_run_out),
					   cmocka_unit_test(test_devices_make_another_demand)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
