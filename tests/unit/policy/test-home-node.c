/* A home is kept while it is possible, and left when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/home-node.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 64 * MIB, .steps = 200000};

/* Node ids 0, 2, 4, 6; the guest's two cells of 400 MiB live on 2 and 4, its pages still are on 6. */
static struct hn_snapshot *at_home_on_2_and_4(void)
{
	struct hn_snapshot *snapshot = scene_new(4, 2, 1000);

	for (size_t i = 0; i < 4; i++)
		snapshot->host->nodes[i].id = (int)(2 * i);
	scene_guest_on(snapshot, "g", 2, 400, 2, 3);
	scene_home(snapshot, 0, 0, 1);
	scene_home(snapshot, 0, 1, 2);
	snapshot->guests[0].home->cost.parts[HN_COST_REMOTE] = 10;
	return snapshot;
}

static struct hn_placement *find(const struct hn_snapshot *snapshot)
{
	struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	if (hn_home_node_find(snapshot, 0, &limits, &placement, &err) < 0)
		fail_msg("%s", err.message);
	return placement;
}

static void assert_kept(const struct hn_snapshot *snapshot, bool kept)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = find(snapshot);

	assert_int_equal(hn_placement_equal(placement, snapshot->guests[0].home), kept);
}

static void a_guest_without_home_gets_what_the_solver_finds(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL, *solved = NULL;
	struct hn_error err = {0};

	hn_placement_free(hn_steal(snapshot->guests[0].home));
	placement = find(snapshot);
	assert_int_equal(hn_solve(snapshot, 0, &limits, &solved, &err), 0);
	assert_true(hn_placement_equal(placement, solved));
}

/* Elsewhere would be better: its pages are there, its cells could be together, a pair is nearer. */
static void a_home_is_kept_though_another_would_be_better(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	assert_kept(snapshot, true);
	scene_distance(snapshot, 0, 3, 11);
	scene_distance(snapshot, 1, 2, 40);
	assert_kept(snapshot, true);
	scene_guest_on(snapshot, "busy", 1, 1, 9, 1);
	assert_kept(snapshot, true);
}

static void a_home_is_left_when_its_node_has_gone(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_host *smaller = hn_host_new("smaller", 3, 6);

	for (size_t i = 0; i < 3; i++) /* 0, 2 and 6 are left */
		smaller->nodes[i] = snapshot->host->nodes[i == 2 ? 3 : i];
	for (size_t i = 0; i < 6; i++)
		smaller->cpus[i] = snapshot->host->cpus[i < 4 ? i : i + 2];
	hn_host_free(snapshot->host);
	snapshot->host = smaller;
	hn_sample_free(hn_steal(snapshot->guests[0].sample));
	placement = find(snapshot);
	assert_int_equal(placement->node_count, 3);
	for (size_t i = 0; i < 2; i++)
		assert_false(hn_set_has(&placement->cells[i].nodes, 4));
}

/* As many nodes as before, but others: what the home says of the third node is not about the third node now.
 */
static void a_home_is_left_when_its_node_is_allowed_no_more(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	struct hn_guest *guest = snapshot->guests[0].guest;

	hn_set_parse("2,4", &guest->allowed_nodes, NULL);
	assert_kept(snapshot, true);
	guest->cells[0].allowed_nodes = hn_set_of(4);
	assert_kept(snapshot, false);
	hn_set_clear(&guest->cells[0].allowed_nodes);
	assert_kept(snapshot, true);
	hn_set_parse("2,6", &guest->allowed_nodes, NULL);
	assert_kept(snapshot, false);
}

static void set_apart(struct hn_snapshot *snapshot, size_t guest, const char *group)
{
	snprintf(snapshot->guests[guest].guest->apart, sizeof(snapshot->guests[guest].guest->apart), "%s",
		 group);
}

