#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/fleet/park.h"

static void put(struct hn_fleet_index *index, struct hn_fleet_record *record)
{
	assert_int_equal(hn_fleet_index_put(index, record, NULL), 0);
}

static void test_waits_for_its_topology(void **state)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(2);
	struct hn_fleet_place place;

	put(index, park_host(topology, "a", 4));
	put(index, park_host(topology, "a", 5));
	assert_int_equal(hn_fleet_index_waiting(index), 1);
	assert_false(hn_fleet_index_find(index, "a", &place));
	assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	assert_int_equal(hn_fleet_index_waiting(index), 0);
	assert_true(hn_fleet_index_find(index, "a", &place));
	assert_int_equal(hn_fleet_group_rooms(place.group, place.host, 0)[1], 5 * GIB);
	assert_null(hn_fleet_group_rooms(place.group, place.host, 2 * MIB));
}

/* One that cannot be true keeps none of those behind it out. */
static void test_a_bad_one_among_those_that_wait(void **state)
{
	enum { HOSTS = 10, BAD = 3 };
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(2);
	struct hn_error err = {0};

	for (int i = 0; i < HOSTS; i++) {
		char name[] = {(char)('a' + i), '\0'};
		struct hn_fleet_record *record = park_host(topology, name, 4);

		if (i == BAD)
			record->nodes[1].room_bytes = 100 * GIB;
		put(index, record);
	}
	assert_int_equal(hn_fleet_index_learn(index, topology, &err), -EINVAL);
	assert_non_null(strstr(err.message, "room"));
	assert_int_equal(hn_fleet_index_count(index), HOSTS - 1);
	assert_int_equal(hn_fleet_index_waiting(index), 0);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Puts so many hosts, before or behind their topology; how long that takes. */
static double time_of(struct hn_topology *topology, unsigned hosts, bool wait)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	double begin = cpu_seconds();
	char name[16];

	if (!wait)
		assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	for (unsigned i = 0; i < hosts; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		put(index, park_host(topology, name, 4));
	}
	assert_int_equal(hn_fleet_index_waiting(index), wait ? hosts : 0);
	if (wait)
		assert_int_equal(hn_fleet_index_learn(index, topology, NULL), 0);
	assert_int_equal(hn_fleet_index_count(index), hosts);
	return cpu_seconds() - begin;
}

/* As etcd tells hosts before topologies, all of them wait at the start: that is no matter of their square. */
static void test_many_wait(void **state)
{
	enum { HOSTS = 20000 };
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(2);

	assert_true(time_of(topology, HOSTS, true) < 10 * time_of(topology, HOSTS, false));
}

static void test_impossible_records_are_refused(void **state)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *two = park_topology(2), *three = park_topology(3);
	struct hn_fleet_record *record = park_host(two, "a", 4);
	struct hn_error err;

	assert_int_equal(hn_fleet_index_learn(index, two, NULL), 0);
	put(index, park_host(two, "a", 7));
	record->nodes[0].seats[HN_CLASS_SHARED] = 9;
	assert_int_equal(hn_fleet_index_put(index, record, &err), -EINVAL);
	record = park_host(two, "a", 4);
	record->nodes[1].room_bytes = 100 * GIB;
	assert_int_equal(hn_fleet_index_put(index, record, &err), -EINVAL);
	record = park_host(three, "a", 4);
	strcpy(record->topology, two->digest);
	assert_int_equal(hn_fleet_index_put(index, record, &err), -EINVAL);
	/* the good one is there still */
	assert_int_equal(hn_fleet_index_count(index), 1);
}

