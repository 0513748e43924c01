/* What a node could give: counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/capacity.h"
#include "scene.h"

#define KEEP (64 * MIB)

static void isolated_cpus_are_for_realtime_only(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	struct hn_set cpus, expected;

	scene_isolate(snapshot, 5);
	scene_isolate(snapshot, 6);
	expected = hn_set_of(5);
	hn_set_add(&expected, 6);
	cpus = hn_usable_cpus(snapshot->host, 1, HN_CLASS_REALTIME);
	assert_true(hn_set_equal(&cpus, &expected));
	expected = snapshot->host->nodes[1].cpus;
	hn_set_remove(&expected, 5);
	hn_set_remove(&expected, 6);
	cpus = hn_usable_cpus(snapshot->host, 1, HN_CLASS_SHARED);
	assert_true(hn_set_equal(&cpus, &expected));
	cpus = hn_usable_cpus(snapshot->host, 1, HN_CLASS_DEDICATED);
	assert_true(hn_set_equal(&cpus, &expected));
	cpus = hn_usable_cpus(snapshot->host, 0, HN_CLASS_SHARED);
	assert_true(hn_set_equal(&cpus, &snapshot->host->nodes[0].cpus));
}

/* 1000 MiB: 300 on node 0, 200 on node 1, 500 untouched. Free: 4000 and 30. */
static void room_is_what_is_there_and_what_is_free(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;

	scene_free_mib(snapshot, 1, 30);
	scene_cell(snapshot, guest, 1000, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 300);
	scene_pages(snapshot, guest, 0, 1, 200);
	scene_pages(snapshot, guest, 0, -1, 500);
	capacity = hn_capacity_new(snapshot, guest, KEEP);
	assert_int_equal(capacity->node_count, 2);
	assert_int_equal(capacity->nodes[0].cpus, 4);
	assert_int_equal(capacity->nodes[0].own_bytes, 300 * MIB);
	assert_int_equal(capacity->nodes[0].room_bytes, 4236 * MIB);
	assert_int_equal(capacity->nodes[1].own_bytes, 200 * MIB);
	assert_int_equal(capacity->nodes[1].room_bytes, 200 * MIB); /* less is free than must stay free */
	assert_int_equal(capacity->cell_bytes[0], 300 * MIB);
	assert_int_equal(capacity->cell_bytes[1], 200 * MIB);
	hn_capacity_free(hn_steal(capacity));
	/* the kernel keeps some by itself, and what is kept free is kept beside */
	snapshot->host->nodes[0].watermark_bytes = 100 * MIB;
	capacity = hn_capacity_new(snapshot, guest, KEEP);
	assert_int_equal(capacity->nodes[0].room_bytes, 4136 * MIB);
	assert_int_equal(capacity->nodes[1].room_bytes, 200 * MIB);
}

/* The kernel hides 600 of 1000 pages: they lie as the 400 do, 3 to 1. */
static void hidden_pages_lie_as_the_others_do(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;

	scene_cell(snapshot, guest, 1000, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 300);
	scene_pages(snapshot, guest, 0, 1, 100);
	scene_pages(snapshot, guest, 0, -2, 600);
	capacity = hn_capacity_new(snapshot, guest, KEEP);
	assert_int_equal(capacity->nodes[0].own_bytes, 750 * MIB);
	assert_int_equal(capacity->nodes[1].own_bytes, 250 * MIB);
	assert_int_equal(hn_cell_bytes_present(snapshot->guests[0].guest, snapshot->guests[0].sample, 0),
			 1000 * MIB);
}

/* Odd sizes and samples must not lose a byte, or a full node would have no room for the cell that fills it.
 */
static void a_cell_that_is_wholly_there_is_wholly_counted(void **state)
{
	struct hn_random random = {61};

	for (int round = 0; round < 500; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 1, 1000);
		size_t guest = scene_guest(snapshot, "g");
		uint64_t bytes = hn_random_next(&random) >> (1 + hn_random_below(&random, 50));

		scene_cell(snapshot, guest, 1, 1);
		snapshot->guests[guest].guest->cells[0].memory_bytes = bytes;
		scene_sample(snapshot, guest);
		scene_pages(snapshot, guest, 0, 1, 1 + hn_random_below(&random, 1 << 20));
		scene_pages(snapshot, guest, 0, -2, hn_random_below(&random, 1 << 10));
		assert_true(hn_cell_bytes_on(snapshot->guests[guest].guest, snapshot->guests[guest].sample, 0,
					     1) == bytes);
		assert_true(hn_cell_bytes_on(snapshot->guests[guest].guest, snapshot->guests[guest].sample, 0,
					     0) == 0);
	}
}

