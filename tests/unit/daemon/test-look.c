/* Turning what the hands saw into a sample. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/units.h"
#include "daemon/guest.h"
#include "daemon/look.h"
#include "host/residency.h"

/* Two nodes of two CPUs, ids 0 and 2. */
static struct hn_host *make_host(void)
{
	struct hn_host *host = hn_host_new("test", 2, 4);

	assert_non_null(host);
	host->nodes[1].id = 2;
	for (int cpu = 0; cpu < 4; cpu++) {
		host->cpus[cpu].node = cpu < 2 ? 0 : 2;
		hn_set_add(&host->nodes[cpu / 2].cpus, cpu);
	}
	return host;
}

/* One cell, vCPU threads 11 and 12, iothread 13. */
static struct hn_guest *make_guest(void)
{
	struct hn_guest *guest = hn_guest_new("web");

	assert_non_null(guest);
	hn_guest_add_cell(guest, 0)->memory_bytes = HN_MIB;
	for (int vcpu = 0; vcpu < 2; vcpu++) {
		struct hn_thread *thread = hn_guest_add_thread(guest, 11 + vcpu, HN_THREAD_VCPU);

		thread->vcpu = vcpu;
		thread->cell = 0;
	}
	hn_guest_add_thread(guest, 13, HN_THREAD_IOTHREAD);
	return guest;
}

static struct hn_thread_reading reading(pid_t tid, const char *name, int cpu, uint64_t cpu_ns,
					const char *allowed)
{
	struct hn_thread_reading reading = {.tid = tid, .last_cpu = cpu, .cpu_ns = cpu_ns};

	strcpy(reading.name, name);
	assert_int_equal(hn_set_parse(allowed, &reading.allowed, NULL), 0);
	return reading;
}

/* The mover pays for hugetlb pages whole; what QEMU says of pages its memory cannot be made of is not heeded.
 */
static void test_ranges_tell_hugetlb_pages(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = make_guest();
	const struct {
		uint64_t start, bytes, page_bytes, told;
	} cases[] = {{4 * HN_GIB, 2 * HN_GIB, HN_GIB, HN_GIB},
		     {8 * HN_GIB, 6 * HN_MIB, 2 * HN_MIB, 2 * HN_MIB},
		     {9 * HN_GIB, HN_GIB, hn_base_page_bytes(), 0},
		     {10 * HN_GIB, HN_GIB, 0, 0},
		     {12 * HN_GIB + HN_MIB, HN_GIB, HN_GIB, 0},
		     {14 * HN_GIB, HN_GIB + HN_MIB, HN_GIB, 0}};
	struct hn_range ranges[HN_COUNT(cases)];

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_backend *backend = hn_guest_add_backend(guest, "ram");

		backend->cell = 0;
		backend->host_address = cases[i].start;
		backend->bytes = cases[i].bytes;
		backend->page_bytes = cases[i].page_bytes;
	}
	assert_int_equal(hn_managed_ranges(guest, 0, ranges), HN_COUNT(cases));
	for (size_t i = 0; i < HN_COUNT(cases); i++)
		assert_int_equal(ranges[i].page_bytes, cases[i].told);
}

struct fixture {
	struct hn_host *host;
	struct hn_guest *guest;
	struct hn_thread_history *history;
	size_t history_count;
	struct hn_sample *sample;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->host = make_host();
	fixture->guest = make_guest();
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < fixture->history_count; i++)
		free(fixture->history[i].residency);
	free(fixture->history);
	hn_sample_free(fixture->sample);
	hn_guest_free(fixture->guest);
	hn_host_free(fixture->host);
	free(fixture);
	return 0;
}

static void merge(struct fixture *fixture, const struct hn_page_counts *counts,
		  const struct hn_thread_reading *readings, size_t count, uint64_t now_ns)
{
	struct hn_error err;

	hn_sample_free(fixture->sample);
	fixture->sample = NULL;
	assert_int_equal(hn_look_merge(fixture->host, fixture->guest, counts, readings, count, now_ns,
				       &fixture->history, &fixture->history_count, &fixture->sample, &err),
			 0);
}

