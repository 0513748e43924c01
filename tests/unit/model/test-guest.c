/* A guest built up part by part, and its sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "specimen.h"

static void starts_empty_and_cuts_its_name(void **state)
{
	char name[3 * HN_NAME_MAX];
	struct hn_guest *guest;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	guest = hn_guest_new(name);
	assert_int_equal(strlen(guest->name), HN_NAME_MAX - 1);
	assert_int_equal(guest->cell_count + guest->thread_count + guest->backend_count, 0);
	assert_int_equal(hn_guest_memory_bytes(guest), 0);
	assert_int_equal(hn_guest_vcpu_count(guest), 0);
	assert_int_equal(hn_guest_cell_index(guest, 0), -1);
	hn_guest_free(guest);
	hn_guest_free(NULL);
}

static void parts_start_zeroed_and_unassigned(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");

	for (int i = 0; i < 100; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, 1000 - i);
		struct hn_thread *thread = hn_guest_add_thread(guest, 50 + i, HN_THREAD_IOTHREAD);
		struct hn_backend *backend = hn_guest_add_backend(guest, "ram");

		assert_int_equal(cell->id, 1000 - i);
		assert_int_equal(cell->memory_bytes, 0);
		assert_true(hn_set_empty(&cell->vcpus));
		assert_int_equal(thread->tid, 50 + i);
		assert_int_equal(thread->kind, HN_THREAD_IOTHREAD);
		assert_int_equal(thread->vcpu, -1);
		assert_int_equal(thread->cell, -1);
		assert_string_equal(thread->name, "");
		assert_string_equal(backend->id, "ram");
		assert_int_equal(backend->cell, -1);
		assert_int_equal(backend->movability, HN_MOVABLE);
		memset(cell, 0xff, sizeof(*cell));
		cell->id = 1000 - i;
		memset(thread, 0xff, sizeof(*thread));
		memset(backend, 0xff, sizeof(*backend));
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(hn_guest_cell_index(guest, 1000 - i), i);
	assert_int_equal(hn_guest_cell_index(guest, 900), -1);
	assert_int_equal(hn_guest_cell_index(guest, 1001), -1);
}

static void sums_go_over_all_cells(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");

	for (int i = 0; i < 3; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, i);

		cell->memory_bytes = UINT64_C(1) << (40 + i);
		for (int vcpu = 0; vcpu <= i; vcpu++)
			hn_set_add(&cell->vcpus, 10 * i + vcpu);
	}
	assert_true(hn_guest_memory_bytes(guest) == UINT64_C(7) << 40);
	assert_int_equal(hn_guest_vcpu_count(guest), 6);
}

static void a_copy_is_equal_and_apart(void **state)
{
	struct hn_random random = {4};

	for (int round = 0; round < 100; round++) {
		HN_AUTO(hn_guest)
		struct hn_guest *guest = specimen_guest(&random), *copy = hn_guest_copy(guest);

		assert_true(same_guest(guest, copy));
		if (copy->cell_count == 0)
			continue;
		copy->cells[0].memory_bytes ^= 1;
		assert_false(same_guest(guest, copy));
		copy->cells[0].memory_bytes ^= 1;
		hn_guest_add_thread(copy, 1, HN_THREAD_VCPU);
		assert_false(same_guest(guest, copy));
	}
}

static void cells_are_the_same_with_their_vcpus_and_their_memory(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *a = hn_guest_new("a"), *b = NULL;
	struct hn_cell *cell = hn_guest_add_cell(a, 3);

	hn_set_add(&cell->vcpus, 1);
	cell->memory_bytes = 4096;
	b = hn_guest_copy(a);
	assert_true(hn_guest_same_vcpus(a, b) && hn_guest_same_cells(a, b));
	b->cells[0].memory_bytes += 4096;
	assert_true(hn_guest_same_vcpus(a, b) && !hn_guest_same_cells(a, b));
	hn_set_add(&b->cells[0].vcpus, 2);
	assert_false(hn_guest_same_vcpus(a, b));
	b->cells[0] = a->cells[0];
	b->cells[0].id = 4;
	assert_false(hn_guest_same_vcpus(a, b));
	b->cells[0].id = 3;
	hn_guest_add_cell(b, 4);
	assert_false(hn_guest_same_vcpus(a, b) || hn_guest_same_cells(a, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty_and_cuts_its_name),
		cmocka_unit_test(parts_start_zeroed_and_unassigned),
		cmocka_unit_test(sums_go_over_all_cells),
		cmocka_unit_test(cells_are_the_same_with_their_vcpus_and_their_memory),
		cmocka_unit_test(a_copy_is_equal_and_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
