/* Room made by moving others is counted to the last byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "policy/admit.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 0, .steps = 200000};

static uint64_t bytes_on(const struct hn_placement *home, size_t node)
{
	uint64_t bytes = 0;

	for (size_t cell = 0; home && cell < home->cell_count; cell++)
		bytes += home->cells[cell].bytes[node];
	return bytes;
}

/* All have left; then the placements are carried out one after the other. */
static void assert_there_is_room(const struct hn_snapshot *snapshot, const struct hn_admission *admission)
{
	for (size_t node = 0; node < snapshot->host->node_count; node++) {
		uint64_t room = snapshot->host->nodes[node].free_bytes, wanted = 0;

		for (size_t i = 0; i < admission->count; i++) {
			room += bytes_on(snapshot->guests[admission->guests[i].guest].home, node);
			wanted += bytes_on(admission->guests[i].placement, node);
		}
		assert_true(wanted <= room);
	}
}

/* A guest of one cell with so much of its memory, and of its home, on each of two nodes. */
static size_t split_guest(struct hn_snapshot *snapshot, uint64_t first_mib, uint64_t second_mib)
{
	size_t guest = scene_guest(snapshot, "split");
	struct hn_cell_home *home;

	scene_cell(snapshot, guest, first_mib + second_mib, 1);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, first_mib);
	scene_pages(snapshot, guest, 0, 1, second_mib);
	scene_home(snapshot, guest, 0, 0);
	home = &snapshot->guests[guest].home->cells[0];
	hn_set_add(&home->nodes, 1);
	home->bytes[0] = first_mib * MIB;
	home->bytes[1] = second_mib * MIB;
	return guest;
}

/*
 * 990 MiB of a resident are on node 0, which is full, and 10 on node 1, where the newcomer wants all: that
 * the 10 find room on node 0 is not for granted, however few they are.
 */
static void a_small_part_of_a_resident_needs_room_as_well(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 1000);
	struct hn_admission admission;
	struct hn_error err = {0};
	size_t newcomer;

	split_guest(snapshot, 990, 10);
	newcomer = scene_guest(snapshot, "new");
	scene_cell(snapshot, newcomer, 510, 1);
	scene_free_mib(snapshot, 0, 0);
	scene_free_mib(snapshot, 1, 500);
	assert_int_equal(hn_admit(snapshot, newcomer, &limits, 1, &admission, &err), -ENOSPC);
	scene_free_mib(snapshot, 0, 10);
	assert_int_equal(hn_admit(snapshot, newcomer, &limits, 1, &admission, &err), 0);
	assert_int_equal(admission.count, 2);
	assert_int_equal(admission.move_bytes, 10 * MIB);
	assert_there_is_room(snapshot, &admission);
	hn_admission_done(&admission);
}

/* A dedicated guest of one cell at home on a node, with cores of its own from that CPU on. */
static size_t owner(struct hn_snapshot *snapshot, uint64_t mib, int vcpus, size_t node, int first_cpu)
{
	size_t guest = scene_guest_on(snapshot, "r", 1, mib, vcpus, node);

	snapshot->guests[guest].guest->class = HN_CLASS_DEDICATED;
	scene_home(snapshot, guest, 0, node);
	assert_int_equal(hn_placement_set_vcpus(snapshot->guests[guest].home, (size_t)vcpus), 0);
	for (int i = 0; i < vcpus; i++) {
		snapshot->guests[guest].home->vcpus[i].vcpu = i;
		snapshot->guests[guest].home->vcpus[i].cpus = hn_set_of(first_cpu + i);
	}
	return guest;
}

/*
 * Node 0 has four cores left and no memory, nodes 1 and 2 have memory and no core, and their guests of six
 * cores are busy: no guest can simply go. Two that have as many cores and not as much memory change places,
 * or, where no pair makes up for it, two pairs.
 */
static void guests_change_places_to_bring_cores_and_memory_together(void **state)
{
	for (unsigned pairs = 1; pairs <= 2; pairs++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 1000);
		struct hn_admission admission;
		struct hn_error err = {0};
		size_t newcomer;

		owner(snapshot, 500, 2, 0, 0);
		owner(snapshot, 500, 2, 0, 2);
		for (size_t node = 1; node < 3; node++) {
			size_t busy;

			owner(snapshot, 300, 2, node, (int)node * 8);
			busy = owner(snapshot, 300, 6, node, (int)node * 8 + 2);
			snapshot->guests[busy].moving = true;
			scene_free_mib(snapshot, node, 400);
		}
		scene_free_mib(snapshot, 0, 0);
		newcomer = scene_guest(snapshot, "new");
		scene_cell(snapshot, newcomer, pairs * 200, 4);
		snapshot->guests[newcomer].guest->class = HN_CLASS_DEDICATED;
		assert_int_equal(hn_admit(snapshot, newcomer, &limits, 2 * pairs - 1, &admission, &err),
				 -ENOSPC);
		assert_int_equal(hn_admit(snapshot, newcomer, &limits, 2 * pairs, &admission, &err), 0);
		assert_int_equal(admission.count, 1 + 2 * pairs);
		assert_int_equal(admission.move_bytes, pairs * (500 + 300) * MIB);
		assert_true(hn_set_equal(&admission.guests[0].placement->cells[0].nodes,
					 &(struct hn_set){.words = {1}}));
		assert_there_is_room(snapshot, &admission);
		hn_admission_done(&admission);
	}
}

/* Residents of one cell each, most of them split with a small part elsewhere, fill the nodes nearly. */
static struct hn_snapshot *draw(struct hn_random *random)
{
	struct hn_snapshot *snapshot = scene_new(2, 8, 2000);

	for (int i = 0; i < 4; i++) {
		uint64_t first = 100 + hn_random_below(random, 500), second = hn_random_below(random, 20);
		bool on = hn_random_below(random, 2);

		split_guest(snapshot, on ? second : first, on ? first : second);
	}
	scene_free_mib(snapshot, 0, hn_random_below(random, hn_random_below(random, 2) ? 10 : 500));
	scene_free_mib(snapshot, 1, hn_random_below(random, 300));
	return snapshot;
}

static void whatever_is_admitted_has_room(void **state)
{
	struct hn_random random = {19};
	int moved = 0;

	for (int round = 0; round < 2000; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = draw(&random);
		size_t newcomer = scene_guest(snapshot, "new");
		uint64_t least = snapshot->host->nodes[0].free_bytes, most;
		struct hn_admission admission;
		struct hn_error err = {0};

		most = snapshot->host->nodes[1].free_bytes;
		most = most > least ? most : least;
		scene_cell(snapshot, newcomer, most / MIB + 1 + hn_random_below(&random, 40), 1);
		if (hn_admit(snapshot, newcomer, &limits, 2, &admission, &err) < 0)
			continue;
		moved += admission.count > 1;
		assert_there_is_room(snapshot, &admission);
		hn_admission_done(&admission);
	}
	assert_true(moved > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_part_of_a_resident_needs_room_as_well),
		cmocka_unit_test(guests_change_places_to_bring_cores_and_memory_together),
		cmocka_unit_test(whatever_is_admitted_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