static void test_pages_are_counted_by_index_and_foreign_nodes_are_unknown(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading readings[] = {reading(11, "CPU 0/KVM", 0, 0, "0-3")};
	struct hn_page_counts counts = {.cell = 0, .sampled = 100, .absent = 10, .unknown = 5};

	counts.on_node[0] = 40;
	counts.on_node[2] = 30;
	counts.on_node[7] = 15; /* a node this host does not have: it went offline since */
	merge(fixture, &counts, readings, 1, HN_NS_PER_S);
	assert_int_equal(fixture->sample->cells[0].on_node[0], 40);
	assert_int_equal(fixture->sample->cells[0].on_node[1], 30);
	assert_int_equal(fixture->sample->cells[0].absent, 10);
	assert_int_equal(fixture->sample->cells[0].unknown, 20);
}

/* 8 MiB of memory, and virtio-mem that maps 24 and has plugged 4: what is left of a look stands for 12. */
static void test_what_virtio_mem_has_not_plugged_is_no_memory(void **state)
{
	static const uint64_t sizes[] = {8 * HN_MIB, 24 * HN_MIB, HN_GIB};
	struct fixture *fixture = *state;
	struct hn_thread_reading readings[] = {reading(11, "CPU 0/KVM", 0, 0, "0-3")};
	struct hn_page_counts counts = {.cell = 0, .sampled = 800, .absent = 550};
	const struct hn_cell_sample *seen;

	fixture->guest->cells[0].memory_bytes = 12 * HN_MIB;
	for (size_t i = 0; i < HN_COUNT(sizes); i++) {
		struct hn_backend *backend = hn_guest_add_backend(fixture->guest, "ram");

		backend->cell = 0;
		backend->bytes = sizes[i];
		backend->host_address = i < 2 ? HN_GIB + i * HN_GIB : 0; /* the last is not looked at */
	}
	counts.on_node[0] = 150;
	counts.on_node[2] = 100;
	merge(fixture, &counts, readings, 1, HN_NS_PER_S);
	seen = &fixture->sample->cells[0];
	assert_int_equal(seen->sampled, 300);
	assert_int_equal(seen->absent, 50);
	assert_int_equal(seen->unknown, 0);
	assert_int_equal(seen->on_node[0] + seen->on_node[1], 250);
	counts.absent = 100; /* more is there than has been told: it has just been plugged */
	counts.on_node[0] = 600;
	merge(fixture, &counts, readings, 1, 2 * HN_NS_PER_S);
	seen = &fixture->sample->cells[0];
	assert_int_equal(seen->sampled, 700);
	assert_int_equal(seen->absent, 0);
	assert_int_equal(seen->unknown, 0);
}

static void test_threads_are_named_and_sorted_by_what_they_do(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading readings[] = {
		reading(10, "qemu-system-x86", 0, 0, "0-3"), reading(11, "CPU 0/KVM", 0, 0, "0-3"),
		reading(12, "CPU 1/KVM", 2, 0, "0-3"),       reading(13, "IO iothread1", 1, 0, "0-3"),
		reading(99, "vhost-10", 1, 0, "0-3"),        reading(200, "vhost-device-gp", 1, 0, "0-3"),
	};
	struct hn_page_counts counts = {.cell = 0};
	const struct hn_guest *guest = fixture->guest;

	readings[5].helper = true;
	merge(fixture, &counts, readings, 6, HN_NS_PER_S);
	assert_int_equal(guest->thread_count, 6);
	assert_int_equal(fixture->sample->thread_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(fixture->sample->threads[i].tid, guest->threads[i].tid);
		if (guest->threads[i].tid == 10)
			assert_int_equal(guest->threads[i].kind, HN_THREAD_EMULATOR);
		else if (guest->threads[i].tid == 99)
			assert_int_equal(guest->threads[i].kind, HN_THREAD_VHOST);
		else if (guest->threads[i].tid == 200)
			assert_int_equal(guest->threads[i].kind, HN_THREAD_HELPER);
		else if (guest->threads[i].tid == 13)
			assert_int_equal(guest->threads[i].kind, HN_THREAD_IOTHREAD);
		else
			assert_int_equal(guest->threads[i].kind, HN_THREAD_VCPU);
	}
}

