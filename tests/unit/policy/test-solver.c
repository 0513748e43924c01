/* Where guests should live, on hosts where it can be seen at a glance. See test-solver-exact.c for the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "policy/solver.h"
#include "scene.h"

static const struct hn_solver_limits limits = {.keep_free_bytes = 0, .steps = 200000};

static struct hn_placement *solve(const struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	if (hn_solve(snapshot, guest, &limits, &placement, &err) < 0)
		fail_msg("%s", err.message);
	return placement;
}

static void assert_refused(const struct hn_snapshot *snapshot, int code, const char *says)
{
	struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_solve(snapshot, 0, &limits, &placement, &err), code);
	assert_null(placement);
	if (!strstr(err.message, says))
		fail_msg("it is refused with \"%s\", not \"%s\"", err.message, says);
}

/* The only node id of a cell's home. */
static int node_of(const struct hn_placement *placement, size_t cell)
{
	assert_int_equal(hn_set_count(&placement->cells[cell].nodes), 1);
	return hn_set_next(&placement->cells[cell].nodes, 0);
}

static void memory_alone_decides_where_it_lies_already(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 4, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 2);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 2);
	assert_true(placement->proven);
	for (int i = 0; i < HN_COST_PARTS; i++)
		assert_int_equal(placement->cost.parts[i], 0);
	assert_int_equal(placement->cells[0].bytes[2], 1000 * MIB);
}

/* All memory on node 3, all threads on node 0, as the rig has it: two nodes, one of them node 3. */
static void a_misplaced_guest_keeps_one_cell_where_it_is(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_guest_on(snapshot, "g", 2, 400, 2, 3);
	scene_threads(snapshot, 0, -1, 0);
	placement = solve(snapshot, 0);
	assert_int_not_equal(node_of(placement, 0), node_of(placement, 1));
	assert_true(node_of(placement, 0) == 3 || node_of(placement, 1) == 3);
	assert_int_equal(placement->cost.parts[HN_COST_MIGRATE], 400);
	assert_int_equal(placement->cost.parts[HN_COST_REMOTE], 10);
}

static void the_near_pair_is_chosen(void **state)
{
	for (size_t a = 0; a < 4; a++) {
		for (size_t b = 0; b < a; b++) {
			HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 1000);
			HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
			struct hn_set pair = hn_set_of((int)a), nodes;

			for (size_t i = 0; i < 4; i++)
				for (size_t j = 0; j < i; j++)
					scene_distance(snapshot, i, j, 31);
			scene_distance(snapshot, a, b, 16);
			scene_guest_on(snapshot, "g", 2, 400, 2,
				       (a + 1) % 4 == b ? (b + 1) % 4 : (a + 1) % 4);
			placement = solve(snapshot, 0);
			hn_set_add(&pair, (int)b);
			nodes = hn_placement_nodes(placement);
			assert_true(hn_set_equal(&nodes, &pair));
			assert_int_equal(placement->cost.parts[HN_COST_REMOTE], 6);
		}
	}
}

static void cells_share_a_node_that_holds_both(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 500, 2);
	scene_cell(snapshot, guest, 500, 2);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), node_of(placement, 1));
	assert_int_equal(placement->cost.parts[HN_COST_REMOTE], 0);
}

/* 700, 200 and 500 MiB, one vCPU each, on nodes of 800, 600 and 300 MiB: only one way. */
static void cells_of_different_sizes_are_fitted_in(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 1, 800);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_free_mib(snapshot, 1, 600);
	scene_free_mib(snapshot, 2, 300);
	scene_cell(snapshot, guest, 200, 1);
	scene_cell(snapshot, guest, 700, 1);
	scene_cell(snapshot, guest, 500, 1);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 2);
	assert_int_equal(node_of(placement, 1), 0);
	assert_int_equal(node_of(placement, 2), 1);
	assert_int_equal(placement->cells[0].cell, 0);
	assert_int_equal(placement->cells[1].cell, 1);
}

