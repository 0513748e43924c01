/* Which mapping is which backend, and that nothing is guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/mappings.h"

#define MEMFD "/memfd:memory-backend-memfd"

static void add(struct hn_guest *guest, const char *id, int cell, uint64_t mib, const char *policy, int node)
{
	struct hn_backend *backend = hn_guest_add_backend(guest, id);

	assert_non_null(backend);
	backend->cell = cell;
	backend->bytes = mib * HN_MIB;
	backend->host_address = 0xdead; /* of an earlier time */
	snprintf(backend->policy, sizeof(backend->policy), "%s", policy);
	if (node >= 0)
		backend->host_nodes = hn_set_of(node);
}

static struct hn_mapping map(uint64_t start, uint64_t mib, const char *name, const char *policy, int node)
{
	struct hn_mapping mapping = {
		.start = start, .bytes = mib * HN_MIB, .page_bytes = 4096, .shared = true};

	snprintf(mapping.name, sizeof(mapping.name), "%s", name);
	snprintf(mapping.policy, sizeof(mapping.policy), "%s", policy);
	if (node >= 0)
		mapping.nodes = hn_set_of(node);
	return mapping;
}

#define MATCH(guest, notes, ...)                                                                   \
	do {                                                                                       \
		const struct hn_mapping mappings_[] = {__VA_ARGS__};                               \
		hn_backing_match(guest, mappings_, sizeof(mappings_) / sizeof(*mappings_), notes); \
	} while (0)

static struct hn_guest *two_equal_cells(const char *policy, int node0, int node1)
{
	struct hn_guest *guest = hn_guest_new("g");

	assert_non_null(guest);
	add(guest, "ram-node0", 0, 128, policy, node0);
	add(guest, "ram-node1", 1, 128, policy, node1);
	return guest;
}

static void assert_addresses(const struct hn_guest *guest, uint64_t first, uint64_t second)
{
	assert_int_equal(guest->backends[0].host_address, first);
	assert_int_equal(guest->backends[1].host_address, second);
}

static void sizes_tell(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_backing_notes notes;

	assert_non_null(guest);
	add(guest, "ram-node0", 0, 128, "", -1);
	add(guest, "ram-node1", 1, 256, "", -1);
	MATCH(guest, &notes, map(0x1000, 256, "", "", -1), map(0x2000, 8, "", "", -1),
	      map(0x3000, 128, "", "", -1));
	assert_addresses(guest, 0x3000, 0x1000);
	assert_int_equal(guest->backends[1].page_bytes, 4096);
	assert_true(guest->backends[1].shared);
	assert_int_equal(notes.count, 0);
	assert_false(notes.ambiguous);
}

static void names_tell(void **state)
{
	static const char *const names[][2] = {
		{"/dev/shm/qemu_back_mem.ram-node1.ev7jeq", "/dev/shm/qemu_back_mem.ram-node0.JaNOEn"},
		{"/dev/hugepages/libvirt/qemu/1-g/qemu_back_mem._objects_ram-node1.AbCdEf",
		 "/dev/hugepages/libvirt/qemu/1-g/qemu_back_mem._objects_ram-node0.XyZuVw"},
		{"/var/lib/libvirt/qemu/ram/1-g/ram-node1", "/var/lib/libvirt/qemu/ram/1-g/ram-node0"},
		/* one name leaves one */
		{"/dev/shm/qemu_back_mem.ram-node1.ev7jeq", ""},
		{MEMFD, "/var/lib/libvirt/qemu/ram/1-g/ram-node0"},
	};

	for (size_t i = 0; i < HN_COUNT(names); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = two_equal_cells("", -1, -1);
		struct hn_backing_notes notes;

		MATCH(guest, &notes, map(0x1000, 128, names[i][0], "", -1),
		      map(0x2000, 128, names[i][1], "", -1));
		assert_addresses(guest, 0x2000, 0x1000);
		assert_int_equal(notes.count, 0);
	}
}

/* libvirt calls a device's file after its alias, its object "mem" and that. */
static void a_devices_file_is_called_after_its_alias(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_backing_notes notes;

	assert_non_null(guest);
	add(guest, "memdimm1", 0, 128, "", -1);
	add(guest, "memdimm2", 1, 128, "", -1);
	MATCH(guest, &notes, map(0x1000, 128, "/var/lib/libvirt/qemu/ram/1-g/dimm2", "", -1),
	      map(0x2000, 128, "/var/lib/libvirt/qemu/ram/1-g/dimm1", "", -1));
	assert_addresses(guest, 0x2000, 0x1000);
	assert_int_equal(notes.count, 0);
	guest->backends[0].host_address = guest->backends[1].host_address = 0;
	MATCH(guest, &notes, map(0x1000, 128, "/dev/shm/qemu_back_mem.dimm2.ev7jeq", "", -1),
	      map(0x2000, 128, "/srv/ram/dimm1", "", -1)); /* who knows whose */
	assert_addresses(guest, 0, 0);
}

static void a_dot_in_an_id_is_part_of_it(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_backing_notes notes;

	assert_non_null(guest);
	add(guest, "pc.ram", 0, 64, "", -1);
	MATCH(guest, &notes, map(0x1000, 64, "", "", -1),
	      map(0x2000, 64, "/dev/shm/qemu_back_mem.pc.ram.LcpQ8a", "", -1));
	assert_int_equal(guest->backends[0].host_address, 0x2000);
}

