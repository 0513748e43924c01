/*
 * What cannot be is refused, one bad field at a time, with the field and its value in the sentence; and the
 * same host, guest and snapshot without it pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/check.h"
#include "specimen.h"

/* Nodes 0 and 3 with two CPUs and 4 GiB each, node 5 with memory alone; two devices, a pool on node 0. */
static struct hn_host *good_host(void)
{
	static const int ids[] = {0, 3, 5};
	struct hn_host *host = hn_host_new("good", 3, 4);

	for (int i = 0; i < 3; i++) {
		host->nodes[i].id = ids[i];
		host->nodes[i].memory_bytes = 4 * HN_GIB;
		host->nodes[i].free_bytes = HN_GIB;
	}
	for (int i = 0; i < 4; i++) {
		hn_set_add(&host->nodes[i / 2].cpus, i);
		host->cpus[i].node = ids[i / 2];
	}
	host->nodes[0].pool_count = 2;
	host->nodes[0].pools[0] = (struct hn_page_pool){2 * HN_MIB, 10, 5};
	host->nodes[0].pools[1] = (struct hn_page_pool){HN_GIB, 1, 0};
	hn_host_add_device(host, "0000:01:00.0")->node = 3;
	hn_host_add_device(host, "0000:02:00.0");
	return host;
}

/* Cells 1 and 4 of two vCPUs and 512 MiB each, in 2 MiB pages. */
static struct hn_guest *good_guest(const char *name)
{
	struct hn_guest *guest = hn_guest_new(name);
	static const int ids[] = {1, 4};

	for (int i = 0; i < 2; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, ids[i]);

		cell->memory_bytes = 512 * HN_MIB;
		cell->page_bytes = 2 * HN_MIB;
		hn_set_add(&cell->vcpus, 2 * i);
		hn_set_add(&cell->vcpus, 2 * i + 1);
	}
	hn_guest_add_backend(guest, "ram")->cell = 4;
	hn_guest_add_thread(guest, 7, HN_THREAD_VCPU)->cell = 1;
	hn_guest_add_device(guest, "0000:01:00.0");
	hn_guest_add_device(guest, "0000:99:00.0"); /* which the host does not have */
	hn_set_add(&guest->allowed_nodes, 3);
	return guest;
}

