/* The places of one cell: which there are, in which order, and how a wide cell is split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "policy/candidates.h"
#include "scene.h"

/* The candidates of guest 0's cell 0. */
static int find(const struct hn_snapshot *snapshot, unsigned cpu_multiple, struct hn_candidates *ret,
		struct hn_error *err)
{
	const struct hn_search_rules rules = {.cpu_multiple = cpu_multiple};
	HN_AUTO(hn_problem) struct hn_problem *problem = NULL;
	const size_t guest = 0;

	assert_int_equal(hn_problem_new(snapshot, &guest, 1, 0, &problem, err), 0);
	return hn_candidates_find(problem, 0, &rules, ret, err);
}

static struct hn_snapshot *one_cell(size_t nodes, int cpus, uint64_t node_mib, uint64_t mib, int vcpus)
{
	struct hn_snapshot *snapshot = scene_new(nodes, cpus, node_mib);
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, mib, vcpus);
	scene_sample(snapshot, guest);
	return snapshot;
}

static void assert_singles(const struct hn_candidates *candidates, const size_t *nodes, size_t count)
{
	assert_int_equal(candidates->count, count);
	assert_false(candidates->wide);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(candidates->items[i].share_count, 1);
		assert_int_equal(candidates->items[i].shares[0].node, nodes[i]);
		assert_int_equal(candidates->items[i].inner_distance, 0);
	}
}

/* 1000 MiB: 100 on node 0, 700 on node 2, 200 on node 3. */
static void the_least_to_migrate_comes_first(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(4, 4, 4000, 1000, 2);
	static const size_t nodes[] = {2, 3, 0, 1};
	static const uint64_t migrate[] = {300, 800, 900, 1000};
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_pages(snapshot, 0, 0, 0, 100);
	scene_pages(snapshot, 0, 0, 2, 700);
	scene_pages(snapshot, 0, 0, 3, 200);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	assert_singles(&candidates, nodes, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(candidates.items[i].migrate_mib, migrate[i]);
		assert_int_equal(candidates.items[i].shares[0].bytes, 1000 * MIB);
		assert_int_equal(candidates.items[i].shares[0].vcpus, 2);
	}
	hn_candidates_done(&candidates);
	assert_int_equal(candidates.count, 0);
}

static void a_node_needs_cpus_memory_and_room(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(5, 4, 4000, 1000, 4);
	static const size_t nodes[] = {4};
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_memory_only(snapshot, 0);
	scene_free_mib(snapshot, 1, 999);
	snapshot->host->nodes[2].memory_bytes = 0;
	scene_isolate(snapshot, 12); /* node 3 has three CPUs left */
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	assert_singles(&candidates, nodes, 1);
	hn_candidates_done(&candidates);
}

static void a_larger_multiple_lets_more_vcpus_in(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(1, 4, 4000, 1000, 9);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	assert_int_equal(find(snapshot, 2, &candidates, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "CPUs: cell 0 has 9 vCPUs"));
	assert_int_equal(find(snapshot, 3, &candidates, &err), 0);
	hn_candidates_done(&candidates);
}

static void what_cannot_move_stays_where_most_of_it_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 4000, 1000, 2);
	static const size_t nodes[] = {1};
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_pages(snapshot, 0, 0, 0, 400);
	scene_pages(snapshot, 0, 0, 1, 600);
	scene_free_mib(snapshot, 1, 0);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	assert_singles(&candidates, nodes, 1);
	assert_int_equal(candidates.items[0].shares[0].bytes, 600 * MIB); /* the rest cannot come */
	hn_candidates_done(&candidates);
}

static void what_cannot_move_and_is_nowhere_yet_is_free(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 4000, 1000, 2);
	static const size_t nodes[] = {0, 1, 2};
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_pages(snapshot, 0, 0, -1, 1000);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_ENCRYPTED;
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	assert_singles(&candidates, nodes, 3);
	hn_candidates_done(&candidates);
}