static void test_threads_that_end_go_and_keep_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading readings[] = {reading(11, "CPU 0/KVM", 0, 0, "0-3"),
					       reading(12, "CPU 1/KVM", 0, 0, "0-3"),
					       reading(20, "worker", 0, 0, "0-3")};
	struct hn_page_counts counts = {.cell = 0};

	merge(fixture, &counts, readings, 3, HN_NS_PER_S);
	assert_int_equal(fixture->guest->thread_count, 3);
	merge(fixture, &counts, readings, 1, 2 * HN_NS_PER_S);
	assert_int_equal(fixture->guest->thread_count, 1);
	assert_int_equal(fixture->history_count, 1);
	assert_int_equal(fixture->guest->threads[0].tid, 11);
	merge(fixture, &counts, readings, 0, 3 * HN_NS_PER_S);
	assert_int_equal(fixture->sample->thread_count, 0);
}

static void test_residency_goes_on_from_look_to_look(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading first[] = {reading(11, "CPU 0/KVM", 0, 0, "0-3")};
	struct hn_thread_reading second[] = {reading(11, "CPU 0/KVM", 1, HN_NS_PER_S / 2, "0-3")};
	struct hn_thread_reading third[] = {reading(11, "CPU 0/KVM", 3, HN_NS_PER_S, "0-3")};
	struct hn_page_counts counts = {.cell = 0};
	const struct hn_thread_sample *thread;

	merge(fixture, &counts, first, 1, 10 * HN_NS_PER_S);
	merge(fixture, &counts, second, 1, 11 * HN_NS_PER_S);
	thread = &fixture->sample->threads[0];
	assert_true(thread->residency[0] > 0.999);
	assert_true(thread->busy > 0.4 && thread->busy < 0.6);
	merge(fixture, &counts, third, 1, 12 * HN_NS_PER_S);
	thread = &fixture->sample->threads[0];
	/* as much time on either node, the later a little heavier */
	assert_true(thread->residency[1] >= 0.5 && thread->residency[1] < 0.6);
	assert_int_equal(thread->last_node, 1);
}

static void test_a_thread_bound_to_one_node_is_there_whatever_was_seen(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading readings[] = {reading(11, "CPU 0/KVM", 0, 0, "2-3")};
	struct hn_page_counts counts = {.cell = 0};

	merge(fixture, &counts, readings, 1, HN_NS_PER_S);
	assert_int_equal(fixture->sample->threads[0].last_node, 1);
}

/* Moved by hand or by homenode: what counts is where it may run from now on. */
static void test_a_thread_bound_elsewhere_has_left_where_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading first[] = {reading(11, "CPU 0/KVM", 0, 0, "0-1")};
	struct hn_thread_reading second[] = {reading(11, "CPU 0/KVM", 1, 10 * HN_NS_PER_S, "0-1")};
	struct hn_thread_reading idle[] = {reading(11, "CPU 0/KVM", 1, 10 * HN_NS_PER_S, "2-3")};
	struct hn_thread_reading busy[] = {reading(11, "CPU 0/KVM", 2, 11 * HN_NS_PER_S, "2-3")};
	struct hn_page_counts counts = {.cell = 0};
	const struct hn_thread_sample *thread;

	merge(fixture, &counts, first, 1, 10 * HN_NS_PER_S);
	merge(fixture, &counts, second, 1, 20 * HN_NS_PER_S);
	assert_true(fixture->sample->threads[0].residency[0] == 1);
	merge(fixture, &counts, idle, 1, 21 * HN_NS_PER_S);
	thread = &fixture->sample->threads[0];
	assert_true(thread->residency[0] == 0);
	assert_int_equal(thread->last_node, 1);
	assert_true(thread->busy > 0.8); /* that it was busy is still so */
	merge(fixture, &counts, busy, 1, 22 * HN_NS_PER_S);
	thread = &fixture->sample->threads[0];
	assert_true(thread->residency[0] == 0 && thread->residency[1] == 1);
}

