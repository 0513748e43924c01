/* Whose the pins are that libvirt shows: an operator's stay, homenode's own may be changed by homenode. */
#include "daemon/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "6f6f6f6f-0000-4000-8000-000000000001"

struct yard {
	struct hn_service service;
	struct hn_domain domain;
	struct hn_managed managed;
	struct hn_reservation *reservation;
	struct hn_thread vcpu, emulator;
};

/* Its XML pins the emulator, and homenode has pinned something, too. */
static int set_up(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));
	struct hn_guest *guest = hn_guest_new("web");
	struct hn_error err;

	snprintf(guest->uuid, sizeof(guest->uuid), "%s", UUID);
	snprintf(yard->domain.uuid, sizeof(yard->domain.uuid), "%s", UUID);
	hn_set_add(&yard->domain.wishes.emulator_cpus, 1);
	yard->managed.service = &yard->service;
	yard->managed.domain = &yard->domain;
	snprintf(yard->managed.name, sizeof(yard->managed.name), "web");
	yard->vcpu = (struct hn_thread){.tid = 10, .kind = HN_THREAD_VCPU, .vcpu = 0};
	yard->emulator = (struct hn_thread){.tid = 11, .kind = HN_THREAD_EMULATOR, .vcpu = -1};
	assert_int_equal(hn_reservations_init(&yard->service.reservations, "/nonexistent/reservations", &err),
			 0);
	yard->reservation = hn_reservation_new(guest, hn_placement_new(1, 1));
	yard->reservation->pinned = true;
	assert_int_equal(hn_reservations_put(&yard->service.reservations, yard->reservation, &err), 0);
	*state = yard;
	return 0;
}

static int tear_down(void **state)
{
	struct yard *yard = *state;

	hn_reservations_done(&yard->service.reservations);
	free(yard);
	return 0;
}

static void a_definition_is_its_operators(void **state)
{
	struct yard *yard = *state;

	yard->domain.persistent = true;
	assert_true(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
	assert_false(hn_domain_keeps_thread(&yard->managed, &yard->vcpu));
	assert_true(hn_domain_has_kept_pins(&yard->managed));
	assert_false(hn_domain_vcpus_pinned(&yard->managed));
}

static void one_that_homenode_writes_is_not(void **state)
{
	struct yard *yard = *state;

	yard->domain.persistent = yard->managed.persist = true;
	assert_false(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
}

static void nor_one_that_came_with_the_guest(void **state)
{
	struct yard *yard = *state;

	yard->domain.persistent = yard->reservation->rewritten = true;
	assert_false(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
}

/* It has no XML but that of its run, with homenode's pins among its own. */
static void a_transient_domains_are_whose_reservation_says(void **state)
{
	struct yard *yard = *state;

	assert_false(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
	yard->reservation->pinned = false;
	assert_true(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
	yard->managed.override_pins = true;
	assert_false(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
	assert_false(hn_domain_has_kept_pins(&yard->managed));
}

/* Pages that QEMU has been given past libvirt, as by <qemu:commandline>. */
static void xml_without_a_page_size_leaves_what_qemu_tells(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *from_xml = hn_guest_new("web"), *told = hn_guest_new("web");
	struct hn_domain domain = {.guest = from_xml};

	assert_non_null(hn_guest_add_cell(from_xml, 0));
	assert_non_null(hn_guest_add_cell(told, 0));
	told->cells[0].page_bytes = 2 << 20;
	hn_domain_complete(&domain, told);
	assert_int_equal(told->cells[0].page_bytes, 2 << 20);
	from_xml->cells[0].page_bytes = 1 << 30;
	hn_domain_complete(&domain, told);
	assert_int_equal(told->cells[0].page_bytes, 1 << 30);
	/* plugged in since the XML was told, in pages of its own */
	told->cells[0].memory_bytes = 512 << 20;
	told->cells[0].page_bytes = 2 << 20;
	hn_domain_complete(&domain, told);
	assert_int_equal(told->cells[0].page_bytes, 2 << 20);
}

/* It may wish anything, and is watched only. */
static void one_whose_xml_could_never_be_read_keeps_all(void **state)
{
	struct yard *yard = *state;
	struct hn_guest *guest = yard->reservation->guest;
	enum hn_setting_source sources[HN_SETTING_COUNT];
	struct hn_config config = {.mode = HN_MODE_ENFORCE};
	char why[] = "line 1: no domain";

	yard->service.config = &config;
	yard->domain.unread = why;
	yard->managed.override_pins = true;
	hn_set_clear(&yard->domain.wishes.emulator_cpus);
	assert_true(hn_domain_keeps_thread(&yard->managed, &yard->emulator));
	assert_true(hn_domain_keeps_thread(&yard->managed, &yard->vcpu));
	assert_true(hn_domain_keeps_pin(&yard->managed, HN_VIRT_IOTHREAD, 3));
	assert_true(hn_domain_has_kept_pins(&yard->managed));
	assert_true(hn_domain_vcpus_pinned(&yard->managed));
	assert_int_equal(hn_domain_settings(&yard->managed, guest, sources).mode, HN_MODE_OBSERVE);
	assert_int_equal(sources[HN_SETTING_MODE], HN_SOURCE_DOMAIN);
	config.mode = HN_MODE_OFF;
	assert_int_equal(hn_domain_settings(&yard->managed, guest, NULL).mode, HN_MODE_OFF);

	/* what was read before it became unreadable holds */
	config.mode = HN_MODE_ENFORCE;
	yard->domain.guest = guest;
	assert_false(hn_domain_keeps_thread(&yard->managed, &yard->vcpu));
	assert_int_equal(hn_domain_settings(&yard->managed, guest, NULL).mode, HN_MODE_ENFORCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_definition_is_its_operators, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_homenode_writes_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nor_one_that_came_with_the_guest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_transient_domains_are_whose_reservation_says, set_up,
						tear_down),
		cmocka_unit_test(xml_without_a_page_size_leaves_what_qemu_tells),
		cmocka_unit_test_setup_teardown(one_whose_xml_could_never_be_read_keeps_all, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