static void what_cannot_leave_a_node_without_cpus_is_told(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 4000, 1000, 2);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_pages(snapshot, 0, 0, 2, 1000);
	scene_memory_only(snapshot, 2);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	assert_int_equal(find(snapshot, 1, &candidates, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "cell 0 cannot be moved from node 2, which has no CPUs"));
}

/* 2500 MiB on nodes of 1000: three of them; 0-1-2 are near each other, 3 is far. */
static void a_wide_cell_takes_the_nearest_nodes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(4, 4, 1000, 2500, 12);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	for (size_t node = 0; node < 3; node++) {
		scene_distance(snapshot, node, (node + 1) % 3, 12);
		scene_distance(snapshot, node, 3, 30);
	}
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	assert_true(candidates.wide);
	assert_int_equal(candidates.count, 4); /* one grown from each node */
	for (size_t i = 0; i < candidates.count; i++) {
		const struct hn_candidate *candidate = &candidates.items[i];
		bool far = candidate->shares[0].node == 3;

		assert_int_equal(candidate->share_count, 3);
		assert_int_equal(candidate->inner_distance, far ? 20 + 20 + 2 : 2 + 2 + 2);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(candidate->shares[j].vcpus, 4);
	}
	hn_candidates_done(&candidates);
}

/* 1700 MiB on nodes of 1000, 300 and 1000 MiB: 300 is all the one has, the others take half of the rest. */
static void a_wide_cell_is_spread_evenly(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 1000, 1700, 12);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_free_mib(snapshot, 1, 300);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	for (size_t i = 0; i < candidates.count; i++) {
		const struct hn_candidate *candidate = &candidates.items[i];

		assert_int_equal(candidate->share_count, 3); /* for its vCPUs */
		for (size_t j = 0; j < 3; j++) {
			uint64_t expected = candidate->shares[j].node == 1 ? 300 * MIB : 700 * MIB;

			assert_true(candidate->shares[j].bytes + 2 >= expected &&
				    candidate->shares[j].bytes <= expected + 2);
		}
	}
	hn_candidates_done(&candidates);
}

/* A third of 1000 pages of 2 MiB is 333 or 334 and never a part of one; so with base pages. */
static void parts_are_whole_pages(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 700, 2000, 12);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	for (int huge = 0; huge < 2; huge++) {
		uint64_t page = huge ? 2 * MIB : 4096;

		for (size_t node = 0; node < 3 && huge; node++) {
			snapshot->host->nodes[node].pool_count = 1;
			snapshot->host->nodes[node].pools[0] = (struct hn_page_pool){2 * MIB, 400, 400};
		}
		snapshot->guests[0].guest->cells[0].page_bytes = huge ? page : 0;
		assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
		for (size_t i = 0; i < candidates.count; i++)
			for (size_t j = 0; j < candidates.items[i].share_count; j++) {
				uint64_t bytes = candidates.items[i].shares[j].bytes;

				assert_int_equal(bytes % page, 0);
				assert_in_range(bytes / page, 2000 * MIB / page / 3 - 2,
						2000 * MIB / page / 3 + 1);
			}
		hn_candidates_done(&candidates);
	}
}

/* A 64th of the cell is no part worth having: such a node is left out, and missed when all else is full. */
static void no_part_is_a_sliver(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 2000, 1280, 2);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_free_mib(snapshot, 0, 20);
	scene_free_mib(snapshot, 1, 700);
	scene_free_mib(snapshot, 2, 700);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	assert_int_equal(candidates.count, 2);
	for (size_t i = 0; i < candidates.count; i++) {
		assert_int_equal(candidates.items[i].share_count, 2);
		assert_int_not_equal(candidates.items[i].shares[0].node, 0);
		assert_int_not_equal(candidates.items[i].shares[1].node, 0);
	}
	hn_candidates_done(&candidates);
	scene_free_mib(snapshot, 1, 570);
	assert_int_equal(find(snapshot, 1, &candidates, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "memory: cell 0 needs 1.2 GiB"));
	scene_free_mib(snapshot, 0, 21);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	hn_candidates_done(&candidates);
}

