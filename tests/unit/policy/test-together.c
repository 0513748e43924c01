/* Several guests at once, what draws them together and keeps them apart, and room made by moving others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/admit.h"
#include "policy/nearest.h"
#include "policy/problem.h"
#include "policy/solver.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 0, .steps = 200000};

static int only_node(const struct hn_placement *placement, size_t cell)
{
	assert_int_equal(hn_set_count(&placement->cells[cell].nodes), 1);
	return hn_set_next(&placement->cells[cell].nodes, 0);
}

static int place(const struct hn_snapshot *snapshot, size_t guest)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	if (hn_solve(snapshot, guest, &limits, &placement, &err) < 0)
		fail_msg("%s", err.message);
	return only_node(placement, 0);
}

static size_t newcomer(struct hn_snapshot *snapshot, const char *name, uint64_t mib, int vcpus)
{
	size_t guest = scene_guest(snapshot, name);

	scene_cell(snapshot, guest, mib, vcpus);
	return guest;
}

/* 1000 MiB free on each of three nodes: 600 and 400 share one, whichever comes first, if they are placed at
 * once. */
static void guests_placed_together_share_what_there_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 1000);
	const size_t guests[] = {newcomer(snapshot, "a", 600, 1), newcomer(snapshot, "b", 500, 1),
				 newcomer(snapshot, "c", 400, 1), newcomer(snapshot, "d", 500, 1)};
	struct hn_placement *placements[4];
	struct hn_error err = {0};

	assert_int_equal(hn_solve_together(snapshot, guests, 4, &limits, placements, &err), 0);
	assert_int_equal(only_node(placements[0], 0), only_node(placements[2], 0));
	assert_int_equal(only_node(placements[1], 0), only_node(placements[3], 0));
	assert_int_not_equal(only_node(placements[0], 0), only_node(placements[1], 0));
	for (size_t i = 0; i < 4; i++)
		assert_true(hn_cost_compare(&placements[i]->cost, &placements[0]->cost) == 0);
	for (size_t i = 0; i < 4; i++)
		hn_placement_free(placements[i]);
}

/*
 * Two guests of up to two cells on three or four nodes, against every assignment: the rules kept, and the
 * least distance, then the least overload, found.
 */
static void the_least_cost_of_both_is_found(void **state)
{
	struct hn_random random = {17};
	int placed = 0;

	for (int round = 0; round < 600; round++) {
		size_t nodes = 3 + hn_random_below(&random, 2), cells = 0, node_of[4] = {0};
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(nodes, 2, 1000);
		const size_t guests[] = {scene_guest(snapshot, "a"), scene_guest(snapshot, "b")};
		struct hn_placement *placements[2];
		uint64_t mib[4], best[2] = {UINT64_MAX, UINT64_MAX};
		unsigned vcpus[4], owner[4];
		struct hn_error err = {0};
		int r;

		for (size_t a = 0; a < nodes; a++)
			for (size_t b = 0; b < a; b++)
				scene_distance(snapshot, a, b, 11 + (unsigned)hn_random_below(&random, 20));
		for (unsigned g = 0; g < 2; g++)
			for (uint64_t c = 1 + hn_random_below(&random, 2); c > 0; c--) {
				mib[cells] = 100 * (1 + hn_random_below(&random, 9));
				vcpus[cells] = 1;
				owner[cells] = g;
				scene_cell(snapshot, guests[g], mib[cells], (int)vcpus[cells]);
				cells++;
			}
		for (bool more = true; more;) {
			uint64_t used[4] = {0}, remote = 0, over = 0;
			unsigned seats[4] = {0};
			bool fits = true;
			size_t digit = 0;

			for (size_t i = 0; i < cells; i++) {
				used[node_of[i]] += mib[i];
				seats[node_of[i]] += vcpus[i];
				for (size_t j = 0; j < i; j++)
					if (owner[i] == owner[j])
						remote += hn_host_distance(snapshot->host, node_of[i],
									   node_of[j]) -
							  10;
			}
			for (size_t node = 0; node < nodes; node++) {
				fits = fits && used[node] <= 1000 && seats[node] <= 2;
				over += seats[node] > 2 ? seats[node] - 2 : 0;
			}
			if (fits && (remote < best[0] || (remote == best[0] && over < best[1]))) {
				best[0] = remote;
				best[1] = over;
			}
			for (; digit < cells && ++node_of[digit] == nodes; digit++)
				node_of[digit] = 0;
			more = digit < cells;
		}
		r = hn_solve_together(snapshot, guests, 2, &limits, placements, &err);
		if (r < 0) {
			assert_int_equal(r, -ENOSPC);
			assert_true(best[0] == UINT64_MAX);
			continue;
		}
		placed++;
		assert_true(best[0] != UINT64_MAX);
		assert_int_equal(placements[0]->cost.parts[HN_COST_REMOTE], best[0]);
		assert_int_equal(placements[0]->cost.parts[HN_COST_CPU], best[1]);
		assert_true(placements[0]->proven);
		hn_placement_free(placements[0]);
		hn_placement_free(placements[1]);
	}
	assert_true(placed > 200 && placed < 600);
}