static void assert_refused(int r, const struct hn_error *err, const char *sentence)
{
	assert_int_equal(r, -EINVAL);
	assert_int_equal(err->code, -EINVAL);
	if (!strstr(err->message, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err->message, sentence);
}

struct host_case {
	void (*spoil)(struct hn_host *host);
	const char *sentence;
};

#define SPOIL(name, ...)                       \
	static void name(struct hn_host *host) \
	{                                      \
		__VA_ARGS__;                   \
	}

SPOIL(no_nodes, host->node_count = 0)
SPOIL(no_cpus, host->cpu_count = 0)
SPOIL(node_twice, host->nodes[1].id = 0)
SPOIL(node_behind, host->nodes[2].id = 2)
SPOIL(node_negative, host->nodes[0].id = -1)
SPOIL(node_large, host->nodes[2].id = HN_SET_MAX)
SPOIL(free_above, host->nodes[1].free_bytes = 4 * HN_GIB + 1)
SPOIL(reserved_above, host->nodes[1].reserved_bytes = 4 * HN_GIB + 2)
SPOIL(watermark_above, host->nodes[1].watermark_bytes = 4 * HN_GIB + 2)
SPOIL(memory_huge, host->nodes[1].memory_bytes = UINT64_C(1) << 63)
SPOIL(memory_sum, host->nodes[0].memory_bytes = host->nodes[1].memory_bytes = UINT64_C(1) << 62)
SPOIL(kind_unknown, host->nodes[1].memory_kind = (enum hn_memory_kind)9)
SPOIL(pool_odd, host->nodes[0].pools[0].page_bytes = 3 * HN_MIB)
SPOIL(pool_none, host->nodes[0].pools[0].page_bytes = 0)
SPOIL(pool_twice, host->nodes[0].pools[1].page_bytes = 2 * HN_MIB)
SPOIL(pool_free, host->nodes[0].pools[0].free_pages = 11)
SPOIL(pool_large, host->nodes[0].pools[1].total_pages = 4)
SPOIL(pool_wraps, host->nodes[0].pools[1].total_pages = UINT64_C(1) << 34)
SPOIL(cpu_twice, host->cpus[2].id = 1)
SPOIL(cpu_in_two, hn_set_add(&host->nodes[1].cpus, 1))
SPOIL(cpu_in_none, hn_set_remove(&host->nodes[1].cpus, 3))
SPOIL(cpu_of_none, host->cpus[3].node = -1)
SPOIL(cpu_elsewhere, host->cpus[3].node = 0)
SPOIL(cpu_missing, hn_set_add(&host->nodes[2].cpus, 17))
SPOIL(distance_zero, host->distances[1] = 0)
SPOIL(distance_small, host->distances[1] = host->distances[3] = 9)
SPOIL(distance_self, host->distances[4] = 11)
SPOIL(distance_uneven, host->distances[5] = 31)
SPOIL(device_twice, snprintf(host->devices[1].name, 32, "0000:01:00.0"))
SPOIL(device_behind, snprintf(host->devices[0].name, 32, "0000:03:00.0"))
SPOIL(device_nameless, host->devices[0].name[0] = '\0')
SPOIL(device_nowhere, host->devices[1].node = 4)
SPOIL(no_memory, for (int i = 0; i < 2; i++) host->nodes[i] = (struct hn_node){.id = host->nodes[i].id,
									       .cpus = host->nodes[i].cpus})
SPOIL(all_gpu, host->nodes[0].memory_kind = host->nodes[1].memory_kind = HN_MEMORY_GPU)

static const struct host_case host_cases[] = {
	{no_nodes, "nodes: 0 of them"},
	{no_cpus, "cpus: 0 of them"},
	{node_twice, "nodes: id 0 is there twice"},
	{node_behind, "nodes: id 2 is not within 4..2047"},
	{node_negative, "nodes: id -1 is not within 0..2047"},
	{node_large, "nodes: id 2048 is not within 4..2047"},
	{free_above, "node 3: free_bytes 4294967297 is above memory_bytes 4294967296"},
	{watermark_above, "node 3: watermark_bytes 4294967298 is above memory_bytes 4294967296"},
	{reserved_above, "node 3: reserved_bytes 4294967298 is above memory_bytes 4294967296"},
	{memory_huge, "node 3: memory_bytes 9223372036854775808"},
	{memory_sum, "node 3: memory_bytes 4611686018427387904"},
	{kind_unknown, "node 3: memory_kind 9"},
	{pool_odd, "node 0: pools[0]: page_bytes 3145728"},
	{pool_none, "node 0: pools[0]: page_bytes 0"},
	{pool_twice, "node 0: pools[1]: page_bytes 2097152 is there twice"},
	{pool_free, "node 0: pools[0]: free_pages 11 is above total_pages 10"},
	{pool_large, "node 0: pools[1]: total_pages 4 of page_bytes 1073741824"},
	{pool_wraps, "node 0: pools[1]: total_pages 17179869184"},
	{cpu_twice, "cpus: id 1 is there twice"},
	{cpu_in_two, "node 3: cpus has CPU id 1, which another node has too"},
	{cpu_in_none, "CPU 3: node 3 does not have it among its cpus"},
	{cpu_of_none, "CPU 3: node -1 is no node's id"},
	{cpu_elsewhere, "CPU 3: node 0 does not have it"},
	{cpu_missing, "node 5: cpus has CPU id 17, which the host does not"},
	{distance_zero, "distances: 0 from node 0 to 3 is below 10"},
	{distance_small, "distances: 9 from node 0 to 3 is below 10"},
	{distance_self, "distances: 11 from node 3 to itself is not 10"},
	{distance_uneven, "distances: 31 from node 3 to 5, but 20 back"},
	{device_twice, "devices: name '0000:01:00.0' is there twice"},
	{device_behind, "devices: name '0000:02:00.0' comes behind '0000:03:00.0'"},
	{device_nameless, "devices[0]: name '' is empty"},
	{device_nowhere, "device '0000:02:00.0': node 4 is no node's id"},
	{no_memory, "nodes: 0 of 3 have both cpus and memory_bytes"},
	{all_gpu, "nodes: 0 of 3 have both cpus and memory_bytes"},
};

static void hosts_that_cannot_be_are_refused(void **state)
{
	for (size_t i = 0; i < HN_COUNT(host_cases); i++) {
		HN_AUTO(hn_host) struct hn_host *host = good_host();
		struct hn_error err = {0};

		assert_int_equal(hn_host_check(host, &err), 0);
		host_cases[i].spoil(host);
		assert_refused(hn_host_check(host, &err), &err, host_cases[i].sentence);
		assert_non_null(strstr(err.message, "host 'good'"));
		assert_int_equal(hn_host_check(host, NULL), -EINVAL);
	}
}

struct guest_case {
	void (*spoil)(struct hn_guest *guest);
	const char *sentence;
};

#define SPOIL_GUEST(name, ...)                   \
	static void name(struct hn_guest *guest) \
	{                                        \
		__VA_ARGS__;                     \
	}

SPOIL_GUEST(nameless, guest->name[0] = '\0')
SPOIL_GUEST(no_cells, guest->cell_count = 0)
SPOIL_GUEST(cell_twice, guest->cells[1].id = 1)
SPOIL_GUEST(cell_behind, guest->cells[1].id = 0)
SPOIL_GUEST(cell_negative, guest->cells[0].id = -2)
SPOIL_GUEST(cell_empty, hn_set_clear(&guest->cells[1].vcpus); guest->cells[1].memory_bytes = 0)
SPOIL_GUEST(no_guest_memory, guest->cells[0].memory_bytes = guest->cells[1].memory_bytes = 0)
SPOIL_GUEST(guest_memory_huge, guest->cells[0].memory_bytes = UINT64_MAX)
SPOIL_GUEST(guest_memory_sum, guest->cells[0].memory_bytes = guest->cells[1].memory_bytes = UINT64_C(1) << 62)
SPOIL_GUEST(page_odd, guest->cells[1].page_bytes = 3000)
SPOIL_GUEST(page_large, guest->cells[1].page_bytes = HN_GIB)
SPOIL_GUEST(vcpu_in_two, hn_set_add(&guest->cells[1].vcpus, 1))
SPOIL_GUEST(no_vcpus, hn_set_clear(&guest->cells[0].vcpus); hn_set_clear(&guest->cells[1].vcpus))
SPOIL_GUEST(thread_nowhere, guest->threads[0].cell = 2)
SPOIL_GUEST(backend_nowhere, guest->backends[0].cell = 0)
SPOIL_GUEST(backend_page, guest->backends[0].page_bytes = 4097)
SPOIL_GUEST(backend_huge, guest->backends[0].bytes = UINT64_MAX)
SPOIL_GUEST(mode_unknown, guest->mode = (enum hn_mode)17)
SPOIL_GUEST(class_unknown, guest->class = (enum hn_class)18)
SPOIL_GUEST(state_unknown, guest->state = (enum hn_run_state)19)
SPOIL_GUEST(near_and_apart, strcpy(guest->near, "db"); strcpy(guest->apart, "db"))
SPOIL_GUEST(device_listed_twice, strcpy(guest->devices[1], "0000:01:00.0"))
SPOIL_GUEST(device_empty, strcpy(guest->devices[1], ""))

static const struct guest_case guest_cases[] = {
	{nameless, "guest: name '' is empty"},
	{no_cells, "cells: 0 of them are not within 1..2048"},
	{cell_twice, "cells: id 1 is there twice"},
	{cell_behind, "cells: id 0 comes behind 1"},
	{cell_negative, "cells[0]: id -2 is negative"},
	{cell_empty, "cell 4: memory_bytes 0 and no vcpus"},
	{no_guest_memory, "memory_bytes: 0 in all cells"},
	{guest_memory_huge, "cell 1: memory_bytes 18446744073709551615"},
	{guest_memory_sum, "cell 4: memory_bytes 4611686018427387904"},
	{page_odd, "cell 4: page_bytes 3000 is no power of two"},
	{page_large, "cell 4: memory_bytes 536870912 is no multiple of page_bytes 1073741824"},
	{vcpu_in_two, "cell 4: vcpus has vCPU 1, which another cell has too"},
	{no_vcpus, "vcpus: 0 of them"},
	{thread_nowhere, "threads[0]: cell 2"},
	{backend_nowhere, "backend 'ram': cell 0"},
	{backend_page, "backend 'ram': page_bytes 4097"},
	{backend_huge, "backend 'ram': bytes 18446744073709551615"},
	{mode_unknown, "mode 17"},
	{class_unknown, "class 18"},
	{state_unknown, "state 19"},
	{near_and_apart, "near and apart both name the group 'db'"},
	{device_listed_twice, "devices: '0000:01:00.0' is there twice"},
	{device_empty, "devices[1]: '' is empty"},
};

static void guests_that_cannot_be_are_refused(void **state)
{
	for (size_t i = 0; i < HN_COUNT(guest_cases); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = good_guest("web-1");
		struct hn_error err = {0};

		assert_int_equal(hn_guest_check(guest, &err), 0);
		guest_cases[i].spoil(guest);
		assert_refused(hn_guest_check(guest, &err), &err, guest_cases[i].sentence);
		assert_true(guest->name[0] == '\0' || strstr(err.message, "guest 'web-1'"));
	}
}

/* A cell of vCPUs alone and one of memory alone exist: QEMU makes both, and libvirt more cells than vCPUs. */
static void cells_of_one_kind_are_possible(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = good_guest("g");
	struct hn_error err = {0};

	guest->cells[0].memory_bytes = 0;
	assert_int_equal(hn_guest_check(guest, &err), 0);
	guest->cells[0].memory_bytes = 512 * HN_MIB;
	hn_set_clear(&guest->cells[0].vcpus);
	assert_int_equal(hn_guest_check(guest, &err), 0);
	guest->cells[1].vcpus = hn_set_of(0);
	assert_int_equal(hn_guest_check(guest, &err), 0);
}

/* Two good guests on the good host, the first with a sample and a home. */
static struct hn_snapshot *good_snapshot(void)
{
	struct hn_snapshot *snapshot = hn_snapshot_new(good_host());
	struct hn_guest_state *first = hn_snapshot_add(snapshot);
	struct hn_placement *home = hn_placement_new(3, 2);

	first->guest = good_guest("web-1");
	first->sample = hn_sample_new(3, 2, 1);
	first->home = home;
	for (int i = 0; i < 2; i++) {
		home->cells[i].cell = first->guest->cells[i].id;
		home->cells[i].nodes = hn_set_of(3);
		home->cells[i].bytes[1] = 512 * HN_MIB;
	}
	hn_snapshot_add(snapshot)->guest = good_guest("web-2");
	strcpy(snapshot->guests[0].guest->uuid, "aa");
	strcpy(snapshot->guests[1].guest->uuid, "bb");
	return snapshot;
}

struct snapshot_case {
	void (*spoil)(struct hn_snapshot *snapshot);
	const char *sentence;
};

#define SPOIL_SNAPSHOT(name, ...)                      \
	static void name(struct hn_snapshot *snapshot) \
	{                                              \
		__VA_ARGS__;                           \
	}

SPOIL_SNAPSHOT(its_host, snapshot->host->distances[1] = 0)
SPOIL_SNAPSHOT(its_guest, snapshot->guests[1].guest->cells[0].page_bytes = 12)
SPOIL_SNAPSHOT(name_twice, strcpy(snapshot->guests[1].guest->name, "web-1"))
SPOIL_SNAPSHOT(node_beyond, snapshot->guests[0].sample->threads[0].last_node = 3)
SPOIL_SNAPSHOT(node_before, snapshot->guests[0].sample->threads[0].last_node = -2)
SPOIL_SNAPSHOT(home_of_another, snapshot->guests[0].home->cells[1].cell = 2)
SPOIL_SNAPSHOT(home_nowhere, hn_set_add(&snapshot->guests[0].home->cells[1].nodes, 9))
SPOIL_SNAPSHOT(home_too_crowded, snapshot->guests[0].home->cells[1].vcpus[1] = HN_SET_MAX + 1)
SPOIL_SNAPSHOT(home_too_large, snapshot->guests[0].home->cells[1].bytes[1] = INT64_MAX)
SPOIL_SNAPSHOT(all_too_large,
	       for (int i = 0; i < 2; i++) snapshot->guests[i].guest->cells[0].memory_bytes = (UINT64_C(1)
											       << 62))

static const struct snapshot_case snapshot_cases[] = {
	{its_host, "distances: 0 from node 0 to 3"},
	{its_guest, "guest 'web-2': cell 1: page_bytes 12"},
	{name_twice, "guests: name 'web-1' is there twice"},
	{node_beyond, "guest 'web-1': sample: threads[0]: last_node 3 is not within -1..2"},
	{node_before, "guest 'web-1': sample: threads[0]: last_node -2"},
	{home_of_another, "guest 'web-1': home: cells[1]: cell 2, where the guest's has id 4"},
	{home_nowhere, "guest 'web-1': home: cells[1]: nodes has id 9"},
	{home_too_crowded, "guest 'web-1': home: cells[1]: vcpus 2049 on node 3 are more than 2048"},
	{home_too_large, "guest 'web-1': home: cells[1]: bytes 9223372036854775807 on node 3"},
	{all_too_large, "guest 'web-2': memory_bytes 4611686018964258816"},
};

static void snapshots_that_cannot_be_are_refused(void **state)
{
	for (size_t i = 0; i < HN_COUNT(snapshot_cases); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = good_snapshot();
		struct hn_error err = {0};

		assert_int_equal(hn_snapshot_check(snapshot, &err), 0);
		snapshot_cases[i].spoil(snapshot);
		assert_refused(hn_snapshot_check(snapshot, &err), &err, snapshot_cases[i].sentence);
	}
}

/* The two ends of a migration within the host: the one tells its UUID as the other does. */
static void two_guests_may_have_one_uuid(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = good_snapshot();
	struct hn_error err = {0};

	strcpy(snapshot->guests[0].guest->uuid, "bb");
	assert_int_equal(hn_snapshot_check(snapshot, &err), 0);
}

static void a_good_host_needs_no_mending(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = good_host(), *before = good_host();
	char note[200] = "x";

	assert_int_equal(hn_host_mend(host, note, sizeof(note)), 0);
	assert_string_equal(note, "");
	assert_true(same_host(host, before));
}

static void a_table_of_firmware_is_mended(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = good_host();
	static const uint16_t told[9] = {10, 21, 0, 31, 0, 17, 5, 17, 12};
	static const uint16_t taken[9] = {10, 31, 20, 31, 10, 17, 20, 17, 10};
	struct hn_error err = {0};
	char note[200];

	memcpy(host->distances, told, sizeof(told));
	assert_int_equal(hn_host_mend(host, note, sizeof(note)), 4);
	assert_non_null(strstr(note, "21 from node 0 to 3 and 31 back"));
	assert_memory_equal(host->distances, taken, sizeof(taken));
	assert_int_equal(hn_host_check(host, &err), 0);
	assert_int_equal(hn_host_mend(host, note, sizeof(note)), 0);
}

static void cpus_of_no_node_are_left_out(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = good_host();
	struct hn_error err = {0};
	char note[300];

	hn_set_clear(&host->nodes[0].cpus);
	hn_set_add(&host->nodes[0].cpus, 1);
	host->cpus[0].node = -1;
	host->distances[5] = 30;
	assert_int_equal(hn_host_mend(host, note, sizeof(note)), 2);
	assert_string_equal(note, "1 CPUs from CPU 0 on are in no node: left out; "
				  "the machine tells distance 30 from node 3 to 5 and 20 back: taken as 30");
	assert_int_equal(host->cpu_count, 3);
	assert_int_equal(host->cpus[0].id, 1);
	assert_int_equal(hn_host_check(host, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_that_cannot_be_are_refused),
		cmocka_unit_test(guests_that_cannot_be_are_refused),
		cmocka_unit_test(cells_of_one_kind_are_possible),
		cmocka_unit_test(snapshots_that_cannot_be_are_refused),
		cmocka_unit_test(two_guests_may_have_one_uuid),
		cmocka_unit_test(a_good_host_needs_no_mending),
		cmocka_unit_test(a_table_of_firmware_is_mended),
		cmocka_unit_test(cpus_of_no_node_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