/* From 0, node 1 is nearest. Then 2 is nearer to 1 (11 against 12), but 3 to both together (12 + 12 against
 * 30 + 11). */
static void a_wide_cell_stays_together(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(4, 4, 1000, 2500, 4);
	struct hn_candidates candidates;
	struct hn_error err = {0};
	bool found = false;

	scene_distance(snapshot, 0, 1, 11);
	scene_distance(snapshot, 0, 2, 30);
	scene_distance(snapshot, 0, 3, 12);
	scene_distance(snapshot, 1, 2, 11);
	scene_distance(snapshot, 1, 3, 12);
	scene_distance(snapshot, 2, 3, 40);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	for (size_t i = 0; i < candidates.count; i++) {
		if (candidates.items[i].shares[0].node != 0)
			continue;
		assert_int_equal(candidates.items[i].shares[1].node, 1);
		assert_int_equal(candidates.items[i].shares[2].node, 3);
		found = true;
	}
	assert_true(found);
	hn_candidates_done(&candidates);
}

/* All alike in distance: the roomiest first, so that it takes two nodes and not three. */
static void a_wide_cell_takes_the_roomier_of_equals(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(4, 4, 1000, 1900, 4);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_free_mib(snapshot, 0, 900);
	scene_free_mib(snapshot, 1, 500);
	scene_free_mib(snapshot, 2, 1000);
	scene_free_mib(snapshot, 3, 600);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	for (size_t i = 0; i < candidates.count; i++)
		if (candidates.items[i].shares[0].node == 0) {
			assert_int_equal(candidates.items[i].share_count, 2);
			assert_int_equal(candidates.items[i].shares[1].node, 2);
		}
	hn_candidates_done(&candidates);
}

/* Its pages are on both nodes of its only set already. */
static void a_wide_cell_leaves_alone_what_is_there(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(2, 4, 1000, 2600, 4);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_free_mib(snapshot, 0, 100);
	scene_free_mib(snapshot, 1, 100);
	scene_pages(snapshot, 0, 0, 0, 500);
	scene_pages(snapshot, 0, 0, 1, 500);
	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	for (size_t i = 0; i < candidates.count; i++)
		assert_int_equal(candidates.items[i].migrate_mib, 0);
	hn_candidates_done(&candidates);
}

/* 8 vCPUs on three nodes of three CPUs: no node takes four. */
static void vcpus_of_a_wide_cell_keep_to_the_cpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 3, 1000, 2500, 8);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	assert_int_equal(find(snapshot, 1, &candidates, &err), 0);
	for (size_t i = 0; i < candidates.count; i++)
		for (size_t j = 0; j < candidates.items[i].share_count; j++)
			assert_true(candidates.items[i].shares[j].vcpus <= 3);
	hn_candidates_done(&candidates);
}

static void too_little_memory_is_told_with_the_roomiest_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(3, 4, 1000, 4000, 4);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_free_mib(snapshot, 2, 1536);
	snapshot->host->nodes[2].id = 7;
	assert_int_equal(find(snapshot, 1, &candidates, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "memory: cell 0 needs 3.9 GiB"));
	assert_non_null(strstr(err.message, "node 7: 1.5 GiB"));
}

static void no_node_that_could_be_a_home_is_told(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = one_cell(2, 4, 1000, 10, 1);
	struct hn_candidates candidates;
	struct hn_error err = {0};

	scene_memory_only(snapshot, 0);
	snapshot->host->nodes[1].memory_bytes = 0;
	assert_int_equal(find(snapshot, 1, &candidates, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "no node has both CPUs and memory"));
}