/* They have lived together on node 2 so far, and one of them is to go; what cannot go stays. */
static void a_home_is_left_when_it_is_to_be_kept_apart(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t other = scene_guest_on(snapshot, "other", 1, 10, 1, 1);

	scene_home(snapshot, other, 0, 1);
	set_apart(snapshot, other, "ha");
	assert_kept(snapshot, true);
	set_apart(snapshot, 0, "other");
	assert_kept(snapshot, true);
	set_apart(snapshot, 0, "ha");
	assert_kept(snapshot, false);
	placement = find(snapshot);
	for (size_t cell = 0; cell < 2; cell++)
		assert_false(hn_set_has(&placement->cells[cell].nodes, 2));
	scene_home(snapshot, other, 0, 0);
	assert_kept(snapshot, true);
}

static struct hn_snapshot *two_to_be_kept_apart_on_node_0(void)
{
	struct hn_snapshot *snapshot = scene_new(2, 4, 1000);

	for (size_t i = 0; i < 2; i++) {
		scene_guest_on(snapshot, i ? "other" : "g", 1, 100, 1, 0);
		scene_home(snapshot, i, 0, 0);
		set_apart(snapshot, i, "ha");
	}
	return snapshot;
}

/* The only other node is not allowed, or has no room: better together than not looked after. */
static void a_home_is_shared_where_there_is_none_apart(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = two_to_be_kept_apart_on_node_0();

	snapshot->guests[0].guest->allowed_nodes = hn_set_of(snapshot->host->nodes[0].id);
	assert_kept(snapshot, true);
	hn_set_clear(&snapshot->guests[0].guest->allowed_nodes);
	snapshot->host->nodes[1].free_bytes = limits.keep_free_bytes;
	assert_kept(snapshot, true);
}

static void what_cannot_move_stays_with_whom_it_is_to_be_kept_apart_from(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = two_to_be_kept_apart_on_node_0();

	assert_kept(snapshot, false);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	assert_kept(snapshot, true);
}

static void a_home_is_left_when_its_node_is_another(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	snapshot->host->nodes[2].id = 5;
	placement = find(snapshot);
	for (size_t i = 0; i < 2; i++)
		HN_SET_FOREACH (id, &placement->cells[i].nodes) {
			int node = hn_host_node_index(snapshot->host, id);

			assert_true(node >= 0);
			assert_int_equal(placement->cells[i].bytes[node], 400 * MIB);
		}
}

static void a_home_is_left_when_its_node_has_no_cpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	scene_isolate(snapshot, 2);
	assert_kept(snapshot, true);
	scene_isolate(snapshot, 3);
	assert_kept(snapshot, false);
}

/* The same nodes with what the cells have now. */
static void assert_resized(const struct hn_snapshot *snapshot)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = find(snapshot);
	const struct hn_guest_state *state = &snapshot->guests[0];

	for (size_t cell = 0; cell < placement->cell_count; cell++) {
		uint64_t bytes = 0;

		assert_true(hn_set_equal(&placement->cells[cell].nodes, &state->home->cells[cell].nodes));
		for (size_t node = 0; node < placement->node_count; node++)
			bytes += placement->cells[cell].bytes[node];
		assert_int_equal(bytes, state->guest->cells[cell].memory_bytes);
	}
}

static void a_home_grows_with_its_cell(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	snapshot->guests[0].guest->cells[1].memory_bytes += MIB;
	assert_resized(snapshot);
	snapshot->guests[0].guest->cells[1].memory_bytes = 936 * MIB; /* all but what is kept free */
	assert_resized(snapshot);
}

static void a_home_is_left_when_a_cell_has_outgrown_it(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	snapshot->guests[0].guest->cells[1].memory_bytes += 200 * MIB;
	scene_free_mib(snapshot, 2, 500);
	placement = find(snapshot);
	assert_false(hn_set_has(&placement->cells[1].nodes, 4));
}

/* 100 GB would be moved for a vCPU too many, which nobody has minded until a DIMM came. */
static void a_guest_that_grows_stays_on_a_crowded_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 256000);

	scene_guest_on(snapshot, "g", 1, 100000, 4, 0);
	scene_home(snapshot, 0, 0, 0);
	scene_guest_on(snapshot, "other", 1, 1000, 5, 0);
	scene_home(snapshot, 1, 0, 0);
	scene_free_mib(snapshot, 0, 150000);
	assert_resized(snapshot);
	snapshot->guests[0].guest->cells[0].memory_bytes += 1024 * MIB;
	snapshot->guests[0].guest->backends[0].bytes += 1024 * MIB;
	assert_resized(snapshot);
}