static void parts_never_make_more_than_the_whole(void **state)
{
	struct hn_random random = {62};

	for (int round = 0; round < 500; round++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(5, 1, 1000);
		size_t guest = scene_guest(snapshot, "g");
		uint64_t bytes = hn_random_next(&random) >> 12, sum = 0;

		scene_cell(snapshot, guest, 1, 1);
		snapshot->guests[guest].guest->cells[0].memory_bytes = bytes;
		scene_sample(snapshot, guest);
		for (int node = -2; node < 5; node++)
			scene_pages(snapshot, guest, 0, node, hn_random_below(&random, 1 << 14));
		for (size_t node = 0; node < 5; node++)
			sum += hn_cell_bytes_on(snapshot->guests[guest].guest, snapshot->guests[guest].sample,
						0, node);
		assert_true(sum <= hn_cell_bytes_present(snapshot->guests[guest].guest,
							 snapshot->guests[guest].sample, 0));
		assert_true(hn_cell_bytes_present(snapshot->guests[guest].guest,
						  snapshot->guests[guest].sample, 0) <= bytes);
	}
}

/* 64 MiB must stay free and 30 are: the 200 that are here may stay, 166 of them could be another cell's once
 * they leave. */
static void what_is_missing_to_what_must_stay_free_is_told(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 30);
	size_t guest = scene_guest(snapshot, "g");
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;

	scene_free_mib(snapshot, 1, 64);
	scene_cell(snapshot, guest, 200, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 1000);
	capacity = hn_capacity_new(snapshot, guest, KEEP);
	assert_int_equal(capacity->nodes[0].room_bytes, 200 * MIB);
	assert_int_equal(capacity->nodes[0].short_bytes, 34 * MIB);
	assert_int_equal(capacity->nodes[1].room_bytes, 0);
	assert_int_equal(capacity->nodes[1].short_bytes, 0);
}

/* 600 and 400 of 1000 MiB, pinned: nobody else's room on either node, and tied to the first. */
static void what_cannot_move_is_nobodys_room(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;

	scene_cell(snapshot, guest, 1000, 2);
	scene_cell(snapshot, guest, 100, 2);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 1, 400);
	scene_pages(snapshot, guest, 0, 2, 600);
	scene_pages(snapshot, guest, 1, 1, 1000);
	snapshot->guests[guest].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	capacity = hn_capacity_new(snapshot, guest, 0);
	assert_int_equal(capacity->nodes[1].own_bytes, 100 * MIB);
	assert_int_equal(capacity->nodes[1].room_bytes, 4100 * MIB);
	assert_int_equal(capacity->nodes[2].room_bytes, 4000 * MIB);
	assert_int_equal(hn_capacity_tie(capacity, snapshot->guests[guest].guest, 0), 2);
	assert_int_equal(hn_capacity_tie(capacity, snapshot->guests[guest].guest, 1), -1);
}

static void nothing_sampled_is_nothing_there(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");
	struct hn_capacity *capacity;

	scene_cell(snapshot, guest, 1000, 2);
	for (int with_sample = 0; with_sample < 2; with_sample++) {
		capacity = hn_capacity_new(snapshot, guest, KEEP);
		assert_int_equal(capacity->nodes[0].own_bytes, 0);
		assert_int_equal(capacity->nodes[0].room_bytes, 3936 * MIB);
		hn_capacity_free(capacity);
		scene_sample(snapshot, guest);
	}
	hn_capacity_free(NULL);
}

/* Guest 1 has 100 of 500 MiB on node 1, its home, and two vCPUs on node 0. */
static struct hn_snapshot *with_another(void)
{
	struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	size_t guest = scene_guest(snapshot, "g"), other;

	scene_cell(snapshot, guest, 10, 1);
	other = scene_guest(snapshot, "other");
	scene_cell(snapshot, other, 500, 2);
	scene_sample(snapshot, other);
	scene_pages(snapshot, other, 0, 0, 800);
	scene_pages(snapshot, other, 0, 1, 200);
	scene_threads(snapshot, other, -1, 0);
	scene_home(snapshot, other, 0, 1);
	return snapshot;
}

static void assert_capacity(const struct hn_snapshot *snapshot, uint64_t room_0, unsigned vcpus_0,
			    uint64_t room_1, unsigned vcpus_1)
{
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = hn_capacity_new(snapshot, 0, 0);

	assert_int_equal(capacity->nodes[0].room_bytes, room_0 * MIB);
	assert_int_equal(capacity->nodes[0].others_vcpus, vcpus_0);
	assert_int_equal(capacity->nodes[1].room_bytes, room_1 * MIB);
	assert_int_equal(capacity->nodes[1].others_vcpus, vcpus_1);
}