static void others_load_is_avoided(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 0);
	scene_guest_on(snapshot, "busy", 1, 1, 3, 0);
	scene_guest_on(snapshot, "busier", 1, 1, 4, 1);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 2); /* 3 + 2 vCPUs are more than 4 CPUs, 1000 MiB or not */
	assert_int_equal(placement->cost.parts[HN_COST_CPU], 0);
	assert_int_equal(placement->cost.parts[HN_COST_MIGRATE], 1000);
}

/*
 * Both have most on node 1, which has room for one: who has its home there needs 400 of the 600 MiB free, and
 * leaves too little for the other's 400.
 */
static void two_guests_do_not_get_the_same_room(void **state)
{
	for (size_t first = 0; first < 2; first++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 8, 600);
		HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

		for (int i = 0; i < 2; i++) {
			size_t guest = scene_guest(snapshot, i ? "b" : "a");

			scene_cell(snapshot, guest, 700, 1);
			scene_sample(snapshot, guest);
			scene_pages(snapshot, guest, 0, 0, 200);
			scene_pages(snapshot, guest, 0, 1, 300);
			scene_pages(snapshot, guest, 0, -1, 500);
		}
		placement = solve(snapshot, first);
		assert_int_equal(node_of(placement, 0), 1);
		snapshot->guests[first].home = hn_steal(placement);
		placement = solve(snapshot, 1 - first);
		assert_int_equal(node_of(placement, 0), 0);
	}
}

static void memory_only_nodes_are_nobodys_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 1);
	scene_memory_only(snapshot, 1);
	scene_free_mib(snapshot, 0, 999);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 2);
	scene_memory_only(snapshot, 2);
	assert_refused(snapshot, -ENOSPC, "memory: cell 0 needs 1000 MiB");
}

static void memory_that_cannot_move_stays(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 2, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < i; j++)
			scene_distance(snapshot, i, j, 40);
	scene_distance(snapshot, 0, 1, 12);
	scene_guest_on(snapshot, "g", 2, 1000, 2, 2);
	placement = solve(snapshot, 0);
	assert_true(node_of(placement, 0) < 2 &&
		    node_of(placement, 1) < 2); /* the near pair, were they free */
	hn_placement_free(hn_steal(placement));
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 2);
	assert_true(placement->proven);
}

static void isolated_cpus_hold_realtime_only(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_isolate(snapshot, 0);
	scene_isolate(snapshot, 1);
	scene_guest_on(snapshot, "g", 1, 1000, 2, 0);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 1);
	hn_placement_free(hn_steal(placement));
	snapshot->guests[0].guest->class = HN_CLASS_REALTIME;
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 0);
	snapshot->guests[0].guest->class = HN_CLASS_DEDICATED;
	scene_isolate(snapshot, 2);
	scene_isolate(snapshot, 3);
	assert_refused(snapshot, -ENOSPC, "no node has both whole cores and memory");
}

/* Isolated CPUs of one node are too few: it is refused rather than spread over two nodes'. */
static void a_realtime_cell_stays_within_a_nodes_isolated_cpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_isolate(snapshot, 2);
	scene_isolate(snapshot, 3);
	scene_isolate(snapshot, 6);
	scene_isolate(snapshot, 7);
	scene_guest_on(snapshot, "rt", 1, 1000, 2, 0);
	snapshot->guests[0].guest->class = HN_CLASS_REALTIME;
	placement = solve(snapshot, 0);
	assert_int_equal(hn_set_count(&placement->cells[0].nodes), 1);
	hn_placement_free(hn_steal(placement));
	hn_set_add(&snapshot->guests[0].guest->cells[0].vcpus, 2);
	assert_refused(snapshot, -ENOSPC, "3 isolated cores of one node");
	snapshot->guests[0].guest->class = HN_CLASS_SHARED; /* such a guest fits beside them */
	placement = solve(snapshot, 0);
}

/* Memory of which nothing is known holds its vCPUs as pinned memory does. */
static void unknown_memory_is_not_left(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_guest_on(snapshot, "g", 1, 1000, 2, 1);
	snapshot->guests[0].guest->backends[0].movability = HN_IMMOVABLE_UNKNOWN;
	scene_distance(snapshot, 0, 1, 40);
	hn_host_add_device(snapshot->host, "0000:01:00.0")->node = 0;
	assert_int_equal(hn_guest_add_device(snapshot->guests[0].guest, "0000:01:00.0"), 0);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 1);
	hn_placement_free(hn_steal(placement));
	snapshot->guests[0].guest->backends[0].movability = HN_MOVABLE;
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 0); /* to its device, once a page has moved */
}

