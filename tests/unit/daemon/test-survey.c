/* A guest made up from libvirt's XML and /proc. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "daemon/survey.h"

/* vCPU 0 in cell 0, vCPU 1 in cell 1. */
static struct hn_guest *make_guest(void)
{
	struct hn_guest *guest = hn_guest_new("web");

	for (int id = 0; id < 2; id++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, id);

		cell->memory_bytes = 64 * HN_MIB;
		hn_set_add(&cell->vcpus, id);
	}
	return guest;
}

static struct hn_thread_reading reading(pid_t tid, const char *name)
{
	struct hn_thread_reading reading = {.tid = tid};

	strcpy(reading.name, name);
	return reading;
}

static void test_threads_are_known_by_their_names(void **state)
{
	const struct hn_thread_reading readings[] = {
		reading(10, "qemu-system-x86"),
		reading(11, "CPU 0/KVM"),
		reading(12, "CPU 1/TCG"),
		reading(13, "IO iothread2"),
		reading(14, "IO mon_iothread"),
		reading(15, "CPU usage"),
		reading(16, "vhost-10"),
		{.tid = 17, .name = "CPU 0/KVM", .helper = 1}, /* another process */
	};
	struct hn_guest *from = make_guest(), *guest = NULL;
	struct hn_backing_notes notes = {0};

	assert_int_equal(hn_survey_merge(from, readings, HN_COUNT(readings), NULL, 0, &guest, &notes, NULL),
			 0);
	assert_int_equal(guest->thread_count, 3);
	assert_int_equal(guest->threads[0].tid, 11);
	assert_int_equal(guest->threads[0].vcpu, 0);
	assert_int_equal(guest->threads[0].cell, 0);
	assert_int_equal(guest->threads[1].tid, 12);
	assert_int_equal(guest->threads[1].vcpu, 1);
	assert_int_equal(guest->threads[1].cell, 1);
	assert_int_equal(guest->threads[2].tid, 13);
	assert_int_equal(guest->threads[2].kind, HN_THREAD_IOTHREAD);
	assert_int_equal(guest->threads[2].cell, -1);
	hn_guest_free(guest);
	hn_guest_free(from);
}

/* 4 of 32 MiB are plugged; all of them are mapped. */
static void test_virtio_mem_counts_with_what_it_gives(void **state)
{
	const struct hn_thread_reading readings[] = {reading(11, "CPU 0/KVM")};
	const uint64_t sizes[] = {64 * HN_MIB, 64 * HN_MIB, 32 * HN_MIB};
	struct hn_guest *from = make_guest(), *guest = NULL;
	struct hn_backing_notes notes = {0};

	for (size_t i = 0; i < HN_COUNT(sizes); i++) {
		struct hn_backend *backend = hn_guest_add_backend(from, i < 2 ? "ram" : "memvirtiomem0");

		backend->cell = i == 1 ? 1 : 0;
		backend->bytes = sizes[i];
	}
	from->cells[0].memory_bytes += 4 * HN_MIB;
	assert_int_equal(hn_survey_merge(from, readings, 1, NULL, 0, &guest, &notes, NULL), 0);
	assert_true(guest->cells[0].memory_bytes == 68 * HN_MIB);
	assert_true(guest->backends[2].bytes == 32 * HN_MIB);
	assert_true(guest->cells[1].memory_bytes == 64 * HN_MIB);
	hn_guest_free(guest);
	hn_guest_free(from);
}

static void test_a_qemu_that_names_no_thread_is_refused(void **state)
{
	const struct hn_thread_reading readings[] = {reading(10, "qemu-system-x86"),
						     reading(11, "qemu-system-x86")};
	struct hn_guest *from = make_guest(), *guest = NULL;
	struct hn_backing_notes notes = {0};
	struct hn_error err;

	assert_int_equal(hn_survey_merge(from, readings, HN_COUNT(readings), NULL, 0, &guest, &notes, &err),
			 -ENOENT);
	assert_non_null(strstr(err.message, "debug-threads"));
	assert_null(guest);
	hn_guest_free(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_are_known_by_their_names),
		cmocka_unit_test(test_virtio_mem_counts_with_what_it_gives),
		cmocka_unit_test(test_a_qemu_that_names_no_thread_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
