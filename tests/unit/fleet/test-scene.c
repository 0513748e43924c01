#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/scene.h"
#include "tests/unit/policy/scene.h"

#define KEEP_FREE (32 * MIB)
#define STEPS 1000000

/* The record goes over the wire before it is used. */
static struct hn_fleet_record *record_of(const struct hn_snapshot *snapshot, size_t newcomer,
					 const char *digest)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL;
	struct hn_fleet_record *back = NULL;
	struct hn_error err = {0};
	json_object *json;

	assert_int_equal(hn_fleet_record_make(snapshot, newcomer, KEEP_FREE, digest, &record, &err), 0);
	json = hn_fleet_record_encode(record);
	if (!record->host[0])
		strcpy(record->host, "h");
	assert_int_equal(hn_fleet_record_decode(json, &back, &err), 0);
	json_object_put(json);
	return back;
}

/* What is drawn has the newcomer's pages somewhere now and then; one that is to come has none. */
static void make_newcomer(struct hn_snapshot *snapshot)
{
	struct hn_guest_state *state = &snapshot->guests[0];

	hn_sample_free(state->sample);
	hn_placement_free(state->home);
	state->sample = NULL;
	state->home = NULL;
	state->guest->near[0] = state->guest->apart[0] = '\0';
	state->guest->backend_count = 0;
}

/* Drawn hosts with drawn guests on them: here and from the record the solver comes to the same cost. */
static void test_the_record_answers_as_the_host_does(void **state)
{
	struct hn_random random = {.state = 7};
	unsigned placed = 0, refused = 0;

	for (unsigned trial = 0; trial < 400; trial++) {
		struct scene_limits limits = {.nodes = 2 + hn_random_below(&random, 7),
					      .cells = 1 + hn_random_below(&random, 4),
					      .others = 6};
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &limits);
		HN_AUTO(hn_topology) struct hn_topology *topology = NULL;
		HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL;
		HN_AUTO(hn_fleet_scene) struct hn_fleet_scene *scene = NULL;
		HN_AUTO(hn_placement) struct hn_placement *here = NULL, *there = NULL;
		struct hn_solver_limits solver = {.keep_free_bytes = KEEP_FREE, .steps = STEPS};
		struct hn_error err = {0};
		int r, s;

		make_newcomer(snapshot);
		assert_int_equal(hn_topology_of(snapshot->host, &topology, &err), 0);
		record = record_of(snapshot, 0, topology->digest);
		scene = hn_fleet_scene_new(topology);
		r = hn_solve(snapshot, 0, &solver, &here, &err);
		s = hn_fleet_scene_solve(scene, record, snapshot->guests[0].guest, STEPS, &there, &err);
		assert_int_equal(r, s);
		if (r == 0) {
			assert_int_equal(hn_cost_compare(&here->cost, &there->cost), 0);
			placed++;
		} else {
			refused++;
		}
	}
	assert_true(placed > 100);
	assert_true(refused > 5);
}

/* Guests with cores of their own that have not been told which: as many cores are gone there as here. */
static void test_unseated_guests_take_cores(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 8192);
	HN_AUTO(hn_topology) struct hn_topology *topology = NULL;
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL;
	size_t newcomer = scene_guest(snapshot, "new"), other = scene_guest_on(snapshot, "own", 1, 512, 5, 0);
	struct hn_error err = {0};

	scene_cell(snapshot, newcomer, 64, 1);
	snapshot->guests[other].guest->class = HN_CLASS_DEDICATED;
	scene_home(snapshot, other, 0, 0);
	assert_int_equal(hn_topology_of(snapshot->host, &topology, &err), 0);
	record = record_of(snapshot, newcomer, topology->digest);
	assert_int_equal(record->nodes[0].seats[HN_CLASS_DEDICATED], 3);
	assert_int_equal(record->nodes[1].seats[HN_CLASS_DEDICATED], 8);
	assert_int_equal(hn_set_count(&record->taken), 5);
}

static void test_other_nodes_are_refused(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 8192);
	HN_AUTO(hn_topology) struct hn_topology *topology = NULL;
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = hn_fleet_record_new("h", 3);
	HN_AUTO(hn_fleet_scene) struct hn_fleet_scene *scene = NULL;
	size_t newcomer = scene_guest(snapshot, "new");
	struct hn_placement *home = NULL;
	struct hn_error err = {0};

	scene_cell(snapshot, newcomer, 64, 1);
	assert_int_equal(hn_topology_of(snapshot->host, &topology, &err), 0);
	scene = hn_fleet_scene_new(topology);
	assert_int_equal(
		hn_fleet_scene_solve(scene, record, snapshot->guests[newcomer].guest, STEPS, &home, &err),
		-EINVAL);
	assert_null(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_record_answers_as_the_host_does),
		cmocka_unit_test(test_unseated_guests_take_cores),
		cmocka_unit_test(test_other_nodes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