static void friends_live_near_each_other(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 1000);
	size_t first = newcomer(snapshot, "first", 900, 2), second;

	scene_distance(snapshot, 2, 3, 12);
	scene_home(snapshot, first, 0, 2);
	second = newcomer(snapshot, "second", 900, 2);
	scene_free_mib(snapshot, 2, 950); /* the first one's is promised */
	snprintf(snapshot->guests[first].guest->near, HN_GROUP_MAX, "database");
	snprintf(snapshot->guests[second].guest->near, HN_GROUP_MAX, "database");
	assert_int_equal(place(snapshot, second), 3);
	snapshot->guests[second].guest->near[0] = '\0';
	assert_int_not_equal(place(snapshot, second), 2);
}

static void rivals_share_no_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	const size_t guests[] = {newcomer(snapshot, "a", 100, 1), newcomer(snapshot, "b", 100, 1),
				 newcomer(snapshot, "c", 100, 1)};
	struct hn_placement *placements[3];
	struct hn_error err = {0};

	for (size_t i = 0; i < 3; i++)
		snprintf(snapshot->guests[guests[i]].guest->apart, HN_GROUP_MAX, "raft");
	assert_int_equal(hn_solve_together(snapshot, guests, 3, &limits, placements, &err), -ENOSPC);
	assert_int_equal(hn_solve_together(snapshot, guests, 2, &limits, placements, &err), 0);
	assert_int_not_equal(only_node(placements[0], 0), only_node(placements[1], 0));
	hn_placement_free(placements[0]);
	hn_placement_free(placements[1]);
	/* and one after the other */
	scene_home(snapshot, guests[0], 0, 0);
	assert_int_equal(place(snapshot, guests[1]), 1);
}

static void a_guest_lives_beside_its_device(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 1000);
	size_t guest = newcomer(snapshot, "g", 100, 1);
	struct hn_device *device = hn_host_add_device(snapshot->host, "0000:3b:00.0");

	device->node = 2;
	assert_int_equal(hn_guest_add_device(snapshot->guests[guest].guest, "0000:3b:00.0"), 0);
	assert_int_equal(place(snapshot, guest), 2);
	scene_free_mib(snapshot, 2, 50);
	scene_distance(snapshot, 2, 1, 11);
	assert_int_equal(place(snapshot, guest), 1);
}

static void forbidden_nodes_are_not_used(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 1000);
	size_t guest = newcomer(snapshot, "g", 100, 1);
	struct hn_placement *none = NULL;
	struct hn_error err = {0};

	snapshot->guests[guest].guest->allowed_nodes = hn_set_of(3);
	assert_int_equal(place(snapshot, guest), 3);
	scene_free_mib(snapshot, 3, 50);
	assert_int_equal(hn_solve(snapshot, guest, &limits, &none, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "node 3"));
}