static void equal_ones_are_not_guessed(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = two_equal_cells("", -1, -1);
	struct hn_backing_notes notes;

	MATCH(guest, &notes, map(0x1000, 128, MEMFD, "bind", 0), map(0x2000, 128, MEMFD, "bind", 1));
	assert_addresses(guest, 0, 0);
	assert_false(
		notes.ambiguous); /* it is not said what policy each has: reading them again tells no more */
	assert_int_equal(notes.count, 1);
	assert_non_null(strstr(notes.notes[0], "'ram-node0', 'ram-node1'"));
	assert_non_null(strstr(notes.notes[0], "128 MiB"));
}

static void policies_tell_equal_ones_apart(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = two_equal_cells("bind", 0, 1);
	struct hn_backing_notes notes;

	MATCH(guest, &notes, map(0x1000, 128, MEMFD, "", -1), map(0x2000, 128, MEMFD, "", -1));
	assert_addresses(guest, 0, 0);
	assert_true(notes.ambiguous);
	MATCH(guest, &notes, map(0x1000, 128, MEMFD, "bind", 1), map(0x2000, 128, MEMFD, "bind", 0));
	assert_addresses(guest, 0x2000, 0x1000);
	assert_int_equal(notes.count, 0);
	assert_false(notes.ambiguous);
}

/* A cpuset narrowed from 0-1 to 1-2 moved both policies up by one: what is bound to 1 was bound to 0. */
static void policies_that_moved_along_are_not_believed(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = two_equal_cells("bind", 0, 1);
	struct hn_backing_notes notes;

	MATCH(guest, &notes, map(0x1000, 128, MEMFD, "bind", 1), map(0x2000, 128, MEMFD, "bind", 2));
	assert_addresses(guest, 0, 0);
	assert_int_equal(notes.count, 1);
	assert_false(notes.ambiguous);
}

static void of_three_the_one_that_differs_is_told(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = two_equal_cells("bind", 0, 1);
	struct hn_backing_notes notes;

	add(guest, "ram-node2", 2, 128, "bind", 0);
	MATCH(guest, &notes, map(0x1000, 128, "", "bind", 0), map(0x2000, 128, "", "bind", 1),
	      map(0x3000, 128, "", "bind", 0));
	assert_addresses(guest, 0, 0x2000);
	assert_int_equal(guest->backends[2].host_address, 0);
	assert_int_equal(notes.count, 1);
}

static void backends_of_one_cell_are_interchangeable(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_backing_notes notes;

	assert_non_null(guest);
	add(guest, "pc.ram", 0, 256, "", -1);
	add(guest, "mem1", 0, 256, "", -1);
	MATCH(guest, &notes, map(0x1000, 256, "", "", -1), map(0x2000, 256, "", "", -1));
	assert_int_not_equal(guest->backends[0].host_address, guest->backends[1].host_address);
	assert_true(guest->backends[0].host_address && guest->backends[1].host_address);
	/* but not with something of that size that is not the guest's */
	MATCH(guest, &notes, map(0x1000, 256, "", "", -1), map(0x2000, 256, "", "", -1),
	      map(0x3000, 256, "", "", -1));
	assert_addresses(guest, 0, 0);
	assert_int_equal(notes.count, 1);
}

static void what_is_not_there_is_said(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = two_equal_cells("", -1, -1);
	struct hn_backing_notes notes;

	MATCH(guest, &notes, map(0x1000, 128, "", "", -1), map(0x2000, 100, "", "", -1));
	assert_addresses(guest, 0, 0);
	assert_int_equal(notes.count, 1);
	assert_non_null(strstr(notes.notes[0], "only 1 of 2"));
}

static void devices_memory_is_never_taken(void **state)
{
	static const char *const names[] = {"[heap]", "/dev/dri/renderD128", "/SYSV00000000", "/dev/vfio/12"};

	for (size_t i = 0; i < HN_COUNT(names); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
		struct hn_backing_notes notes;

		assert_non_null(guest);
		add(guest, "pc.ram", 0, 64, "", -1);
		MATCH(guest, &notes, map(0x1000, 64, names[i], "", -1));
		assert_int_equal(guest->backends[0].host_address, 0);
		MATCH(guest, &notes, map(0x1000, 64, names[i], "", -1), map(0x2000, 64, "/dev/zero", "", -1));
		assert_int_equal(guest->backends[0].host_address, 0x2000);
	}
}

static void notes_end_where_there_is_no_more_room(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_backing_notes notes;

	assert_non_null(guest);
	for (uint64_t i = 0; i < 2 * HN_BACKING_NOTES_MAX; i++) {
		char id[HN_NAME_MAX];

		memset(id, 'x', sizeof(id));
		snprintf(id + 100, 20, "%d", (int)i);
		add(guest, id, (int)i, 16 + i, "", -1);
	}
	MATCH(guest, &notes, map(0x1000, 1, "", "", -1));
	assert_int_equal(notes.count, HN_BACKING_NOTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_tell),
		cmocka_unit_test(names_tell),
		cmocka_unit_test(a_devices_file_is_called_after_its_alias),
		cmocka_unit_test(a_dot_in_an_id_is_part_of_it),
		cmocka_unit_test(equal_ones_are_not_guessed),
		cmocka_unit_test(policies_tell_equal_ones_apart),
		cmocka_unit_test(policies_that_moved_along_are_not_believed),
		cmocka_unit_test(of_three_the_one_that_differs_is_told),
		cmocka_unit_test(backends_of_one_cell_are_interchangeable),
		cmocka_unit_test(what_is_not_there_is_said),
		cmocka_unit_test(devices_memory_is_never_taken),
		cmocka_unit_test(notes_end_where_there_is_no_more_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