static void what_another_has_still_to_receive_is_promised(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = with_another();

	assert_capacity(snapshot, 1000, 0, 600, 2); /* 400 MiB still to come; its vCPUs will be there */
	hn_sample_free(snapshot->guests[1].sample);
	snapshot->guests[1].sample = NULL;
	assert_capacity(snapshot, 1000, 0, 500, 2); /* not looked at yet: all of it */
}

/* 8 pages of 1 GiB are promised and 3 are free: the 2 that are here may stay, and what leaves makes room for
 * the 5 that are missing before it does for anybody else. */
static void what_is_missing_to_a_pools_promises_is_told(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 64 * 1024);
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;
	const uint64_t gib = 1024 * MIB;
	uint64_t missing;

	for (size_t node = 0; node < 2; node++) {
		snapshot->host->nodes[node].pool_count = 1;
		snapshot->host->nodes[node].pools[0] =
			(struct hn_page_pool){.page_bytes = gib, .total_pages = 16, .free_pages = 3};
	}
	scene_guest_on(snapshot, "g", 1, 2 * 1024, 1, 0);
	scene_guest(snapshot, "other");
	scene_cell(snapshot, 1, 8 * 1024, 1);
	scene_home(snapshot, 1, 0, 0);
	for (size_t i = 0; i < 2; i++)
		snapshot->guests[i].guest->cells[0].page_bytes = gib;
	capacity = hn_capacity_new(snapshot, 0, 0);
	assert_int_equal(hn_capacity_room(capacity, snapshot->host, 0, gib, &missing), 2 * gib);
	assert_int_equal(missing, 5 * gib);
	assert_int_equal(hn_capacity_room(capacity, snapshot->host, 1, gib, &missing), 3 * gib);
	assert_int_equal(missing, 0);
}

/* Pages on one node of their home stay there, as do those of a cell that was never divided: of 500 MiB over
 * two nodes the fifth that was never touched can still come to node 1, or a tenth that is on node 2. */
static void what_stays_on_another_node_of_its_home_is_not_promised(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 8, 1000);
	size_t other = 1;

	scene_guest(snapshot, "g");
	scene_cell(snapshot, 0, 10, 1);
	scene_guest_on(snapshot, "other", 1, 500, 2, 0);
	scene_home(snapshot, other, 0, 0);
	hn_set_add(&snapshot->guests[other].home->cells[0].nodes, 1);
	snapshot->guests[other].home->cells[0].bytes[0] = 250 * MIB;
	snapshot->guests[other].home->cells[0].bytes[1] = 250 * MIB;
	assert_capacity(snapshot, 1000, 1, 1000, 1);
	scene_pages(snapshot, other, 0, -1, 250);
	assert_capacity(snapshot, 1000, 1, 900, 1);
	scene_sample(snapshot, other);
	scene_pages(snapshot, other, 0, 0, 900);
	scene_pages(snapshot, other, 0, 2, 100);
	assert_capacity(snapshot, 1000, 1, 950, 1);
}

static void a_home_nobody_brings_it_to_promises_nothing(void **state)
{
	static const enum hn_mode modes[] = {HN_MODE_OBSERVE, HN_MODE_ADVISE};

	for (size_t i = 0; i < HN_COUNT(modes); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = with_another();

		snapshot->guests[1].guest->mode = modes[i];
		assert_capacity(snapshot, 1000, 2, 1000, 0); /* its vCPUs are where they were seen */
		snapshot->guests[1].moving = true;           /* but an operator's move is under way */
		assert_capacity(snapshot, 1000, 0, 600, 2);
	}
}

/* Whatever its mode: what it has not touched yet will be faulted in there. */
static void who_was_placed_by_a_home_will_grow_there(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = with_another();
	struct hn_guest_state *other = &snapshot->guests[1];

	other->guest->mode = HN_MODE_OBSERVE;
	other->promised = true;
	other->sample->cells[0].sampled += 250;
	other->sample->cells[0].absent += 250;
	assert_capacity(snapshot, 1000, 2, 900, 0); /* a fifth of its 500 MiB is still to come */
	hn_sample_free(hn_steal(other->sample));
	assert_capacity(snapshot, 1000, 0, 500, 2);
	other->promised = false;
	assert_capacity(snapshot, 1000, 0, 1000, 0);
}

static void a_guest_without_home_counts_where_it_runs(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = with_another();

	hn_placement_free(snapshot->guests[1].home);
	snapshot->guests[1].home = NULL;
	assert_capacity(snapshot, 1000, 2, 1000, 0);
	snapshot->guests[1].guest->mode = HN_MODE_OFF;
	assert_capacity(snapshot, 1000, 0, 1000, 0);
}