/* 3500 MiB on nodes of 1000: all four, each filled but not beyond, and vCPUs beside. */
/* Node 1 has isolated CPUs only: no home of a shared guest, also for a cell that has no vCPU to put there. */
static void a_node_without_cpus_for_its_class_is_no_home(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 1000);
	size_t guest = scene_guest(snapshot, "g");
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_error err = {0};
	struct hn_cost cost;

	scene_isolate(snapshot, 2);
	scene_isolate(snapshot, 3);
	scene_cell(snapshot, guest, 400, 1);
	scene_cell(snapshot, guest, 400, 0);
	placement = solve(snapshot, guest);
	assert_int_equal(node_of(placement, 0), 0);
	assert_int_equal(node_of(placement, 1), 0);
	assert_int_equal(hn_solver_cost(snapshot, guest, &limits, placement, &cost, &err), 0);
	placement->cells[1].nodes = hn_set_of(1);
	placement->cells[1].bytes[1] = placement->cells[1].bytes[0];
	placement->cells[1].bytes[0] = 0;
	assert_int_equal(hn_solver_cost(snapshot, guest, &limits, placement, &cost, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "cell 1 may not be on node 1"));
}

static void a_cell_wider_than_any_node_is_split(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");
	uint64_t sum = 0;

	scene_cell(snapshot, guest, 3500, 8);
	placement = solve(snapshot, 0);
	assert_false(placement->proven);
	assert_int_equal(hn_set_count(&placement->cells[0].nodes), 4);
	for (size_t node = 0; node < 4; node++) {
		assert_true(placement->cells[0].bytes[node] <= 1000 * MIB);
		sum += placement->cells[0].bytes[node];
	}
	assert_int_equal(sum, 3500 * MIB);
	assert_int_equal(placement->cost.parts[HN_COST_REMOTE], 6 * 10); /* six pairs of nodes */
}

/*
 * A chain of nodes: 0 and 1, 1 and 2 are 10 above local apart, 0 and 2 are 20. A cell of 2500 MiB takes all
 * three; the small one is best off in the middle: (10 + 0 + 10) / 3 away from it, rounded up. The split one
 * is 10 + 10 + 20 in itself.
 */
static void a_split_cell_is_as_far_as_its_parts_are_on_average(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_distance(snapshot, 0, 2, 30);
	scene_cell(snapshot, guest, 2500, 3);
	scene_cell(snapshot, guest, 100, 1);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 1), 1);
	assert_int_equal(placement->cost.parts[HN_COST_REMOTE], 40 + 7);
}

/* The near pair 2-3 of four takes a cell that needs two nodes. */
static void a_split_cell_gets_near_nodes(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(4, 2, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_set pair = hn_set_of(2);

	scene_distance(snapshot, 2, 3, 12);
	hn_set_add(&pair, 3);
	scene_cell(snapshot, guest, 1800, 4);
	placement = solve(snapshot, 0);
	assert_true(hn_set_equal(&placement->cells[0].nodes, &pair));
	assert_int_equal(placement->cost.parts[HN_COST_REMOTE], 2);
}

/* 12 vCPUs in three cells on 2 x 2 CPUs: three times the CPUs is the least that takes them, two cells on one
 * node. */
static void more_vcpus_than_cpus_are_spread(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");
	unsigned on_first = 0;

	for (int i = 0; i < 3; i++)
		scene_cell(snapshot, guest, 100, i ? 3 : 6);
	placement = solve(snapshot, 0);
	for (size_t i = 0; i < 3; i++)
		on_first += node_of(placement, i) == node_of(placement, 0) ? (i ? 3 : 6) : 0;
	assert_int_equal(on_first, 6);
	assert_int_equal(placement->cost.parts[HN_COST_CPU], 2 * (6 - 2));
	assert_true(placement->proven);
}

/* Two nodes would seat its vCPUs, but one of them has no memory left: crowding all on the other is no answer.
 */
static void missing_memory_is_no_reason_to_crowd_vcpus(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 2, 1000);
	size_t guest = scene_guest(snapshot, "g");

	scene_free_mib(snapshot, 0, 0);
	scene_cell(snapshot, guest, 300, 2);
	scene_cell(snapshot, guest, 300, 2);
	assert_refused(snapshot, -ENOSPC, "memory: ");
}

