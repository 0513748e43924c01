#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "tests/unit/fleet/park.h"

static struct hn_fleet_record *specimen(void)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = park_topology(3);
	struct hn_fleet_record *record = park_host(topology, "host-1", 17);

	strcpy(record->api, "https://host-1:9178");
	record->generation = 42;
	record->time_ns = UINT64_C(1700000000123456789);
	record->failing = UINT64_C(1) << HN_CHECK_THP;
	record->failed = UINT64_C(1) << HN_CHECK_NUMA;
	record->pressure = 0.25f;
	record->counters.moved_bytes = UINT64_C(1) << 50;
	hn_set_add(&record->taken, 5);
	record->nodes[1].pool_room[1] = 2 * MIB;
	record->nodes[2].others_vcpus = 7;
	return record;
}

static void test_there_and_back(void **state)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = specimen(), *back = NULL;
	HN_AUTO(json) json_object *json = hn_fleet_record_encode(record);
	struct hn_error err = {0};

	assert_int_equal(hn_fleet_record_decode(json, &back, &err), 0);
	assert_false(hn_fleet_record_differs(record, back));
	assert_int_equal(back->generation, 42);
	assert_int_equal(back->time_ns, record->time_ns);
	assert_int_equal(back->counters.moved_bytes, record->counters.moved_bytes);
	assert_true(back->locality < 0);
	assert_string_equal(hn_fleet_health_name(back), "fail");
	assert_memory_equal(back->nodes, record->nodes, 3 * sizeof(record->nodes[0]));
	assert_true(strlen(json_object_to_json_string(json)) < 4096);
}

/* A word for each, there and back; there are more of them than an int has bits. */
static void test_every_check_by_itself(void **state)
{
	for (int check = 0; check < HN_CHECK_COUNT; check++) {
		HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = specimen(), *back = NULL;
		HN_AUTO(json) json_object *json = NULL;
		json_object *words;
		struct hn_error err = {0};

		record->failing = UINT64_C(1) << check;
		record->failed = 0;
		json = hn_fleet_record_encode(record);
		assert_true(json_object_object_get_ex(json, "warning", &words));
		assert_int_equal(json_object_array_length(words), 1);
		assert_string_equal(json_object_get_string(json_object_array_get_idx(words, 0)),
				    hn_check_name((enum hn_check)check));
		assert_int_equal(hn_fleet_record_decode(json, &back, &err), 0);
		assert_true(back->failing == record->failing);
		assert_true(back->failed == 0);
	}
}

/* Each member made wrong in turn is named. */
static void test_what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *member, *value;
	} wrongs[] = {{"record", "2"},
		      {"host", "\"\""},
		      {"host", "7"},
		      {"api", "null"},
		      {"topology", "\"0123456789012345678901234567890123456789\""},
		      {"generation", "-1"},
		      {"warning", "{}"},
		      {"pressure", "1.5"},
		      {"taken_cpus", "\"x\""},
		      {"counters", "[]"},
		      {"nodes", "[]"},
		      {"nodes", "[{}]"},
		      {"taken_cpus", "\"99999\""}};

	for (size_t i = 0; i < HN_COUNT(wrongs); i++) {
		HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = specimen();
		HN_AUTO(json) json_object *json = hn_fleet_record_encode(record);
		struct hn_fleet_record *back = NULL;
		struct hn_error err = {0};

		json_object_object_add(json, wrongs[i].member, json_tokener_parse(wrongs[i].value));
		assert_int_equal(hn_fleet_record_decode(json, &back, &err), -EPROTO);
		assert_non_null(strstr(err.message, wrongs[i].member));
		assert_null(back);
	}
}

static void test_what_differs(void **state)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *told = specimen(), *now = specimen();

	assert_false(hn_fleet_record_differs(told, now));
	now->generation++;
	now->time_ns += HN_NS_PER_S;
	now->nodes[0].room_bytes -= 100 * MIB; /* of 17 GiB */
	assert_false(hn_fleet_record_differs(told, now));
	now->nodes[0].room_bytes -= 300 * MIB;
	assert_true(hn_fleet_record_differs(told, now));
	now->nodes[0].room_bytes = told->nodes[0].room_bytes;
	now->nodes[1].seats[HN_CLASS_DEDICATED]--;
	assert_true(hn_fleet_record_differs(told, now));
	now->nodes[1].seats[HN_CLASS_DEDICATED]++;
	hn_set_add(&now->taken, 6);
	assert_true(hn_fleet_record_differs(told, now));
	hn_set_remove(&now->taken, 6);
	now->failing = 0;
	assert_true(hn_fleet_record_differs(told, now));
}

/* A node that is nearly full changes a little all the time. */
static void test_the_last_gib_is_told_in_steps(void **state)
{
	static const struct {
		uint64_t told, now;
		bool differs;
	} cases[] = {{900 * MIB, 900 * MIB - 4096, false},
		     {900 * MIB, 884 * MIB, false},
		     {900 * MIB, 884 * MIB - 1, true},
		     {884 * MIB - 1, 900 * MIB, true},
		     {1100 * MIB, 1023 * MIB, true},
		     {1030 * MIB, 1023 * MIB, false},
		     {1100 * MIB, 1024 * MIB, false},
		     {4096, 0, true},
		     {0, 4096, true},
		     {0, 0, false}};
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *told = specimen(), *now = specimen();

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		told->nodes[0].room_bytes = cases[i].told;
		now->nodes[0].room_bytes = cases[i].now;
		assert_int_equal(hn_fleet_record_differs(told, now), cases[i].differs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_every_check_by_itself),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_what_differs),
		cmocka_unit_test(test_the_last_gib_is_told_in_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
