/* Pins that were homenode's in a guest's last life, by the way on which it comes back. */
#include "daemon/arrival.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/booking.h"
#include "daemon/domain.h"
#include "scene.h"

#define WEB "6f6f6f6f-0000-4000-8000-000000000001"
#define XML                                                                                          \
	"<domain type='kvm'><name>web</name><uuid>" WEB "</uuid><memory unit='KiB'>1048576</memory>" \
	"<vcpu placement='static'>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>"      \
	"<devices/></domain>"

static struct hn_guest *web(void)
{
	struct hn_guest *guest = hn_guest_new("web");
	struct hn_cell *cell = hn_guest_add_cell(guest, 0);

	snprintf(guest->uuid, sizeof(guest->uuid), WEB);
	snprintf(guest->policy, sizeof(guest->policy), "home-node");
	cell->memory_bytes = HN_GIB;
	hn_set_add(&cell->vcpus, 0);
	return guest;
}

/* It has ended, with pins of homenode's in the XML that it ran with. */
static struct scene *scene_with_one_parked(void)
{
	struct scene *scene = scene_new(2);
	struct hn_reservation *parked = hn_reservation_new(web(), hn_placement_new(2, 1));

	parked->state = HN_RESERVATION_PARKED;
	parked->pinned = parked->rewritten = true;
	assert_int_equal(hn_reservations_put(&scene->service.reservations, parked, NULL), 0);
	return scene;
}

static struct hn_reservation *reservation_of(struct scene *scene)
{
	return hn_reservations_find(&scene->service.reservations, WEB, "web");
}

static void hook(struct scene *scene, const char *operation)
{
	struct hn_error err = {0};
	size_t length;
	char *xml;

	if (hn_arrival_hook(&scene->service, "web", operation, "begin", XML, strlen(XML), &xml, &length,
			    &err) < 0)
		fail_msg("%s: %s", operation, err.message);
	free(xml);
	assert_non_null(reservation_of(scene));
	assert_int_equal(reservation_of(scene)->state, HN_RESERVATION_MADE);
}

static struct hn_reservation *book(struct scene *scene, const char *key)
{
	struct hn_wanted wanted = {.guest = web(), .life_ns = 60 * HN_NS_PER_S};
	struct hn_booking booking;
	struct hn_error err = {0};

	snprintf(wanted.key, sizeof(wanted.key), "%s", key);
	if (hn_booking_make(&scene->service, &wanted, &booking, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(booking.step, HN_BOOKING_MADE);
	return reservation_of(scene);
}

static void without_a_hook_they_stay_homenodes(void **state)
{
	struct scene *scene = scene_with_one_parked();
	struct hn_managed *managed = &scene_add(scene, "web", 0, HN_GIB)->managed;
	struct hn_domain domain = {.uuid = WEB};

	managed->domain = &domain;
	snprintf(managed->guest->uuid, sizeof(managed->guest->uuid), WEB);
	managed->home = hn_placement_new(2, 1);
	managed->home->cells[0].nodes = hn_set_of(0);
	assert_true(hn_domain_pins_are_ours(managed));
	hn_arrival_record_home(managed);
	assert_int_equal(reservation_of(scene)->state, HN_RESERVATION_STARTED);
	assert_true(hn_domain_pins_are_ours(managed));
	domain.persistent = true;
	assert_true(hn_domain_pins_are_ours(managed));
	managed->domain = NULL;
	scene_free(scene);
}

static void a_plain_start_forgets_them(void **state)
{
	struct scene *scene = scene_with_one_parked();

	hook(scene, "prepare");
	assert_false(reservation_of(scene)->pinned);
	assert_false(reservation_of(scene)->rewritten);
	scene_free(scene);
}

/* With its client's reservation made before. */
static void so_does_one_that_a_client_has_booked(void **state)
{
	struct scene *scene = scene_with_one_parked();

	assert_true(book(scene, "order-1")->pinned);
	hook(scene, "prepare");
	assert_false(reservation_of(scene)->pinned);
	assert_false(reservation_of(scene)->rewritten);
	assert_string_equal(reservation_of(scene)->key, "order-1");
	scene_free(scene);
}

static void one_that_is_booked_and_restored_keeps_them(void **state)
{
	struct scene *scene = scene_with_one_parked();

	assert_true(book(scene, "order-1")->pinned);
	hook(scene, "restore");
	hook(scene, "prepare"); /* libvirt calls both */
	assert_true(reservation_of(scene)->pinned);
	assert_true(reservation_of(scene)->rewritten);
	scene_free(scene);
}

static void a_booking_given_back_leaves_them_known(void **state)
{
	struct scene *scene = scene_with_one_parked();
	struct hn_booking booking;

	assert_int_equal(hn_booking_drop(&scene->service, book(scene, "order-1"), &booking, NULL), 0);
	assert_int_equal(reservation_of(scene)->state, HN_RESERVATION_PARKED);
	assert_true(reservation_of(scene)->pinned);
	/* its key is free again, and so is the room */
	hn_reservations_expire(&scene->service.reservations, book(scene, "order-1")->expires_ns);
	assert_int_equal(reservation_of(scene)->state, HN_RESERVATION_PARKED);
	assert_true(reservation_of(scene)->pinned);
	assert_int_equal(reservation_of(scene)->expires_ns, 0);
	hn_booking_drop(&scene->service, reservation_of(scene), &booking, NULL);
	assert_null(reservation_of(scene));
	assert_int_equal(hn_booking_drop(&scene->service, book(scene, "order-1"), &booking, NULL), 0);
	assert_null(reservation_of(scene));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_hook_they_stay_homenodes),
		cmocka_unit_test(a_plain_start_forgets_them),
		cmocka_unit_test(so_does_one_that_a_client_has_booked),
		cmocka_unit_test(one_that_is_booked_and_restored_keeps_them),
		cmocka_unit_test(a_booking_given_back_leaves_them_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