static void a_host_without_free_memory_is_told(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 4000);
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 100, 1);
	scene_free_mib(snapshot, 0, 0);
	scene_free_mib(snapshot, 1, 50);
	snapshot->host->nodes[1].id = 6;
	assert_refused(snapshot, -ENOSPC, "memory: cell 0 needs 100 MiB");
	assert_refused(snapshot, -ENOSPC, "node 6: 50 MiB");
}

static void cells_that_fit_one_by_one_only_are_told(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	size_t guest = scene_guest(snapshot, "g");

	for (int i = 0; i < 3; i++)
		scene_cell(snapshot, guest, 600, 1);
	assert_refused(snapshot, -ENOSPC, "not together");
	assert_refused(snapshot, -ENOSPC, "node 0: 1000 MiB, 4 CPUs; node 1: 1000 MiB, 4 CPUs)");
}

static void what_must_stay_free_is_not_planned_with(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 4, 1000);
	struct hn_solver_limits keeping = {.keep_free_bytes = 100 * MIB, .steps = 1000};
	size_t guest = scene_guest(snapshot, "g");
	struct hn_placement *placement = NULL;
	struct hn_error err = {0};

	scene_cell(snapshot, guest, 900, 1);
	assert_int_equal(hn_solve(snapshot, guest, &keeping, &placement, &err), 0);
	hn_placement_free(placement);
	snapshot->guests[guest].guest->cells[0].memory_bytes++;
	placement = NULL;
	assert_int_equal(hn_solve(snapshot, guest, &keeping, &placement, &err), -ENOSPC);
}

/*
 * Node 0 holds half a pinned cell, which has its home on node 1, and has 500 MiB free: 600 do not fit though
 * 500 of the guest's own memory lie there.
 */
static void memory_that_cannot_move_makes_no_room(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 4000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_distance(snapshot, 0, 1, 11);
	scene_free_mib(snapshot, 0, 500);
	scene_free_mib(snapshot, 1, 0);
	scene_cell(snapshot, guest, 1100, 1);
	scene_cell(snapshot, guest, 600, 1);
	scene_sample(snapshot, guest);
	scene_pages(snapshot, guest, 0, 0, 500);
	scene_pages(snapshot, guest, 0, 1, 600);
	scene_pages(snapshot, guest, 1, 2, 1000);
	snapshot->guests[guest].guest->backends[0].movability = HN_IMMOVABLE_PINNED;
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 1);
	assert_int_equal(node_of(placement, 1), 2); /* node 0 would be nearer */
}

static void a_guest_that_fills_its_node_stays(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;

	scene_guest_on(snapshot, "g", 1, 999, 2, 0);
	scene_free_mib(snapshot, 0, 0);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), 0);
}

/* As after a restart of the daemon on a host that is packed: no home is known, some strays are elsewhere. */
static void strays_do_not_drive_a_guest_from_a_full_node(void **state)
{
	for (uint64_t strays = 10; strays <= 20; strays += 10) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 4, 2000);
		HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
		size_t guest = scene_guest(snapshot, "g");

		scene_free_mib(snapshot, 0, 0);
		scene_cell(snapshot, guest, 1000, 2);
		scene_sample(snapshot, guest);
		scene_pages(snapshot, guest, 0, 0, 1000 - strays);
		scene_pages(snapshot, guest, 0, 1, strays);
		placement = solve(snapshot, 0);
		assert_int_equal(node_of(placement, 0), strays == 20); /* a 64th is 15 of 1000 */
	}
}

static void a_guest_without_cells_is_an_error(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(1, 4, 1000);

	scene_guest(snapshot, "the-guest");
	assert_refused(snapshot, -EINVAL, "'the-guest' has no cells");
}

static void cells_without_vcpus_or_memory_have_homes_too(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(2, 1, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 1000, 0);
	scene_cell(snapshot, guest, 0, 1);
	placement = solve(snapshot, 0);
	assert_int_equal(node_of(placement, 0), node_of(placement, 1));
	assert_true(placement->proven);
}