static void assert_sound(const struct hn_snapshot *snapshot, const struct hn_capacity *capacity,
			 unsigned multiple, const struct hn_candidate *candidate, bool fixed)
{
	const struct hn_cell *cell = &snapshot->guests[0].guest->cells[0];
	uint64_t bytes = 0, vcpus = 0, used = 0;

	for (size_t i = 0; i < candidate->share_count; i++) {
		const struct hn_share *share = &candidate->shares[i];

		assert_false(used >> share->node & 1);
		used |= UINT64_C(1) << share->node;
		if (fixed) /* what cannot move has its room already */
			assert_int_equal(share->taking, 0);
		else if (share->taking != share->bytes) /* strays have none set aside */
			assert_true(share->taking == capacity->cell_bytes[share->node] &&
				    share->bytes - share->taking <= share->bytes / HN_STRAY_FRACTION);
		assert_true(share->taking +
				    (share->arriving > 0 ? capacity->nodes[share->node].short_bytes : 0) <=
			    capacity->nodes[share->node].room_bytes);
		assert_true(capacity->nodes[share->node].cpus > 0 || (fixed && share->vcpus == 0));
		if (!fixed)
			assert_true(share->vcpus <= capacity->nodes[share->node].cpus * multiple);
		bytes += share->bytes;
		vcpus += share->vcpus;
	}
	assert_true(fixed || bytes == cell->memory_bytes);
	assert_int_equal(vcpus, hn_set_count(&cell->vcpus));
}

static void whatever_is_drawn_is_kept_to(void **state)
{
	static const struct scene_limits limits = {.nodes = 6, .cells = 1, .others = 2};
	struct hn_random random = {71};
	int wide = 0, refused = 0;

	for (int round = 0; round < 4000; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_draw(&random, &limits);
		HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;
		unsigned multiple = 1 + (unsigned)hn_random_below(&random, 3);
		bool fixed;
		struct hn_candidates candidates;
		struct hn_error err = {0};
		int r;

		snapshot->guests[0].guest->cells[0].memory_bytes *= 1 + hn_random_below(&random, 3);
		capacity = hn_capacity_new(snapshot, 0, 0);
		fixed = hn_capacity_tie(capacity, snapshot->guests[0].guest, 0) >= 0;
		r = find(snapshot, multiple, &candidates, &err);
		if (r == -ENOSPC) {
			assert_true(*err.message);
			refused++;
			continue;
		}
		assert_int_equal(r, 0);
		assert_true(candidates.count > 0 && candidates.count <= capacity->node_count);
		wide += candidates.wide;
		for (size_t i = 0; i < candidates.count; i++) {
			assert_sound(snapshot, capacity, multiple, &candidates.items[i], fixed);
			assert_true(i == 0 ||
				    candidates.items[i].migrate_mib >= candidates.items[i - 1].migrate_mib);
		}
		hn_candidates_done(&candidates);
	}
	assert_true(wide > 100 && refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_to_migrate_comes_first),
		cmocka_unit_test(a_node_needs_cpus_memory_and_room),
		cmocka_unit_test(a_larger_multiple_lets_more_vcpus_in),
		cmocka_unit_test(what_cannot_move_stays_where_most_of_it_is),
		cmocka_unit_test(what_cannot_move_and_is_nowhere_yet_is_free),
		cmocka_unit_test(what_cannot_leave_a_node_without_cpus_is_told),
		cmocka_unit_test(a_wide_cell_takes_the_nearest_nodes),
		cmocka_unit_test(a_wide_cell_is_spread_evenly),
		cmocka_unit_test(parts_are_whole_pages),
		cmocka_unit_test(no_part_is_a_sliver),
		cmocka_unit_test(a_wide_cell_stays_together),
		cmocka_unit_test(a_wide_cell_takes_the_roomier_of_equals),
		cmocka_unit_test(a_wide_cell_leaves_alone_what_is_there),
		cmocka_unit_test(vcpus_of_a_wide_cell_keep_to_the_cpus),
		cmocka_unit_test(too_little_memory_is_told_with_the_roomiest_node),
		cmocka_unit_test(no_node_that_could_be_a_home_is_told),
		cmocka_unit_test(whatever_is_drawn_is_kept_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
