/* Where a guest lives, and how far from there its devices are. */
#include "policy/device-places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static void a_guest_lives_where_most_of_each_cell_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 4000);
	size_t guest = scene_guest(snapshot, "g");
	struct hn_set lives, expected = {0};

	scene_cell(snapshot, guest, 100, 1);
	scene_cell(snapshot, guest, 100, 1);
	lives = hn_guest_lives_on(snapshot->host, NULL, NULL);
	assert_true(hn_set_empty(&lives));
	scene_home(snapshot, guest, 0, 3);
	scene_home(snapshot, guest, 1, 3);
	lives = hn_guest_lives_on(snapshot->host, NULL, snapshot->guests[guest].home);
	hn_set_add(&expected, 3);
	assert_true(hn_set_equal(&lives, &expected));
	/* what is seen counts more than where it belongs */
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 600);
	scene_pages(snapshot, guest, 0, 1, 400);
	scene_pages(snapshot, guest, 1, 2, 501);
	scene_pages(snapshot, guest, 1, 0, 499);
	lives = hn_guest_lives_on(snapshot->host, snapshot->guests[guest].sample,
				  snapshot->guests[guest].home);
	hn_set_clear(&expected);
	hn_set_add(&expected, 0);
	hn_set_add(&expected, 2);
	assert_true(hn_set_equal(&lives, &expected));
}

static void a_device_is_far_when_nobody_lives_on_its_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 4000);
	struct hn_set lives = {0}, nowhere = {0};
	struct hn_device_place place;

	scene_distance(snapshot, 0, 3, 31);
	scene_distance(snapshot, 1, 3, 21);
	strcpy(hn_host_add_device(snapshot->host, "0000:3b:00.0")->kind, "net");
	snapshot->host->devices[0].node = 3;
	hn_set_add(&lives, 0);
	hn_set_add(&lives, 1);
	place = hn_device_place_of(snapshot->host, "0000:3b:00.0", true, &lives);
	assert_string_equal(place.name, "0000:3b:00.0");
	assert_string_equal(place.kind, "net");
	assert_int_equal(place.node, 3);
	assert_true(place.far && place.shared);
	assert_int_equal(place.distance, 21); /* from the nearer */
	assert_false(hn_device_place_of(snapshot->host, "0000:3b:00.0", false, &nowhere).far);
	hn_set_add(&lives, 3);
	place = hn_device_place_of(snapshot->host, "0000:3b:00.0", false, &lives);
	assert_false(place.far);
	assert_int_equal(place.distance, 10);
	/* of what the host does not know nothing is said */
	place = hn_device_place_of(snapshot->host, "0000:77:00.0", false, &lives);
	assert_int_equal(place.node, -1);
	assert_false(place.far);
	snapshot->host->devices[0].node = -1;
	assert_false(hn_device_place_of(snapshot->host, "0000:3b:00.0", false, &lives).far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_lives_where_most_of_each_cell_is),
		cmocka_unit_test(a_device_is_far_when_nobody_lives_on_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