/* What is allowed a cell counts besides what is allowed the guest. */
static void each_cell_keeps_to_its_own_nodes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 8, 1000);
	size_t guest = newcomer(snapshot, "g", 100, 1);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	struct hn_placement *none = NULL;
	struct hn_guest *model;
	struct hn_error err = {0};

	scene_cell(snapshot, guest, 100, 1);
	scene_cell(snapshot, guest, 100, 1);
	model = snapshot->guests[guest].guest;
	hn_set_parse("1-3", &model->allowed_nodes, NULL);
	model->cells[0].allowed_nodes = hn_set_of(3);
	hn_set_parse("0,2", &model->cells[1].allowed_nodes, NULL);
	if (hn_solve(snapshot, guest, &limits, &home, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(only_node(home, 0), 3);
	assert_int_equal(only_node(home, 1), 2);
	assert_int_not_equal(only_node(home, 2), 0);
	scene_free_mib(snapshot, 2, 50);
	assert_int_equal(hn_solve(snapshot, guest, &limits, &none, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "node 2"));
}

/* Huge pages come from their own pools: free memory is no help, and the other way round. */
static void huge_pages_need_their_pool(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 1000);
	size_t huge = newcomer(snapshot, "huge", 100, 1), small = newcomer(snapshot, "small", 600, 1), late;
	HN_AUTO(hn_placement) struct hn_placement *late_home = NULL;
	struct hn_placement *none = NULL;
	struct hn_error err = {0};

	snapshot->guests[huge].guest->cells[0].page_bytes = 2 * MIB;
	assert_int_equal(hn_solve(snapshot, huge, &limits, &none, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "2 MiB pages"));
	for (size_t node = 0; node < 3; node++) {
		snapshot->host->nodes[node].pool_count = 1;
		snapshot->host->nodes[node].pools[0] =
			(struct hn_page_pool){2 * MIB, 64, node == 1 ? 64 : 49};
		scene_free_mib(snapshot, node, node == 2 ? 700 : 500);
	}
	assert_int_equal(place(snapshot, huge), 1);
	assert_int_equal(place(snapshot, small), 2);
	/* what one that lives there has been promised is gone */
	scene_home(snapshot, huge, 0, 1);
	late = newcomer(snapshot, "late", 100, 1);
	snapshot->guests[late].guest->cells[0].page_bytes = 2 * MIB;
	assert_int_equal(hn_solve(snapshot, late, &limits, &late_home, &err), 0);
	assert_int_equal(hn_set_count(&late_home->cells[0].nodes),
			 2); /* split over what the others have left */
}

/* 400 free on each of two nodes, the newcomer wants 700: the resident of 300 has to go over. */
static struct hn_snapshot *crowded(void)
{
	struct hn_snapshot *snapshot = scene_new(2, 8, 1000);

	for (size_t node = 0; node < 2; node++) {
		size_t large = scene_guest_on(snapshot, node ? "large 1" : "large 0", 1, 300, 1, node);
		size_t small =
			scene_guest_on(snapshot, node ? "small 1" : "small 0", 1, node ? 250 : 300, 1, node);

		scene_home(snapshot, large, 0, node);
		scene_home(snapshot, small, 0, node);
		scene_free_mib(snapshot, node, node ? 450 : 400);
	}
	newcomer(snapshot, "new", 700, 1);
	return snapshot;
}