static void vcpus_alone_may_be_wider_than_a_node(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(3, 4, 1000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");

	scene_cell(snapshot, guest, 0, 10);
	placement = solve(snapshot, 0);
	assert_int_equal(hn_set_count(&placement->cells[0].nodes), 3);
	assert_int_equal(placement->cost.parts[HN_COST_CPU], 0);
}

static int vcpus_of(int cell)
{
	return cell < 8 ? 4 : 5 + cell % 2;
}

/*
 * 12 nodes of 8 CPUs; 8 cells of 4 vCPUs take 4 of them, and each of 9 of 5 or 6 vCPUs takes one: one more
 * than there are. All differ in size, so no search soon rules out that they fit at once the CPUs; at twice
 * the CPUs they do.
 */
static void cells_that_do_not_divide_into_the_cpus_share_them(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(12, 8, 64000);
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	size_t guest = scene_guest(snapshot, "g");
	struct hn_random random = {17};
	int vcpus[12] = {0};
	struct hn_error err = {0};
	struct hn_cost cost;

	for (size_t a = 0; a < 12; a++)
		for (size_t b = 0; b < a; b++)
			scene_distance(snapshot, a, b, 12 + (unsigned)hn_random_below(&random, 30));
	for (int i = 0; i < 17; i++)
		scene_cell(snapshot, guest, 900 + 25 * (uint64_t)i, vcpus_of(i));
	if (hn_solve(snapshot, guest, &limits, &placement, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t cell = 0; cell < 17; cell++)
		vcpus[hn_set_next(&placement->cells[cell].nodes, 0)] += vcpus_of((int)cell);
	for (size_t node = 0; node < 12; node++)
		assert_in_range(vcpus[node], 0, 16);
	assert_int_equal(hn_solver_cost(snapshot, guest, &limits, placement, &cost, &err), 0);
	assert_int_equal(hn_cost_compare(&cost, &placement->cost), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_alone_decides_where_it_lies_already),
		cmocka_unit_test(a_misplaced_guest_keeps_one_cell_where_it_is),
		cmocka_unit_test(the_near_pair_is_chosen),
		cmocka_unit_test(cells_share_a_node_that_holds_both),
		cmocka_unit_test(cells_of_different_sizes_are_fitted_in),
		cmocka_unit_test(others_load_is_avoided),
		cmocka_unit_test(two_guests_do_not_get_the_same_room),
		cmocka_unit_test(memory_only_nodes_are_nobodys_home),
		cmocka_unit_test(memory_that_cannot_move_stays),
		cmocka_unit_test(isolated_cpus_hold_realtime_only),
		cmocka_unit_test(a_realtime_cell_stays_within_a_nodes_isolated_cpus),
		cmocka_unit_test(unknown_memory_is_not_left),
		cmocka_unit_test(a_node_without_cpus_for_its_class_is_no_home),
		cmocka_unit_test(a_cell_wider_than_any_node_is_split),
		cmocka_unit_test(a_split_cell_is_as_far_as_its_parts_are_on_average),
		cmocka_unit_test(a_split_cell_gets_near_nodes),
		cmocka_unit_test(more_vcpus_than_cpus_are_spread),
		cmocka_unit_test(missing_memory_is_no_reason_to_crowd_vcpus),
		cmocka_unit_test(a_host_without_free_memory_is_told),
		cmocka_unit_test(cells_that_fit_one_by_one_only_are_told),
		cmocka_unit_test(what_must_stay_free_is_not_planned_with),
		cmocka_unit_test(memory_that_cannot_move_makes_no_room),
		cmocka_unit_test(a_guest_that_fills_its_node_stays),
		cmocka_unit_test(strays_do_not_drive_a_guest_from_a_full_node),
		cmocka_unit_test(a_guest_without_cells_is_an_error),
		cmocka_unit_test(cells_without_vcpus_or_memory_have_homes_too),
		cmocka_unit_test(vcpus_alone_may_be_wider_than_a_node),
		cmocka_unit_test(cells_that_do_not_divide_into_the_cpus_share_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