/* Each held against each would take hours: twice, and once more to tell whether it is realtime. */
static void test_very_many_threads_are_no_trouble(void **state)
{
	enum { VCPUS = 1 << 18, COUNT = VCPUS + 2 };
	struct fixture *fixture = *state;
	struct hn_guest *guest = fixture->guest;
	struct hn_thread_reading *readings = calloc(COUNT, sizeof(*readings));
	struct hn_page_counts counts = {.cell = 0};

	free(guest->threads);
	guest->threads = calloc(VCPUS, sizeof(*guest->threads));
	guest->thread_count = VCPUS;
	assert_true(readings && guest->threads);
	for (int i = 0; i < COUNT; i++) {
		readings[i] = (struct hn_thread_reading){.tid = 100 + i};
		hn_set_add(&readings[i].allowed, 0);
	}
	for (int i = 0; i < VCPUS; i++) /* backwards, behind the first */
		guest->threads[i] =
			(struct hn_thread){.tid = 100 + VCPUS - i, .kind = HN_THREAD_VCPU, .vcpu = i};
	fixture->host->cpus[0].isolated = true;
	assert_true(hn_look_runs_realtime(fixture->host, guest, readings, COUNT));
	for (uint64_t look = 1; look <= 2; look++) {
		merge(fixture, &counts, readings, COUNT, look * HN_NS_PER_S);
		assert_int_equal(fixture->sample->thread_count, COUNT);
		assert_int_equal(fixture->history_count, COUNT);
	}
	assert_int_equal(guest->threads[0].tid, 100 + VCPUS);
	assert_int_equal(guest->threads[VCPUS].tid, 100);
	assert_int_equal(guest->threads[VCPUS + 1].tid, 100 + VCPUS + 1);
	free(readings);
}

/* FIFO and RR count alike, and so do isolated CPUs; what all vCPUs do not share does not count. */
static void test_threads_tell_that_a_guest_is_realtime(void **state)
{
	struct fixture *fixture = *state;
	struct hn_thread_reading readings[] = {
		reading(11, "CPU 0/KVM", 0, 0, "0"),
		reading(12, "CPU 1/KVM", 1, 0, "1"),
		reading(13, "IO iothread1", 2, 0, "2"),
	};

	assert_false(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	readings[2].scheduling_policy = SCHED_FIFO; /* an iothread of any guest may be */
	assert_false(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	readings[0].scheduling_policy = SCHED_FIFO;
	assert_false(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	readings[1].scheduling_policy = SCHED_RR;
	assert_true(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	readings[0].scheduling_policy = readings[1].scheduling_policy = SCHED_BATCH;
	assert_false(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	fixture->host->cpus[0].isolated = true;
	assert_false(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	fixture->host->cpus[1].isolated = true;
	assert_true(hn_look_runs_realtime(fixture->host, fixture->guest, readings, 3));
	assert_false(hn_look_runs_realtime(fixture->host, fixture->guest, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_tell_hugetlb_pages),
		cmocka_unit_test_setup_teardown(test_pages_are_counted_by_index_and_foreign_nodes_are_unknown,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_virtio_mem_has_not_plugged_is_no_memory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_threads_are_named_and_sorted_by_what_they_do, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_threads_that_end_go_and_keep_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_residency_goes_on_from_look_to_look, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_thread_bound_to_one_node_is_there_whatever_was_seen,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_thread_bound_elsewhere_has_left_where_it_was, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_very_many_threads_are_no_trouble, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_threads_tell_that_a_guest_is_realtime, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