static void room_is_made_by_moving_the_fewest_bytes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crowded();
	struct hn_admission admission;
	struct hn_error err = {0};

	assert_int_equal(hn_admit(snapshot, 4, &limits, 0, &admission, &err), 0);
	assert_int_equal(hn_set_count(&admission.guests[0].placement->cells[0].nodes),
			 2); /* split, if nobody moves */
	hn_admission_done(&admission);
	assert_int_equal(hn_admit(snapshot, 4, &limits, 1, &admission, &err), 0);
	assert_int_equal(admission.count, 2);
	assert_int_equal(admission.guests[0].guest, 4);
	assert_int_equal(only_node(admission.guests[0].placement, 0), 1);
	assert_int_equal(admission.guests[1].guest, 3);
	assert_int_equal(only_node(admission.guests[1].placement, 0), 0);
	assert_int_equal(admission.move_bytes, 250 * MIB);
	hn_admission_done(&admission);
}

static void nobody_is_moved_who_must_not_be(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crowded();
	struct hn_admission admission;
	struct hn_error err = {0};

	snapshot->guests[0].guest->mode = HN_MODE_OBSERVE;
	snapshot->guests[1].guest->class = HN_CLASS_REALTIME;
	snapshot->guests[2].moving = true;
	snapshot->guests[3].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	snapshot->guests[4].guest->cells[0].memory_bytes = 900 * MIB;
	assert_int_equal(hn_admit(snapshot, 4, &limits, 2, &admission, &err), -ENOSPC);
	assert_int_equal(admission.count, 0);
	assert_true(*err.message);
}

static void who_fits_moves_nobody(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = crowded();
	struct hn_admission admission;
	struct hn_error err = {0};

	snapshot->guests[4].guest->cells[0].memory_bytes = 400 * MIB;
	assert_int_equal(hn_admit(snapshot, 4, &limits, 2, &admission, &err), 0);
	assert_int_equal(admission.count, 1);
	assert_int_equal(admission.move_bytes, 0);
	hn_admission_done(&admission);
}

/* Neither alone makes the room on its node; both together do. */
static void two_make_room_where_one_cannot(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 1000);
	struct hn_admission admission;
	struct hn_error err = {0};

	for (size_t node = 0; node < 3; node++)
		for (int i = 0; i < 2; i++) {
			size_t guest = scene_guest_on(snapshot, "r", 1, 300, 1, node);

			scene_home(snapshot, guest, 0, node);
			scene_free_mib(snapshot, node, 400);
		}
	newcomer(snapshot, "new", 950, 1);
	assert_int_equal(hn_admit(snapshot, 6, &limits, 1, &admission, &err), 0);
	assert_int_equal(admission.count, 1); /* split */
	hn_admission_done(&admission);
	assert_int_equal(hn_admit(snapshot, 6, &limits, 2, &admission, &err), 0);
	assert_int_equal(admission.count, 3);
	assert_int_equal(admission.move_bytes, 600 * MIB);
	hn_admission_done(&admission);
}

/* Two cores are left on each node, the newcomer wants three: one of two has to give up its cores, not only
 * its room. */
static void cores_are_made_free_as_memory_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	struct hn_admission admission;
	struct hn_error err = {0};
	struct hn_set taken = {0};

	for (size_t node = 0; node < 2; node++)
		for (int i = 0; i < 2; i++) {
			size_t guest = scene_guest_on(snapshot, "r", 1, 100, 1, node);

			snapshot->guests[guest].guest->class = HN_CLASS_DEDICATED;
			scene_home(snapshot, guest, 0, node);
			assert_int_equal(hn_placement_set_vcpus(snapshot->guests[guest].home, 1), 0);
			snapshot->guests[guest].home->vcpus[0].cpus = hn_set_of((int)node * 4 + i);
		}
	newcomer(snapshot, "new", 100, 3);
	snapshot->guests[4].guest->class = HN_CLASS_DEDICATED;
	assert_int_equal(hn_admit(snapshot, 4, &limits, 1, &admission, &err), 0);
	assert_int_equal(admission.count, 2);
	for (size_t i = 0; i < 2; i++)
		for (size_t vcpu = 0; vcpu < admission.guests[i].placement->vcpu_count; vcpu++) {
			const struct hn_set *cpus = &admission.guests[i].placement->vcpus[vcpu].cpus;

			assert_int_equal(hn_set_count(cpus), 1);
			assert_false(hn_set_inside(cpus, &taken));
			hn_set_or(&taken, cpus);
		}
	assert_int_equal(hn_set_count(&taken), 4);
	hn_admission_done(&admission);
}