/* A reading finds a record that makes no sense: the last good one stays, in a group or waiting for it. */
static void test_what_is_kept_is_not_swept(void **state)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *two = park_topology(2), *three = park_topology(3);
	struct hn_fleet_place place;

	assert_int_equal(hn_fleet_index_learn(index, two, NULL), 0);
	put(index, park_host(two, "a", 4));
	put(index, park_host(two, "b", 4));
	put(index, park_host(three, "c", 4));
	put(index, park_host(three, "d", 4));
	hn_fleet_index_begin(index);
	hn_fleet_index_keep(index, "b");
	hn_fleet_index_keep(index, "c");
	hn_fleet_index_keep(index, "nobody");
	hn_fleet_index_sweep(index);
	assert_int_equal(hn_fleet_index_count(index), 1);
	assert_true(hn_fleet_index_find(index, "b", &place));
	assert_int_equal(hn_fleet_index_waiting(index), 1);
	assert_int_equal(hn_fleet_index_learn(index, three, NULL), 0);
	assert_true(hn_fleet_index_find(index, "c", &place));
	/* a reading later it is gone */
	hn_fleet_index_begin(index);
	hn_fleet_index_sweep(index);
	assert_int_equal(hn_fleet_index_count(index), 0);
}

static void test_silent_ones_are_counted(void **state)
{
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *two = park_topology(2), *three = park_topology(3);
	struct hn_fleet_record *records[] = {park_host(two, "a", 4), park_host(two, "b", 4),
					     park_host(three, "waits", 4)};

	assert_int_equal(hn_fleet_index_learn(index, two, NULL), 0);
	for (size_t i = 0; i < HN_COUNT(records); i++) {
		records[i]->heard_ns = 100 + i;
		put(index, records[i]);
	}
	assert_int_equal(hn_fleet_index_silent(index, 100), 0);
	assert_int_equal(hn_fleet_index_silent(index, 101), 1);
	assert_int_equal(hn_fleet_index_silent(index, 200), 2);
}

/* Against a plain list: hosts of two makes come, change their make and go, and a reading sweeps some out. */
static void test_as_a_plain_list(void **state)
{
	enum { HOSTS = 60 };
	HN_AUTO(hn_fleet_index) struct hn_fleet_index *index = hn_fleet_index_new();
	HN_AUTO(hn_topology) struct hn_topology *one = park_topology(2);
	struct hn_topology *other = park_topology(4);
	struct hn_random random = {.state = 3};
	uint64_t there[HOSTS] = {0};
	char name[16];

	assert_int_equal(hn_fleet_index_learn(index, one, NULL), 0);
	assert_int_equal(hn_fleet_index_learn(index, other, NULL), 0);
	for (unsigned step = 0; step < 5000; step++) {
		size_t host = hn_random_below(&random, HOSTS), count = 0;
		uint64_t gib = 1 + hn_random_below(&random, 60);
		struct hn_fleet_place place;

		snprintf(name, sizeof(name), "h%zu", host);
		if (step % 1000 == 999) {
			hn_fleet_index_begin(index);
			for (size_t i = 0; i < HOSTS; i++) {
				snprintf(name, sizeof(name), "h%zu", i);
				there[i] = i % 2 ? 0 : 9;
				if (there[i])
					put(index, park_host(one, name, 9));
			}
			hn_fleet_index_sweep(index);
		} else if (hn_random_below(&random, 3) == 0) {
			hn_fleet_index_remove(index, name);
			there[host] = 0;
		} else {
			put(index, park_host(hn_random_below(&random, 2) ? other : one, name, gib));
			there[host] = gib;
		}
		for (size_t i = 0; i < HOSTS; i++) {
			snprintf(name, sizeof(name), "h%zu", i);
			count += there[i] > 0;
			assert_int_equal(hn_fleet_index_find(index, name, &place), there[i] > 0);
			if (there[i] > 0)
				assert_int_equal(hn_fleet_group_rooms(place.group, place.host, 0)[0],
						 there[i] * GIB);
		}
		assert_int_equal(hn_fleet_index_count(index), count);
	}
	hn_topology_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_its_topology),
		cmocka_unit_test(test_a_bad_one_among_those_that_wait),
		cmocka_unit_test(test_many_wait),
		cmocka_unit_test(test_impossible_records_are_refused),
		cmocka_unit_test(test_what_is_kept_is_not_swept),
		cmocka_unit_test(test_silent_ones_are_counted),
		cmocka_unit_test(test_as_a_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
