/* A node begins to drain while memory is on its way there, and is empty when what was there has arrived. */
#include "daemon/draining.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/arrival.h"
#include "daemon/decision.h"
#include "daemon/operation.h"
#include "scene.h"

#define BYTES (256 * HN_MIB)

static void drain(struct scene *scene, size_t node)
{
	struct hn_snapshot snapshot;
	struct hn_drain plan;
	struct hn_error err;
	unsigned begun;

	assert_int_equal(hn_draining_plan(&scene->service, node, &plan, &snapshot, &err), 0);
	assert_int_equal(hn_draining_begin(&scene->service, node, &plan, &snapshot, &begun, &err), 0);
	hn_drain_done(&plan);
	free(snapshot.guests);
	if (snapshot.host != scene->service.host)
		hn_host_free(snapshot.host);
}

/* Its thread runs on another node than its memory is on, and it is to follow. */
static void send(struct scene_guest *guest, size_t node)
{
	struct hn_plan *plan = NULL;
	struct hn_error err;

	scene_put_thread(guest, node);
	scene_look(guest);
	assert_int_equal(hn_decision_now(&guest->managed, &plan, &err), 0);
	assert_int_equal(plan->verdict, HN_VERDICT_ACT);
	assert_int_equal(hn_decision_act(&guest->managed, plan, &err), 0);
}

static bool first_moves(const struct scene *scene)
{
	return scene->guests[0]->managed.operation.moved_bytes > 0;
}

/* The one that moves stops midway, the one that waits for its turn does not begin, and who goes elsewhere
 * goes on. What has arrived is brought away by the next look. */
static void what_is_on_its_way_is_stopped(void **state)
{
	struct scene *scene = scene_new(3);
	struct scene_guest *moving = scene_add(scene, "moving", 0, BYTES);
	struct scene_guest *waiting = scene_add(scene, "waiting", 0, BYTES);
	struct scene_guest *other = scene_add(scene, "other", 0, BYTES);
	uint64_t arrived;

	send(moving, 1);
	scene_wait(scene, first_moves);
	send(waiting, 1);
	send(other, 2);
	drain(scene, 1);
	scene_wait(scene, scene_is_idle);
	assert_int_equal(moving->managed.operation.state, HN_OPERATION_CANCELLED);
	assert_string_equal(moving->managed.operation.message, "stopped, as node 1 is drained");
	assert_int_equal(waiting->managed.operation.state, HN_OPERATION_CANCELLED);
	assert_int_equal(other->managed.operation.state, HN_OPERATION_DONE);
	arrived = moving->memory->on_node[1];
	assert_true(arrived > 0 && arrived < BYTES);
	assert_int_equal(moving->managed.operation.moved_bytes, arrived);
	assert_int_equal(waiting->memory->on_node[0], BYTES);

	scene_look(moving);
	hn_decision_take(&moving->managed);
	assert_non_null(moving->managed.running);
	scene_wait(scene, scene_is_idle);
	assert_int_equal(moving->memory->on_node[1], 0);
	scene_free(scene);
}

/* A page that is being copied is on no node, and a guest may have only that one. */
static void a_node_is_not_empty_before_the_last_page_has_arrived(void **state)
{
	struct scene *scene = scene_new(3);
	struct scene_guest *guest = scene_add(scene, "one-page", 0, BYTES);
	struct hn_cell_sample *seen;

	drain(scene, 0);
	scene_wait(scene, first_moves);
	scene_put_thread(guest, 1);
	scene_look(guest);
	seen = &guest->managed.sample->cells[0];
	seen->on_node[0] = seen->on_node[1] = 0;
	seen->absent = seen->sampled;
	assert_false(hn_draining_is_empty(&scene->service, 0));
	assert_true(hn_draining_is_empty(&scene->service, 2));
	scene_wait(scene, scene_is_idle);
	assert_int_equal(guest->managed.operation.state, HN_OPERATION_DONE);
	scene_look(guest);
	assert_true(hn_draining_is_empty(&scene->service, 0));
	scene_free(scene);
}

static struct hn_reservation *promise(struct scene *scene, size_t node)
{
	struct hn_guest *guest = hn_guest_new("coming");
	struct hn_cell *cell = hn_guest_add_cell(guest, 0);
	struct hn_placement *home = hn_placement_new(scene->node_count, 1);
	struct hn_reservation *reservation;

	snprintf(guest->policy, sizeof(guest->policy), "home-node");
	cell->memory_bytes = home->cells[0].bytes[node] = BYTES;
	hn_set_add(&cell->vcpus, 0);
	home->cells[0].nodes = hn_set_of((int)node);
	reservation = hn_reservation_new(guest, home);
	reservation->asks_numad = true;
	reservation->numad_vcpus = 1;
	reservation->numad_mib = BYTES / HN_MIB;
	assert_int_equal(hn_reservations_put(&scene->service.reservations, reservation, NULL), 0);
	return reservation;
}

/* Nobody is told that the node is empty while a guest may start there, and numad's answer is another one. */
static void who_was_promised_room_there_is_promised_other_room(void **state)
{
	struct scene *scene = scene_new(3);
	struct hn_reservation *reservation = promise(scene, 1);
	struct hn_set answer;
	struct hn_error err;

	drain(scene, 1);
	assert_false(hn_draining_is_empty(&scene->service, 1));
	assert_true(hn_draining_is_empty(&scene->service, 2));
	assert_int_equal(hn_arrival_advise(&scene->service, 1, BYTES / HN_MIB, &answer, &err), 0);
	assert_false(hn_set_empty(&answer) || hn_set_has(&answer, 1));
	assert_true(hn_draining_is_empty(&scene->service, 1));
	assert_true(reservation->answered && reservation->promised);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_on_its_way_is_stopped),
		cmocka_unit_test(a_node_is_not_empty_before_the_last_page_has_arrived),
		cmocka_unit_test(who_was_promised_room_there_is_promised_other_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