static bool fits(struct hn_snapshot *snapshot, size_t guest)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	return hn_solve(snapshot, guest, &limits, &placement, &err) == 0;
}

/* 900 + 500 free: of two cells of 800 MiB, 1000 in all fit; as four cells of 400, all. */
static void the_nearest_request_is_one_that_fits(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 1000);
	size_t guest = newcomer(snapshot, "g", 800, 2);
	struct hn_nearest nearest;
	struct hn_error err = {0};

	scene_cell(snapshot, guest, 800, 2);
	scene_free_mib(snapshot, 0, 1250);
	scene_free_mib(snapshot, 1, 500);
	assert_false(fits(snapshot, guest));
	assert_int_equal(hn_nearest_find(snapshot, guest, &limits, &nearest, &err), 0);
	assert_true(nearest.with_memory);
	assert_in_range(nearest.memory_bytes / MIB, 1240, 1250); /* both on node 0, to a 1024th */
	assert_non_null(strstr(nearest.sentence, "it would fit with 1.2"));
	for (size_t cell = 0; cell < 2; cell++)
		snapshot->guests[guest].guest->cells[cell].memory_bytes = nearest.memory_bytes / 2;
	assert_true(fits(snapshot, guest));
}

/* Eleven cores are left and twelve asked for. */
static void fewer_dedicated_vcpus_may_fit(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 1000);
	size_t guest = newcomer(snapshot, "g", 300, 12);
	struct hn_nearest nearest;
	struct hn_error err = {0};

	snapshot->guests[guest].guest->class = HN_CLASS_DEDICATED;
	scene_home(snapshot, newcomer(snapshot, "other", 10, 1), 0, 0);
	snapshot->guests[1].guest->class = HN_CLASS_DEDICATED;
	assert_false(fits(snapshot, guest));
	assert_int_equal(hn_nearest_find(snapshot, guest, &limits, &nearest, &err), 0);
	assert_true(nearest.with_vcpus && nearest.vcpus == 11);
	assert_false(nearest.with_memory);
	assert_string_equal(nearest.sentence, "it would fit with 11 vCPUs");
}

/* Memory alone: all that can be had is less of it. */
static void a_guest_without_vcpus_may_fit_with_less_memory(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 8000);
	size_t guest = newcomer(snapshot, "g", 100000, 0);
	struct hn_nearest nearest;
	struct hn_error err = {0};

	assert_int_equal(hn_nearest_find(snapshot, guest, &limits, &nearest, &err), 0);
	assert_true(nearest.with_memory && nearest.memory_bytes > 0);
	assert_false(nearest.with_vcpus || nearest.with_cells);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_placed_together_share_what_there_is),
		cmocka_unit_test(the_least_cost_of_both_is_found),
		cmocka_unit_test(friends_live_near_each_other),
		cmocka_unit_test(rivals_share_no_node),
		cmocka_unit_test(a_guest_lives_beside_its_device),
		cmocka_unit_test(forbidden_nodes_are_not_used),
		cmocka_unit_test(each_cell_keeps_to_its_own_nodes),
		cmocka_unit_test(huge_pages_need_their_pool),
		cmocka_unit_test(room_is_made_by_moving_the_fewest_bytes),
		cmocka_unit_test(nobody_is_moved_who_must_not_be),
		cmocka_unit_test(who_fits_moves_nobody),
		cmocka_unit_test(two_make_room_where_one_cannot),
		cmocka_unit_test(cores_are_made_free_as_memory_is),
		cmocka_unit_test(the_nearest_request_is_one_that_fits),
		cmocka_unit_test(fewer_dedicated_vcpus_may_fit),
		cmocka_unit_test(a_guest_without_vcpus_may_fit_with_less_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