/* Whole pages, in the parts that it had. */
static void a_split_cell_grows_in_its_parts(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 3000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_cell_home *home;

	scene_guest_on(snapshot, "g", 1, 400, 4, 0);
	scene_home(snapshot, 0, 0, 0);
	home = &snapshot->guests[0].home->cells[0];
	hn_set_add(&home->nodes, 2);
	home->bytes[0] = 300 * MIB;
	home->bytes[2] = 100 * MIB;
	snapshot->guests[0].guest->cells[0].memory_bytes += MIB;
	assert_resized(snapshot);
	placement = find(snapshot);
	assert_int_equal(placement->cells[0].bytes[0], 300 * MIB + MIB * 3 / 4);
	snapshot->guests[0].guest->cells[0].memory_bytes += 4096;
	assert_resized(snapshot);
	hn_placement_free(hn_steal(placement));
	placement = find(snapshot);
	assert_int_equal(placement->cells[0].bytes[0] % 4096, 0);
}

/* Half and half on two full nodes: samples lean to one of them, and nothing is brought from the one to the
 * other. A tenth that is on neither is another matter. */
static void a_split_home_is_kept_however_the_sample_leans(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 1000);
	struct hn_cell_home *home;

	scene_guest_on(snapshot, "g", 1, 400, 4, 0);
	scene_home(snapshot, 0, 0, 0);
	home = &snapshot->guests[0].home->cells[0];
	hn_set_add(&home->nodes, 2);
	home->bytes[0] = home->bytes[2] = 200 * MIB;
	scene_free_mib(snapshot, 0, 0);
	scene_free_mib(snapshot, 2, 0);
	for (uint64_t strays = 0; strays <= 100; strays += 100) {
		scene_sample(snapshot, 0);
		scene_pages(snapshot, 0, 0, 0, 520);
		scene_pages(snapshot, 0, 0, 2, 480 - strays);
		scene_pages(snapshot, 0, 0, 1, strays);
		assert_kept(snapshot, strays == 0);
	}
}

/* And promises it no more room than it can use. */
static void a_home_is_kept_when_a_cell_has_shrunk(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	snapshot->guests[0].guest->cells[1].memory_bytes -= 100 * MIB;
	assert_resized(snapshot);
}

static void a_home_of_other_cells_is_left(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	snapshot->guests[0].guest->cells[1].id = 7;
	snapshot->guests[0].guest->backends[1].cell = 7;
	assert_kept(snapshot, false);
	snapshot->guests[0].guest->cells[1].id = 1;
	scene_cell(snapshot, 0, 10, 1);
	scene_sample(snapshot, 0);
	assert_kept(snapshot, false);
}

/* 464 MiB free of what must stay free are just enough for 400. */
static void a_home_is_left_when_the_memory_has_gone(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	scene_free_mib(snapshot, 1, 464);
	assert_kept(snapshot, true);
	scene_free_mib(snapshot, 1, 400);
	assert_kept(snapshot, false);
}

static void what_is_there_already_needs_no_room(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 1, 1000);
	scene_pages(snapshot, 0, 1, 2, 1000);
	for (size_t i = 0; i < 4; i++)
		scene_free_mib(snapshot, i, 0);
	assert_kept(snapshot, true);
}

/* Few strays and no room for them: moving the guest for that would be absurd. A tenth is another matter. */
static void strays_without_room_are_no_reason_to_leave(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	for (int strays = 10; strays <= 100; strays += 90) {
		scene_sample(snapshot, 0);
		scene_pages(snapshot, 0, 0, 1, 1000 - (uint64_t)strays);
		scene_pages(snapshot, 0, 0, 3, (uint64_t)strays);
		scene_pages(snapshot, 0, 1, 2, 1000);
		scene_free_mib(snapshot, 1, 0);
		assert_kept(snapshot, strays == 10);
	}
}