static void a_home_of_other_nodes_or_cells_counts_no_more(void **state)
{
	static const size_t sizes[][2] = {{1, 1}, {3, 1}, {2, 0}, {2, 2}, {7, 9}};

	for (size_t i = 0; i < HN_COUNT(sizes); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = with_another();

		hn_placement_free(snapshot->guests[1].home);
		snapshot->guests[1].home = hn_placement_new(sizes[i][0], sizes[i][1]);
		for (size_t cell = 0; cell < sizes[i][1]; cell++)
			snapshot->guests[1].home->cells[cell].bytes[0] = 700 * MIB;
		assert_capacity(snapshot, 1000, 2, 1000, 0);
	}
}

/* A split cell's 8 vCPUs follow its memory, 3 to 1. */
static void a_split_cell_counts_on_both_nodes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	size_t guest = scene_guest(snapshot, "g"), other;

	scene_cell(snapshot, guest, 10, 1);
	other = scene_guest(snapshot, "other");
	scene_cell(snapshot, other, 4000, 8);
	scene_home(snapshot, other, 0, 0);
	snapshot->guests[other].home->cells[0].bytes[0] = 3000 * MIB;
	snapshot->guests[other].home->cells[0].bytes[1] = 1000 * MIB;
	assert_capacity(snapshot, 1000, 6, 3000, 2);
}

/* Three of its four vCPUs are said to be on node 1, whatever its memory. */
static void a_split_cell_counts_as_its_home_says(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 4000);
	HN_AUTO(hn_capacity) struct hn_capacity *capacity = NULL;
	size_t asking = scene_guest(snapshot, "asking"), other = scene_guest(snapshot, "other");
	struct hn_cell_home *home;

	scene_cell(snapshot, asking, 100, 1);
	scene_cell(snapshot, other, 1000, 4);
	scene_home(snapshot, other, 0, 0);
	home = &snapshot->guests[other].home->cells[0];
	hn_set_add(&home->nodes, 1);
	home->bytes[0] = home->bytes[1] = 500 * MIB;
	home->vcpus[0] = 1;
	home->vcpus[1] = 3;
	capacity = hn_capacity_new(snapshot, asking, 0);
	assert_int_equal(capacity->nodes[0].others_vcpus, 1);
	assert_int_equal(capacity->nodes[1].others_vcpus, 3);
}

static void a_cell_without_memory_counts_where_it_lives(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 1000);
	size_t guest = scene_guest(snapshot, "g"), other;

	scene_cell(snapshot, guest, 10, 1);
	other = scene_guest(snapshot, "other");
	scene_cell(snapshot, other, 0, 4);
	scene_home(snapshot, other, 0, 1);
	assert_capacity(snapshot, 1000, 0, 1000, 4);
	hn_set_add(&snapshot->guests[other].home->cells[0].nodes, 0);
	assert_capacity(snapshot, 1000, 2, 1000, 2);
}

static void its_own_home_and_load_are_not_others(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	size_t guest = scene_guest_on(snapshot, "g", 1, 100, 2, 0);

	scene_home(snapshot, guest, 0, 1);
	assert_capacity(snapshot, 1100, 0, 1000, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(isolated_cpus_are_for_realtime_only),
		cmocka_unit_test(room_is_what_is_there_and_what_is_free),
		cmocka_unit_test(hidden_pages_lie_as_the_others_do),
		cmocka_unit_test(a_cell_that_is_wholly_there_is_wholly_counted),
		cmocka_unit_test(parts_never_make_more_than_the_whole),
		cmocka_unit_test(what_is_missing_to_what_must_stay_free_is_told),
		cmocka_unit_test(what_cannot_move_is_nobodys_room),
		cmocka_unit_test(nothing_sampled_is_nothing_there),
		cmocka_unit_test(what_another_has_still_to_receive_is_promised),
		cmocka_unit_test(what_is_missing_to_a_pools_promises_is_told),
		cmocka_unit_test(what_stays_on_another_node_of_its_home_is_not_promised),
		cmocka_unit_test(a_home_nobody_brings_it_to_promises_nothing),
		cmocka_unit_test(who_was_placed_by_a_home_will_grow_there),
		cmocka_unit_test(a_guest_without_home_counts_where_it_runs),
		cmocka_unit_test(a_home_of_other_nodes_or_cells_counts_no_more),
		cmocka_unit_test(a_split_cell_counts_on_both_nodes),
		cmocka_unit_test(a_split_cell_counts_as_its_home_says),
		cmocka_unit_test(a_cell_without_memory_counts_where_it_lives),
		cmocka_unit_test(its_own_home_and_load_are_not_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