/* The kernel tells of 300 pages in 1000, all at home: the rest is there too as far as anybody knows. */
static void hidden_pages_are_no_reason_to_leave(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();

	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 1, 300);
	scene_pages(snapshot, 0, 0, -2, 700);
	scene_pages(snapshot, 0, 1, 2, 1000);
	scene_free_mib(snapshot, 1, 0);
	assert_kept(snapshot, true);
}

static void a_promise_to_another_takes_the_memory(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	size_t other = scene_guest(snapshot, "other");

	scene_cell(snapshot, other, 600, 1);
	scene_home(snapshot, other, 0, 1);
	assert_kept(snapshot, false);
	snapshot->guests[other].guest->mode = HN_MODE_ADVISE;
	assert_kept(snapshot, true);
}

/* Two nodes with that many free pages of 1 GiB each, and what is free besides; a guest of 8 of these pages
 * that lives on node 0. */
static struct hn_snapshot *on_large_pages(uint64_t on_0, uint64_t on_1, uint64_t base_mib)
{
	const uint64_t free_pages[] = {on_0, on_1};
	struct hn_snapshot *snapshot = scene_new(2, 8, 64 * 1024);

	for (size_t node = 0; node < 2; node++) {
		struct hn_node *model = &snapshot->host->nodes[node];

		model->pool_count = 1;
		model->pools[0] = (struct hn_page_pool){
			.page_bytes = 1024 * MIB, .total_pages = 60, .free_pages = free_pages[node]};
		scene_free_mib(snapshot, node, base_mib);
	}
	scene_guest_on(snapshot, "g", 1, 8 * 1024, 4, 0);
	snapshot->guests[0].guest->cells[0].page_bytes = 1024 * MIB;
	scene_home(snapshot, 0, 0, 0);
	return snapshot;
}

static void put_pages(struct hn_snapshot *snapshot, uint64_t on_0, uint64_t on_1)
{
	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, 0, on_0);
	scene_pages(snapshot, 0, 0, 1, on_1);
	scene_threads(snapshot, 0, -1, 1);
}

/* Base memory is none for large pages: vCPUs bound to that home would wait for their memory for ever. */
static void a_home_is_left_when_its_pool_is_used_up(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = on_large_pages(0, 12, 30 * 1024);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	assert_kept(snapshot, true); /* all of it is there already */
	put_pages(snapshot, 0, 1000);
	placement = find(snapshot);
	assert_true(hn_set_has(&placement->cells[0].nodes, 1));
	snapshot->host->nodes[0].pools[0].free_pages = 8;
	assert_kept(snapshot, true);
}

/* As on hosts where nearly all memory is in pools. */
static void large_pages_need_no_base_memory(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = on_large_pages(50, 50, 100);

	put_pages(snapshot, 400, 600);
	assert_kept(snapshot, true);
}

/* Pools have no room, base memory has, and the other way round: each cell needs that of its own pages. */
static void every_page_size_needs_room_of_its_own(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = on_large_pages(8, 8, 1200);

	scene_cell(snapshot, 0, 1000, 1);
	put_pages(snapshot, 0, 1000);
	scene_pages(snapshot, 0, 1, 1, 1000);
	hn_placement_free(hn_steal(snapshot->guests[0].home));
	scene_home(snapshot, 0, 0, 0);
	scene_home(snapshot, 0, 1, 0);
	assert_kept(snapshot, true);
	scene_free_mib(snapshot, 0, 900);
	assert_kept(snapshot, false);
	scene_free_mib(snapshot, 0, 1200);
	snapshot->host->nodes[0].pools[0].free_pages = 7;
	assert_kept(snapshot, false);
}

/*
 * Half and half on two nodes, for ever: samples lean now to the one, now to the other, and what the guest's
 * threads are bound to must not.
 */
static void what_cannot_move_does_not_change_its_home_with_the_sample(void **state)
{
	for (size_t home = 0; home < 2; home++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 1000);
		size_t guest = scene_guest(snapshot, "g");
		struct hn_random random = {91};

		for (size_t node = 0; node < 2; node++)
			scene_free_mib(snapshot, node, 0); /* it needs none */
		scene_cell(snapshot, guest, 800, 2);
		snapshot->guests[guest].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
		scene_sample(snapshot, guest);
		scene_pages(snapshot, guest, 0, (int)home, 510);
		scene_pages(snapshot, guest, 0, 1 - (int)home, 490);
		snapshot->guests[guest].home = find(snapshot);
		for (int round = 0; round < 100; round++) {
			uint64_t at_home = 470 + hn_random_below(&random, 61);
			struct hn_placement *found;

			scene_sample(snapshot, guest);
			scene_pages(snapshot, guest, 0, (int)home, at_home);
			scene_pages(snapshot, guest, 0, 1 - (int)home, 1000 - at_home);
			found = find(snapshot);
			assert_true(hn_set_has(&found->cells[0].nodes, (int)home));
			hn_placement_free(snapshot->guests[guest].home);
			snapshot->guests[guest].home = found;
		}
	}
}

/* Looked at while it booted, it had a few pages on node 0; then it filled up on node 1 and was pinned. */
static void what_cannot_move_is_followed_when_most_is_elsewhere(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 800, 2);
	snapshot->guests[guest].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 50);
	scene_pages(snapshot, guest, 0, -1, 950);
	snapshot->guests[guest].home = find(snapshot);
	assert_true(hn_set_has(&snapshot->guests[guest].home->cells[0].nodes, 0));
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 50);
	scene_pages(snapshot, guest, 0, 1, 950);
	placement = find(snapshot);
	assert_true(hn_set_has(&placement->cells[0].nodes, 1));
}

static void no_room_anywhere_is_an_error(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = at_home_on_2_and_4();
	struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	scene_sample(snapshot, 0);
	scene_pages(snapshot, 0, 0, -1, 1000);
	scene_pages(snapshot, 0, 1, -1, 1000);
	snapshot->guests[0].guest->cells[0].memory_bytes += 4000 * MIB;
	assert_int_equal(hn_home_node_find(snapshot, 0, &limits, &placement, &err), -ENOSPC);
	assert_null(placement);
	assert_non_null(strstr(err.message, "memory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_without_home_gets_what_the_solver_finds),
		cmocka_unit_test(a_home_is_kept_though_another_would_be_better),
		cmocka_unit_test(a_home_is_left_when_its_node_has_gone),
		cmocka_unit_test(a_home_is_left_when_its_node_is_allowed_no_more),
		cmocka_unit_test(a_home_is_left_when_it_is_to_be_kept_apart),
		cmocka_unit_test(a_home_is_shared_where_there_is_none_apart),
		cmocka_unit_test(what_cannot_move_stays_with_whom_it_is_to_be_kept_apart_from),
		cmocka_unit_test(a_home_is_left_when_its_node_is_another),
		cmocka_unit_test(a_home_is_left_when_its_node_has_no_cpus),
		cmocka_unit_test(a_home_grows_with_its_cell),
		cmocka_unit_test(a_home_is_left_when_a_cell_has_outgrown_it),
		cmocka_unit_test(a_guest_that_grows_stays_on_a_crowded_node),
		cmocka_unit_test(a_split_cell_grows_in_its_parts),
		cmocka_unit_test(a_split_home_is_kept_however_the_sample_leans),
		cmocka_unit_test(a_home_is_kept_when_a_cell_has_shrunk),
		cmocka_unit_test(a_home_of_other_cells_is_left),
		cmocka_unit_test(a_home_is_left_when_the_memory_has_gone),
		cmocka_unit_test(what_is_there_already_needs_no_room),
		cmocka_unit_test(strays_without_room_are_no_reason_to_leave),
		cmocka_unit_test(hidden_pages_are_no_reason_to_leave),
		cmocka_unit_test(a_promise_to_another_takes_the_memory),
		cmocka_unit_test(a_home_is_left_when_its_pool_is_used_up),
		cmocka_unit_test(large_pages_need_no_base_memory),
		cmocka_unit_test(every_page_size_needs_room_of_its_own),
		cmocka_unit_test(what_cannot_move_does_not_change_its_home_with_the_sample),
		cmocka_unit_test(what_cannot_move_is_followed_when_most_is_elsewhere),
		cmocka_unit_test(no_room_anywhere_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
